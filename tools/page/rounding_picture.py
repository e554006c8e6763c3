"""The picture of token rounding: TFLOP/s of both passes against the number of experts, a panel for each sweep."""

import math

from page.parts import COLOURS, FAINT, INK, bold, curve, dot, line, svg, text
from page.sweep_sections import rate, row_of

WIDTH, PANEL_WIDTH, PANEL_HEIGHT = 860, 358, 170
LEFT, TOP, COLUMN, ROW = 52, 66, 428, 262  # of the first plot's corner, and from one to the next
STYLES = {"dense_bound": (FAINT, 1.2, "4 3"), "sonic": (COLOURS["sonic"], 2.2, ""),
          "sonic+rounding": (COLOURS["sonic+rounding"], 2.2, "")}


def ticks(most):
    """From 0 to the first that is not below `most`, in at most four round steps."""
    magnitude = 10.0 ** math.floor(math.log10(most / 4)) if most > 0 else 1.0
    step = next(magnitude * factor for factor in (1, 2, 5, 10) if 4 * magnitude * factor >= most)
    return [step * i for i in range(math.ceil(most / step) + 1)]


def totals(group, variant):
    """(index of the point, TFLOP/s) where there is one."""
    found = [(i, rate(row_of(point, variant), "total")) for i, point in enumerate(group["points"])]
    return [(i, value) for i, value in found if value is not None]


def axes(group, x, y, place, marks):
    """Grid, numbers of both axes, and the tile waste below each number of experts."""
    first = group["points"][0]
    title = f"d = {first['hidden_dim']:,}, n = {first['ffn_dim']:,}, K = {first['top_k']}"
    parts = [bold(x, y - 14, title, size=12)]
    for value in marks:
        at = place(0, value)[1]
        parts += [line(x, at, x + PANEL_WIDTH, at), text(x - 7, at + 4, f"{value:g}", FAINT, "end", 10)]
    for i, point in enumerate(group["points"]):
        at = place(i, 0)[0]
        parts.append(text(at, y + PANEL_HEIGHT + 17, f"E = {point['num_experts']}", INK, "middle"))
        waste = (row_of(point, "sonic") or {}).get("tile_waste")
        if waste:
            words = f"{100 * waste['128']:.0f} / {100 * waste['64']:.0f} %"
            parts.append(text(at, y + PANEL_HEIGHT + 33, words, FAINT, "middle", 10))
    return parts


def gains(group, place):
    """What rounding gains at each point, below the lower of the two."""
    plain, rounded = dict(totals(group, "sonic")), dict(totals(group, "sonic+rounding"))
    parts = []
    for i in sorted(plain.keys() & rounded.keys()):
        if plain[i] <= 0:
            continue
        x, y = place(i, min(plain[i], rounded[i]))
        gain = round(100 * (rounded[i] / plain[i] - 1))
        parts.append(bold(x, y + 19, f"{gain:+d} %" if gain else "0 %", COLOURS["sonic+rounding"], "middle"))
    return parts


def panel(group, x, y, marks):
    count = len(group["points"])

    def place(i, value):
        return x + PANEL_WIDTH * (i + 0.5) / count, y + PANEL_HEIGHT * (1 - value / marks[-1])

    parts = axes(group, x, y, place, marks)
    for variant, (colour, width, dashes) in STYLES.items():
        found = totals(group, variant)
        parts.append(curve([place(*each) for each in found], colour, width, dashes))
        if not dashes:
            parts += [dot(*place(i, value), colour, f"{variant}: {value:.0f} TFLOP/s") for i, value in found]
    return parts + gains(group, place)


def legend():
    parts, x = [text(16, 22, "TFLOP/s, forward and backward", INK, size=12)], 240
    for variant, (colour, width, dashes) in STYLES.items():
        parts += [curve([(x, 18), (x + 22, 18)], colour, width, dashes), text(x + 28, 22, variant, FAINT)]
        x += 60 + 7 * len(variant)
    return parts + [text(WIDTH - 16, 22, "below E: tile waste, tiles of 128 / 64 rows", FAINT, "end", 10)]


def rounding_picture(groups):
    """SVG; groups are those of the sweep `rounding` in sweeps.json."""
    most = max([value for group in groups for v in STYLES for _, value in totals(group, v)] or [1])
    marks, parts = ticks(most), legend()
    for i, group in enumerate(groups):
        parts += panel(group, LEFT + COLUMN * (i % 2), TOP + ROW * (i // 2), marks)
    rows = (len(groups) + 1) // 2
    return svg(WIDTH, TOP + ROW * rows - 36, parts)
