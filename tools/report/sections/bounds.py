"""Do the bounds hold? Coverage and width for each target."""

import numpy as np

from tools.report.figures import by_target
from tools.report.parts import Cards, Section, card
from tools.report.sections.believe import way
from tools.report.words import counted, listed
from tools.trust.coverage import COVERAGE, coverage_table

LOWEST_COVERAGE = 0.5  # where the axis of coverage ends
WIDEST = 5.0  # standard deviations, where the axis of widths ends
ALL_OF = 3.3  # standard deviations, in which 90 % of a normal distribution lie


def bounds_section(study):
    """Coverage and width, side by side."""
    covered = {
        way(study, name): coverage_table(study.targets, bounds) for name, (bounds, _) in study.trusted.items()
    }
    section = Section("bounds", "Do the bounds hold?")
    if study.sites is not None:
        section.lead.append(
            f"By {study.unit}, bounds that come from leaving out rows promise too much; those that come from leaving out {study.unit}s "
            f"(train.py --group {study.group}) are made for a new one, and are wider."
        )
    section.lead.append(beyond_text(study))
    order = np.argsort(-np.nan_to_num(study.of("R2", study.hardest), nan=-np.inf), kind="stable")
    shares = {name: found["coverage"].to_numpy()[order] for name, found in covered.items()}
    widths = {name: found["width / SD"].fillna(0).to_numpy()[order] for name, found in covered.items()}
    least = min(map(np.nanmin, shares.values()))
    low = max(LOWEST_COVERAGE, np.floor(10 * min(least, COVERAGE - 0.1)) / 10)
    widest = min(WIDEST, max(ALL_OF, *(width.max() for width in widths.values())))
    panels = {
        "share within bounds": (shares, {"limits": (low, 1), "marks": (COVERAGE,)}),
        "width of the bounds, SD": (widths, {"limits": (0, widest), "marks": (ALL_OF,)}),
    }
    seen = (
        f"Best predicted first. Left of the dashed line at {COVERAGE:.0%} the bounds are too narrow. Then their median width in "
        f"standard deviations of the assays; from the dashed line on, {ALL_OF:g}, they say no more than the mean does."
    )
    names = list(study.targets.columns[order])
    height = by_target.rows_height(len(names)) + 25
    figure = card(
        "coverage",
        f"Coverage of each {study.noun}",
        seen,
        "wide",
        (height, 2 * height),
        by_target.side_by_side,
        names,
        panels,
    )
    section.parts = [Cards([figure])]
    return section


def beyond_text(study):
    """How many predictions held out are further than a tenth of the range beyond what was measured."""
    told = []
    for name, (bounds, _) in study.trusted.items():
        far = (bounds[3] != 0).sum(axis=0)
        named = [study.targets.columns[k] for k in np.argsort(-far, kind="stable") if far[k]]
        told.append(f"{far.sum():,} {way(study, name)}" + (f" ({listed(named)})" if named else ""))
    return (
        "A prediction further beyond the measured range than a tenth of it is marked. Held out, of "
        f"{counted(study.targets.size, 'prediction')}: {'; '.join(told)}."
    )
