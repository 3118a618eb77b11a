"""train.py behind the platform's own model server: every body is answered rightly or refused with its cause."""

import csv
import io
import json
import math
import os
import re
import shutil
import signal
import threading
import time
from http.client import HTTPException

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, channels_of, make_table, model_server, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import preprocess
import train

SHIPPED = ("preprocess.py", "train.py", "mdl.py")
FUZZ = settings(
    max_examples=250, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """code/ as it is shipped, model/ of a small table."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "code").mkdir()
    for name in SHIPPED:
        shutil.copy(ROOT / name, folder / "code")
    public = write(make_table(), folder / "public.csv.gz")
    train.main(["--data_dir", str(public), "--model_dir", str(folder / "model")])
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with model_server(folder / "code", folder / "model") as running:
        pids = running.worker_pids()
        yield running
        assert running.worker_pids() == pids, "a worker died and was replaced"


@pytest.fixture(scope="module")
def model(folder):
    return train.model_fn(str(folder / "model"))


@pytest.fixture(scope="module")
def table():
    spectra = make_table()
    return preprocess.features(spectra[channels_of(spectra)])


def expected_text(model, values):
    if not len(values):
        return b""
    return train.csv_rows(model.predict(pd.DataFrame(values, columns=model.feature_names_in_))).encode()


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


# --- what comes out ---


def from_csv(answer):
    return [[float(cell) for cell in line.split(",")] for line in answer.decode().splitlines()]


def strict_json(text):
    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def from_json_lines(answer):
    lines = [strict_json(line) for line in answer.decode().splitlines()]
    assert [line["index"] for line in lines] == list(range(len(lines)))
    assert {line["verdict"] for line in lines} <= {"inside", "extrapolating", "unlike"}
    targets = [line["targets"].values() for line in lines]
    assert all(each["lower"] <= each["value"] <= each["upper"] for row in targets for each in row)
    return [[each["value"] for each in row] for row in targets]


def from_npy(answer):
    return np.load(io.BytesIO(answer), allow_pickle=False).tolist()


@pytest.mark.parametrize(
    "accept, kind, read",
    [
        ("text/csv", "text/csv", from_csv),
        ("text/csv; charset=utf-8", "text/csv", from_csv),
        ("text/*", "text/csv", from_csv),
        ("application/json", "application/json", strict_json),
        ("*/*", "application/json", strict_json),
        (None, "application/json", strict_json),
        ("", "application/json", strict_json),
        ("image/png, */*;q=0.1", "application/json", strict_json),
        ("application/json;q=0.5, text/csv;q=0.9", "text/csv", from_csv),
        ("application/jsonlines", "application/jsonlines", from_json_lines),
        ("application/x-npy", "application/x-npy", from_npy),
    ],
)
def test_every_way_to_ask_for_an_answer_gives_the_same_numbers(accept, kind, read, server, model, table):
    status, found, answer = server.post(table.to_csv(), "text/csv", accept)
    assert (status, found.split(";")[0]) == (200, kind)
    np.testing.assert_allclose(read(answer), train.predict(table, model), rtol=10.0 ** (1 - train.DIGITS))


def test_an_answer_that_cannot_be_given_is_refused(server, table):
    status, _, answer = server.post(table.to_csv(), "text/csv", "image/png")
    assert status == 406 and b"expected application/json or text/csv" in answer


# --- batches ---


def test_batch_size_row_order_and_worker_count_never_change_a_prediction(server, folder, model, table):
    header, *rows = table.to_csv().splitlines(True)
    whole = answered(server, header + "".join(rows), "text/csv").splitlines(True)
    assert b"".join(whole) == expected_text(model, table.to_numpy())
    for size in (1, 2, 7):
        parts = [answered(server, "".join(rows[at : at + size]), "text/csv") for at in range(0, 40, size)]
        assert b"".join(parts) == b"".join(whole)
    assert answered(server, "".join(rows[::-1]), "text/csv").splitlines(True) == whole[::-1]
    with model_server(folder / "code", folder / "model", workers=1) as alone:
        assert answered(alone, header + "".join(rows), "text/csv") == b"".join(whole)


def test_fifty_thousand_rows_in_one_request(server, model, table):
    rows = table.to_csv(header=False).splitlines(True)
    answer = answered(server, "".join(rows * 1250), "text/csv")
    assert answer == expected_text(model, table.to_numpy()) * 1250


def test_a_header_line_by_itself_is_no_row(server, table):
    assert answered(server, table.to_csv().splitlines(True)[0], "text/csv") == b""


# --- odd bodies: CSV ---

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
ODD_CELLS = [
    "", " ", "NA", "nan", "NaN", "inf", "-inf", "1e400", "-1e400", "high", "0,5", "0.5.1", "1_0", "0x1A", "True",
    "١", "５", "1e", "--1", "8", "-1e10", "7.0000001", "3997.4", "1e300", "-1e308", "'0.5", "0.5\x00", "0.5 0.6", "\ufeff0.5",
    "-0", "+.5", "5.", "1E0", " 0.5 ", "\t0.25", "1e-400", "0.1234567890123456789", "0.30000000000000004",
]  # fmt: skip


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


def csv_oracle(text, features):
    """What a CSV body says: rows of features, None when it cannot be used."""
    text = text.replace("\ufeff", "")
    if "\0" in text or "\x1f" in text:
        return None
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return None
    rows = [[cell.strip() for cell in row] for row in rows if len(row) > 1 or "".join(row).strip()]
    if not rows or len({len(row) for row in rows}) > 1:
        return None
    header = next((row for row in rows if len(set(features) & set(row)) * 2 >= len(features)), None)
    data = [row for row in rows if row != header]
    if not data and header is not None:
        return [] if places_of(header, features) else None
    places = places_of(header, features) if header else unnamed_places(data, features)
    if places is None:
        return None
    return values_of(data, places)


@st.composite
def csv_bodies(draw, table):
    """A CSV body, in one of the many forms that are right, then perhaps damaged."""
    rows = draw(st.integers(1, 4))
    start = draw(st.integers(0, 35))
    columns = list(table)
    form = draw(st.sampled_from(["%.12f", "%.17g", "%.3e", " %.6f", "%r"]))
    cells = [[form % value for value in row] for row in table.iloc[start : start + rows].to_numpy().tolist()]
    if draw(st.booleans()):
        order = draw(st.permutations(range(len(columns)))) if draw(st.booleans()) else range(len(columns))
        names = [columns[place] for place in order]
        cells = [[row[place] for place in order] for row in cells]
        for name, value in draw(
            st.lists(
                st.sampled_from([("SiteID", "12A"), ("CuPPM", "5000"), ("", "7"), ("hole, old", '"a, b"')]),
                max_size=3,
            )
        ):
            place = draw(st.integers(0, len(names)))
            names.insert(place, f'"{name}"' if "," in name else name)
            cells = [[*row[:place], value, *row[place:]] for row in cells]
        cells.insert(0 if draw(st.integers(0, 3)) else draw(st.integers(0, rows)), names)
        if draw(st.integers(0, 3)) == 0:
            cells.append(names)
    elif draw(st.booleans()):
        cells = [[str(place), *row] for place, row in enumerate(cells)]
    if draw(st.integers(0, 2)) == 0:
        row, place = draw(st.integers(0, len(cells) - 1)), draw(st.integers(0, 60))
        cells[row][place % len(cells[row])] = draw(st.sampled_from(ODD_CELLS))
    end = draw(st.sampled_from(["\n", "\r\n", "\n\n"]))
    text = (
        draw(st.sampled_from(["", "", "\ufeff"]))
        + end.join(",".join(row) for row in cells)
        + draw(st.sampled_from(["", end]))
    )
    damage = draw(st.sampled_from(["none", "none", "cut", "insert", "delete"]))
    place = draw(st.integers(0, len(text)))
    if damage == "cut":
        text = text[:place]
    elif damage == "insert":
        text = text[:place] + draw(st.sampled_from(',\n"x;-.\x1f9')) + text[place:]
    elif damage == "delete":
        text = text[:place] + text[place + draw(st.integers(1, 30)) :]
    return text


def test_no_csv_body_gives_a_wrong_number_or_loses_a_row(server, model, table):
    seen = {True: 0, False: 0}

    @FUZZ
    @given(st.data())
    def run(data):
        text = data.draw(csv_bodies(table))
        rows = csv_oracle(text, list(table))
        seen[rows is None] += 1
        content_type = data.draw(st.sampled_from(["text/csv", "text/csv; charset=utf-8"]))
        check(server, model, text.encode(), content_type, rows)

    run()
    assert min(seen.values()) > 50, seen  # both kinds were tried


def hand_made_csv(table):
    """Odd CSV bodies by hand."""
    whole, bare = table[:3].to_csv(), table[:3].to_csv(header=False)
    header, first, *rest = whole.splitlines(True)
    raw = make_table()[:2]
    return [
        "", "\n", " ", ",", "\ufeff", "0", "a", "[1,2]", "<html>", '"', '"\n', ",,,\n,,,", "\x00", "\x1f" * 50,
        header, header * 3, header + header.replace("39", "38") + first, first + header, "".join([first, *rest, header]),
        whole.replace(",", ";"), whole.replace(",", "\t"), whole.replace(".", ","), whole.replace("\n", "\r"),
        whole.replace("\n", ""), whole.replace("\n", "\n\n\n"), whole.replace("\n", ",\n"), bare.replace("\n", ",0.5\n"),
        raw.to_csv(), raw.to_csv(header=False), raw[channels_of(raw)].to_csv(), first * 2 + first[:-30],
        first.replace("0,", "0.25,", 1), first.replace("0,", "hole 7,", 1), "".join(['"%s"\n' % first.strip()] * 2),
        ",".join('"%s"' % cell for cell in first.strip().split(",")), "0.5," * 48 + "0.5", "0.5," * 49, ",".join(list(table)),
        header + "x" * 200_000, header + "\n" * 10_000 + first, first.encode("utf-16"), b"\xff\xfe\xfa" * 99,
        first.encode() + b"\xff", b"\x93NUMPY\x01\x00", bytes(range(256)), ("1e" + "9" * 5000 + ",") * 48 + "1",
    ]  # fmt: skip


def test_odd_csv_bodies_by_hand(server, model, table):
    for body in hand_made_csv(table):
        text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
        rows = csv_oracle(text, list(table))
        check(server, model, body if isinstance(body, bytes) else body.encode(), "text/csv", rows)


def test_every_odd_cell_is_told_by_row_and_column(server, model, table):
    for cell in ODD_CELLS:
        if feature(cell) is None and not set(cell) & {",", "\x00", "\ufeff"}:
            rows = table[:3].astype(object)
            rows.iloc[1, 5] = cell
            for content_type, body in (
                ("text/csv", rows.to_csv()),
                ("application/json", json.dumps(rows.to_numpy().tolist())),
            ):
                _, _, answer = server.post(body.encode(), content_type)
                assert answer.decode().startswith(f"row 2, column {table.columns[5]!r}: found "), (
                    cell,
                    answer,
                )


# --- odd bodies: JSON ---

ODD_VALUES = [
    None, True, False, [], {}, [0.5], "", "x", "0.5", "1_0", "nan", float("nan"), float("inf"), -float("inf"), 8,
    1e308, -1e308, 10**400, 1, 0, -3, "１", "0x1", "7.5", "\x00", "\u2028",
]  # fmt: skip


def json_oracle(text, features):
    """What a JSON body says: rows of features, None when it cannot be used."""

    def pairs(items):
        if len({name for name, _ in items}) < len(items):
            raise ValueError("a name comes twice")
        return dict(items)

    try:
        body = json.loads(text, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return None
    names = labels = None
    if isinstance(body, dict):
        if "instances" in body:
            body, labels = body["instances"], body.get("index")
        elif "data" in body:
            body, names, labels = body["data"], body.get("columns"), body.get("index")
    if not (isinstance(body, list) and body and isinstance(body[0], (list, dict))):
        body = [body]
    if labels is not None and not (isinstance(labels, list) and len(labels) == len(body)):
        return None
    return rows_oracle(body, names, features)


def rows_oracle(body, names, features):
    if all(isinstance(row, dict) for row in body):
        if any(places_of(list(row), features) is None for row in body):
            return None
        labelled = [name for name in preprocess.INDEX_NAMES if any(name in row for row in body)]
        if labelled and not all(labelled[0] in row for row in body):
            return None
        return values_of([[row[name] for name in features] for row in body], range(len(features)))
    if not all(isinstance(row, list) for row in body) or len({len(row) for row in body}) > 1 or not body[0]:
        return None
    if names is not None:
        if not isinstance(names, list) or len(names) != len(body[0]):
            return None
        places = places_of([str(name) for name in names], features)
    else:
        places = unnamed_places(body, features)
    return None if places is None else values_of(body, places)


@st.composite
def json_bodies(draw, table):
    columns, start = list(table), draw(st.integers(0, 35))
    rows = table.iloc[start : start + draw(st.integers(1, 4))].to_numpy().tolist()
    form = draw(st.sampled_from(["lists", "indexed", "objects", "instances", "split", "one", "one object"]))
    if form == "indexed":
        rows = [
            [draw(st.sampled_from([place, f"hole {place}", place + 0.5])), *row]
            for place, row in enumerate(rows)
        ]
    if form in ("objects", "one object"):
        order = draw(st.permutations(columns))
        rows = [{"SiteID": "12A", **{name: dict(zip(columns, row))[name] for name in order}} for row in rows]
    if draw(st.booleans()):
        row = draw(st.sampled_from(rows))
        keys = list(row) if isinstance(row, dict) else range(len(row))
        key = draw(st.sampled_from(list(keys)))
        kind = draw(st.sampled_from(["value", "value", "remove", "row"]))
        if kind == "value":
            row[key] = draw(st.sampled_from(ODD_VALUES))
        elif kind == "remove":
            del row[key]
        else:
            rows[rows.index(row)] = draw(st.sampled_from(ODD_VALUES))
    body = rows
    if form == "instances":
        body = {"instances": rows, "signature_name": "x"}
    elif form == "split":
        body = {"columns": columns[:: draw(st.sampled_from([1, 1, 1, -1]))], "data": rows, "index": [0]}
    elif form in ("one", "one object"):
        body = rows[0]
    text = json.dumps(body, ensure_ascii=draw(st.booleans()))
    damage, place = (
        draw(st.sampled_from(["none", "none", "none", "cut", "insert"])),
        draw(st.integers(0, len(text))),
    )
    if damage == "cut":
        text = text[:place]
    elif damage == "insert":
        text = text[:place] + draw(st.sampled_from(',]}"x-.9 ')) + text[place:]
    return text


def test_no_json_body_gives_a_wrong_number_or_loses_a_row(server, model, table):
    seen = {True: 0, False: 0}

    @FUZZ
    @given(st.data())
    def run(data):
        text = data.draw(json_bodies(table))
        rows = json_oracle(text, list(table))
        seen[rows is None] += 1
        content_type = data.draw(
            st.sampled_from(["application/json", "application/json; charset=utf-8", None])
        )
        check(server, model, text.encode("utf-8", "surrogatepass"), content_type, rows)

    run()
    assert min(seen.values()) > 50, seen


def test_odd_json_bodies_by_hand(server, model, table):
    row = table.iloc[0].tolist()
    whole = json.dumps([row])
    for text in [
        "", " ", "null", "true", "0", '"x"', "[]", "{}", "[[]]", "[{}]", "[[], []]", '{"instances": []}', '{"instances": 3}',
        '{"instances": null}', '{"data": []}', '{"columns": 3, "data": [[1]]}', '{"data": [[1]], "columns": ["a"]}',
        json.dumps({"data": [row], "columns": list(table)[:-1]}), json.dumps({"data": [row], "columns": "x" * 49}),
        json.dumps({"data": [row], "columns": [*list(table)[:-1], table.columns[0]]}), json.dumps([row, dict(zip(table, row))]),
        json.dumps([dict(zip(table, row)), row]), json.dumps([row, None]), json.dumps([row, row[:-1]]), json.dumps([row, [*row, 1]]),
        json.dumps([{**dict(zip(table, row)), "x": None}, dict(zip(table, row))]),
        json.dumps([dict(zip(table, row)), make_table()[:1].to_dict("records")[0]]), json.dumps([[*row, *row]]),
        whole * 2, whole + "\n" + whole, whole + ",", "'" + whole + "'", whole.replace("[[", "[[[").replace("]]", "]]]"),
        "[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 50_000, "1" * 100_000, "[[" + "1" * 5000 + "]]",
        '{"%s": 1, ' % table.columns[0] + json.dumps(dict(zip(table, row)))[1:], "\ufeff" + whole, "NaN", "-Infinity",
        make_table()[:1].to_json(orient="records"), make_table()[:1].to_json(orient="split"), table[:2].to_json(orient="records"),
        table[:2].to_json(orient="split"), table[:2].to_json(orient="columns"), table[:2].to_json(orient="values"),
    ]:  # fmt: skip
        rows = json_oracle(text.replace("\ufeff", ""), list(table))
        check(server, model, text.encode(), "application/json", rows)


def test_json_lines_are_read_line_by_line(server, model, table):
    rows = table[:5].to_numpy().tolist()
    lines = [json.dumps(row) for row in rows]
    objects = [json.dumps(dict(zip(table, row))) for row in rows]
    for good in ("\n".join(lines), "\n".join(lines) + "\n\n", "\r\n".join(objects)):
        check(server, model, good.encode(), "application/jsonlines", rows)
    for bad in (
        "",
        "\n",
        lines[0] + lines[1],
        lines[0] + "\n" + objects[1],
        lines[0] + "\n" + lines[1][:-9],
        "1\n2",
    ):
        check(server, model, bad.encode(), "application/jsonlines", None)


# --- odd bodies: npy ---


def saved(array, **options):
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def npy_oracle(data, features):
    """What an npy body says: rows of features, None when it cannot be used."""
    file = io.BytesIO(data)
    try:
        array = np.load(file, allow_pickle=False)
    except Exception:
        return None
    if (
        not isinstance(array, np.ndarray)
        or file.read(1)
        or array.dtype.kind not in "fiu"
        or array.ndim not in (1, 2)
    ):
        return None
    rows = np.atleast_2d(array).astype(float).tolist()
    if not array.size:
        return None
    places = unnamed_places(rows, features)
    return None if places is None else values_of(rows, places)


@st.composite
def npy_bodies(draw, table):
    start = draw(st.integers(0, 35))
    array = table.iloc[start : start + draw(st.integers(1, 4))].to_numpy()
    if draw(st.booleans()):
        index = np.arange(len(array))[:, None] + draw(st.sampled_from([0, 0, 0.5]))
        array = np.hstack([index, array])
    if draw(st.booleans()):
        array = array.astype(
            draw(st.sampled_from(["f4", "f2", ">f8", "<i4", "u1", "?", "c16", "S9", "O", "U5", "g"]))
        )
    array = draw(st.sampled_from([lambda a: a, lambda a: a[0], np.asfortranarray, lambda a: a[:, ::-1], lambda a: a[None],
                                  lambda a: a[:0], lambda a: a[:, 1:], lambda a: a.T, np.ravel]))(array)  # fmt: skip
    if array.dtype.kind == "f" and array.size and draw(st.integers(0, 3)) == 0:
        array = array.copy()
        array.flat[draw(st.integers(0, array.size - 1))] = draw(
            st.sampled_from([np.nan, np.inf, -np.inf, 8, 7, -2])
        )
    data = saved(array, allow_pickle=True)
    damage, place = (
        draw(st.sampled_from(["none", "none", "cut", "flip", "more"])),
        draw(st.integers(0, len(data) - 1)),
    )
    if damage == "cut":
        data = data[:place]
    elif damage == "flip":
        place = place if draw(st.booleans()) else place % 128
        data = data[:place] + bytes([data[place] ^ 1 << draw(st.integers(0, 7))]) + data[place + 1 :]
    elif damage == "more":
        data += draw(st.sampled_from([b"\0", b"\n", data]))
    return data


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_npy_body_gives_a_wrong_number_or_loses_a_row(server, model, table):
    seen = {True: 0, False: 0}

    @FUZZ
    @given(st.data())
    def run(data):
        body = data.draw(npy_bodies(table))
        rows = npy_oracle(body, list(table))
        seen[rows is None] += 1
        check(server, model, body, "application/x-npy", rows)

    run()
    assert min(seen.values()) > 30, seen


class Runs:
    """Pickles to a call."""

    def __reduce__(self):
        return os.system, ("touch executed",)


def header_of(shape, descr="<f8"):
    text = repr({"descr": descr, "fortran_order": False, "shape": shape}).ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def test_odd_npy_bodies_by_hand(server, model, table, tmp_path):
    whole = saved(table.to_numpy())
    archive = io.BytesIO()
    np.savez(archive, table.to_numpy())
    for body in [
        b"", b"\x93", b"\x93NUMPY", b"\x93NUMPY\x09\x09" + whole[8:], whole[:-1], whole + whole, whole[10:], b"PK\x03\x04",
        archive.getvalue(), saved(np.array([Runs()]), allow_pickle=True), saved(np.array(Runs()), allow_pickle=True), saved(3.0),
        b"\x80\x04cos\nsystem\n(S'touch executed'\ntR.", header_of((10**12, 49)), header_of((2**62, 2**62)), header_of((-1, 49)),
        header_of((1, 49), "|O") + b"\x80\x04cos\nsystem\n(S'touch executed'\ntR.", header_of((0, 49)), header_of((49, 0)),
        header_of((1, 49), "not a type"), header_of((1, 49), [("a", "<f8")]) + bytes(392), header_of("x"), header_of((1.5, 49)),
        header_of((1, 49)) + bytes(392), header_of((True, 49)) + bytes(392), b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535,
    ]:  # fmt: skip
        if b"(True" not in body:
            check(server, model, body, "application/x-npy", npy_oracle(body, list(table)))
    assert not list(server.base.rglob("executed")) and not os.path.exists("/executed")


# --- the server itself ---


@pytest.mark.parametrize(
    "content_type", ["application/x-pickle", "text/plain", "", "image/png; q=1", "text/csv/x"]
)
def test_an_unknown_content_type_is_told(content_type, server):
    if content_type:
        status, _, answer = server.post(b"1,2", content_type)
        assert status == 400 and b"found content type" in answer


def test_a_damaged_model_is_refused_and_ping_says_so(folder, tmp_path):
    shutil.copytree(folder / "model", tmp_path / "model")
    pickled = bytearray((tmp_path / "model" / "model.pkl").read_bytes())
    pickled[len(pickled) // 2] ^= 1
    (tmp_path / "model" / "model.pkl").write_bytes(bytes(pickled))
    with model_server(folder / "code", tmp_path / "model", workers=1) as running:
        assert running.ping() == 500 and running.post(b"1", "text/csv")[0] == 500
        assert "found sha256" in running.log.read_text()


def test_the_servers_own_fault_is_not_the_clients(folder, tmp_path, table):
    shutil.copytree(folder / "code", tmp_path / "code")
    with open(tmp_path / "code" / "train.py", "a") as file:
        file.write("\n\ndef predict_array(values, model):\n    raise RuntimeError('out of order')\n")
    with model_server(tmp_path / "code", folder / "model", workers=1) as running:
        assert running.ping() == 200
        assert running.post(table.to_csv(), "text/csv")[0] == 500
        assert running.post("x", "text/csv")[0] == 400


def test_the_server_survives_a_worker_killed_while_it_answers(folder, model, table):
    header, *rows = table.to_csv().splitlines(True)
    outcome = []

    def ask(running):
        try:
            outcome.append(running.post((header + "".join(rows * 1500)).encode(), "text/csv")[0])
        except (HTTPException, OSError) as error:
            outcome.append(error)

    with model_server(folder / "code", folder / "model", workers=1) as running:
        assert running.ping() == 200
        (victim,) = running.worker_pids()
        asking = threading.Thread(target=ask, args=(running,))
        asking.start()
        time.sleep(0.5)
        assert not outcome, "it answered too fast to be killed meanwhile"
        os.kill(victim, signal.SIGKILL)
        asking.join()
        assert isinstance(outcome[0], Exception)
        assert answered(running, header + "".join(rows), "text/csv") == expected_text(model, table.to_numpy())
        assert running.ping() == 200 and running.worker_pids() != [victim]
