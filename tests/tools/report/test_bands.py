"""tools/report/bands.py: a peak is named after what is near it and fits, or after nothing."""

import numpy as np
import pandas as pd
import pytest

import preprocess
from tools.report.bands import LISTS, NEAR, named, peaks_of, read_bands

AXIS = np.arange(3990.0, 500, -14)


def curve_of(*centres, width=18):
    """A correlation with peaks at some wavenumbers."""
    return sum(0.8 * np.exp(-(((AXIS - at) / width) ** 2)) for at in centres)


def materials(*centres, bands):
    """What the peaks of such a curve are named after."""
    at, _ = peaks_of(AXIS, curve_of(*centres))
    found = named(at, bands, AXIS.min(), AXIS.max())
    return {name for some in found for name, _ in some}


def test_a_peak_lies_between_the_windows_that_it_is_seen_in():
    at, heights = peaks_of(AXIS, curve_of(2923.0))
    assert at == pytest.approx([2923], abs=1.5) and heights == pytest.approx([0.8], abs=0.1)
    assert len(peaks_of(AXIS, 0 * AXIS)[0]) == 0


def test_a_material_is_named_with_its_bands_and_not_by_one_of_them():
    organics = read_bands("organics")
    assert materials(2920, 2850, bands=organics) == {"aliphatic C–H"}
    assert materials(2920, bands=organics) == set()
    assert materials(1720, bands=organics) == {"carboxyl C=O"}
    assert materials(875, 712, 1420, bands=read_bands("minerals")) == {"calcite"}
    assert materials(2515, 1795, bands=read_bands("minerals")) == set()  # its weak bands alone


def test_a_peak_further_off_than_a_few_wavenumbers_is_not_named():
    organics = read_bands("organics")
    assert materials(1720 + NEAR - 2, bands=organics) and not materials(1720 + NEAR + 2, bands=organics)


def test_carbon_of_organic_matter_is_not_explained_by_a_mineral():
    """Peaks of aliphatic C-H, carboxyl and aromatic carbon, as the soils' carbon goes along with."""
    assert materials(2920, 2850, 1720, 1610, bands=read_bands("minerals")) == set()


def test_lists_are_chosen_by_name_or_file(tmp_path):
    both = read_bands("minerals,organics")
    assert len(both) == sum(map(len, LISTS.values())) and not len(read_bands("none"))
    own = tmp_path / "own.csv"
    columns = {"mineral": ["opal"], "centre_cm1": [790], "strength": [1.0], "source": ["ours"]}
    pd.DataFrame(columns).to_csv(own)
    assert materials(790, bands=read_bands(str(own))) == {"opal"}
    pd.DataFrame(columns).drop(columns="strength").to_csv(own)
    with pytest.raises(preprocess.DataError, match="found no column strength, expected mineral, centre_cm1"):
        read_bands(str(own))
    with pytest.raises(preprocess.DataError, match="found neither a list nor a file 'crystals'"):
        read_bands("crystals")
