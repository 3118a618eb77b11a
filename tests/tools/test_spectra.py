"""tools/spectra.py: spectra as the file has them."""

from argparse import Namespace

import numpy as np
import pandas as pd
import pytest

from tests.conftest import channels_of, write
from tests.tables import soil
from tools.spectra import in_percent, read_spectra, read_table


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


def test_columns_that_are_named_are_no_channels(tmp_path):
    table = soil()
    table = table.rename(columns={name: f"band{k}" for k, name in enumerate(channels_of(table))})
    channels = [name for name in table if name.startswith("band")]
    targets = [name for name in soil().columns if name not in channels_of(soil()) and name != "SiteID"]
    path = str(write(table, tmp_path / "soil.csv"))
    named = Namespace(targets=targets, ids=[], group=None)
    assert list(read_table(path, named).channels) == channels
    found = read_spectra(path, named=named)
    np.testing.assert_array_equal(found.to_numpy(), table[channels].to_numpy())


def test_reflectance_in_percent_is_told_from_absorbance():
    absorbance = soil()[channels_of(soil())].to_numpy()
    assert not in_percent(absorbance) and in_percent(100 * 10**-absorbance + 20)
