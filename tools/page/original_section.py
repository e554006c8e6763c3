"""The section of the results page that tools/original_bench makes: the original SonicMoE, run from Python, and `sonic`,
each beside the dense bound of its own process."""

from page.parts import number

PHASES = ("fwd", "bwd")
FORWARD_PRODUCTS = ("up", "down")
NOISY = 0.05


def best(entry, phase):
    """The lesser of call and graph."""
    return min(ms for key, ms in entry["ms"].items() if key.startswith(phase) and ms is not None)


def dense(entry, phase):
    """Of the dense bound; the original's has the products one by one."""
    products = entry["dense_ms"]
    if phase in products:
        return products[phase]
    return sum(ms for name, ms in products.items() if (name in FORWARD_PRODUCTS) == (phase == "fwd"))


def original_line(entry):
    def cells(value, digits):
        return " / ".join(number(value(phase), digits) for phase in PHASES)

    sonic = entry["sonic"]
    mark = "" if len(sonic["runs"]) > 1 else " *"
    return (f"| {entry['shape']}, {entry['sizes']['tokens']:,} | {cells(lambda p: best(entry, p), 3)} | "
            f"{cells(lambda p: 100 * dense(entry, p) / best(entry, p), 0)} | "
            f"{cells(lambda p: best(sonic, p), 3)}{mark} | {cells(lambda p: 100 * dense(sonic, p) / best(sonic, p), 0)} | "
            f"{cells(lambda p: best(entry, p) / best(sonic, p), 2)} |")


def provenance(shapes):
    """Versions of the original and commits of ours, each once."""
    originals, ours = {}, {}
    for entry in shapes:
        versions = ", ".join(f"{name} {version}" for name, version in entry["versions"].items())
        originals[f"- original: {versions}; {entry['date']}; tuned {entry['tuned']}"] = None
        sonic = entry["sonic"]
        ours[f"- `sonic`: {sonic['date']}, commit {sonic['git_commit']}{' + changes' if sonic['git_dirty'] else ''}"] = None
    return [*originals, *ours]


def remarks(shapes):
    lines = []
    once = [entry["shape"] for entry in shapes if entry["sonic"]["runs"] in (["before"], ["after"])]
    elsewhere = [entry["shape"] for entry in shapes if entry["sonic"]["runs"] == ["bench.json"]]
    noisy = [entry["shape"] for entry in shapes if entry["sonic"]["noise"] > NOISY]
    if once:
        lines.append(f"- `*`, one run of ours beside the original, not two around it: {', '.join(once)}")
    if elsewhere:
        lines.append(f"- `*`, ours from the run of the table of shapes, apart from the original's: {', '.join(elsewhere)}")
    if noisy:
        lines.append(f"- noise of ours above {100 * NOISY:.0f} %: {', '.join(noisy)}")
    return lines + list(dict.fromkeys(f"- {entry['note']}" for entry in shapes if entry.get("note")))


def original_section(record):
    shapes = record["shapes"]
    commands = dict.fromkeys(entry["sonic"]["command"].replace(entry["shape"], "SHAPE") for entry in shapes)
    lines = ["### Beside the original SonicMoE", "",
             "The authors' layer, called from Python, tuned for each shape, with the L2 warm: the better of eager and graph. Ours",
             "with the L2 cold: the better of call and graph, where two are there the mean of a run right before the original's and one right after.",
             "Each percentage is of the dense bound that the same process measured in turn with it, cuBLAS called by PyTorch or by",
             "our program ([measurement.md](measurement.md#beside-the-original)). The last column is a ratio of times, across",
             "processes: a few per cent of it are clocks.", "",
             *provenance(shapes), "",
             "| shape, T | original, fwd / bwd ms | % of its dense bound | sonic, fwd / bwd ms | % of its dense bound | "
             "sonic is so many times as fast, fwd / bwd |",
             "|---|---|---|---|---|---|", *map(original_line, shapes), ""]
    if found := remarks(shapes):
        lines += [*found, ""]
    names = ",".join(entry["shape"] for entry in shapes)
    return lines + ["Again:", "", "```", f"tools/original_bench --shapes {names}", "```", "", "Commands of ours:", "", "```",
                    *commands, "```", ""]
