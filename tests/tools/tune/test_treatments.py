"""tools/tune/treatments.py: what is searched holds what preprocess.py does."""

import numpy as np

import preprocess
from tests.conftest import channels_of, make_table
from tools.tune import treatments
from tools.tune.treatments import Setting


def test_the_present_setting_is_what_preprocess_does():
    table = make_table(rows=6, channels=420)
    spectra = table[channels_of(table)]
    np.testing.assert_array_equal(
        treatments.features(spectra.to_numpy(), treatments.present()), preprocess.features(spectra)
    )


def test_treatments_other_than_the_present_see_the_range_only():
    spectra = np.random.default_rng(0).gamma(2, 1, (5, 400))
    changed = spectra.copy()
    changed[:, :20] = changed[:, 370:] = 99
    for treatment in treatments.TREATMENTS:
        one, other = (
            treatments.treat(values, Setting(treatment, 20, 30, 1)) for values in (spectra, changed)
        )
        assert np.array_equal(one, other) == (treatment != treatments.PRESENT)


def test_snv_has_mean_0_and_deviation_1_and_its_derivative_knows_no_offset():
    spectra = np.random.default_rng(0).gamma(2, 1, (3, 100))
    snv = treatments.treat(spectra, Setting("snv", 10, 5, 1))
    np.testing.assert_allclose([snv.mean(axis=1), snv.std(axis=1)], [[0] * 3, [1] * 3], atol=1e-12)
    line = np.arange(100.0)[None] * 3 + 7
    slope = treatments.treat(line, Setting("derivative", 0, 0, 1))
    np.testing.assert_allclose(slope, 1 / np.arange(100).std(), rtol=1e-6)


def test_there_are_at_least_300_settings_each_once_with_the_present_one():
    settings = treatments.settings_of(1700)
    assert len(settings) == len(set(settings)) >= 300
    assert treatments.present() in settings
