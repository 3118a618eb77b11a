"""Predictions, bounds and verdicts of a table, by the functions that predict.py calls: the same digits."""

import io
import os
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd

import preprocess
from predict import PEOPLE
from preprocess import DataError
from recore.channels import OTHERS
from recore.details import details_at, header
from recore.predictions import predict
from recore.tables import read_tables, reading_for
from tools.page.drop import sources_of
from tools.page.heard import heard, one_line
from tools.report.study import DEMO, source_of

RESAMPLE = f"{OTHERS}, or switch on “Interpolate” under Options"


class Answer(NamedTuple):
    """What is predicted of one table."""

    name: str
    table: preprocess.Table  # features and ids
    predictions: np.ndarray  # (n_rows, n_targets)
    csv: bytes  # predict.py's table for people
    frame: pd.DataFrame  # the same, numbers as they stand there, labels as text
    synthetic: bool  # whether the table says that its spectra are
    said: list  # lines on what was done on the way


class Answers(NamedTuple):
    """What is answered of a drop of files."""

    answers: list  # of Answer
    refused: list  # of (name, reason)


def answer(source, model, description, asked, step=lambda name, rows: None):
    """The Answer of a Source; a DataError where its table is not the model's, or has more than PEOPLE rows."""
    reading = reading_for(model.target_names_, description, asked.resample)
    reading.remedy = RESAMPLE
    parts, n_rows = [], 0
    with heard() as said:
        for part in read_tables(source.path, None, reading):
            parts.append(part)
            n_rows += len(part.features)
            step(source.name, n_rows)
            if n_rows > PEOPLE:
                remedy = "predict.py takes any number"
                raise DataError("", f"found more than {PEOPLE:,} spectra", "fewer", remedy)
    features, ids = (pd.concat([part[place] for part in parts]) for place in (0, 1))
    table = preprocess.Table(features, ids, pd.DataFrame(index=features.index), parts[0].channels)
    predictions = predict(table.features, model)
    text = details(table, predictions, model, asked, ".csv")
    said = [line.replace(os.path.basename(source.path), source.name, 1) for line in said]
    frame, synthetic = frame_of(text, list(ids)), source_of(source.path) == DEMO
    return Answer(source.name, table, predictions, text, frame, synthetic, [*source.said, *said])


def frame_of(text, ids):
    """The table for people as a DataFrame; `ids` are the names of its columns of ids."""
    labels = ["index" + " " * ("index" in ids), *ids]
    # their columns by place: the first has no name
    kinds = dict.fromkeys(range(len(labels)), str)
    frame = pd.read_csv(io.BytesIO(text), dtype=kinds, keep_default_na=False)
    return frame.set_axis([*labels, *frame.columns[len(labels) :]], axis=1)


def details(table, predictions, model, asked, ending):
    """Bytes of the table for people, .csv or .xlsx, as predict.py writes it."""
    with TemporaryDirectory() as folder:
        path = os.path.join(folder, f"details{ending}")
        with details_at(path) as file:
            made = file.made(table, predictions, model, asked.coverage, asked.digits)
            file.add(header(table.ids, model), made, len(predictions))
        with open(path, "rb") as file:
            return file.read()


def answers_of(dropped, model, description, asked, step=lambda name, rows=0: None):
    """The Answers of a drop of files: what cannot be read is named in one line, the rest is answered.

    Parameters
    ----------
    dropped : list of Dropped
    model, description
        As `recore.model_file.load_described` gives them.
    asked : Asked
    step : callable, optional
        `step(name)` before each file, `step(name, rows)` when so many rows of a table are read.
    """
    answers = []
    with TemporaryDirectory() as folder:  # nothing is kept
        sources, refused = sources_of(dropped, folder, asked, step)
        for source in sources:
            try:
                answers.append(answer(source, model, description, asked, step))
            except Exception as error:  # a damaged file may raise anything, and the other files wait
                refused.append((source.name, one_line(error, *os.path.split(source.path))))
    return Answers(answers, refused)
