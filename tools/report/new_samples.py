"""New samples: read, predicted and judged by the functions of predict.py; all that their page tells of."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

import preprocess
import train
from recore.bounds import MOST
from recore.channels import OTHERS
from recore.details import DIGITS, MOST_DIGITS, details_at, header, rows
from recore.model_file import load_described
from recore.options import check_share
from recore.predictions import COVERAGE, beyond, predict, trust
from recore.tables import read_table, reading_for
from tools.training_band import Scale, training_band, unexplained

ABOUT, OF_TARGET = 3, 5  # columns of the details: verdict, leverage, residual; then of each target


class Samples(NamedTuple):
    """New samples beside the model that predicts them."""

    name: str  # of the file
    source: str
    command: str
    coverage: float  # of the bounds
    model: object  # ZeroClippedRidgeCV
    description: dict  # model.json
    table: preprocess.Table
    predictions: np.ndarray  # (n_rows, n_targets)
    labels: list  # (index, *ids) of each row, as text
    cells: list  # of each row, what predict.py's table for people says after its ids, rounded alike
    trusted: pd.DataFrame  # leverage, residual and verdict of each row
    scale: Scale

    @property
    def targets(self):
        """Names of the targets."""
        return self.model.target_names_

    @property
    def beyond(self):
        """-1 where a prediction is below what was measured, 1 where above, else 0; (n_rows, n_targets)."""
        return beyond(self.predictions, self.model)

    @property
    def order(self):
        """Places of the rows, flagged ones first, the furthest first of those; (n_rows,)."""
        far = self.trusted[["leverage", "residual"]].max(axis=1).to_numpy()
        flagged = (self.trusted["verdict"] != "inside").to_numpy()
        return np.lexsort((np.arange(len(far)), np.where(flagged, -far, 0), ~flagged))

    @property
    def flagged(self):
        """Those of `order` that are not inside."""
        return [row for row in self.order if self.trusted["verdict"].iloc[row] != "inside"]

    @property
    def spectra(self):
        """As they are drawn, (n_rows, n_features)."""
        return self.scale(self.table.features)

    @property
    def band(self):
        """Where the training spectra lie, see `training_band`."""
        return training_band(self.model, self.scale)

    def apart_of(self, row):
        """Of one row, see `unexplained`; (n_features,)."""
        return unexplained(self.model, self.table.features.iloc[[row]])[0]

    def of_target(self, row, place):
        """Prediction, lower, upper, verdict and mark of a row's target."""
        start = ABOUT + OF_TARGET * place
        return self.cells[row][start : start + OF_TARGET]

    def frame(self):
        """The table for people, as predict.py writes it, index included; a DataFrame."""
        names = header(self.table.ids, self.model)
        lines = [[*label, *cells] for label, cells in zip(self.labels, self.cells, strict=True)]
        return pd.DataFrame(lines, columns=["index", *names])


def samples_of(path, model_dir, *, coverage=COVERAGE, digits=DIGITS, resample=False, source="", command=""):
    """Read a table of spectra and predict it; Samples.

    Parameters
    ----------
    path : str
        As predict.py takes it; assays in it are not looked at.
    model_dir : str
        Folder of a model.
    coverage, digits, resample
        As predict.py takes them.
    source, command : str
        Where the spectra come from and what was typed, for the page.

    Raises
    ------
    preprocess.DataError
        As predict.py.
    """
    check_share("--coverage", coverage, MOST)
    if not 1 <= digits <= MOST_DIGITS:
        raise preprocess.DataError("--digits", f"found {digits}", f"1 to {MOST_DIGITS}", f"{DIGITS} is usual")
    model, description = load_described(model_dir, train.METHODS)
    reading = reading_for(model.target_names_, description, resample)
    reading.remedy = f"{OTHERS}, or put them there by interpolation with --resample"
    table = read_table(path, reading)
    predictions = predict(table.features, model)
    found = list(rows(table, predictions, model, coverage, digits))
    return Samples(
        Path(preprocess.find_table(path)).name,
        source,
        command,
        coverage,
        model,
        description,
        table,
        predictions,
        [label for label, _ in found],
        [cells for _, cells in found],
        trust(table.features.to_numpy(), predictions, model, coverage)[2].reset_index(drop=True),
        Scale(model.feature_names_in_, description["channels"]),
    )


def write_sheet(samples, path):
    """The table for people as predict.py writes it to a workbook."""
    with details_at(str(path)) as sheet:
        made = [[*label, *cells] for label, cells in zip(samples.labels, samples.cells, strict=True)]
        sheet.add(header(samples.table.ids, samples.model), made, len(made))
