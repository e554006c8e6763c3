"""The picture of TFLOP/s: a bar for each variant at each shape, the dense bound of the same run as a tick."""

from page.parts import COLOURS, FAINT, INK, bar, line, rows_by_variant, svg, text

ROW_HEIGHT, BAR_HEIGHT, LEFT, WIDTH, LABEL_WIDTH = 15, 11, 190, 860, 28
BAR_COLOURS = ("vanilla", "grouped_gemm", "sonic")


def bar_colour(variant):
    """A rounded row has its variant's colour, paler."""
    colour = COLOURS.get(variant.removesuffix("+rounding"), FAINT)
    if not variant.endswith("+rounding"):
        return colour
    return "#" + "".join(f"{(int(colour[i:i + 2], 16) + 255) // 2:02x}" for i in (1, 3, 5))


def rate_picture(bench):
    """Bars of TFLOP/s over both passes, the dense bound of the same run as a tick."""
    groups = []
    for shape in bench["shapes"]:
        totals = {v: p["total"] for v, p in rows_by_variant(shape).items()
                  if "total" in p and p["total"]["tflops"] and "torch" not in v}  # those are in the table
        bound = totals.pop("dense_bound", None)
        if totals:
            groups.append((shape["shape"], totals, bound))
    most = max([r["tflops"] for _, totals, b in groups for r in [*totals.values(), *([b] if b else [])]] or [1])
    scale = (WIDTH - LEFT - 60) / most
    parts, y = [], 46
    for name, totals, bound in groups:
        top = y
        parts.append(text(LEFT - 10, y + BAR_HEIGHT, name, anchor="end"))
        for variant, row in totals.items():
            colour = bar_colour(variant)
            parts.append(bar(LEFT, y, scale * row["tflops"], BAR_HEIGHT, colour, f"{variant}: {row['tflops']:.0f} TFLOP/s"))
            end, tick = scale * row["tflops"], scale * bound["tflops"] if bound else 0
            if 0 < tick - end < LABEL_WIDTH:
                end = tick  # the label would lie under the tick
            parts.append(text(LEFT + end + 4, y + BAR_HEIGHT - 1, f"{row['tflops']:.0f}", FAINT, size=10))
            y += ROW_HEIGHT
        if bound:
            x = LEFT + scale * bound["tflops"]
            parts.append(line(x, top - 2, x, y - 2, INK, 1.5))
        y += 8
    legend, x = [text(LEFT - 10, 30, "TFLOP/s, both passes", anchor="end")], LEFT
    for variant in BAR_COLOURS:
        legend += [bar(x, 20, 11, BAR_HEIGHT, bar_colour(variant), variant), text(x + 16, 30, variant, FAINT)]
        x += 110
    legend.append(text(x, 30, "pale: with rounding   | dense_bound, same run", FAINT))
    return svg(WIDTH, y + 10, legend + parts)
