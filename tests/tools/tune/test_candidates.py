"""tools/tune/candidates.py: what is searched holds what preprocess.py does."""

import numpy as np

import preprocess
from preprocess import SETTINGS, Settings
from tests.conftest import channels_of, make_table
from tools.tune import candidates


def test_the_present_setting_is_what_preprocess_does():
    table = make_table(rows=6, channels=420)
    spectra = table[channels_of(table)]
    np.testing.assert_array_equal(
        candidates.features(spectra.to_numpy(), SETTINGS, list(spectra)), preprocess.features(spectra)
    )


def test_treatments_other_than_the_present_see_the_range_only():
    spectra = np.random.default_rng(0).gamma(2, 1, (5, 400))
    changed = spectra.copy()
    changed[:, :20] = changed[:, 370:] = 99
    for treatment in candidates.TREATMENTS:
        some = Settings("20:-30", 1, treatment)
        one, other = (candidates.treat(values, some, range(400)) for values in (spectra, changed))
        assert np.array_equal(one, other) == (treatment != candidates.WHOLE)


def test_there_are_at_least_300_settings_each_once_with_the_present_one():
    settings = candidates.candidates(1700)
    assert len(settings) == len(set(settings)) >= 300
    assert SETTINGS in settings


def test_ranges_are_told_in_wavenumbers_where_channels_have_some():
    axis = [f"{4000 - 2 * place}" for place in range(1700)]
    assert candidates.told(Settings("100:-300", 5, "snv"), axis) == "snv, 3800 to 1202 cm⁻¹, windows of 5"
    assert (
        candidates.told(Settings("2:-300"), [f"c{k}" for k in range(400)])
        == "max, channels 2 to 99, windows of 7"
    )
