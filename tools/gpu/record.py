"""What gpu_check, gpu_bench and the results page share: names of GPUs, hashes of kernel sources, runs of
bench_moe_variants."""

import glob
import hashlib
import json
import os
import re
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RESULTS = os.path.join(ROOT, "docs", "results")


def source_hashes(root=ROOT):
    """SHA-256 of every file of the GPU backend and the plans that choose its kernels."""
    hashes = {}
    for pattern in ("src/cuda/**/*", "src/plan/*"):
        for path in sorted(glob.glob(pattern, root_dir=root, recursive=True)):
            full = os.path.join(root, path)
            if os.path.isfile(full):
                with open(full, "rb") as file:
                    hashes[path] = hashlib.sha256(file.read()).hexdigest()[:16]
    return hashes


def digest(hashes):
    """One word for all of source_hashes(): entries of one record that have it in common are of the same kernels."""
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()[:16]


def slug(device_name):
    """The folder of a GPU: "NVIDIA H100 80GB HBM3" is h100, "NVIDIA H200" h200."""
    found = re.search(r"\b([A-Z]+\d+[A-Z]*)\b", device_name.replace("NVIDIA", ""))
    return (found.group(1) if found else device_name.strip().replace(" ", "_")).lower()


def find_gpu(program):
    """(name of the GPU, None), or (None, why there is none)."""
    listed = subprocess.run([program, "list", "devices"], capture_output=True, text=True, check=True).stdout
    found = [line.split(None, 1)[-1] for line in listed.splitlines() if line.startswith("cuda")]
    if not found or found[0].startswith("none"):
        return None, found[0].removeprefix("none: ") if found else "this build has no CUDA"
    return found[0].split(",")[0], None


def run_bench(program, arguments, timeout_s, echo=True):
    """Runs bench_moe_variants, prints what it says and returns its run.json, of a run that died with the rows that it had
    finished. Raises RuntimeError when there is none."""
    with tempfile.TemporaryDirectory() as out:
        command = [program, *arguments, "--no-plots", "--quiet", "--out", out]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)
            said, end = done.stdout + done.stderr, f"exit {done.returncode}\n{done.stderr}"
        except subprocess.TimeoutExpired:
            said = end = f"not finished in {timeout_s} s\n"
        if echo:
            print(said, end="", flush=True)
        runs = glob.glob(os.path.join(out, "runs", "*", "run.json"))
        run = read_run(runs[0]) if runs else {"rows": []}
        if not run["rows"]:
            raise RuntimeError(f"{' '.join(command)}: {end}")
        return run


def read_run(path):
    """A run.json; while it has no rows, those of points.jsonl beside it."""
    with open(path) as file:
        run = json.load(file)
    points = os.path.join(os.path.dirname(path), "points.jsonl")
    if not run["rows"] and os.path.exists(points):
        with open(points) as file:
            run["rows"] = [json.loads(line) for line in file]
    return run


def bench_rows(run):
    """Flat rows of one run: one per variant and phase; times in ms, rates in TFLOP/s."""
    rows = []
    for row in run["rows"]:
        common = {
            "preset": run["model"]["name"],
            "variant": row["variant"],
            "status": row["status"],
            "reason": row["reason"],
            "tokens": row["tokens"],
            "saved_bytes": row["bytes"]["saved"],
            "peak_bytes": row["bytes"]["peak"],
            "core_mhz": row["core_mhz"],
        }
        if row["status"] != "ok" or row["total"] is None:
            rows.append({**common, "phase": None})
            continue
        for phase in ("forward", "backward", "total"):
            timing, graph = row[phase], row["graph_" + phase]
            if timing is None:
                continue
            bound = row["dense_bound_flops_per_s"] or {}
            fraction = row["dense_bound_fraction"] or {}
            bound_flops = bound.get(phase)
            tflops = fraction[phase] * bound_flops * 1e-12 if fraction.get(phase) else None
            rows.append(
                {
                    **common,
                    "phase": phase,
                    "ms": 1e3 * timing["median_s"],
                    "graph_ms": 1e3 * graph["median_s"] if graph else None,
                    "noise": timing["noise"],
                    "samples": len(timing["samples_s"]),
                    "tflops": tflops,
                    "dense_bound_tflops": bound_flops * 1e-12 if bound_flops else None,
                }
            )
    return rows


def short(value, digits=4):
    """A number with so many digits that tell something."""
    return float(f"{value:.{digits}g}")


def breakdown(row):
    """Where the time of a row of run.json goes: phase -> step -> [ms, floor in ms, GFLOP, MB], in the order of the plan
    (docs/measurement.md), and "host_us" -> phase -> [call, graph]. None where it was not asked for or has no steps."""
    found = row.get("breakdown")
    if not found or not found["steps"]:
        return None
    phases = {}
    for step in found["steps"]:
        numbers = (1e3 * step["median_s"], 1e3 * step["floor_s"], 1e-9 * step["flops"], 1e-6 * step["bytes"])
        phases.setdefault(step["phase"], {})[step["step"]] = [short(number) for number in numbers]
    hosts = {phase: [found.get(f"{phase}{kind}_host_s") for kind in ("", "_graph")] for phase in phases}
    phases["host_us"] = {phase: [s and short(1e6 * s) for s in seconds] for phase, seconds in hosts.items()}
    return phases


def about(run):
    """Where and from what a run was made."""
    environment = run["environment"]
    return {
        "device": environment["device_name"],
        "driver": environment["extra"].get("driver", ""),
        "gemm_library": environment["gemm_library"],
        "version": environment["version"],
        "git_commit": environment["git_commit"],
        "git_dirty": environment["git_dirty"],
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "sources": digest(source_hashes()),
    }


def to_json(value, indent=0):
    """As json.dumps, but what holds no more than a few plain values stands on one line: records are committed."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if len(items) <= 20 and not any(isinstance(item, (dict, list)) and item for item in items):
        return json.dumps(value)
    pad = "\n" + " " * (indent + 1)
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {to_json(item, indent + 1)}" for key, item in value.items()]
        return "{" + pad + ("," + pad).join(parts) + "\n" + " " * indent + "}"
    return "[" + pad + ("," + pad).join(to_json(item, indent + 1) for item in value) + "\n" + " " * indent + "]"


def load_record(device_name, file_name, results=RESULTS):
    """The record that this card has, or nothing."""
    path = os.path.join(results, slug(device_name), file_name)
    if not os.path.exists(path):
        return {}
    with open(path) as file:
        return json.load(file)


def write_record(device_name, file_name, record, results=RESULTS):
    """<results>/<gpu>/<file_name>; returns its path."""
    path = os.path.join(results, slug(device_name), file_name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(to_json(record) + "\n")
    return path


def self_test():
    assert slug("NVIDIA H100 80GB HBM3") == "h100" and slug("NVIDIA H200") == "h200"
    hashes = source_hashes()
    assert hashes, "no sources found"
    assert digest(hashes) == digest(dict(reversed(hashes.items()))) != digest({**hashes, "src/cuda/a.cu": "1"})
    nested = {"a": 1, "b": [{"c": [1, 2], "d": []}, {"e": None}], "f": [1.5, "x"]}
    assert json.loads(to_json(nested)) == nested and '{"e": null}' in to_json(nested), to_json(nested)
    step = {"phase": "forward", "step": "up_proj", "median_s": 0.5112e-3, "floor_s": 0.38859e-3, "flops": 309e9, "bytes": 579e6}
    other = {**step, "phase": "backward", "step": "d_act", "floor_s": 0}
    hosts = {"forward_host_s": 9e-5, "backward_host_s": 1.2e-4, "forward_graph_host_s": 9e-6}
    assert breakdown({"breakdown": {"steps": [step, other], **hosts}}) == {
        "forward": {"up_proj": [0.5112, 0.3886, 309.0, 579.0]}, "backward": {"d_act": [0.5112, 0.0, 309.0, 579.0]},
        "host_us": {"forward": [90.0, 9.0], "backward": [120.0, None]}}
    assert breakdown({"breakdown": None}) is None
