"""How far to trust one prediction: coverage of the bounds, and the spectra that are flagged."""

import numpy as np

from tools.report.figures import by_spectrum, by_target
from tools.report.parts import Cell, Section, Table, card, lined, number
from tools.report.words import by, counted, listed, plain
from tools.trust.coverage import COVERAGE, coverage_table

FLAGGED = 12  # spectra that are not "inside", listed
LOWEST_COVERAGE = 0.5  # where the axis of coverage ends
WIDEST = 5.0  # standard deviations, where the axis of widths ends
ALL_OF = 3.3  # standard deviations, in which 90 % of a normal distribution lie
WAYS = {  # of `plans`, in few words; and what to choose them for
    "row": "by row",
    "given folds": "on given folds",
    "site, bounds by row": "by site",
    "site, bounds by site": "by site, bounds by site",
}


def trust_section(study):
    """Coverage of the bounds, and the spectra that are flagged."""
    covered = {
        WAYS[name]: coverage_table(study.targets, bounds) for name, (bounds, _) in study.trusted.items()
    }
    means = {name: found["coverage"].mean() for name, found in covered.items()}
    said = "; ".join(f"{mean:.1%} {name}" for name, mean in means.items())
    section = Section("trust", "How far to trust one prediction", legend=study.sites is not None)
    section.lead = [
        f"Every prediction comes with bounds between which the assay should lie {COVERAGE:.0%} of the time, and "
        "with a verdict on whether the model applies to the spectrum at all.",
        f"Of the assays held out, this share lay between the bounds, on the mean over targets: {said}.",
    ]
    if study.sites is not None:
        section.lead.append(
            "By site, bounds that come from leaving out rows promise too much; those that come from leaving out sites "
            "(train.py --group) are made for a new site, and are wider."
        )
    section.lead.append(beyond_text(study))
    order = np.argsort(-study.of("R2", study.hardest))
    series = {name: found["coverage"].to_numpy() for name, found in covered.items()}
    what = "Best predicted first. Dashed: what was promised. Left of it, the bounds are too narrow.", order
    how = by_target.rows, series, "share of assays between the bounds"
    least = min(found["coverage"].min() for found in covered.values())
    low = max(LOWEST_COVERAGE, np.floor(10 * min(least, COVERAGE - 0.1)) / 10)
    marks = {"limits": (low, 1), "marks": (COVERAGE,)}
    section.cards = lined(study, "coverage", "Coverage of each target", *what, *how, **marks)
    series = {name: found["width / SD"].fillna(0).to_numpy() for name, found in covered.items()}
    what = (
        f"Upper less lower, in standard deviations. Dashed: {ALL_OF:g}, bounds that know the assays' mean only.",
        order,
    )
    widest = min(WIDEST, max(ALL_OF, *(width.max() for width in series.values())))
    marks = {"limits": (0, widest), "marks": (ALL_OF,)}
    section.cards += lined(
        study, "width", "Width of the bounds", *what, by_target.rows, series, "median width, SD", **marks
    )
    section.cards.append(flag_card(study))
    section.table = flag_table(study)
    if section.table is None:
        section.nothing.append("No spectrum is flagged.")
    return section


def beyond_text(study):
    """How many predictions held out are further than a tenth of the range beyond what was measured."""
    told = []
    for name, (bounds, _) in study.trusted.items():
        far = (bounds[3] != 0).sum(axis=0)
        named = [study.targets.columns[k] for k in np.argsort(-far, kind="stable") if far[k]]
        told.append(f"{far.sum():,} {WAYS[name]}" + (f" ({listed(named)})" if named else ""))
    return (
        "A prediction further beyond what was measured than a tenth of its range is marked below or above. Held out, "
        f"of {study.targets.size:,}: {'; '.join(told)}."
    )


def flag_card(study):
    """Leverage and residual of each spectrum held out."""
    panels = {
        WAYS[name]: (found["leverage"].to_numpy(), found["residual"].to_numpy())
        for name, (_, found) in study.trusted.items()
        if not name.endswith("bounds by site")
    }
    shares = [
        f"{(found['verdict'] != 'inside').mean():.1%} {WAYS[name]}"
        for name, (_, found) in study.trusted.items()
    ]
    seen = (
        "Above the line, something is in the spectrum that no training spectrum shows (unlike); right of it, more of "
        f"something than there was (extrapolating). Not inside: {', '.join(shares)}."
    )
    return card("flags", "Does the model apply?", seen, 2.7, by_spectrum.flags, panels, study.colours)


def flag_table(study):
    """The spectra that are not inside, the furthest first; None where there are none."""
    found = next(iter(study.trusted.values()))[1]
    largest = found[["leverage", "residual"]].max(axis=1).to_numpy()
    flagged = np.argsort(-largest)[: (found["verdict"] != "inside").sum()]
    if not len(flagged):
        return None
    errors = np.sqrt(np.nanmean(study.errors(study.schemes[0]) ** 2, axis=1))
    inside = np.setdiff1d(np.arange(len(errors)), flagged)
    header = [("index", ""), *((name, "") for name in study.table.ids), ("verdict", "")]
    header += [("leverage", "in units of its limit"), ("residual", "in units of its limit")]
    header += [("error, SD", "root mean square over targets, in standard deviations of each")]
    rows = []
    for row in flagged[:FLAGGED]:
        ids = [
            Cell(f"{value:g}" if isinstance(value, float) else str(value))
            for value in study.table.ids.iloc[row]
        ]
        line = found.iloc[row]
        cells = [number(line["leverage"]), number(line["residual"]), number(errors[row])]
        rows.append([Cell(str(study.targets.index[row])), *ids, Cell(line["verdict"]), *cells])
    which = f"The {FLAGGED} furthest of" if len(flagged) > FLAGGED else "All"
    caption = (
        f"{which} {counted(len(flagged), 'spectrum').replace('spectrums', 'spectra')} that are not inside, held out "
        f"{by(study.schemes[0])}. Their error is {plain(np.nanmedian(errors[flagged]), 2)} SD at the median, that of "
        f"the others {plain(np.nanmedian(errors[inside]), 2)}."
    )
    return Table(caption, header, rows)
