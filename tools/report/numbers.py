"""All numbers of a model's page as tables: CSV files beside it."""

import numpy as np
import pandas as pd

import preprocess
from tools.report.sections.elements import known_of
from tools.report.sections.looks import patterns


def elements(study):
    """The table that the page opens with, one line a target."""
    lines = []
    for one in known_of(study):
        line = {"target": one.name, "mark": one.mark}
        for way, (r2, span, rmse) in one.figures.items():
            line |= {
                f"R2 {way}": r2,
                f"R2 {way} lower": span[0],
                f"R2 {way} upper": span[1],
                f"RMSE {way}": rmse,
            }
        lines.append({**line, "smallest": one.low, "largest": one.high, "assays": one.n})
    return pd.DataFrame(lines)


def held_out(study):
    """Measured, predicted and bounds of every sample and target, one line a sample and way to hold out."""
    parts = []
    for way, (bounds, _) in study.trusted.items():
        columns = {}
        for k, name in enumerate(study.targets):
            columns[f"{name} measured"] = study.targets[name].to_numpy()
            columns |= {
                f"{name} {kind}".strip(): bounds[j, :, k] for j, kind in enumerate(("", "lower", "upper"))
            }
        part = pd.DataFrame({"held out by": way, **columns}, study.targets.index)
        parts.append(pd.concat([study.table.ids, part], axis=1))
    return pd.concat(parts).reset_index(names="index")


def samples(study):
    """Of each sample what the maps show: leverage, residual and verdict held out, scores, error."""
    columns = {}
    for way, (_, found) in study.trusted.items():
        columns |= {f"{name}, {way}": found[name].to_numpy() for name in found}
    scores, _ = study.scores
    columns |= {f"score {k + 1}": values for k, values in enumerate(scores.T)}
    for scheme in study.schemes:
        squares = pd.DataFrame(np.square(study.errors(scheme)))
        columns[f"error in SD, {study.by(scheme)}"] = np.sqrt(squares.mean(axis=1)).to_numpy()
    return pd.concat([study.table.ids, pd.DataFrame(columns, study.targets.index)], axis=1).reset_index(
        names="index"
    )


def channels(study):
    """Of each feature its place, and of each target the correlation and the coefficient."""
    columns = {"place": study.axis, "mean": study.scaled.mean(axis=0)}
    found, model = patterns(study), study.models["row"]
    for k, name in enumerate(study.targets):
        columns[f"{name} correlation"] = found[k]
        if not model.further:  # else features have no coefficients that tell all
            columns[f"{name} coefficient"] = model.coef_[k]
    return pd.DataFrame(columns, pd.Index(list(study.table.features), name="feature")).reset_index()


def alphas(study):
    """The alpha of each target, by what was left out to choose it."""
    found = {f"alpha, {study.by(name)}": model.alpha_ for name, model in study.models.items()}
    return pd.DataFrame({"target": list(study.targets), **found})


def tables(study):
    """Every table by the word that its file's name gets."""
    return {
        "elements": elements(study),
        "measures": study.measures.reset_index(),
        "held-out": held_out(study),
        "samples": samples(study),
        "channels": channels(study),
        "alphas": alphas(study),
        "learning": study.curve,
    }


def write_numbers(study, page):
    """Write the tables beside a page, report.elements.csv and so on; their names."""
    names = []
    for word, table in tables(study).items():
        path = page.with_name(f"{page.stem}.{word}.csv")
        with preprocess.replacing(path) as file:
            table.to_csv(file, index=False, float_format="%.6g")
        names.append(path.name)
    return names
