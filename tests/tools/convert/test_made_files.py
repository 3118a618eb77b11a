"""tools/convert reads files that are made here, byte by byte as their formats have them, in every quantity and unit."""

import struct

import numpy as np
import pytest

from tools.convert.kinds import read_scan
from tools.convert.scan import Refused, to_absorbance

N = 400
X = np.linspace(4000, 600, N)
Y = 0.4 + 0.2 * np.sin(X / 70)


def spc(y=Y, first=4000.0, last=600.0, x_type=1, y_type=2, n=N, subfiles=1):
    """A Galactic SPC of evenly spaced 32-bit floats (version 0x4B): header, subheader, values."""
    head = struct.pack("<BBBbiddi", 0, 0x4B, 4, -128, n, first, last, subfiles) + struct.pack(
        "<BBBB", x_type, y_type, 0, 0
    )
    return head.ljust(512, b"\0") + b"\0" * 32 + np.asarray(y, "<f4").tobytes()


def jcamp(y=Y, x_units="1/CM", y_units="ABSORBANCE", kind="INFRARED SPECTRUM", n=N):
    """A JCAMP-DX 4.24 in plain numbers (AFFN), eight a line."""
    factor = 1e-6
    values = np.round(y / factor).astype(int)
    head = {
        "TITLE": "made", "JCAMP-DX": "4.24", "DATA TYPE": kind, "ORIGIN": "here", "OWNER": "none", "XUNITS": x_units, "YUNITS": y_units,
        "FIRSTX": "4000.0", "LASTX": "600.0", "DELTAX": repr((600 - 4000) / (N - 1)), "XFACTOR": "1.0", "YFACTOR": repr(factor),
        "NPOINTS": str(n), "FIRSTY": repr(float(values[0] * factor)), "MAXY": repr(float(values.max() * factor)), "MINY": repr(float(values.min() * factor)),
    }  # fmt: skip
    lines = [f"##{name}={value}" for name, value in head.items()] + ["##XYDATA=(X++(Y..Y))"]
    lines += [f"{X[k]:.6f} " + " ".join(map(str, values[k : k + 8])) for k in range(0, len(values), 8)]
    return "\r\n".join([*lines, "##END=", ""]).encode()


def peir(y=Y, quantity="A", n=N):
    """A PerkinElmer PE-IR .sp: lines of text, then int32."""
    factor = 1e-7
    values = np.round(y / factor).astype("<i4")
    lines = [
        "PE IR".ljust(28) + "SPECTRUM    BINARY      PEDS        1.60        ",
        "  -1",
        "#HDR",
        "-1",
        "-1",
        "#GR",
        "CM-1",
        quantity,
    ]
    lines += [
        repr(factor),
        "0.0",
        "4000.0",
        repr((600 - 4000) / (N - 1)),
        str(n),
        "8",
        repr(float(y.max())),
        repr(float(y.min())),
        "#DATA",
    ]
    return "\r\n".join([*lines, ""]).encode() + values.tobytes()


def asp(y=Y, n=N):
    return "\r\n".join([str(n), "4000", "600", "1", "2", "4", *(f"{value:.8f}" for value in y), ""]).encode()


MADE = {"a.spc": spc, "a.jdx": jcamp, "a.sp": peir, "a.asp": asp}


def read(data, path):
    path.write_bytes(data)
    return read_scan(str(path))


@pytest.mark.parametrize("units", ["1/CM", "CM-1", "cm-1", "cm^-1", "Wavenumbers (cm-1)", "WAVENUMBERS"])
def test_wavenumbers_are_known_however_they_are_spelt(units, tmp_path):
    np.testing.assert_allclose(read(jcamp(x_units=units), tmp_path / "a.jdx").y, Y, atol=1e-6)


@pytest.mark.parametrize("name", MADE)
def test_a_made_file_is_read_to_its_last_digit(name, tmp_path):
    scan = read(MADE[name](), tmp_path / name)
    np.testing.assert_allclose(scan.x, X, atol=2e-3)
    np.testing.assert_allclose(scan.y, Y, atol=1e-6)
    assert scan.quantity == ("unknown" if name == "a.asp" else "absorbance") and not scan.percent


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("share", [0.95, 0.6, 0.3, 0.1])
def test_a_made_file_that_is_cut_is_refused(name, share, tmp_path):
    data = MADE[name]()
    with pytest.raises(Refused):
        read(data[: int(len(data) * share)], tmp_path / name)


@pytest.mark.parametrize("name", MADE)
def test_a_wrong_number_of_points_is_refused(name, tmp_path):
    with pytest.raises(Refused):
        read(MADE[name](n=N + 7), tmp_path / name)


@pytest.mark.parametrize(
    ("name", "how", "quantity", "percent"),
    [
        ("a.spc", {"y_type": 128}, "transmittance", False),
        ("a.spc", {"y_type": 129}, "reflectance", False),
        ("a.jdx", {"y_units": "TRANSMITTANCE"}, "transmittance", False),
        ("a.jdx", {"y_units": "% TRANSMITTANCE"}, "transmittance", True),
        ("a.jdx", {"y_units": "PERCENT TRANSMITTANCE"}, "transmittance", True),
        ("a.jdx", {"y_units": "-LOG(REFLECTANCE)"}, "absorbance", False),
        ("a.jdx", {"y_units": "%T"}, "transmittance", True),
        ("a.jdx", {"y_units": "REFLECTANCE"}, "reflectance", False),
        ("a.jdx", {"y_units": "ARBITRARY UNITS"}, "unknown", False),
        ("a.sp", {"quantity": "%T"}, "transmittance", True),
        ("a.sp", {"quantity": "%R"}, "reflectance", True),
    ],
)
def test_the_quantity_is_what_the_file_says(name, how, quantity, percent, tmp_path):
    scan = read(MADE[name](**how), tmp_path / name)
    assert (scan.quantity, scan.percent) == (quantity, percent)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.spc", {"x_type": 13}),  # Raman shift
        ("a.spc", {"y_type": 1}),  # interferogram
        ("a.spc", {"y_type": 3}),  # Kubelka-Munk
        ("a.spc", {"y_type": 130}),  # single beam
        ("a.jdx", {"y_units": "KUBELKA-MUNK"}),
        ("a.spc", {"x_type": 3}),  # nm, of the visible
        ("a.jdx", {"kind": "RAMAN SPECTRUM"}),
        ("a.jdx", {"kind": "NMR SPECTRUM", "x_units": "HZ"}),
        ("a.jdx", {"x_units": "SECONDS"}),
    ],
)
def test_what_is_no_infrared_spectrum_is_refused(name, how, tmp_path):
    with pytest.raises(Refused):
        read(MADE[name](**how), tmp_path / name)


def test_an_axis_that_rises_is_turned_and_one_in_nm_becomes_wavenumbers(tmp_path):
    scan = read(spc(Y[::-1], 600.0, 4000.0), tmp_path / "a.spc")
    np.testing.assert_allclose(scan.y, Y, atol=1e-6)
    scan = read(spc(Y, 2500.0, 16000.0, x_type=3), tmp_path / "a.spc")
    np.testing.assert_allclose(scan.x[[0, -1]], [1e7 / 2500, 1e7 / 16000])
    assert (np.diff(scan.x) < 0).all()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"FIRSTX=4000.0", b"FIRSTX=4000,0"),
        (b"FIRSTX=4000.0", b"FIRSTX=40x0.0"),
        (b"FIRSTX=4000.0", b"firstx=4000,5"),
        (b"XFACTOR=1.0", b"XFACTOR=1,0"),
        (b"YFACTOR=1e-06", b"YFACTOR=1,0E-06"),
    ],
)
def test_a_number_of_jcamp_that_is_none_is_refused_and_never_read_in_part(before, after, tmp_path):
    good = jcamp()
    assert before in good
    with pytest.raises(Refused, match="expected a number with a decimal point"):
        read(good.replace(before, after), tmp_path / "a.jdx")


@pytest.mark.parametrize("change", ["swapped", "twice"])
def test_rows_of_jcamp_that_are_not_in_order_are_refused(change, tmp_path):
    lines = jcamp().split(b"\r\n")
    at = lines.index(b"##XYDATA=(X++(Y..Y))") + 5
    lines[at : at + 2] = [lines[at + 1], lines[at]] if change == "swapped" else [lines[at], lines[at]]
    with pytest.raises(Refused):
        read(b"\r\n".join(lines), tmp_path / "a.jdx")


def test_a_reflectance_above_1_throughout_has_no_absorbance(tmp_path):
    with pytest.raises(Refused, match="above 1 throughout"):
        to_absorbance(read(jcamp(100 * Y, y_units="REFLECTANCE"), tmp_path / "a.jdx"))
