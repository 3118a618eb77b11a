"""Which method to take: all of them on the same folds, and other models beside where they were asked for."""

from tools.report.parts import Cell, Column, Section, Table
from tools.report.words import r2_text
from tools.validate.methods import advice, schemes_of

NAMES = {
    "ridge": "ridge, the challenge's",
    "views": "views: ridge on features and on their slope",
    "kernel": "kernel: with distances to the training's spectra",
}


def methods_section(study):
    """Mean R² of each method, by row and by site; None where that would take too long."""
    if study.methods is None:
        return None
    schemes = schemes_of(study.methods)[::-1]
    columns = [Column("method"), *(Column(f"mean R² {study.by(scheme)}") for scheme in schemes)]
    rows = []
    for _, line in study.methods.iterrows():
        r2 = [line[f"R2 by {scheme}"] for scheme in schemes]
        name = NAMES.get(line["model"], line["model"])
        rows.append([Cell(name + " (this page)" * (line["model"] == study.method))])
        rows[-1] += [Cell(r2_text(value), "", value) for value in r2]
    told = advice(study.methods, study.by)
    section = Section("methods", "Which method?", [f"{told[0].upper()}{told[1:]}."])
    section.parts = [Table("All are fitted and judged on the same folds.", columns, rows)]
    return section
