"""Odd JSON bodies at the platform's own model server: each is answered rightly or refused with its cause."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import preprocess
from tests.conftest import make_table
from tests.tools.container.bodies import FUZZ, check, places_of, unnamed_places, values_of

pytestmark = pytest.mark.server

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
