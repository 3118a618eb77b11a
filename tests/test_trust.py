"""tools/trust.py: coverage that is counted right, faults that are what they are called."""

import numpy as np
import pandas as pd
import pytest
from conftest import REAL, channels_of, make_table, write

import preprocess
from mdl import ZeroClippedRidgeCV
from tools import trust
from tools.validate.folds import draw_folds, usable


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to write reports/ in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def spectra_of(rows=20, seed=0):
    table = make_table(rows=rows, seed=seed)
    return table[channels_of(table)].to_numpy()


# --- coverage ---


def test_coverage_is_counted_by_hand():
    targets = pd.DataFrame({"Ca": [1.0, 2.0, 3.0, 4.0, np.nan, 9.0]})
    predicted = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])[:, None]
    bounds = np.array([predicted, predicted - [[0.5], [0.5], [-0.1], [1], [1], [1]], predicted + 2])
    found = trust.coverage_table(targets, bounds).loc["Ca"]
    assert (found["assays"], found["coverage"], found["below"], found["above"]) == (5, 0.6, 0.2, 0.2)
    assert found["coverage, low"] == 1 and found["coverage, high"] == 0.5  # 1, 2 and 4, 6 with an assay
    assert found["width / SD"] == pytest.approx(2.5 / np.std([1, 2, 3, 4, 9], ddof=1))


def test_bounds_of_a_row_are_those_of_a_model_of_the_other_folds():
    table = make_table(rows=30, targets=("Ca", "Mg"))
    X, Y = trust.to_features(table[channels_of(table)].to_numpy()), table[["Ca", "Mg"]].to_numpy()
    folds = draw_folds(np.arange(30), 1, 3)[0]
    (predicted, lower, upper), verdicts, _ = trust.held_out_bounds(X, Y, folds, coverage=0.8)
    for fold in range(3):
        test = folds == fold
        model = ZeroClippedRidgeCV().fit(X[~test], Y[~test])
        expected = model.predict_interval(X[test], 0.8)
        np.testing.assert_allclose([lower[test], upper[test]], expected, rtol=1e-9)
        np.testing.assert_array_equal(predicted[test], model.predict(X[test]))
        assert verdicts["verdict"][test].tolist() == model.applicability(X[test])["verdict"].tolist()


@pytest.mark.parametrize(
    "name",
    [
        "yamsys_soil/yamsys_soil_full",
        "peat_redoxpeat/peat_redoxpeat_full",
        "limesoda_mir/limesoda_H_138_full",
        "limesoda_mir/limesoda_NRW_62_full",
    ],
)
def test_bounds_of_real_spectra_cover_new_rows_as_promised(name):
    path = REAL / (name + ".csv.gz")
    if not path.exists():
        pytest.skip(f"the real spectra are not here: {path}")
    table = preprocess.read_table(str(path))
    folds = draw_folds(np.arange(len(table.features)), 1, trust.FOLDS)[0]
    targets = usable(table.targets, trust.FOLDS)
    bounds, *_ = trust.held_out_bounds(table.features.to_numpy(), targets.to_numpy(), folds)
    found = trust.coverage_table(targets, bounds)
    assert 0.88 <= found["coverage"].mean() <= 0.92
    assert found["width / SD"].median() < 3  # not by being endless


# --- faults ---


@pytest.mark.parametrize("reflectance", [False, True])
def test_every_fault_is_what_it_is_called(reflectance):
    good = spectra_of()
    good = 100 * 10**-good if reflectance else good
    kept = good[:, preprocess.SCALE_RANGE]
    span = np.ptp(kept, axis=1)
    other = spectra_of(seed=1)
    found = trust.faults(good, other)
    assert next(iter(found)) == trust.GOOD and found[trust.GOOD] is good
    np.testing.assert_array_equal(found["axis reversed"][:, 0], good[:, -1])
    np.testing.assert_array_equal(found["shifted by 5 channels"][:, 5:], good[:, :-5])
    for name, at in (("strongest bands cut at 70%", 0.7), ("strongest bands cut at 90%", 0.9)):
        left = np.ptp(found[name][:, preprocess.SCALE_RANGE], axis=1)
        np.testing.assert_allclose(left, at * span)
    for name, size in (("fringes of 3%", 0.03), ("fringes of 1%", 0.01)):
        added = (found[name] - good) / span[:, None]
        np.testing.assert_allclose(np.abs(added).max(axis=1), size, rtol=0.02)
        power = np.abs(np.fft.rfft(added[:, : 9 * trust.PERIOD]))
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
    np.testing.assert_allclose(beam, np.ones_like(good) * trust.reference_beam(good.shape[1]), rtol=1e-9)


def test_noise_is_ten_times_that_of_the_spectrum():
    rng = np.random.default_rng(0)
    smooth = np.sin(np.linspace(0, 3, 2000)) + 2
    noisy = smooth + np.array([[1e-3], [1e-2]]) * rng.standard_normal((2, 2000))
    np.testing.assert_allclose(trust.noise_of(noisy)[:, 0], [1e-3, 1e-2], rtol=0.1)
    added = trust.faults(noisy)["noise × 10"] - noisy
    np.testing.assert_allclose(added.std(axis=1), [1e-2, 1e-1], rtol=0.1)


def test_a_spectrum_that_cannot_be_scaled_counts_as_caught():
    X = trust.to_features(np.vstack([spectra_of(), -spectra_of(1)]))
    assert np.isnan(X[-1]).all() and np.isfinite(X[:-1]).all()
    Y = np.arange(21.0)[:, None]
    folds = np.arange(21) % 3
    faulty = [X[:20], np.repeat(X[-1:], 20, axis=0)]
    _, found, caught = trust.held_out_bounds(X[:20], Y[:20], folds[:20], faulty=faulty)
    assert caught[0].tolist() == (found["verdict"] != "inside").tolist() and caught[1].all()


def test_another_material_is_put_on_the_files_channels_and_in_its_unit(tmp_path):
    table = make_table(rows=5, channels=400)
    path = write(table, tmp_path / "other.csv")
    channels = channels_of(make_table(rows=1))  # 340 of the same range, falling
    absorbance = trust.other_material([str(path)], channels, reflectance=False)
    assert absorbance.shape == (5, 340)
    axis, theirs = (np.array(list(map(float, names))) for names in (channels, channels_of(table)))
    expected = np.interp(axis[::-1], theirs[::-1], table[channels_of(table)].to_numpy()[2][::-1])[::-1]
    np.testing.assert_allclose(absorbance[2], expected)
    reflected = trust.other_material([str(path)], channels, reflectance=True)
    np.testing.assert_allclose(-np.log10(reflected / 100), absorbance, rtol=1e-9)


def test_a_file_that_does_not_reach_the_channels_is_no_other_material(tmp_path):
    short, whole = make_table(rows=5, channels=400), make_table(rows=4, channels=400)
    channels = channels_of(short)
    paths = [str(write(short.drop(columns=channels[:40]), tmp_path / "short.csv"))]
    assert trust.other_material(paths, channels, reflectance=False) is None
    paths.append(str(write(whole, tmp_path / "whole.csv")))
    assert trust.other_material(paths, channels, reflectance=False).shape == (4, 400)
    assert trust.other_material(paths, ["a", "b"], reflectance=False) is None


# --- the step ---


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--jobs", "0"], "found --jobs 0"),
        (["--coverage", "1"], "--coverage 1"),
        (["--group", "hole"], "found no id column 'hole', expected one of DepthTo, SiteID, DepthFrom"),
        (["one.csv"], "found two files that are called one"),
        (["--cost", "private.csv"], "found no target with"),
    ],
)
def test_a_mistake_is_told_in_one_line(arguments, told, here):
    table = make_table(targets=("Ca",))
    write(table, here / "one.csv")
    write(table.drop(columns="Ca"), here / "private.csv")
    files = ["private.csv"] if "private.csv" in arguments else ["one.csv"]
    with pytest.raises(preprocess.DataError, match=told) as error:
        trust.main([*files, *(each for each in arguments if each != "private.csv")])
    assert "\n" not in str(error.value)


def test_the_step_tells_both_tables_by_row_and_by_site(here, capsys):
    files = []
    for seed, name in enumerate(["one.csv", "two.csv"]):
        table = make_table(rows=40, targets=("Ca", "clay"), seed=seed)
        files.append(str(write(table, here / name)))
    trust.main([*files, "--folds", "3", "--jobs", "1"])
    said = capsys.readouterr().out
    for name in ("one", "two"):
        for scheme in ("row", "site, bounds by row", "site, bounds by site"):
            assert f"| {name}, {scheme} |" in said
        covered = pd.read_csv(here / "reports" / name / "coverage.csv")
        assert list(covered["target"]) == ["Ca", "clay"] * 3
        caught = pd.read_csv(here / "reports" / name / "faults.csv", index_col=0)
        assert (caught.loc["axis reversed"] == 1).all() and caught.loc[trust.GOOD, "row"] < 0.2
        assert "another material" in caught.index


def test_the_cost_is_told_side_by_side(here, capsys):
    trust.main([str(write(make_table(targets=("Ca",)), here / "one.csv")), "--cost"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[0] for line in lines[4:7]] == ["| fit", "| fit, sites left out", "| predict"]
    without, with_, times = map(float, lines[4].strip("| ").split(" | ")[1:])
    assert 0 < without < with_ and times > 1
