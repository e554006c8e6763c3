"""Made-up records of a card, for the self-test of the results page: every kind of row that its sections know."""

from gpu.record import digest

HASHES = {"src/cuda/a.cu": "1"}


def steps(rounded):
    """Breakdown of a layer: phase -> step -> [ms, floor in ms, GFLOP, MB]."""
    forward = {"choose": [0.02, 0.01, 0, 1], "permute": [0.01, 0.005, 0, 1], "up_proj": [0.8, 0.6, 1, 1]}
    if rounded:
        forward = {"choose": [0.02, 0.01, 0, 1], "round": [0.015, 0.005, 0, 1], "permute": [0.009, 0.005, 0, 1],
                   "up_proj": [0.7, 0.5, 1, 1]}
    return {"forward": forward, "backward": {"d_act": [1.1, 0.0, 1, 1], "d_router": [0.1, 0.05, 1, 1]},
            "host_us": {"forward": [90.0, 9.0], "backward": [120.0, None]}}


def made_up_bench(origin):
    row = {"variant": "sonic", "phase": "total", "status": "ok", "reason": "", "ms": 3.0, "graph_ms": None,
           "tflops": 450.0, "dense_bound_tflops": 500.0, "peak_bytes": 2**30, "saved_bytes": 0,
           "samples": 4, "core_mhz": 1455.0}
    rows = [row, {**row, "phase": "forward", "ms": 1.0}, {**row, "variant": "dense_bound", "tflops": 500.0},
            {**row, "variant": "sonic+rounding", "ms": 2.5},
            {**row, "variant": "vanilla", "phase": None, "status": "skipped", "reason": "no memory"}]
    shape = {"shape": "small", **origin, "sources": digest(HASHES), "tokens": 4096, "command": "bench", "rows": rows,
             "gemm_ceiling_tflops": 700.0, "copy_ceiling_tbps": 3.0,
             "breakdown": {"sonic": steps(False), "sonic+rounding": steps(True)}}
    old = {**shape, "shape": "medium", "git_commit": "0f", "sources": "0"}
    del old["breakdown"]
    return {"device": "NVIDIA H200", "source_hashes": HASHES, "shapes": [shape, old]}


def made_up_original(origin):
    sonic = {"git_commit": origin["git_commit"], "git_dirty": False, "date": origin["date"], "runs": ["before", "after"],
             "command": "bench_moe_variants --config small", "noise": 0.01, "dense_ms": {"fwd": 1.0, "bwd": 2.0},
             "ms": {"fwd_call": 1.7, "fwd_graph": 1.6, "bwd_call": 2.5, "bwd_graph": None}}
    shape = {"shape": "small", "sizes": {"tokens": 4096}, "date": origin["date"], "versions": {"sonicmoe": "0.1"},
             "tuned": "well", "ms": {"fwd_eager": 2.5, "fwd_graph": 2.0, "bwd_eager": 4.0},
             "dense_ms": {"up": 0.6, "down": 0.4, "d_a": 0.5, "d_w_down": 0.5, "d_x": 1.0, "d_w_up": 1.0}, "sonic": sonic}
    other = {**shape, "shape": "medium", "note": "by hand", "ms": {**shape["ms"], "bwd_graph": 3.9},
             "sonic": {**sonic, "command": "bench_moe_variants --config medium", "runs": ["bench.json"], "noise": 0.08}}
    return {"device": origin["device"], "shapes": [shape, other]}


def made_up_sweeps(origin):
    def row(variant, tflops, **more):
        times = {"ms": 2.0, "graph_ms": 1.6, "noise": 0.01, "tflops": tflops}
        return {"variant": variant, "status": "ok", "reason": "", "samples": 5, **more,
                "phases": {"forward": times, "backward": times, "total": times}}

    skipped = {"variant": "dense_bound", "status": "skipped", "reason": "no memory", "phases": {}}
    shape = {"tokens": 1000, "hidden_dim": 64, "ffn_dim": 32, "num_experts": 40, "top_k": 8}
    group = {"name": "one", **origin, "copy_ceiling_tbps": 3.0, "gemm_ceiling_tflops": 700.0, "commands": ["sweep"]}
    plain = row("sonic", 400.0, used_experts=39, tile_waste={"128": 0.32, "64": 0.16}, breakdown=steps(False))
    rounded = row("sonic+rounding", 450.0, rounding={"tile": 128, "drop_rate": 0.021, "add_rate": 0.019},
                  breakdown=steps(True))
    points = {
        "rounding": [{**shape, "rows": [plain, rounded, skipped]},
                     {**shape, "num_experts": 80, "rows": [row("sonic", 300.0), row("sonic+rounding", 300.0)]}],
        "decode": [{**shape, "weight_bytes": 4.2e9, "rows": [plain]}],
        "awkward": [{**shape, "role": "awkward", "rows": [{**plain, "samples": 2}]},
                    {**shape, "num_experts": 32, "role": "friendly", "rows": [row("sonic", 500.0)]}],
    }
    return {"device": "NVIDIA H200", "sweeps": {sweep: [{**group, "points": p}] for sweep, p in points.items()}}
