"""Which targets can be reported, with what error, and for what range: the table that a page of a model opens with."""

from typing import NamedTuple

import numpy as np

from recore.marks import MARKS, UNKNOWN, heading, mark_of
from tools.report.parts import Cell, Column, Section, Table
from tools.report.words import brief, counted, listed, marked_text, rough, span_text, upper_first

WIDE, TALL = 110, 14  # of the picture of R², in pixels
TOLD = 12  # targets in a sentence


class Known(NamedTuple):
    """What is known of how well a target is predicted."""

    name: str
    mark: str
    n: int  # assays
    low: float  # the smallest and the largest assay
    high: float
    figures: dict  # {"by site": (R², its interval or None, RMSE)}, the hardest first


def known_of(study):
    """Known of each target of a Study."""
    schemes = study.schemes[::-1]
    found = []
    for k, (name, values) in enumerate(study.targets.items()):
        lines = {scheme: study.measures.loc[(scheme, name)] for scheme in schemes}
        figures = {study.by(s): (line["R2"], study.spans[s][k], line["RMSE"]) for s, line in lines.items()}
        r2 = lines[study.hardest]["R2"]
        mark = mark_of(r2) if np.isfinite(r2) else UNKNOWN
        found.append(Known(name, mark, int(values.notna().sum()), values.min(), values.max(), figures))
    return found


def in_groups(known):
    """{mark: its targets, the best first}, of the marks that there are."""

    def order(one):
        r2 = next(iter(one.figures.values()), (None,))[0]
        return -(r2 if r2 is not None and np.isfinite(r2) else -np.inf)

    found = {
        mark: sorted((one for one in known if one.mark == mark), key=order) for mark in (*MARKS, UNKNOWN)
    }
    return {mark: some for mark, some in found.items() if some}


def elements_table(known, noun, caption):
    """The table of Known, best first within each mark."""
    ways = list(next((one.figures for one in known if one.figures), {}))
    columns = [
        Column(noun),
        *(Column(f"R² {way}", "1 is perfect, 0 no better than the mean") for way in ways),
    ]
    columns += [Column("R² from 0 to 1", "dashes at 0.5 and 0.75", spare=True, text=True)]
    columns += [
        Column(f"RMSE {way}", "size of a usual error, in the target's unit", k > 0)
        for k, way in enumerate(ways)
    ]
    columns += [Column("holds from", "smallest assay"), Column("to", "largest assay")]
    columns += [Column("assays", "", spare=True)]
    rows, groups = [], {}
    for mark, some in in_groups(known).items():
        groups[len(rows)] = f"{upper_first(heading(mark))}: {len(some)} of {len(known)}"
        for one in some:
            each = [one.figures.get(way, (np.nan, None, np.nan)) for way in ways]
            row = [Cell(one.name)]
            row += [
                Cell(marked_text(r2), "" if span is None else span_text(span), r2) for r2, span, _ in each
            ]
            row.append(Cell("", picture=r2_picture([r2 for r2, *_ in each])))
            row += [Cell(rough(rmse), "", rmse) for *_, rmse in each]
            row += [Cell(brief(value), "", value) for value in (one.low, one.high)]
            rows.append([*row, Cell(f"{one.n:,}", "", one.n)])
    return Table(caption, columns, rows, groups, inline=True)


def r2_picture(values):
    """R² as dots on a line from 0 to 1: a square for the first of two, a circle for the last; below 0 an arrow."""
    middle, width = TALL / 2, WIDE - 12

    def at(r2):
        return 6 + width * min(max(r2, 0), 1)

    parts = [f'<path class="base" d="M6 {middle}h{width}"/>']
    parts += [
        f'<path class="tick" d="M{at(r2):.1f} 1v{TALL - 2}"/>'
        for r2 in (MARKS["screening"], MARKS["quantities"])
    ]
    there = [r2 for r2 in values if np.isfinite(r2)]
    if len(there) == 2:
        low, high = sorted(map(at, there))
        parts.append(f'<path class="span" d="M{low:.1f} {middle}H{high:.1f}"/>')
    for k, r2 in enumerate(values):
        kind = "s0" if k == len(values) - 1 else "s1"
        if not np.isfinite(r2):
            continue
        if r2 < 0:
            shape = f"M1 {middle}l6 -4v8z"
        elif kind == "s0":
            shape = f"M{at(r2) - 3.6:.1f} {middle}a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0 -7.2 0z"
        else:
            shape = f"M{at(r2) - 3.3:.1f} {middle - 3.3}h6.6v6.6h-6.6z"
        parts.append(f'<path class="{kind}" d="{shape}"/>')
    return f'<svg class="dots" viewBox="0 0 {WIDE} {TALL}" aria-hidden="true">{"".join(parts)}</svg>'


def said_of(known, noun, new):
    """Sentences: what can be reported of a `new` sample or site, and what not."""
    groups = in_groups(known)
    good, fair = (groups.get(mark, []) for mark in ("quantities", "screening"))
    told = f"{len(good) or 'None'} of {counted(len(known), noun)} can be reported as quantities for a {new}"
    if good:
        told += f": {listed((one.name for one in good), TOLD)}"
    yield told + "."
    if fair:
        told = f"{len(fair)} {'is' if len(fair) == 1 else 'are'} good for screening, to tell low from high"
        yield f"{told}: {listed((one.name for one in fair), TOLD)}."
    poor = groups.get("no skill", [])
    if poor:
        yield f"Of {counted(len(poor), noun)} the spectra tell nothing that holds for a {new}: {listed((one.name for one in poor), TOLD)}."


def picture_text(study):
    """What the marks of `r2_picture` mean."""
    square = f"a square is {study.by(study.hardest)}, " if len(study.schemes) > 1 else ""
    return f"{square}a circle {study.by(study.schemes[0])}, an arrow below 0; dashes at 0.5 and 0.75"


def elements_section(study):
    """The targets by what they can be reported for."""
    known = known_of(study)
    lead = [" ".join(said_of(known, study.noun, study.new))]
    others = f"samples{f' or {study.unit}s' if study.unit else ''} like these"
    caption = (
        "R² is of samples that the model had not seen; beside it, where it would lie nine times in ten with other "
        f"{others}. In the picture {picture_text(study)}. RMSE is the size of a usual error; it and the range are in the unit of "
        "the file. The model holds from the smallest to the largest assay; a prediction further out is marked."
    )
    section = Section("elements", f"The {study.noun}s, by what they can be reported for", lead)
    section.parts = [elements_table(known, study.noun, caption)]
    return section
