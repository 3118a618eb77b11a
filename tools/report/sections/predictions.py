"""Predictions of new samples with bounds and marks, what can be reported first."""

import numpy as np

from recore.marks import UNKNOWN, heading
from tools.report.parts import Cell, Column, More, Section, Table
from tools.report.sections.elements import in_groups
from tools.report.sections.verdicts import beyond_told, index_cell, index_column
from tools.report.words import counted, rough, upper_first

ACROSS = 7  # targets in one table
ROWS = 500  # samples in one
AT_ONCE = ("quantities", "screening")  # marks of targets that are shown without a click


def predictions_section(samples, known, noun):
    """A table for each mark, of ACROSS targets at most."""
    section = Section("predictions", "Predictions")
    section.lead = [
        f"Samples that are not fit come first. Below each prediction its bounds, between which the assay should lie {samples.coverage:.0%} of the "
        "time for samples that are inside, and whether it is beyond what was measured in training."
    ]
    if len(samples.cells) > ROWS:
        section.nothing.append(
            f"The first {ROWS} of {len(samples.cells):,} samples; all are in the workbook."
        )
    shown, others = [], []
    for mark, some in in_groups(known).items():
        parts = np.array_split(np.arange(len(some)), -(-len(some) // ACROSS))
        for number, part in enumerate(parts, 1):
            more = f", part {number} of {len(parts)}" if len(parts) > 1 else ""
            table = prediction_table(
                samples, [some[place] for place in part], f"{upper_first(heading(mark))}{more}"
            )
            (shown if mark in AT_ONCE else others).append(table)
    if not shown:
        section.lead.append(f"No {noun} is good enough to report, or to tell low from high.")
    section.parts = shown
    if others:
        count = sum(one.mark not in AT_ONCE for one in known)
        unknown = any(one.mark == UNKNOWN for one in known)
        doubt = "too weak, or of unknown worth" if unknown else "too weak to report"
        section.parts = [*shown, More(f"{counted(count, noun)} {doubt}", others, printed=False)]
    return section


def prediction_table(samples, known, caption):
    """Samples and some targets."""
    places = [samples.targets.index(one.name) for one in known]
    columns = [index_column(samples), Column("verdict", text=True), *map(target_column, known)]
    rows = []
    for row in samples.order[:ROWS]:
        verdict = samples.trusted["verdict"].iloc[row]
        cells = [
            index_cell(samples, row),
            Cell(verdict, warns=verdict != "inside"),
        ]
        for place in places:
            value, lower, upper, *_ = samples.of_target(row, place)
            said = beyond_told(samples, row, place)
            span = f"{digits(lower)} to {digits(upper)}" + (f"; {said}" if said else "")
            cells.append(Cell(digits(value), span, value, warns=bool(said)))
        rows.append(cells)
    return Table(caption, columns, rows, head=True)


def target_column(one):
    """The column of a target, with the error that is usual for it: for scale."""
    way, (_, _, rmse) = next(iter(one.figures.items()), ("", (None, None, float("nan"))))
    return Column(one.name, small=f"RMSE {rough(rmse)} {way}" if way else "")


def digits(value):
    """A number with the digits that predict.py writes."""
    return f"{value:.15g}".replace("-", "−")
