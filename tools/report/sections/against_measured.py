"""How good, target by target: measures, and predicted beside measured."""

import numpy as np

from recore.marks import mark_of
from tools.report.figures import by_target
from tools.report.parts import GOOD, POOR, Cell, Section, Table, card, lined, number
from tools.report.words import by, half_text, plain, r2_text
from tools.validate.measures import MEASURES, OVERALL

LOWEST_R2 = -1.0  # where the axis of R² ends
WORSE = 0.2  # R² by row less R² by site, from which a target is much worse on new sites
TOO_FLAT = 1.15  # slope of measured on predicted from which high values come out too low
NICE = {"R2": "R²"}
MEANS = {
    "R2": "share of the variance that is predicted",
    "RMSE": "root mean square error",
    "bias": "mean of predicted − measured",
    "SEP": "standard deviation of the errors, so without the bias",
    "slope": "of measured on predicted; above 1, predictions are spread too little, below 1 too far",
    "RPD": "standard deviation / RMSE",
    "RPIQ": "interquartile range / RMSE",
}


def scores_section(study):
    """R² of each target at a glance, and all measures in a table."""
    order = np.argsort(-study.of("R2", study.hardest))
    series = {by(name): study.of("R2", name) for name in study.schemes}
    halves = {by(name): study.of("R2 ±", name) for name in study.schemes}
    low = max(LOWEST_R2, min(0, np.floor(10 * min(map(np.nanmin, series.values()))) / 10))
    lead = [
        "R² is the share of a target's variance that is predicted: 1 is perfect, 0 no better than the mean."
    ]
    if len(series) > 1:
        lead.append(
            "A long line between the two dots means that the model lives on what samples of one site share. On a "
            "new site, count on the square."
        )
    known = any(np.isfinite(half).any() for half in halves.values())
    caption = f"Best first{', with 95 % intervals' * known}. Dashed: R² {GOOD}."
    section = Section("scores", "How good, target by target", lead)
    what = "r2", "R² of each target", caption, order, by_target.rows, series, "R²"
    section.cards = lined(study, *what, halves=halves, limits=(low, 1), marks=(GOOD,))
    section.table = score_table(study)
    return section


def score_table(study):
    """Every measure, the schemes side by side."""
    header = [
        ("target", ""),
        ("assays", "rows that have one"),
        ("mark", f"what for, by R² {by(study.hardest)}"),
    ]
    header += [(f"{NICE.get(m, m)} {by(s)}", MEANS[m]) for m in MEASURES for s in study.schemes]
    rows = []
    for name in [*study.targets, OVERALL]:
        lines = [study.measures.loc[(scheme, name)] for scheme in study.schemes]
        row = [Cell(name), Cell(f"{int(lines[0]['assays']):,}", value=lines[0]["assays"])]
        row.append(Cell("" if name == OVERALL else mark_of(lines[-1]["R2"])))
        for measure in MEASURES:
            for line in lines:
                value, half = line[measure], line[f"{measure} ±"]
                in_units = measure in ("RMSE", "bias", "SEP")
                fixed = Cell(f"{value:.3f}".replace("-", "−"), half_text(half), value)
                row.append(number(value, half) if in_units else fixed)
        rows.append(row)
    caption = (
        "Mean over the repeats, ± half the 95 % interval. RMSE, bias and SEP are in the target's unit; in the last "
        "line, the mean over targets, in standard deviations of each."
    )
    return Table(caption, header, rows)


def scatter_section(study):
    """Predicted against measured of every target."""
    lead = [
        "A dot on the line is right. A cloud flatter than the line means that high values come out too low; a "
        "level band of dots, that the model says the same whatever is there. Each dot is the mean over the repeats."
    ]
    if study.sites is not None:
        lead.append("One colour far off the line is a site that the model does not understand.")
    section = Section("predicted", "Predicted and measured", lead, legend=study.sites is not None)
    for place, name in enumerate(study.targets):
        measured = study.targets[name].to_numpy()
        panels = {by(scheme): study.mean(scheme)[:, place] for scheme in study.schemes}
        how = 2.55, by_target.scatters, measured, panels, study.colours
        section.cards.append(card(f"scatter{place}", name, remark(study, name), *how))
    return section


def remark(study, name):
    """R² and RMSE of a target, and what is striking about them."""
    lines = {scheme: study.measures.loc[(scheme, name)] for scheme in study.schemes}
    told = "; ".join(
        f"R² {r2_text(line['R2'])}, RMSE {plain(line['RMSE'])} {by(scheme)}" for scheme, line in lines.items()
    )
    first, last = lines[study.schemes[0]], lines[study.hardest]
    if last["R2"] < POOR:
        told += ". Not to be relied on" + (" on new sites" if first["R2"] >= 0.5 else "")
    elif first["R2"] - last["R2"] > WORSE:
        told += ". Much worse on new sites"
    elif last["slope"] > TOO_FLAT:
        told += ". Spread too little"
    return told + "."
