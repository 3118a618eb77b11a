"""tools/report/sections: what each says of files of other kinds."""

import numpy as np

from tests.conftest import channels_of, make_table, write
from tools.demo_data.tables import BANDS
from tools.report.page import SECTIONS
from tools.report.sections.looks import peaks_text
from tools.report.study import study_of
from tools.validate.folds import arguments_of, fold_parser


def soil(rows=48, targets=("Ca", "clay")):
    """A table with targets of its own, the last with gaps and negative values."""
    table = make_table(rows=rows, targets=targets)
    table[targets[-1]] -= 5
    table.loc[table.index[:5], targets[-1]] = np.nan
    return table


def sections_of(table, folder):
    """The sections of a table's page by key, nothing drawn yet."""
    path = write(table, folder / "spectra.csv")
    parser = fold_parser("")
    parser.set_defaults(source=None)
    study = study_of(arguments_of(parser, [str(path), "--short", "--jobs", "1"]), "a test")
    return {section.key: section for section in (make(study) for make in SECTIONS)}


def test_channels_without_wavenumbers_are_drawn_by_number(tmp_path):
    table = make_table(rows=30)
    names = {name: f"ch{place}" for place, name in enumerate(channels_of(table))}
    sections = sections_of(table.rename(columns=names), tmp_path)
    assert any("so no bands are marked" in line for line in sections["coefficients"].nothing)
    for key, place in (("data", 0), ("worst", 0), ("coefficients", 0)):
        svg = sections[key].cards[place].svg()
        assert ">channel number<" in svg and ">wavenumber, cm⁻¹<" not in svg


def test_the_site_and_the_spectrum_that_are_wrong_are_found(tmp_path):
    table = soil()
    table.loc[table["SiteID"] == 5, "Ca"] += 60
    assert "SiteID 5 is the hardest" in sections_of(table, tmp_path)["errors"].cards[0].caption
    table.loc[11, "Ca"] = 900.0
    worst = sections_of(table, tmp_path)["worst"].cards[0]
    assert worst.title == "Index 11" and worst.caption.startswith("DepthTo 20, SiteID 2, DepthFrom 15.")
    assert "measured 900" in worst.caption


def test_a_peak_is_named_after_the_nearest_band_or_after_none():
    axis = np.arange(4000.0, 400, -2)
    bump = sum(np.exp(-(((axis - at) / 15) ** 2)) * height for at, height in ((2514, 0.9), (3900, 0.5)))
    nearest = BANDS.loc[(BANDS["centre_cm1"] - 2514).abs().idxmin()]
    told = peaks_text(axis, bump, BANDS)
    assert f"at 2514 ({nearest['mineral']} {nearest['centre_cm1']}), 3900 cm⁻¹" in told
    assert peaks_text(axis, 0 * axis, BANDS) == "No peak stands out."
