"""The sweeps of docs/results.md: token rounding, decode, awkward sizes. Which commands they are, and the record that
is made of their runs. A group is what one line, panel or pair of the page stands on; a sweep is a list of groups.

Device time is scarce, so a group is as few processes as can be, and samples are few: 5 to 20 of each row after its
check, while the noise of the total is above 1 %.
"""

import json
import math
import os
import tempfile

from gpu import record as gpu_record

SAMPLES_PER_SECOND = 5  # of --seconds; the check before them comes on top
FIELDS = ("tokens", "hidden_dim", "ffn_dim", "num_experts", "top_k")

# (T, d, n, E, K), with all values of E: the sweeps of the SonicMoE paper (arXiv 2512.14080) over sparsity.
ROUNDING = [
    (16384, 1536, 256, (64, 128, 256, 512), 8),
    (16384, 1536, 1024, (16, 32, 64, 128), 2),
    (16384, 4096, 512, (64, 128, 256, 512), 8),
    (16384, 4096, 1024, (32, 64, 128, 256), 4),
]
DECODE = ("deepseek-v3", "qwen3-235b")
DECODE_TOKENS = "1,4,16,64,256,512"
# (awkward, friendly): sizes that tiles do not divide, beside the nearest that they do.
AWKWARD = [
    ((16384, 2880, 2880, 128, 4), (16384, 3072, 3072, 128, 4)),
    ((32768, 1000, 520, 64, 8), (32768, 1024, 512, 64, 8)),
    ((32768, 2048, 1032, 64, 8), (32768, 2048, 1024, 64, 8)),
    ((16384, 1024, 2688, 512, 22), (16384, 1024, 2560, 512, 16)),
    ((32768, 1536, 512, 40, 8), (32768, 1536, 512, 32, 8)),
    ((32768, 4096, 768, 72, 10), (32768, 4096, 768, 64, 8)),
    ((16384, 5120, 1536, 160, 6), (16384, 5120, 1536, 128, 6)),
    ((16384, 7168, 2048, 384, 8), (16384, 7168, 2048, 256, 8)),
]


def shape_flags(tokens, hidden_dim, ffn_dim, num_experts, top_k):
    """A layer of the paper's benchmark (SwiGLU, top-k then softmax, bf16) with these sizes."""
    sizes = zip(FIELDS, (tokens, hidden_dim, ffn_dim, num_experts, top_k))
    flags = [word for field, size in sizes for word in ("--" + field.replace("_", "-"), str(size))]
    return ["--config", "sonic-30b-n512", *flags]


def rounding_groups():
    for tokens, hidden_dim, ffn_dim, experts, top_k in ROUNDING:
        flags = shape_flags(tokens, hidden_dim, ffn_dim, ",".join(map(str, experts)), top_k)
        flags += ["--rounding", "nearest", "--tile", "128", "--baseline", "sonic", "--breakdown"]
        yield {
            "name": f"T = {tokens:,}, d = {hidden_dim:,}, n = {ffn_dim:,}, K = {top_k}",
            "commands": [flags + ["--variants", "sonic,sonic+rounding,dense_bound"]],
        }


def decode_groups():
    for config in DECODE:
        flags = ["--config", config, "--mode", "forward", "--tokens", DECODE_TOKENS, "--baseline", "sonic"]
        yield {"name": config, "commands": [flags + ["--variants", "sonic,grouped_gemm"]]}


def awkward_groups():
    tail = ["--baseline", "sonic", "--variants", "sonic,dense_bound"]
    for awkward, friendly in AWKWARD:
        differing = [i for i in range(len(FIELDS)) if awkward[i] != friendly[i]]
        if len(differing) == 1:  # one process sweeps over the field
            both = list(awkward)
            both[differing[0]] = f"{awkward[differing[0]]},{friendly[differing[0]]}"
            shapes = [both]
        else:
            shapes = [awkward, friendly]
        yield {
            "name": " / ".join(str(size) for size in awkward),
            "roles": ["awkward", "friendly"],
            "commands": [shape_flags(*shape) + tail for shape in shapes],
        }


SWEEPS = {"rounding": rounding_groups, "decode": decode_groups, "awkward": awkward_groups}


def sampling_flags(seconds):
    """Samples end by their number: the time cap counts the check too, whose time nobody knows beforehand."""
    return ["--max-time", f"{5 * seconds:.0f}", "--min-samples", "5",
            "--max-samples", str(max(5, round(SAMPLES_PER_SECOND * seconds)))]


def num_points(arguments):
    return math.prod(word.count(",") + 1 for flag, word in zip(arguments, arguments[1:]) if flag != "--variants")


def expected_seconds(group, seconds):
    return seconds * sum(map(num_points, group["commands"]))


def tile_waste(rows, tile):
    """Rows that tiles would add, as a fraction of the rows there are."""
    return sum(-(-count // tile) * tile for count in rows) / sum(rows) - 1 if sum(rows) else 0.0


def phase_numbers(row, mode):
    """Phase -> ms, as a graph too, and TFLOP/s of the credited pairs. Backward has twice forward's FLOP
    (docs/measurement.md), so those of a phase follow from the rate of the total."""
    flops = row["flops_per_s"] * row["total"]["median_s"]
    shares = {"forward": 1.0} if mode == "forward" else {"forward": 1 / 3, "backward": 2 / 3, "total": 1.0}
    numbers = {}
    for phase, share in shares.items():
        timing, graph = row[phase], row["graph_" + phase]
        numbers[phase] = {
            "ms": 1e3 * timing["median_s"],
            "graph_ms": 1e3 * graph["median_s"] if graph else None,
            "noise": timing["noise"],
            "tflops": 1e-12 * share * flops / timing["median_s"],
        }
    return numbers


def row_record(row, layer, mode):
    """What the page needs of one row of run.json."""
    record = {"variant": row["variant"], "status": row["status"], "reason": row["reason"], "phases": {}}
    if row["status"] != "ok" or row["total"] is None:
        return record
    record |= {
        "samples": len(row["total"]["samples_s"]),
        "core_mhz": row["core_mhz"],
        "executed_pairs": row["executed_pairs"],
        "credited_pairs": row["credited_pairs"],
        "phases": phase_numbers(row, mode),
    }
    if row["load"]:
        mean = row["executed_pairs"] / layer["num_experts"]
        rows = [round(mean * share) for share in row["load"]["utilization"]]
        record["used_experts"] = row["load"]["used_experts"]
        record["tile_waste"] = {str(tile): tile_waste(rows, tile) for tile in (128, 64)}
    if row["rounding"]:
        record["rounding"] = row["rounding"]
    if steps := gpu_record.breakdown(row):
        record["breakdown"] = steps
    return record


def weight_bytes(layer, used_experts):
    """Bytes of the expert weights that a forward pass has to read: touched experts and the shared one, not the router."""
    widths = used_experts * layer["ffn_dim"] + layer["shared"]["ffn_dim"]
    matrices = 3 if "glu" in layer["activation"] else 2
    return matrices * widths * layer["hidden_dim"] * (4 if layer["dtype"] == "fp32" else 2)


def points_of(run, roles=None):
    """Points of a run that have rows, with their shape, and their roles where the group has them."""
    points = []
    for index, measured in enumerate(run["points"] or [run]):
        model, layer = measured["model"], measured["model"]["layer"]
        rows = [row_record(row, layer, run["mode"]) for row in run["rows"] if row["point"] == index]
        if not rows:
            continue
        point = {"role": roles[index]} if roles else {}
        point |= {"tokens": model["batch_size"] * model["seq_len"], **{f: layer[f] for f in FIELDS[1:]},
                  "warnings": measured["warnings"], "rows": rows}
        used = [row["used_experts"] for row in rows if "used_experts" in row]
        if used:
            point["weight_bytes"] = weight_bytes(layer, used[0])
        points.append(point)
    return points


def measure_group(program, group, adapt, seconds):
    """Runs the commands of a group, each as `adapt` makes it. Returns its record and what went wrong; the record is None
    where nothing ran."""
    record, problems = None, []
    roles = list(group.get("roles", []))
    for arguments in group["commands"]:
        command = adapt(arguments) + sampling_flags(seconds)
        count = num_points(arguments)
        own_roles, roles = roles[:count], roles[count:]
        try:
            run = gpu_record.run_bench(program, command, 60 + count * 5 * seconds)
        except (RuntimeError, OSError) as error:
            problems.append(f"{group['name']}: {error}")
            continue
        if record is None:
            record = {"name": group["name"], **gpu_record.about(run),
                      "copy_ceiling_tbps": 1e-12 * run["copy_ceiling_bytes_per_s"],
                      "gemm_ceiling_tflops": 1e-12 * run["gemm_ceiling_flops_per_s"],
                      "commands": [], "points": []}
        record["commands"].append(" ".join(["bench_moe_variants", *command]))
        points = points_of(run, own_roles)
        record["points"] += points
        if len(points) < count:
            problems.append(f"{group['name']}: {len(points)} of {count} points were measured")
        problems += [f"{group['name']}, T={point['tokens']} E={point['num_experts']}, {row['variant']}: "
                     f"{row['status']}, {row['reason']}"
                     for point in points for row in point["rows"] if row["status"] != "ok"]
    return record, problems


def tiny(arguments):
    """The same command at sizes that a CPU takes in a second, to try the chain where there is no GPU."""
    values = {"--tokens": 512, "--hidden-dim": 64, "--ffn-dim": 64}
    out = []
    for flag, word in zip([None, *arguments], arguments):
        if "--dtype" in (flag, word):
            continue
        small = values.get(flag)
        out.append(word if small is None else ",".join(str(min(int(n), small)) for n in word.split(",")))
    for flag, value in values.items():
        if flag not in out:
            out += [flag, str(value)]
    return out + ["--dtype", "fp32", "--device", "cpu"]


def self_test():
    timing = lambda ms: {"samples_s": [1e-3 * ms] * 5, "median_s": 1e-3 * ms, "noise": 0.001}
    layer = {"hidden_dim": 100, "ffn_dim": 10, "num_experts": 4, "top_k": 2, "activation": "swiglu", "dtype": "bf16",
             "shared": {"ffn_dim": 20}}
    row = {"variant": "sonic", "point": 0, "status": "ok", "reason": "", "core_mhz": 1500, "executed_pairs": 400,
           "credited_pairs": 400, "forward": timing(1), "backward": timing(2), "total": timing(3),
           "graph_forward": timing(0.5), "graph_backward": None, "graph_total": None, "flops_per_s": 300e12,
           "load": {"used_experts": 3, "utilization": [2, 1.3, 0.7, 0]}, "rounding": None, "breakdown": None}
    run = {"mode": "forward_backward", "rows": [row], "points": [], "warnings": [],
           "model": {"batch_size": 2, "seq_len": 100, "layer": layer}}
    (point,) = points_of(run)
    (got,) = point["rows"]
    assert got["tile_waste"] == {"128": 640 / 400 - 1, "64": 576 / 400 - 1}, got  # 200, 130, 70, 0 rows
    assert round(got["phases"]["forward"]["tflops"]) == round(got["phases"]["backward"]["tflops"]) == 300
    assert got["phases"]["forward"]["graph_ms"] == 0.5 and got["phases"]["backward"]["graph_ms"] is None
    assert point["weight_bytes"] == 3 * (3 * 10 + 20) * 100 * 2 and point["tokens"] == 200
    (skipped,) = points_of({**run, "rows": [{**row, "status": "skipped", "reason": "no memory"}]})[0]["rows"]
    assert skipped["phases"] == {} and skipped["reason"] == "no memory"
    with tempfile.TemporaryDirectory() as folder:  # a run that died before its end
        path = os.path.join(folder, "run.json")
        for name, content in (("run.json", {**run, "rows": []}), ("points.jsonl", row)):
            with open(os.path.join(folder, name), "w") as file:
                json.dump(content, file)
        assert gpu_record.read_run(path) == run
    assert tiny(["--config", "a", "--dtype", "bf16", "--tokens", "1,4096"]) == [
        "--config", "a", "--tokens", "1,512", "--hidden-dim", "64", "--ffn-dim", "64", "--dtype", "fp32", "--device", "cpu"]
    counts = [num_points(c) for make in SWEEPS.values() for group in make() for c in group["commands"]]
    assert sum(counts) == 44, counts
    assert all(sum(map(num_points, group["commands"])) == 2 for group in awkward_groups())
