"""The section of the results page that tools/gpu_bench makes: a table of the shapes, and where their time goes."""

from page.breakdown_sections import breakdown_sections, roofline_cell
from gpu.record import digest
from page.parts import number, per_phase, provenance, rows_by_variant


def percent(row):
    if not row or not row["tflops"] or not row["dense_bound_tflops"]:
        return "-"
    return f"{100 * row['tflops'] / row['dense_bound_tflops']:.0f}"


def variant_line(name, shape, variant, phases):
    if "total" not in phases:
        row = phases[None]
        return f"| {name} | {variant} | {row['status']}: {row['reason']} | | | | | | |"
    total = phases["total"]
    times = " / ".join(number((phases.get(p) or {}).get("ms"), 3) for p in ("forward", "backward"))
    graphs = " / ".join(number((phases.get(p) or {}).get("graph_ms"), 3) for p in ("forward", "backward"))
    rates = per_phase(phases, lambda row: number(row and row["tflops"], 0))
    peak = "-" if variant == "dense_bound" else f"{total['peak_bytes'] / 2**30:.2f}"
    few = f" (n={total['samples']})" if total["samples"] < 10 else ""
    clock = number(total["core_mhz"], 0)
    return (f"| {name} | {variant} | {times}{few} | {graphs} | {rates} | {per_phase(phases, percent)} | {clock} | "
            f"{roofline_cell(shape, variant, phases)} | {peak} |")


def older(bench):
    """Shapes of other kernels than the record's latest; nothing in records of before shapes had a digest of their own."""
    latest = digest(bench["source_hashes"])
    if not any("sources" in shape for shape in bench["shapes"]):
        return []
    return [shape["shape"] for shape in bench["shapes"] if shape.get("sources") != latest]


def shape_section(gpu, bench):
    lines = provenance(bench["shapes"], lambda shape: shape["shape"])
    if older(bench):
        lines += ["", "Of other kernels than the latest shapes here: " + ", ".join(older(bench)) + "."]
    lines += ["", f"![TFLOP/s of forward and backward on {bench['device']}](results/{gpu}/tflops.svg)", "",
              "| shape, T | variant | fwd / bwd ms | as a graph, ms | TFLOP/s fwd / bwd / both | % dense | core MHz | "
              "% roofline | peak GiB |", "|---|---|---|---|---|---|---|---|---|"]
    for shape in bench["shapes"]:
        name = f"{shape['shape']}, {shape['tokens']:,}"
        for variant, phases in rows_by_variant(shape).items():
            lines.append(variant_line(name, shape, variant, phases))
            name = ""
    lines += ["", *breakdown_sections(bench["shapes"])]
    return lines + ["Commands:", "", "```"] + [shape["command"] for shape in bench["shapes"]] + ["```", ""]
