"""Pieces of the results page: cells of its tables, marks of its pictures, where numbers come from."""

PHASES = ("forward", "backward", "total")
COLOURS = {"vanilla": "#8b949e", "grouped_gemm": "#1f6feb", "sonic": "#d1570a", "sonic+rounding": "#1a7f37"}
INK, FAINT, GRID = "#1f2328", "#59636e", "#d8dee4"


def number(value, digits):
    return "-" if value is None else f"{value:.{digits}f}"


def per_phase(phases, cell):
    return " / ".join(cell(phases.get(phase)) for phase in PHASES)


def rows_by_variant(shape):
    """Variant -> phase -> row; phase None holds a row without numbers."""
    table = {}
    for row in shape["rows"]:
        table.setdefault(row["variant"], {})[row["phase"]] = row
    return table


def provenance(entries, name_of=None):
    """A line for every card, driver, day and commit that the entries of a record come from; with names of the entries
    where there are several."""
    sources = {}
    for e in entries:
        source = (e["device"], e["driver"], e["date"], e["git_commit"] + (" + changes" if e["git_dirty"] else ""))
        sources.setdefault(source, []).append(name_of(e) if name_of else "")
    named = name_of is not None and len(sources) > 1
    return [f"- {device}, {driver}, {date}, commit {commit}" + (": " + ", ".join(names) if named else "")
            for (device, driver, date, commit), names in sorted(sources.items())]


def svg(width, height, parts):
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:.0f}" '
            f'font-family="DejaVu Sans, sans-serif"><rect width="100%" height="100%" fill="#ffffff"/>')
    return "\n".join([head, *parts, "</svg>"]) + "\n"


def bar(x, y, width, height, colour, title):
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" fill="{colour}">'
            f"<title>{title}</title></rect>")


def text(x, y, words, colour=INK, anchor="start", size=11, more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" font-size="{size}"{more}>'
            f"{words}</text>")


def bold(x, y, words, colour=INK, anchor="start", size=11):
    """Bold words on a white rim, which keeps the lines of a grid off them."""
    rim = ' font-weight="bold" stroke="#ffffff" stroke-width="4" stroke-linejoin="round"'
    return (text(x, y, words, "#ffffff", anchor, size, rim)
            + text(x, y, words, colour, anchor, size, ' font-weight="bold"'))


def line(x1, y1, x2, y2, colour=GRID, width=1.0):
    return f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def curve(points, colour, width=2.0, dashes=""):
    """A line through points (x, y)."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>'


def dot(x, y, colour, title):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"><title>{title}</title></circle>'
