"""Odd npy bodies at the platform's own model server: each is answered rightly or refused with its cause."""

import io
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.container.bodies import FUZZ, check, unnamed_places, values_of

pytestmark = pytest.mark.server


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
