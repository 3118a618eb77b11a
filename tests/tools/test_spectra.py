"""tools/spectra.py: spectra as the file has them."""

import pandas as pd
import pytest

from tests.conftest import channels_of, write
from tests.tables import soil
from tools.spectra import in_percent, read_spectra


def test_spectra_are_read_as_they_are_in_the_file(tmp_path):
    table = soil(gaps=3)
    table.insert(0, "lab", "Perth, WA")
    path = str(write(table, tmp_path / "soil.csv"))
    spectra = read_spectra(path)
    expected = table[channels_of(table)].rename(columns=lambda name: name.removesuffix(".0"))
    pd.testing.assert_frame_equal(spectra, expected)
    pytest.importorskip("pyarrow", reason="pyarrow is not installed here")
    table.to_parquet(str(tmp_path / "soil.parquet"))
    first = read_spectra(str(tmp_path / "soil.parquet"), rows=5)
    pd.testing.assert_frame_equal(first, expected[:5])


def test_reflectance_in_percent_is_told_from_absorbance():
    absorbance = soil()[channels_of(soil())].to_numpy()
    assert not in_percent(absorbance) and in_percent(100 * 10**-absorbance + 20)
