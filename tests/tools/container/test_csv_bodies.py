"""Odd CSV bodies at the platform's own model server: each is answered rightly or refused with its cause."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import channels_of, make_table
from tests.tools.container.bodies import FUZZ, check, feature, places_of, unnamed_places, values_of

pytestmark = pytest.mark.server

ODD_CELLS = [
    "", " ", "NA", "nan", "NaN", "inf", "-inf", "1e400", "-1e400", "high", "0,5", "0.5.1", "1_0", "0x1A", "True",
    "١", "５", "1e", "--1", "8", "-1e10", "7.0000001", "3997.4", "1e300", "-1e308", "'0.5", "0.5\x00", "0.5 0.6", "\ufeff0.5",
    "-0", "+.5", "5.", "1E0", " 0.5 ", "\t0.25", "1e-400", "0.1234567890123456789", "0.30000000000000004",
]  # fmt: skip


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
