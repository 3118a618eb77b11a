"""Tables of an answer as the page shows them; the numbers are those of predict.py's table."""

import pandas as pd

from preprocess import ID_COLUMNS
from recore.marks import MARKS, UNKNOWN
from recore.ranges import VERDICTS

INSIDE = VERDICTS[0]
BEST = ("quantities", "screening")  # marks whose targets are shown first


def by_mark(described, marks=(*MARKS, UNKNOWN)):
    """Targets, as model.json has them, of these marks, best first."""
    order = [*MARKS, UNKNOWN]
    return sorted(
        (each for each in described if each["mark"] in marks), key=lambda each: order.index(each["mark"])
    )


def marks_present(marks):
    """{mark: how many targets have it}, best first."""
    return {mark: marks.count(mark) for mark in [*MARKS, UNKNOWN] if mark in marks}


def shown_first(marks):
    """The marks to begin with: what may be reported, or all where nothing may."""
    present = list(marks_present(marks))
    return [mark for mark in present if mark in BEST] or present


def counts_of(frame):
    """{verdict: samples}, of those that occur."""
    counts = frame["verdict"].value_counts()
    return {
        verdict: int(counts[verdict])
        for verdict in ("inside", "extrapolating", "unlike")
        if verdict in counts
    }


def flagged_first(frame):
    """Places of rows, those that are not inside first, furthest out first, else in the file's order."""
    far = frame[["leverage", "residual"]].max(axis=1).where(frame["verdict"] != INSIDE, -1)
    return far.sort_values(ascending=False, kind="stable").index.to_numpy()


def wide(frame, targets):
    """A row a sample: label, verdict; of each target prediction, bounds, and its verdict where one is beyond; other ids."""
    label, *ids = frame.columns[: frame.columns.get_loc("verdict")]
    usual = [name for name in ids if name in ID_COLUMNS]
    columns = [label, *usual, "verdict", "leverage", "residual"]
    for name in targets:
        columns += [name, f"{name} lower", f"{name} upper"]
        if (frame[f"{name} verdict"] != INSIDE).any():
            columns.append(f"{name} verdict")
    return frame[[*columns, *(name for name in ids if name not in usual)]]


def digits(value, form):
    """A number with the digits that a form leaves it, None where there is none."""
    return None if value is None else float(f"{value:{form}}")


def measured(target):
    """The range of a target's assays in the training."""
    return {"measured from": digits(target["min"], ".3g"), "to": digits(target["max"], ".3g")}


def one_sample(frame, row, described):
    """A row a target of one sample: prediction, bounds, verdict, mark, and what was measured of the training.

    `described` are targets as model.json has them.
    """
    cells = frame.loc[row]
    return pd.DataFrame(
        {
            "target": target["name"],
            "prediction": cells[target["name"]],
            "lower": cells[f"{target['name']} lower"],
            "upper": cells[f"{target['name']} upper"],
            "verdict": cells[f"{target['name']} verdict"],
            "mark": target["mark"],
            **measured(target),
        }
        for target in described
    )


def model_table(described, by):
    """A row a target: mark, R² and RMSE of each way to leave out that is told of, the range measured, assays.

    `by` are the names of what is left out, such as row and SiteID.
    """
    rows = []
    for target in by_mark(described):
        row = {"target": target["name"], "mark": target["mark"]}
        for name in by:
            figure = (target.get("expected") or {}).get(name) or {}
            row[f"R² by {name}"] = digits(figure.get("r2"), ".2f")
            row[f"RMSE by {name}"] = digits(figure.get("rmse"), ".2g")
        rows.append({**row, **measured(target), "assays": target["rows"]})
    return pd.DataFrame(rows)
