"""tools/convert: every kind of file is told by its bytes, read whole or refused by name."""

import numpy as np
import pandas as pd
import pytest

from tests.conftest import REAL
from tools.convert.kinds import is_passed_over, read_scan
from tools.convert.scan import Refused, oddities, to_absorbance

RAW, OPUS = REAL / "raw_files", REAL / "yamsys_opus" / "spectra"
needs_raw = pytest.mark.skipif(not RAW.exists(), reason=f"the instruments' files are not here: {RAW}")
FILES = sorted(path for path in RAW.glob("*/*")) if RAW.exists() else []
READ = {  # points, first, last, quantity; ends as index.csv and the instruments' software have them
    "BF_lo_01_soil_cal.0": (1716, 3997.40, 499.67, "absorbance"),
    "BrukerOpusBinary__example.0": (4827, 7498.2, 599.0, "absorbance"),
    "BrukerOpusBinary__test_refl.0": (1708, 3997.6, 498.2, "reflectance"),
    "CSV__example.csv": (4830, 7497.58131, 598.60643, "unknown"),
    "NicoletSpa__example.spa": (1971, 7999.28, 401.12, "absorbance"),
    "PerkinElmerPEIR__example.sp": (3676, 7800.0, 450.0, "absorbance"),
    "PerkinElmerPEPE__example.sp": (3676, 7800.0, 450.0, "absorbance"),
    "ThermoSpc__example.spc": (3676, 7800.0, 450.0, "absorbance"),
    "eb1030_T1_30_40.spc": (1765, 4001.6, 599.8, "absorbance"),
    "X1.csv": (1765, 4001.609, 599.759, "unknown"),
    "ftir_ps.0": (2126, 4497.5, 399.2, "absorbance"),
    "fitr_nitrocellulose.jdx": (7154, 7499.0, 599.9, "reflectance"),
    "ftir_ldpe_soil.asp": (1798, 3999.4335, 650.42, "unknown"),
    "ftir_polyethylene_reflectance_adjustment_not_working.spa": (1738, 3999.81, 649.92, "% reflectance"),
    "AS-01 (8_24_16).0.csv": (1882, 3996.31543, 368.386, "absorbance"),
    "test_spectra.0": (4819, 7498.3, 599.9, "reflectance"),
}
REFUSED = {
    "jcamp-fix.dx": "NMR",
    "jcamp-difdup.dx": "NMR",
    "uv.jdx": "2 spectra",
    "CSV__test.csv": "3 columns",
    "testdata_zipped.zip": "zip archive",
}


def whole_files():
    """Files that hold one spectrum."""
    for path in FILES:
        if not any(
            path.name.startswith(name[:6]) and path.name in {*REFUSED, "jcamp-packed.dx", "jcamp-squeezed.dx"}
            for name in REFUSED
        ):
            yield path


@needs_raw
@pytest.mark.parametrize("name", READ)
def test_points_ends_and_quantity_are_those_of_the_instrument(name):
    scan = read_scan(str(next(path for path in FILES if path.name == name)))
    points, first, last, quantity = READ[name]
    assert len(scan.x) == len(scan.y) == points
    assert (scan.x[0], scan.x[-1]) == pytest.approx((first, last), abs=0.06)
    assert ("% " * scan.percent) + scan.quantity == quantity
    assert (np.diff(scan.x) < 0).all() and np.isfinite(scan.y).all()


@needs_raw
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_infrared_spectrum_is_refused_for_what_it_is(name):
    with pytest.raises(Refused, match=REFUSED[name]):
        read_scan(str(next(path for path in FILES if path.name == name)))


@needs_raw
def test_two_readers_agree_on_every_opus_spc_and_text_of_one_spectrum():
    openreadout = pytest.importorskip("openreadout")
    seen = 0
    for path in FILES:
        if path.suffix != ".0":
            continue
        scan = read_scan(str(path))
        with openreadout.open(str(path)) as file:
            traces = [dict(each) for each in dict(file.info)["traces"]]
            some = [each["index"] for each in traces if each["channels"][0]["name"] == scan.quantity]
            values = [np.ravel(file.read_trace(index)) for index in some]
        assert any(np.allclose(each, scan.y, rtol=1e-6, atol=1e-7) for each in values), path.name
        seen += 1
    assert seen >= 14


@pytest.mark.skipif(not OPUS.exists(), reason=f"the folder of OPUS files is not here: {OPUS}")
def test_a_damaged_block_of_opus_is_never_replaced_by_the_files_other_one(tmp_path):
    """Of two absorbances the library leaves out the one whose parameters it cannot read."""
    data = bytearray((OPUS / "BF_mo_15_soil_cal.2").read_bytes())
    data[32803] ^= 4
    path = tmp_path / "a.2"
    path.write_bytes(bytes(data))
    with pytest.raises(Refused, match="2 blocks of absorbance, 1 can be read"):
        read_scan(str(path))


@needs_raw
def test_the_four_forms_of_jcamp_are_one_spectrum():
    openreadout = pytest.importorskip("openreadout")
    found = []
    for name in ("fix", "packed", "squeezed", "difdup"):
        with openreadout.open(str(RAW / "cheminfo+jcampconverter" / f"jcamp-{name}.dx")) as file:
            found.append(np.ravel(file.read_trace(0)))
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)


@needs_raw
@pytest.mark.parametrize("path", list(whole_files()), ids=lambda path: path.name)
def test_a_cut_file_is_refused_and_a_flipped_byte_never_moves_the_axis(path, tmp_path):
    data, whole = path.read_bytes(), read_scan(str(path))
    cut = tmp_path / path.name
    for share in (0.95, 0.6, 0.3, 0):
        cut.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(Refused):
            read_scan(str(cut))
    random = np.random.default_rng(0)
    for k in range(12):
        flipped = bytearray(data)
        flipped[int(random.integers(min(len(data), 1500) if k % 2 else len(data)))] ^= 1 << int(
            random.integers(8)
        )
        cut.write_bytes(bytes(flipped))
        try:
            found = read_scan(str(cut))
        except Refused:
            continue
        assert len(found.y) == len(whole.y)
        if path.suffix.lower() != ".spc" and not path.name.lower().endswith(
            (".csv", ".asp")
        ):  # the axis is told once there
            np.testing.assert_allclose(found.x, whole.x, rtol=0, atol=0.5)


def text(rows, header=""):
    return header + "".join(f"{x:.4f},{y:.6f}\n" for x, y in rows)


AXIS = np.linspace(4000, 600, 400)
ROWS = list(zip(AXIS, 0.3 + 0.1 * np.sin(AXIS / 90), strict=True))


@pytest.mark.parametrize(
    "data",
    [
        text(ROWS),
        text(ROWS[::-1]),
        text(ROWS, "wavenumber,absorbance\n"),
        text(ROWS).replace(",", ";").replace(".", ","),
        text(ROWS).replace(",", "\t"),
        text(ROWS).replace(",", " "),
        "\ufeff" + text(ROWS).replace("\n", "\r\n"),
        "".join(f"{k},{x:.4f},{y:.6f}\n" for k, (x, y) in enumerate(ROWS)),
        "wavelength nm;absorbance\n" + "".join(f"{1e7 / x:.8f};{y:.6f}\n" for x, y in ROWS),
        "wavelength µm;absorbance\n" + "".join(f"{1e4 / x:.10f};{y:.6f}\n" for x, y in ROWS),
    ],
)
def test_text_in_many_dialects_is_one_spectrum_with_falling_wavenumbers(data, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(data, encoding="utf-8")
    scan = read_scan(str(path))
    np.testing.assert_allclose(scan.x, AXIS, atol=2e-4)
    np.testing.assert_allclose(scan.y, [y for _, y in ROWS], atol=1e-6)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"%PDF-1.4 ...", "is a PDF"),
        (b"\x00\x01\x02\x03" * 20, "no kind that is known"),
        (text(ROWS).replace(".", ",").encode(), "four columns"),
        (text(ROWS)[:-1].encode(), "is it cut"),
        (text(ROWS, "raman shift,counts\n").encode(), "Raman"),
        (text([*ROWS[:5], (5000.0, 1.0), *ROWS[5:]]).encode(), "neither rises nor falls"),
        (text(ROWS).replace("0.3", "a.3", 1).encode(), "without columns|has text in line"),
        (b"hello\nworld\n", "text without columns"),
        (b"##TITLE=a\n##JCAMP-DX=4.24\n", "is cut: it has no ##END="),
    ],
)
def test_what_is_no_scan_is_refused_with_its_reason(data, reason, tmp_path):
    path = tmp_path / "a.dat"
    path.write_bytes(data)
    with pytest.raises(Refused, match=reason):
        read_scan(str(path))


def read_below(header, tmp_path):
    """The scan of a text whose columns stand below a header."""
    path = tmp_path / "a.csv"
    path.write_text(text(ROWS, header + "\n"), encoding="utf-8")
    return read_scan(str(path))


@pytest.mark.parametrize(
    ("header", "first", "quantity", "percent"),
    [
        ("Wavelength (Nanometers),absorbance", 1e7 / 600, "absorbance", False),
        ("Wavelength (NM),reflectance", 1e7 / 600, "reflectance", False),
        ("wavelength (\u03bcm),absorbance", 1e4 / 600, "absorbance", False),
        ("# laser 632 nm, aperture 5 \u00b5m\ncm-1,absorbance", 4000, "absorbance", False),
        ("# absorbance study of 2020\ncm-1,transmittance", 4000, "transmittance", False),
        ("# humidity 45%\ncm-1,reflectance", 4000, "reflectance", False),
        ("# night shift\ncm-1,% Reflectance", 4000, "reflectance", True),
        ("cm-1,log(1/reflectance)", 4000, "absorbance", False),
        ("cm-1,log(1/R)", 4000, "absorbance", False),
        ("cm-1,A", 4000, "absorbance", False),
        ("cm-1,%T", 4000, "transmittance", True),
        ("cm-1,R", 4000, "reflectance", False),
        ("cm-1,Reflectance (percent)", 4000, "reflectance", True),
        ("cm-1,reflectance pct", 4000, "reflectance", True),
        ("cm-1,reflectance catalog 5", 4000, "reflectance", False),
        ("Wavelength,Reflectance\nnm,%", 1e7 / 600, "reflectance", True),
        ("TITLE,soil\nXUNITS,NANOMETERS\nYUNITS,%R\nNPOINTS,400\nXYDATA", 1e7 / 600, "reflectance", True),
        ("XUNITS,1/CM\nYUNITS,ABSORBANCE\nXYDATA", 4000, "absorbance", False),
    ],
)
def test_unit_and_quantity_are_those_of_the_columns_own_names(header, first, quantity, percent, tmp_path):
    scan = read_below(header, tmp_path)
    assert scan.x[0] == pytest.approx(first) and (scan.quantity, scan.percent) == (quantity, percent)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("Wellenlänge,Reflexion", "without a unit"),
        ("Longueur d'onde,R", "without a unit"),
        ("WL,R", "without a unit"),
        ("Wavelength,Reflectance\n,%", "without a unit"),
        ("Wavelength (nm) Reflectance", "not one for each column"),
        ("Frequency (THz),absorbance", "expected wavenumbers"),
        ("cm-1,log(Reflectance)", "holds log"),
        ("XUNITS,1/CM\nNPOINTS,999\nXYDATA", "its header says 999"),
    ],
)
def test_names_that_tell_of_another_axis_or_of_no_quantity_are_refused(header, reason, tmp_path):
    with pytest.raises(Refused, match=reason):
        read_below(header, tmp_path)


def test_whole_numbers_that_rise_from_350_without_a_name_may_be_nanometres(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{x},0.5\n" for x in range(350, 2501)))
    with pytest.raises(Refused, match="nm\\?"):
        read_scan(str(path))


def test_a_separator_at_the_end_of_lines_is_no_column(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("cm-1;absorbance;\n" + "".join(f"{x:.4f};{y:.6f};\n" for x, y in ROWS))
    np.testing.assert_allclose(read_scan(str(path)).y, [y for _, y in ROWS], atol=1e-6)


def test_a_wavelength_without_a_unit_and_a_quote_without_an_end_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(text(ROWS, "Wavelength,absorbance\n"))
    with pytest.raises(Refused, match="without a unit"):
        read_scan(str(path))
    path.write_text('cm-1,absorbance,"note\n' + "".join(f"{x / 2},0.5,\n" for x in range(40000, 800, -1)))
    with pytest.raises(Refused):
        read_scan(str(path))


def test_percent_is_told_by_the_unit_and_not_by_size(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(text(ROWS, "wavenumber,% reflectance\n"))
    scan = read_scan(str(path))
    assert scan.percent and scan.quantity == "reflectance"
    np.testing.assert_allclose(to_absorbance(scan).y, 2 - np.log10(scan.y))
    path.write_text(text([(x, y - 0.5) for x, y in ROWS], "wavenumber,reflectance\n"))
    with pytest.raises(Refused, match="values of 0 or less"):
        to_absorbance(read_scan(str(path)))


def test_a_declared_absorbance_of_hundreds_is_a_warning(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(text([(x, 585 * y) for x, y in ROWS], "wavenumber,absorbance\n"))
    assert any("no absorbance" in said for said in oddities(read_scan(str(path))))


def test_what_systems_leave_is_passed_over():
    assert all(
        map(is_passed_over, ["._a.0", "~$b.xlsx", "Thumbs.db", ".DS_Store", "README.md", "desktop.ini"])
    )
    assert not any(map(is_passed_over, ["a.0", "thumb.csv", "soil.spa"]))


@needs_raw
def test_the_index_of_the_files_lists_them_all():
    index = pd.read_csv(RAW / "index.csv")
    assert {path.name for path in FILES} == {name.split("/")[-1] for name in index["file"]}
