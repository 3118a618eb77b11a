"""Bodies of requests, and what answers them."""

import io
import json
import os

import numpy as np

import train


class Runs:
    """Pickles to a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def bodies(features):
    """Every way of sending the same features: name -> (body, content type)."""
    rows, names = features.to_numpy().tolist(), list(features)
    whole, bare = features.to_csv(), features.to_csv(index=False)
    numbers, indexed = features.to_csv(index=False, header=False), features.to_csv(header=False)
    shuffled = features[features.columns[::-1]].to_csv(index=False)
    more = features.assign(hole="BH-1", CuPPM=5000.0, AlPPM=70000.0).to_csv()
    lines = whole.splitlines(True)
    array = io.BytesIO()
    np.save(array, features.to_numpy())
    return {
        "str": (whole, "text/csv"),
        "bytes": (whole.encode(), "text/csv"),
        "charset": (whole.encode(), "text/csv; charset=UTF-8"),
        "BOM": ("\ufeff" + whole, "text/csv"),
        "BOM in bytes": (("\ufeff" + whole).encode(), "text/csv; charset=utf-8"),
        "header without index": (bare, "text/csv"),
        "features only": (numbers, "text/csv"),
        "index and features": (indexed, "text/csv"),
        "Windows line ends": (whole.replace("\n", "\r\n"), "Text/CSV"),
        "columns in another order": (shuffled, "text/csv"),
        "more columns": (more, "text/csv"),
        "a header that comes again": ("".join(lines[:3] + lines[:1] + lines[3:]), "text/csv"),
        "a header that comes late": ("".join(lines[1:3] + lines[:1] + lines[3:]), "text/csv"),
        "JSON rows": (json.dumps(rows), "application/json"),
        "JSON in bytes": (json.dumps(rows).encode(), "application/json; charset=utf-8"),
        "no content type": (json.dumps(rows), None),
        "JSON objects": (json.dumps([dict(zip(names[::-1], row[::-1])) for row in rows]), "application/json"),
        "JSON instances": (json.dumps({"instances": rows}), "application/json"),
        "JSON columns and data": (json.dumps({"columns": names, "data": rows}), "application/json"),
        "npy": (array.getvalue(), "application/x-npy"),
    }


def bad_bodies(features):
    whole, lines = features.to_csv(), features.to_csv(header=False).splitlines()
    name = features.columns[3]

    def csv_with(cell):
        table = features.astype({name: object})
        table.loc[2, name] = cell
        return table.to_csv()

    pickled = io.BytesIO()
    np.save(pickled, np.array([Runs(os.mkdir, "executed")]), allow_pickle=True)
    return {
        "empty": ("", "text/csv", "found no line"),
        "text": (csv_with("high"), "text/csv", "row 3, column '%s'" % name),
        "a gap": (csv_with(""), "text/csv", "row 3, column '%s'" % name),
        "an infinity": (csv_with("inf"), "text/csv", "row 3, column '%s'" % name),
        "a missing feature": (features.drop(columns=name).to_csv(), "text/csv", "without 1 of the model's"),
        "a column short": (
            "\n".join(line.rsplit(",", 2)[0] for line in lines),
            "text/csv",
            "columns without names",
        ),
        "a cell short": (
            "\n".join(lines[:3]) + "\n" + lines[3].rsplit(",", 1)[0],
            "text/csv",
            "cells, expected",
        ),
        "a name twice": (whole.replace(name, features.columns[0], 1), "text/csv", "more than once"),
        "not the charset": (b"\xff\xfe\x00", "text/csv", "bytes that are not UTF-8 text"),
        "another charset": (whole.encode("utf-16"), "text/csv; charset=UTF-16", "not UTF-8 text; send UTF-8"),
        "another type": ("1", "application/xml", "found content type"),
        "no JSON": ("[1, 2", "application/json", "no valid JSON"),
        "a JSON number": ("3", "application/json", "row 1"),
        "JSON without rows": ("[]", "application/json", "found 0 columns"),
        "ragged JSON": (
            json.dumps([[0.5] * features.shape[1], [0.5]]),
            "application/json",
            "row 2.*list of 1",
        ),
        "JSON with true": (json.dumps([[True] * features.shape[1]]), "application/json", "row 1, column"),
        "JSON with null": (json.dumps([[None] * features.shape[1]]), "application/json", "row 1, column"),
        "a pickled npy": (pickled.getvalue(), "application/x-npy", "array of object"),
        "no npy": (b"\x93NUMPY", "application/x-npy", "no array in npy"),
    }


def answer_of(application):
    """Status, headers and text of a WSGI application's answer."""
    started = []
    body = b"".join(application({}, lambda status, headers: started.append((status, dict(headers)))))
    ((status, headers),) = started
    assert headers["Content-Length"] == str(len(body))
    return status, headers, body.decode()


def told(body, content_type, model):
    """The objects of the JSON lines that answer a body."""
    predictions = train.predict_fn(train.input_fn(body, content_type), model)
    text, kind = train.output_fn(predictions, "application/jsonlines")
    assert kind == "application/jsonlines" and text.count("\n") == len(predictions)
    return [json.loads(line) for line in text.splitlines()]
