"""The shapes of docs/results.md: their commands, what they will take, and the record that is made of their runs.

Every row of a shape gets the same number of samples, 10 to 15, so a run's length is that number and not --max-time, which
only guards it: cut at a time, a large shape would be left with the samples that its checks had time for.
"""

import glob
import json
import os
import subprocess
import tempfile
import time

from gpu import record as gpu_record

# The twelve shapes of the SonicMoE paper, our own, and layers of published models, in the order of the page; T where
# the configuration's own does not fit a card of 80 GB.
SHAPES = {
    "sonic-1.4b-n256": [], "sonic-1.4b-n512": [], "sonic-1.4b-n1024": [],
    "sonic-7b-n256": [], "sonic-7b-n512": [], "sonic-7b-n1024": [],
    "sonic-30b-n256": [], "sonic-30b-n512": [], "sonic-30b-n1024": [],
    "sonic-120b-n512": [], "sonic-120b-n1024": [], "sonic-120b-n2048": [],
    "small": ["--dtype", "bf16"], "medium": [], "sparse": [],
    "qwen3-235b": [], "deepseek-v3": ["--tokens", "32768"], "large": ["--ep-rank", "1/8"],
}
# What is measured first, for where time is short: one shape of each kind, then the rest of the paper's.
BY_IMPORTANCE = (
    "sonic-7b-n256", "sonic-120b-n1024", "qwen3-235b", "deepseek-v3",
    "sonic-30b-n256", "sonic-30b-n512", "sonic-30b-n1024", "sonic-1.4b-n256", "sonic-1.4b-n512", "sonic-1.4b-n1024",
    "sonic-7b-n512", "sonic-7b-n1024", "medium", "small", "sparse", "sonic-120b-n2048", "sonic-120b-n512", "large",
)
# PyTorch's own rows, where the build has them: of these alone, for its loops are slow.
TORCH_ROWS = ("vanilla_torch", "torch_grouped_mm")
TORCH_SHAPES = ("small", "sonic-7b-n256", "sonic-120b-n1024", "qwen3-235b")

FEWEST_SAMPLES, MOST_SAMPLES = 10, 15
TURN_SAMPLES = 5  # on a GPU (src/measure/run/turn.cpp)
UNKNOWN_S = 30  # what a shape that nobody has timed must have left
SPARE_S = 15  # from the end of sampling, which --max-time decides, to that of the process


class Budget:
    """Time that is left, without end where there is no limit."""

    def __init__(self, seconds=None):
        self.end = None if seconds is None else time.monotonic() + seconds

    def left(self):
        return float("inf") if self.end is None else self.end - time.monotonic()


def available_torch_rows(program):
    listed = subprocess.run([program, "list", "variants"], capture_output=True, text=True, check=True).stdout.split()
    return [row for row in TORCH_ROWS if row in listed]


def on_gpu(arguments):
    return [*arguments, "--device", "cuda"]


def command_of(shape, torch_rows, seconds, adapt=on_gpu):
    command = ["--config", shape, *SHAPES[shape], "--breakdown", "--max-time", f"{seconds:.0f}",
               "--min-samples", str(FEWEST_SAMPLES), "--max-samples", str(MOST_SAMPLES)]
    if torch_rows and shape in TORCH_SHAPES:
        command += ["--variants", ",".join(["all", *torch_rows])]
    return adapt(command)


def seconds_from_rows(entry):
    """What a run like this took, from its times, for records that did not keep it. A turn is 100 ms or more of settling
    and five samples, six times so in dense_bound, and every graph is another pass. What comes before samples is the
    host's work, put at 2 s a row and 5 s for all."""
    total = 5.0
    for row in entry["rows"]:
        if row["phase"] != "total":
            continue
        one = 1e-3 * row["ms"]
        settling = 6 * 0.12 if row["variant"] == "dense_bound" else max(0.1, one)
        total += 2 + MOST_SAMPLES // TURN_SAMPLES * settling + MOST_SAMPLES * (2 if row["graph_ms"] else 1) * one
    return total


def expected_seconds(entry):
    return entry.get("seconds") or seconds_from_rows(entry)


def former_shapes(device=None, results=gpu_record.RESULTS):
    """Shape -> its latest entry in the records of any card; this card's, where it has one."""
    found = {}
    own = os.path.join(results, gpu_record.slug(device), "bench.json") if device else None
    for path in sorted(glob.glob(os.path.join(results, "*", "bench.json")), key=lambda path: path == own):
        with open(path) as file:
            found |= {entry["shape"]: entry for entry in json.load(file)["shapes"]}
    return found


def missing_shapes(device, results=gpu_record.RESULTS):
    """Those that this card's record lacks, or has of other kernels than these."""
    known = {entry["shape"]: entry for entry in gpu_record.load_record(device, "bench.json", results).get("shapes", [])}
    now = gpu_record.digest(gpu_record.source_hashes())
    return [shape for shape in SHAPES if known.get(shape, {}).get("sources") != now]


def plan_text(names, former):
    """A line for each shape, in the order of measuring."""
    lines, known_s, unknown = [], 0.0, 0
    for shape in sorted(names, key=BY_IMPORTANCE.index):
        entry = former.get(shape)
        if entry:
            known_s += expected_seconds(entry)
            lines.append(f"  {shape:18} {expected_seconds(entry):4.0f} s, by {entry['device']}, commit {entry['git_commit']}")
        else:
            unknown += 1
            lines.append(f"  {shape:18}    ? s, never measured")
    rest = f", and {unknown} that nobody has timed" if unknown else ""
    return "\n".join(["gpu_bench: the plan", *lines, f"gpu_bench: about {known_s:.0f} s in all{rest}"])


def shape_record(shape, command, run, seconds):
    return {
        "shape": shape,
        **gpu_record.about(run),
        "command": " ".join(["bench_moe_variants", *command]),
        "seconds": round(seconds, 1),
        "check_seconds": round(sum(row["check_s"] or 0 for row in run["rows"]), 1),
        "tokens": run["rows"][0]["tokens"],
        "gemm_ceiling_tflops": 1e-12 * run["gemm_ceiling_flops_per_s"],
        "copy_ceiling_tbps": 1e-12 * run["copy_ceiling_bytes_per_s"],
        "warnings": run["warnings"],
        "rows": gpu_record.bench_rows(run),
        "breakdown": {row["variant"]: steps for row in run["rows"] if (steps := gpu_record.breakdown(row))},
    }


def write_shape(entry, results=gpu_record.RESULTS):
    """Puts a shape in its place in the record of its card. Others stay as they are: each entry has its own commit and
    digest of sources, and the page says which are of other kernels."""
    device = entry["device"]
    shapes = {old["shape"]: old for old in gpu_record.load_record(device, "bench.json", results).get("shapes", [])}
    shapes[entry["shape"]] = entry
    return gpu_record.write_record(device, "bench.json", {
        "schema": "moe-gpu-bench/1",
        "device": device,
        "source_hashes": gpu_record.source_hashes(),
        "shapes": [shapes[name] for name in SHAPES if name in shapes],
    }, results)


def summary(entry):
    """What a shape's run was, in a line."""
    samples = [row["samples"] for row in entry["rows"] if row["phase"] == "total"]
    without = [f"{row['variant']} {row['status']}" for row in entry["rows"] if row["phase"] is None]
    count = f"{'-'.join(map(str, sorted({min(samples), max(samples)})))} samples" if samples else "no samples"
    times = f"{entry['shape']}: {entry['seconds']:.0f} s, {entry['check_seconds']:.0f} of them before samples"
    return ", ".join([times, count, *without])


def measure_shapes(program, names, seconds, budget, former, adapt=on_gpu, results=gpu_record.RESULTS):
    """Measures in the order of importance, as long as the time lasts. Returns the paths written, what went wrong, and
    the shapes that were left out."""
    paths, problems, left_out = [], [], []
    torch_rows = available_torch_rows(program)
    for shape in sorted(names, key=BY_IMPORTANCE.index):
        left = budget.left()
        if left < SPARE_S + (expected_seconds(former[shape]) if shape in former else UNKNOWN_S):
            left_out.append(shape)  # a shorter one may still fit
            continue
        command = command_of(shape, torch_rows, min(seconds, left - SPARE_S), adapt)
        begin = time.monotonic()
        try:
            run = gpu_record.run_bench(program, command, min(2 * seconds + 60, left))
            entry = shape_record(shape, command, run, time.monotonic() - begin)
            paths.append(write_shape(entry, results))
            print("gpu_bench:", summary(entry), flush=True)
        except RuntimeError as error:
            problems.append(f"{shape}: {error}")
    return paths, problems, left_out


def self_test():
    assert sorted(BY_IMPORTANCE) == sorted(SHAPES)
    command = " ".join(command_of("small", ["vanilla_torch"], 33.4))
    assert command == ("--config small --dtype bf16 --breakdown --max-time 33 --min-samples 10 --max-samples 15 "
                       "--variants all,vanilla_torch --device cuda"), command
    assert "--variants" not in command_of("medium", ["vanilla_torch"], 60)
    timing = {"median_s": 1e-3, "noise": 0.01, "samples_s": [1e-3] * 12}
    row = {"variant": "sonic", "status": "ok", "reason": "", "tokens": 4096, "bytes": {"saved": 1, "peak": 2},
           "core_mhz": 1500, "check_s": 2.5, "forward": timing, "backward": timing, "total": timing, "graph_forward": None,
           "graph_backward": None, "graph_total": timing, "dense_bound_flops_per_s": None, "dense_bound_fraction": None,
           "breakdown": {"steps": [{"phase": "forward", "step": "up_proj", "median_s": 1e-3, "floor_s": 5e-4, "flops": 1e9,
                                    "bytes": 1e6}]}}
    run = {"rows": [row, {**row, "variant": "vanilla", "status": "skipped", "total": None, "breakdown": None}],
           "model": {"name": "small"}, "warnings": [], "gemm_ceiling_flops_per_s": 7e14, "copy_ceiling_bytes_per_s": 3e12,
           "environment": {"device_name": "NVIDIA H200", "extra": {}, "gemm_library": "", "version": "", "git_commit": "1a",
                           "git_dirty": False}}
    entry = shape_record("small", ["--fast"], run, 12.34)
    assert entry["breakdown"] == {"sonic": {"forward": {"up_proj": [1.0, 0.5, 1.0, 1.0]},
                                           "host_us": {"forward": [None, None]}}}, entry
    assert summary(entry) == "small: 12 s, 5 of them before samples, 12 samples, vanilla skipped"
    assert expected_seconds(entry) == 12.3
    assert round(expected_seconds({**entry, "seconds": None}), 2) == round(5 + 2 + 3 * 0.1 + 15 * 2 * 0.001, 2)
    with tempfile.TemporaryDirectory() as folder:  # a second shape joins, and one of other kernels is measured again
        write_shape(entry, folder)
        write_shape({**entry, "shape": "sonic-7b-n256", "sources": "other"}, folder)
        former = former_shapes("NVIDIA H200", folder)
        assert list(former) == ["sonic-7b-n256", "small"] and former["small"] == entry
        missing = missing_shapes("NVIDIA H200", folder)
        assert "small" not in missing and "sonic-7b-n256" in missing and "medium" in missing
        assert missing_shapes("NVIDIA H100", folder) == list(SHAPES)
    plan = plan_text(["small", "medium"], {"small": entry})
    assert plan.index("medium") < plan.index("small") and "about 12 s in all, and 1 that nobody" in plan, plan
