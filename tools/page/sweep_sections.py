"""Sections of the results page that tools/gpu_bench --sweeps measures: token rounding, decode, awkward sizes."""

from page.breakdown_sections import rounding_steps_line, rounding_steps_table
from page.parts import number, per_phase, provenance

FEW = 5  # samples: a row with fewer says so


def row_of(point, variant):
    """A row with numbers, or None."""
    return next((row for row in point["rows"] if row["variant"] == variant and row["phases"]), None)


def rate(row, phase):
    return row["phases"].get(phase, {}).get("tflops") if row else None


def ratio(one, other):
    return one / other if one is not None and other else None


def rates(row):
    """TFLOP/s forward / backward / both, or why there are none."""
    if row is None:
        return "-"
    few = f" (n={row['samples']})" if row["samples"] < FEW else ""
    return per_phase(row["phases"], lambda phase: number(phase and phase["tflops"], 0)) + few


def ratios(row, other, cell):
    return " / ".join(cell(ratio(rate(row, p), rate(other, p))) for p in ("forward", "backward", "total"))


def percent(value):
    return "-" if value is None else f"{100 * value:.0f}"


def gain(value):
    return "-" if value is None else f"{100 * (value - 1):+.1f}"


def missing(group):
    """Rows without numbers, in words; the same reason once."""
    seen = {}
    for point in group["points"]:
        for row in point["rows"]:
            if not row["phases"]:
                key = f"{row['variant']}: {row['status']}, {row['reason']}"
                seen.setdefault(key, []).append(f"T = {point['tokens']:,}, E = {point['num_experts']}")
    return [f"- {group['name']}, {key} ({'; '.join(where)})" for key, where in seen.items()]


def remarks(groups):
    lines = [line for group in groups for line in missing(group)]
    return ["", "Not measured:", "", *lines] if lines else []


def rounding_line(name, point):
    plain, rounded = row_of(point, "sonic"), row_of(point, "sonic+rounding")
    mean = point["tokens"] * point["top_k"] / point["num_experts"]
    waste = (plain or {}).get("tile_waste", {})
    wasted = " / ".join(percent(waste.get(tile)) for tile in ("128", "64"))
    times = " / ".join(number(row and row["phases"]["total"]["ms"], 2) for row in (plain, rounded))
    report = (rounded or {}).get("rounding") or {}
    moved = " / ".join(number(100 * report[key], 1) if key in report else "-" for key in ("drop_rate", "add_rate"))
    unsafe = " *" if mean < 2 * report.get("tile", 128) else ""
    return (f"| {name} | {point['num_experts']} | {mean:.0f}{unsafe} | {wasted} | {times} | {rates(plain)} | "
            f"{rates(rounded)} | {ratios(rounded, plain, gain)} | {rates(row_of(point, 'dense_bound'))} | {moved} |")


def rounding_section(gpu, groups):
    lines = ["### Token rounding", "",
             "The paper's four sweeps over sparsity (arXiv 2512.14080), tile 128, rule `nearest`; 5 to 20 samples of each row unless",
             "`n` says fewer. Router, choice, rounding and",
             "metadata are inside the timer. TFLOP/s count the pairs that the model asked for and nothing that was added.",
             "*Tile waste* is what tiles of 128 and 64 rows add to the pairs; the kernels skip slices of 64 rows without pairs, so",
             "the second is about what rounding can save here. Over kernels that compute whole tiles, and with rounding outside",
             "the timer, the paper reports 16 % for both passes at d = 4096, n = 1024, K = 4, E = 256. `*`: fewer rows per expert",
             "than twice the tile, where rounding may cost model quality; it always changes which tokens an expert sees",
             "([variants.md](variants.md#token-rounding)).", "",
             f"![TFLOP/s with and without token rounding against the number of experts](results/{gpu}/rounding.svg)", "",
             "| d, n, K | E | rows per expert | tile waste % | both, ms: sonic / rounded | sonic, TFLOP/s fwd / bwd / both | "
             "sonic+rounding | gain % | dense_bound | pairs dropped / added % |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for group in groups:
        first = group["points"][0]
        name = f"{first['hidden_dim']:,}, {first['ffn_dim']:,}, {first['top_k']}"
        for point in group["points"]:
            lines.append(rounding_line(name, point))
            name = ""
    return lines + remarks(groups) + ["", *rounding_steps_section(groups)]


def rounding_steps_section(groups):
    lines, without = [], []
    for group in groups:
        for point in group["points"]:
            pair = [row_of(point, variant) for variant in ("sonic", "sonic+rounding")]
            name = " / ".join(str(point[f]) for f in ("hidden_dim", "ffn_dim", "top_k", "num_experts"))
            if all(row and row.get("breakdown") for row in pair):
                times = [row["phases"]["total"]["ms"] for row in pair]
                lines.append(rounding_steps_line(name, *(row["breakdown"] for row in pair), times))
            else:
                without.append(name)
    remark = ["Steps not recorded, d / n / K / E: " + "; ".join(without) + ".", ""] if without else []
    return (rounding_steps_table("d / n / K / E", lines) if lines else []) + remark


def decode_line(name, point, copy_tbps):
    floor_ms = 1e-9 * point["weight_bytes"] / copy_tbps if "weight_bytes" in point else None
    used = [row["used_experts"] for row in point["rows"] if "used_experts" in row]
    cells = [name, str(point["tokens"]), f"{used[0]} of {point['num_experts']}" if used else "-",
             number(floor_ms and 1e-9 * point["weight_bytes"], 2), number(floor_ms, 3)]
    for variant in ("sonic", "grouped_gemm"):
        row = row_of(point, variant)
        forward = row["phases"]["forward"] if row else {}
        graph_ms = forward.get("graph_ms")
        cells += [f"{number(graph_ms, 3)} / {number(forward.get('ms'), 3)}", percent(ratio(floor_ms, graph_ms))]
    return "| " + " | ".join(cells) + " |"


def decode_section(groups):
    ceilings = ", ".join(f"{group['copy_ceiling_tbps']:.2f} TB/s ({group['name']})" for group in groups)
    lines = ["### Decode", "",
             "Forward with few tokens, where reading weights is all the work. *Weights* are those of the experts that some token",
             "chose, and of the shared expert; *read in* is their time at the copy bandwidth that the same run measured",
             f"({ceilings}), and `%` is that time over the time as a graph. Caches are cold; 5 to 10 samples of each row.", "",
             "| layer | T | experts touched | weights, GB | read in, ms | sonic, ms: graph / call | % | "
             "grouped_gemm, ms: graph / call | % |", "|---|---|---|---|---|---|---|---|---|"]
    for group in groups:
        name = group["name"]
        for point in group["points"]:
            lines.append(decode_line(name, point, group["copy_ceiling_tbps"]))
            name = ""
    return lines + remarks(groups)


def shape_words(point):
    return " / ".join(str(point[f]) for f in ("tokens", "hidden_dim", "ffn_dim", "num_experts", "top_k"))


def awkward_line(group):
    pair = {point["role"]: point for point in group["points"]}
    odd, even = pair.get("awkward"), pair.get("friendly")
    rows = {(role, variant): row_of(point, variant) if point else None for role, point in (("odd", odd), ("even", even))
            for variant in ("sonic", "dense_bound")}
    compared = [ratios(rows["odd", v], rows["even", v], percent) for v in ("sonic", "dense_bound")]
    bound = ratios(rows["odd", "sonic"], rows["odd", "dense_bound"], percent)
    return (f"| {shape_words(odd) if odd else group['name']} | {shape_words(even) if even else '-'} | "
            f"{rates(rows['odd', 'sonic'])} | {rates(rows['even', 'sonic'])} | {compared[0]} | {compared[1]} | {bound} |")


def awkward_section(groups):
    lines = ["### Awkward sizes", "",
             "Sizes that tiles do not divide, each beside the nearest friendly shape: TFLOP/s of `sonic` forward / backward /",
             "both. *% of friendly* is the ratio of the two, with that of `dense_bound` (cuBLAS on the same two shapes) beside",
             "it: what the sizes cost anyone.", "",
             "| T / d / n / E / K | friendly | sonic, TFLOP/s | friendly, TFLOP/s | % of friendly | dense_bound: % of friendly | "
             "% dense |", "|---|---|---|---|---|---|---|"]
    return lines + [awkward_line(group) for group in groups] + remarks(groups)


def sweep_sections(gpu, record):
    """Markdown of one card's sweeps.json."""
    sweeps = record["sweeps"]
    groups = [group for each in sweeps.values() for group in each]
    lines = provenance(groups) + [""]
    if sweeps.get("rounding"):
        lines += rounding_section(gpu, sweeps["rounding"]) + [""]
    if sweeps.get("decode"):
        lines += decode_section(sweeps["decode"]) + [""]
    if sweeps.get("awkward"):
        lines += awkward_section(sweeps["awkward"]) + [""]
    missing = [name for name in ("rounding", "decode", "awkward") if not sweeps.get(name)]
    if missing:
        lines += [f"Not measured on this card by `tools/gpu_bench --sweeps`: {', '.join(missing)}.", ""]
    lines += ["Commands of these sections:", "", "```"]
    return lines + [command for group in groups for command in group["commands"]] + ["```", ""]
