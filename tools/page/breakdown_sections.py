"""Where the time of a layer goes, step by step: sections of the results page made of the breakdowns in bench.json, and
what token rounding changes in them, of sweeps.json too. A breakdown: phase -> step -> [ms, floor in ms, GFLOP, MB], and
"host_us" -> phase -> [call, graph]."""

from page.parts import number, per_phase, rows_by_variant

VARIANTS = ("sonic", "grouped_gemm")  # those with tables of their steps
CHOICE, ROUNDING, METADATA = ("choose",), ("round",), ("permute",)
FORWARD_PRODUCTS = ("up_proj", "down_proj")
BACKWARD_PRODUCTS = ("d_act", "d_w_down", "d_x_rows", "d_w_up")


def steps_of(shape, variant, phase):
    """Step -> numbers, or nothing where the record is without them."""
    return shape.get("breakdown", {}).get(variant, {}).get(phase, {})


def floor_ms(steps):
    """Least time of all steps one after the other; None where nobody knows it."""
    floors = [numbers[1] for numbers in steps.values()]
    return sum(floors) if floors and all(floors) else None


def roofline_cell(shape, variant, phases):
    """Per cent of a pass that the floors of its steps add up to: forward / backward / both."""
    floors = {phase: floor_ms(steps_of(shape, variant, phase)) for phase in ("forward", "backward")}
    floors["total"] = floors["forward"] + floors["backward"] if all(floors.values()) else None
    if not any(floors.values()):
        return "-"
    shares = {phase: floors[phase] / row["ms"] for phase, row in phases.items() if floors.get(phase)}
    return per_phase(shares, lambda share: number(share and 100 * share, 0))


def columns(tables):
    """Every step of any table, each in its place in the order of its plan."""
    names = []
    for steps in tables:
        place = 0
        for name in steps:
            if name in names:
                place = names.index(name) + 1
            else:
                names.insert(place, name)
                place += 1
    return names


def step_cell(numbers):
    if numbers is None:
        return ""
    ms, floor = numbers[:2]
    return f"{ms:.3f} ({100 * floor / ms:.0f})" if floor else f"{ms:.3f}"


def step_table(shapes, variant, phase):
    tables = [(shape, steps_of(shape, variant, phase)) for shape in shapes]
    tables = [(shape, steps) for shape, steps in tables if steps]
    names = columns(steps for _, steps in tables)
    lines = [f"`{variant}` {phase}:", "", "| shape, T | " + " | ".join(names) + " | sum | host, us: call / graph |",
             "|---" * (len(names) + 3) + "|"]
    for shape, steps in tables:
        cells = [step_cell(steps.get(name)) for name in names]
        total = sum(numbers[0] for numbers in steps.values())
        host = shape["breakdown"][variant].get("host_us", {}).get(phase, (None, None))
        cells += [f"{total:.3f}", " / ".join(number(us, 0) for us in host)]
        lines.append(f"| {shape['shape']}, {shape['tokens']:,} | " + " | ".join(cells) + " |")
    return lines + [""]


def sum_ms(steps, names):
    """None where none of them is there."""
    found = [steps[name][0] for name in names if name in steps]
    return sum(found) if found else None


def before_after(plain, rounded, names, digits, scale=1.0):
    cells = [number(None if (ms := sum_ms(steps, names)) is None else scale * ms, digits) for steps in (plain, rounded)]
    return " / ".join(cells)


def rounding_steps_line(name, plain, rounded, times):
    """`plain` and `rounded`: breakdowns of one layer without and with rounding. `times`: medians of both passes, in ms."""
    first, second = ({**steps.get("forward", {}), **steps.get("backward", {})} for steps in (plain, rounded))
    known = {"router_logits", *CHOICE, *ROUNDING, *METADATA, *FORWARD_PRODUCTS, *BACKWARD_PRODUCTS}
    rest = [step for step in {**first, **second} if step not in known]
    cells = [before_after(first, second, names, 1, 1e3)
             for names in (("router_logits",), CHOICE, ROUNDING, METADATA, CHOICE + ROUNDING + METADATA)]
    cells += [before_after(first, second, names, 3) for names in (FORWARD_PRODUCTS, BACKWARD_PRODUCTS, rest)]
    both = " / ".join(number(ms, 3) for ms in times)
    gain = f"{100 * (times[0] / times[1] - 1):+.1f}" if all(times) else "-"
    return f"| {name} | " + " | ".join(cells) + f" | {both} | {gain} |"


def rounding_steps_table(first_column, lines):
    return ["Steps without / with rounding: those of the router in us, the others in ms. *Gain* is of the time of both passes,",
            "whatever rows were added or dropped.", "",
            f"| {first_column} | router product, us | choice, us | rounding, us | metadata, us | these three, us | "
            "forward products, ms | backward products, ms | other steps, ms | both passes, ms | gain % |",
            "|---" * 11 + "|", *lines, ""]


def shape_rounding_line(shape):
    """Of a shape of bench.json, or None where the steps of one of the two rows are not recorded."""
    plain, rounded = (shape.get("breakdown", {}).get(variant) for variant in ("sonic", "sonic+rounding"))
    if not plain or not rounded:
        return None
    rows = rows_by_variant(shape)
    times = [(rows[variant].get("total") or {}).get("ms") for variant in ("sonic", "sonic+rounding")]
    return rounding_steps_line(f"{shape['shape']}, {shape['tokens']:,}", plain, rounded, times)


def ceilings(shapes):
    """What the floors stand on, in words."""
    gemm, copy = ([shape[key] for shape in shapes] for key in ("gemm_ceiling_tflops", "copy_ceiling_tbps"))
    return f"GEMM {min(gemm):.0f} to {max(gemm):.0f} TFLOP/s, copy {min(copy):.2f} to {max(copy):.2f} TB/s"


def breakdown_sections(shapes):
    """Markdown of one card's bench.json."""
    recorded = [shape for shape in shapes if shape.get("breakdown")]
    without = [shape["shape"] for shape in shapes if not shape.get("breakdown")]
    remark = ["Steps not recorded: " + ", ".join(without) + ".", ""] if without else []
    if not recorded:
        return ["### Step by step", "", *remark]
    lines = ["### Step by step", "",
             "Each step in ms, and in brackets its floor in per cent of that: the least time that its FLOP and bytes need at the",
             f"ceilings that its run measured ({ceilings(recorded)}; [measurement.md](measurement.md#breakdown)).",
             "Steps are timed in passes of their own. `% roofline` above is the sum of the floors over the time of the pass. *Host*: until",
             "the call, or the replay of its graph, returns.", ""]
    for variant in VARIANTS:
        for phase in ("forward", "backward"):
            if any(steps_of(shape, variant, phase) for shape in recorded):
                lines += step_table(recorded, variant, phase)
    lines += remark
    rounding = [line for line in map(shape_rounding_line, recorded) if line]
    if rounding:
        lines += ["### Token rounding, shape by shape", "", *rounding_steps_table("shape, T", rounding)]
    return lines
