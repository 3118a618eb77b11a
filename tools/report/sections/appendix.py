"""What few read: all measures, the assays, the alphas, and what the words mean."""

import numpy as np

from tools.report.figures import by_target
from tools.report.figures.style import power
from tools.report.parts import Cards, Cell, Column, Facts, More, Section, Table, card
from tools.report.words import brief, listed, r2_text, rough
from tools.validate.measures import MEASURES, OVERALL

BINS = 20
NICE = {"R2": "R²"}
MEANS = {
    "R2": "share of the variance that is predicted; 1 is perfect, 0 no better than the mean",
    "RMSE": "root mean square error, the size of a usual error",
    "bias": "mean of predicted − measured",
    "SEP": "standard deviation of the errors, so without the bias",
    "slope": "of measured on predicted; above 1, predictions are spread too little, below 1 too far",
    "RPD": "standard deviation / RMSE",
    "RPIQ": "interquartile range / RMSE",
}


def appendix_section(study):
    """Tables and figures behind clicks."""
    section = Section("appendix", "Appendix")
    section.parts = [
        More("All measures", [measures_table(study)]),
        More("The assays", [assays_table(study)]),
        More("How strongly the model is held back: α", [Cards([alphas_card(study)])]),
        More("What the words mean", [Facts(list(meanings(study)))]),
    ]
    return section


def measures_table(study):
    """Every measure, by row and by site side by side."""
    columns = [Column(study.noun)]
    columns += [Column(f"{NICE.get(m, m)} {study.by(s)}", MEANS[m]) for m in MEASURES for s in study.schemes]
    rows = []
    for name in [*study.targets, OVERALL]:
        lines = [study.measures.loc[(scheme, name)] for scheme in study.schemes]
        row = [Cell(name)]
        for measure in MEASURES:
            for line in lines:
                value = line[measure]
                in_units = measure in ("RMSE", "bias", "SEP")
                row.append(Cell(rough(value) if in_units else r2_text(value), "", value))
        rows.append(row)
    caption = (
        f"Mean over the repeats. RMSE, bias and SEP are in the unit of the file; in the last line, the mean over {study.noun}s, in "
        "standard deviations of each."
    )
    return Table(caption, columns, rows)


def assays_table(study):
    """Each target's assays: how many, between what, how spread."""
    columns = [
        Column(study.noun),
        Column("assays"),
        Column("missing"),
        Column("smallest"),
        Column("median"),
        Column("largest"),
    ]
    columns += [
        Column("SD", "standard deviation"),
        Column("at smallest", "share of assays that equal the smallest"),
    ]
    columns += [Column("distribution", "smallest to largest", text=True)]
    rows = []
    for name, values in study.targets.items():
        known = values.dropna().to_numpy()
        at_lowest = float(np.mean(known == known.min()))
        path, log = histogram(known)
        figures = known.min(), np.median(known), known.max(), known.std(ddof=1)
        rows.append(
            [
                Cell(name),
                Cell(f"{len(known):,}", "", len(known)),
                Cell(f"{len(values) - len(known):,}", "", len(values) - len(known)),
                *(Cell(brief(value), "", value) for value in figures),
                Cell(f"{at_lowest:.0%}", "", at_lowest),
                Cell("log" if log else "", picture=path),
            ]
        )
    caption = (
        f"In the unit of the file; “log” marks a logarithmic axis. A {study.noun} whose assays are mostly one low value, as below a "
        "detection limit, cannot be predicted well."
    )
    return Table(caption, columns, rows)


def histogram(values):
    """Bars of a distribution as a small SVG, and whether its axis is logarithmic."""
    log = values.min() > 0 and values.max() > 20 * np.median(values)
    counts, _ = np.histogram(np.log(values) if log else values, BINS)
    heights = 16 * counts / counts.max()
    path = "".join(f"M{3 * k} 16v-{h:.1f}h2.5v{h:.1f}z" for k, h in enumerate(heights) if h)
    return f'<svg class="bars" viewBox="0 0 60 16" aria-hidden="true"><path d="{path}"/></svg>', log


def alphas_card(study):
    """The regularisation strengths on their grid."""
    names = np.array(list(study.targets))
    grid = study.models["row"].alphas_
    order = np.argsort(study.models["row"].alpha_, kind="stable")
    ways = {name: f"leaving out a {study.unit if name == 'site' else 'sample'}" for name in study.models}
    series = {ways[name]: model.alpha_[order] for name, model in study.models.items()}
    at_edge = {
        ways[name]: names[(model.alpha_ == grid.min()) | (model.alpha_ == grid.max())]
        for name, model in study.models.items()
    }
    told = [f"{listed(found)} ({name})" for name, found in at_edge.items() if len(found)]
    edges = f"On the grid's edge: {'; '.join(told)}: there a wider grid may do better." if told else (
        "None lies on the grid's edge, so a wider grid would change nothing."
    )  # fmt: skip
    seen = (
        f"α pulls coefficients to 0: more of it where the spectra say less. {len(grid)} values from {power(grid.min())} to "
        f"{power(grid.max())} were tried for each {study.noun} by itself (ticks). {edges}"
    )
    what = by_target.alphas, list(names[order]), series, grid
    return card("alphas", f"α of each {study.noun}", seen, "wide", by_target.rows_height(len(names)), *what)


def meanings(study):
    """(word, what it means)."""
    for name, meaning in MEANS.items():
        yield NICE.get(name, name), meaning
    yield "held out", "not seen by the model that predicts it"
    yield "by row", "single samples are held out"
    if study.unit:
        yield f"by {study.unit}", f"whole {study.unit}s are held out, all samples of each together"
    yield "SD", f"standard deviation of a {study.noun}'s assays in this file"
    yield "leverage", "how far a spectrum lies from those of the training, along what they differ in"
    yield "residual", "what is in a spectrum that no training spectrum shows"
    yield "α", "strength of the regularisation of the ridge regression"
