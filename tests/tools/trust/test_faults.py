"""tools/trust/faults.py: faults that are what they are called."""

import numpy as np
import pytest

from tests.conftest import channels_of, make_table, write
from tools.trust.coverage import held_out_bounds
from tools.trust.faults import GOOD, PERIOD, faults, noise_of, other_material, reference_beam, to_features


def spectra_of(rows=20, seed=0):
    table = make_table(rows=rows, seed=seed)
    return table[channels_of(table)].to_numpy()


@pytest.mark.parametrize("reflectance", [False, True])
def test_every_fault_is_what_it_is_called(reflectance):
    good = spectra_of()
    good = 100 * 10**-good if reflectance else good
    kept = good[:, slice(0, -300)]
    span = np.ptp(kept, axis=1)
    other = spectra_of(seed=1)
    found = faults(good, other)
    assert next(iter(found)) == GOOD and found[GOOD] is good
    np.testing.assert_array_equal(found["axis reversed"][:, 0], good[:, -1])
    np.testing.assert_array_equal(found["shifted by 5 channels"][:, 5:], good[:, :-5])
    for name, at in (("strongest bands cut at 70%", 0.7), ("strongest bands cut at 90%", 0.9)):
        left = np.ptp(found[name][:, slice(0, -300)], axis=1)
        np.testing.assert_allclose(left, at * span)
    for name, size in (("fringes of 3%", 0.03), ("fringes of 1%", 0.01)):
        added = (found[name] - good) / span[:, None]
        np.testing.assert_allclose(np.abs(added).max(axis=1), size, rtol=0.02)
        power = np.abs(np.fft.rfft(added[:, : 9 * PERIOD]))
        assert (power.argmax(axis=1) == 9).all()  # nine fringes in nine periods
    for name, size in (("spike of 100%", 1.0), ("spike of 20%", 0.2)):
        added = (found[name] - good) / span[:, None]
        np.testing.assert_allclose(np.sort(added, axis=1)[:, -2:], [[0, size]] * len(good), atol=1e-9)
        assert (added.argmax(axis=1) < kept.shape[1]).all()
    gain = found["gain slope of 20%"] / good
    np.testing.assert_allclose(gain, np.linspace(0.9, 1.1, good.shape[1]) * np.ones_like(good), rtol=1e-9)
    assert all(row.tolist() in other.tolist() for row in found["another material"])
    reference = found["reference not subtracted"]
    beam = reference / good if reflectance else 10 ** -(reference - good)
    np.testing.assert_allclose(beam, np.ones_like(good) * reference_beam(good.shape[1]), rtol=1e-9)


def test_noise_is_ten_times_that_of_the_spectrum():
    rng = np.random.default_rng(0)
    smooth = np.sin(np.linspace(0, 3, 2000)) + 2
    noisy = smooth + np.array([[1e-3], [1e-2]]) * rng.standard_normal((2, 2000))
    np.testing.assert_allclose(noise_of(noisy)[:, 0], [1e-3, 1e-2], rtol=0.1)
    added = faults(noisy)["noise × 10"] - noisy
    np.testing.assert_allclose(added.std(axis=1), [1e-2, 1e-1], rtol=0.1)


def test_a_spectrum_that_cannot_be_scaled_counts_as_caught():
    X = to_features(np.vstack([spectra_of(), -spectra_of(1)]))
    assert np.isnan(X[-1]).all() and np.isfinite(X[:-1]).all()
    Y = np.arange(21.0)[:, None]
    folds = np.arange(21) % 3
    faulty = [X[:20], np.repeat(X[-1:], 20, axis=0)]
    _, found, caught = held_out_bounds(X[:20], Y[:20], folds[:20], faulty=faulty)
    assert caught[0].tolist() == (found["verdict"] != "inside").tolist() and caught[1].all()


def test_another_material_is_put_on_the_files_channels_and_in_its_unit(tmp_path):
    table = make_table(rows=5, channels=400)
    path = write(table, tmp_path / "other.csv")
    channels = channels_of(make_table(rows=1))  # 340 of the same range, falling
    absorbance = other_material([str(path)], channels, reflectance=False)
    assert absorbance.shape == (5, 340)
    axis, theirs = (np.array(list(map(float, names))) for names in (channels, channels_of(table)))
    expected = np.interp(axis[::-1], theirs[::-1], table[channels_of(table)].to_numpy()[2][::-1])[::-1]
    np.testing.assert_allclose(absorbance[2], expected)
    reflected = other_material([str(path)], channels, reflectance=True)
    np.testing.assert_allclose(-np.log10(reflected / 100), absorbance, rtol=1e-9)


def test_a_file_that_does_not_reach_the_channels_is_no_other_material(tmp_path):
    short, whole = make_table(rows=5, channels=400), make_table(rows=4, channels=400)
    channels = channels_of(short)
    paths = [str(write(short.drop(columns=channels[:40]), tmp_path / "short.csv"))]
    assert other_material(paths, channels, reflectance=False) is None
    paths.append(str(write(whole, tmp_path / "whole.csv")))
    assert other_material(paths, channels, reflectance=False).shape == (4, 400)
    assert other_material(paths, ["a", "b"], reflectance=False) is None
