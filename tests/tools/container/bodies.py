"""Bodies of requests: the tests' own reading of their cells, and what an answer must be."""

import json
import math
import re

import pandas as pd
from hypothesis import HealthCheck, settings

import recore.predictions

FUZZ = settings(
    max_examples=250, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def expected_text(model, values):
    if not len(values):
        return b""
    return recore.predictions.csv_rows(
        model.predict(pd.DataFrame(values, columns=model.feature_names_in_))
    ).encode()


def answered(server, body, content_type, accept="text/csv"):
    """The server's answer, after checking that it is whole: 200, or a refusal with its cause in one line."""
    status, kind, answer = server.post(body, content_type, accept)
    assert status in (200, 400), (status, body[:200], answer[:300])
    if status == 400:
        text = answer.decode()
        assert kind == "text/plain; charset=utf-8" and text.endswith("\n") and len(text.splitlines()) == 1
        assert "found " in text and (re.match(r"row \d+|body|found \d+ columns", text)), text
        return None
    return answer


def check(server, model, body, content_type, rows):
    """Whether the answer is that for `rows`, or a refusal where they are None."""
    answer = answered(server, body, content_type)
    if rows is None:
        assert answer is None, body[:300]
    else:
        assert answer == expected_text(model, rows), body[:300]


def strict_json(text):
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def feature(cell):
    """A cell as a feature, None when it cannot be one. The tests' own reading, cell by cell."""
    if isinstance(cell, str):
        cell = cell.strip(" \t\r\n\f\v")
        if not NUMBER.fullmatch(cell):
            return None
    elif type(cell) not in (int, float):
        return None
    try:
        value = float(cell)
    except OverflowError:
        return None
    return value if math.isfinite(value) and -1e9 <= value <= 7 else None


def values_of(rows, places):
    """Features of rows of cells, None when one cannot be had."""
    values = [[feature(row[place]) for place in places] for row in rows]
    return None if any(None in row for row in values) else values


def places_of(names, features):
    """Where the features stand by name; None when one is missing, there twice, or all channels are there."""
    if len(names) > 7 * (len(features) - 1):
        return None
    return [names.index(name) for name in features] if all(names.count(n) == 1 for n in features) else None


def unnamed_places(rows, features):
    extra = len(rows[0]) - len(features)
    if extra not in (0, 1):
        return None
    for row in rows if extra else []:
        try:
            if math.isfinite(float(row[0])) and float(row[0]) % 1:
                return None
        except (TypeError, ValueError, OverflowError):
            pass
    return range(extra, len(rows[0]))
