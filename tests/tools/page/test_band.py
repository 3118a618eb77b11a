"""tools/page: the band of the training spectra comes from the model alone, and shows where a spectrum is unlike them."""

import numpy as np

from recore.tables import read_table
from tests.tools.page.conftest import bytes_of, spectra_of, table_of
from tools.page.band import WIDE, band_of, scaled, unlike


def test_the_band_is_the_mean_and_the_spread_of_the_training_spectra(folder, described):
    model, description = described
    channels = description["channels"]
    features = read_table(str(folder / "soil.csv")).features
    spectra, band = scaled(features, model, channels), band_of(model, channels)
    np.testing.assert_allclose(band.mean, spectra.mean(axis=0))
    np.testing.assert_allclose(band.high - band.mean, WIDE * spectra.std(axis=0), rtol=1e-6, atol=1e-12)
    assert band.numbered and band.axis[0] > band.axis[-1]


def test_spectra_are_drawn_as_the_mean_of_each_window_of_the_scaled_spectrum(folder, described):
    model, description = described
    raw = spectra_of(table_of(60))[0]
    kept = raw[:-300]
    first = np.clip(raw / kept.max(), kept.min() / kept.max(), 1)
    features = read_table(str(folder / "soil.csv")).features[:1]
    shown = scaled(features, model, description["channels"])[0]
    np.testing.assert_allclose(
        shown[[0, 1, -1]], [first[:7].mean(), first[7:14].mean(), first[399:].mean()], atol=1e-9
    )


def test_the_furthest_place_of_a_spectrum_is_its_residual(ask, described):
    table = table_of(5, seed=2)
    channels = [name for name in table if name[0].isdigit()]
    table.loc[table.index[2], channels[40:47]] += 0.5
    (answer,) = ask(("new.csv", bytes_of(table)))[0]
    found = unlike(answer.table.features, described[0])
    told = described[0].applicability(answer.table.features)
    np.testing.assert_allclose(found.max(axis=1), told["residual"])
    assert told["verdict"].iloc[2] == "unlike" and 4 <= found[2].argmax() <= 7
