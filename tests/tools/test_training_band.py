"""tools.training_band: where the training spectra lie comes from the model alone, and so does what is unlike them."""

import numpy as np
import pytest

import train
from tests.conftest import channels_of, make_table, write
from tools import spectra
from tools.training_band import NINE_OF_TEN, Scale, training_band, unexplained

CHANNELS = 340
OLD, NEW = make_table(60, CHANNELS, ("Ca", "clay")), make_table(5, CHANNELS, ("Ca", "clay"), seed=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Training spectra, and new ones of which the third has what no other has."""
    folder, bump = tmp_path_factory.mktemp("band"), NEW.copy()
    bump.loc[bump.index[2], channels_of(bump)[20:27]] += 0.5
    write(OLD, folder / "old.csv")
    write(bump, folder / "new.csv")
    return folder


@pytest.fixture(scope="module")
def table(folder):
    return spectra.read_table(str(folder / "old.csv"))


@pytest.fixture(scope="module")
def model(table):
    return train.fit(table)


def test_the_band_is_the_mean_and_the_spread_of_the_training_spectra(table, model):
    scale = Scale(model.feature_names_in_, table.channels)
    X = scale(table.features)
    low, middle, high = training_band(model, scale)
    np.testing.assert_allclose(middle, X.mean(axis=0))
    np.testing.assert_allclose((high - low) / 2, NINE_OF_TEN * X.std(axis=0), rtol=1e-6)


def test_spectra_are_drawn_as_the_mean_of_each_window_of_the_scaled_spectrum(table, model):
    raw = OLD[channels_of(OLD)].to_numpy()[0]
    kept = raw[:-300]
    first = np.clip(raw / kept.max(), kept.min() / kept.max(), 1)
    scale = Scale(model.feature_names_in_, table.channels)
    expected = [first[:7].mean(), first[7:14].mean(), first[336:].mean()]
    np.testing.assert_allclose(scale(table.features)[0, [0, 1, -1]], expected, atol=1e-9)
    wavenumbers = np.array(channels_of(OLD), dtype=float)
    np.testing.assert_allclose(
        scale.axis[[0, -1]], [wavenumbers[:7].mean(), wavenumbers[336:].mean()], atol=0.1
    )
    assert scale.numbered


def test_without_wavenumbers_the_axis_counts_channels_and_without_channels_features(model):
    names, features = [f"c{k}" for k in range(1, 18)], ["c1:c7", "c8:c14", "c15:c17"]
    scale = Scale(features, names)
    assert not scale.numbered and list(scale.axis) == [4, 11, 16] and list(scale.width) == [7, 7, 3]
    saved_without = Scale(model.feature_names_in_, [])
    assert saved_without.numbered and saved_without.width == 7
    assert list(Scale(features, []).axis) == [1, 2, 3]


def test_the_furthest_place_of_a_spectrum_is_its_residual(folder, model):
    new = spectra.read_table(str(folder / "new.csv")).features
    found, told = unexplained(model, new), model.applicability(new)
    np.testing.assert_allclose(found.max(axis=1), told["residual"], rtol=1e-9)
    assert ((found > 1).any(axis=1) == (told["verdict"] == "unlike")).all()
    assert told["verdict"].iloc[2] == "unlike" and 2 <= found[2].argmax() <= 3
