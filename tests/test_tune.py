"""tools/tune.py: it searches what preprocess.py does, and finds what is there to be found."""

import numpy as np
import pandas as pd
import pytest
from conftest import REAL, channels_of, make_table, write

import preprocess
import score
from mdl import ZeroClippedRidgeCV
from tools import tune
from tools.tune import Setting
from tools.validate.folds import draw_folds


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to write reports/ in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def noisy_tail(rows=80, channels=510):
    """Smooth bands in the first two thirds, noise that dwarfs them in the rest, one target (n, c), (n, 1)."""
    rng = np.random.default_rng(0)
    amounts = rng.gamma(2, 1, (rows, 4))
    bands = np.exp(-(((np.arange(channels) - np.array([[60], [130], [200], [280]])) / 25) ** 2))
    spectra = amounts @ bands + 0.5 + rng.normal(0, 0.02, (rows, channels))
    spectra[:, 340:] += rng.normal(0, 10, (rows, channels - 340))
    return spectra, pd.DataFrame({"Ca": amounts[:, 0] / amounts.sum(axis=1)})


def test_the_present_setting_is_what_preprocess_does():
    table = make_table(rows=6, channels=420)
    spectra = table[channels_of(table)]
    np.testing.assert_array_equal(
        tune.features(spectra.to_numpy(), tune.present()), preprocess.features(spectra)
    )


def test_treatments_other_than_the_present_see_the_range_only():
    spectra = np.random.default_rng(0).gamma(2, 1, (5, 400))
    changed = spectra.copy()
    changed[:, :20] = changed[:, 370:] = 99
    for treatment in tune.TREATMENTS:
        one, other = (tune.treat(values, Setting(treatment, 20, 30, 1)) for values in (spectra, changed))
        assert np.array_equal(one, other) == (treatment != tune.PRESENT)


def test_snv_has_mean_0_and_deviation_1_and_its_derivative_knows_no_offset():
    spectra = np.random.default_rng(0).gamma(2, 1, (3, 100))
    snv = tune.treat(spectra, Setting("snv", 10, 5, 1))
    np.testing.assert_allclose([snv.mean(axis=1), snv.std(axis=1)], [[0] * 3, [1] * 3], atol=1e-12)
    line = np.arange(100.0)[None] * 3 + 7
    slope = tune.treat(line, Setting("derivative", 0, 0, 1))
    np.testing.assert_allclose(slope, 1 / np.arange(100).std(), rtol=1e-6)


def test_there_are_at_least_300_settings_each_once_with_the_present_one():
    settings = tune.settings_of(1700)
    assert len(settings) == len(set(settings)) >= 300
    assert tune.present() in settings


def test_a_search_gives_the_estimators_own_scores():
    table = make_table(rows=40, channels=340)
    spectra, targets = table[channels_of(table)].to_numpy(), table[list(preprocess.TARGETS)]
    sites, every = table["SiteID"].to_numpy(), np.full(40, True)
    settings = [Setting("snv", 0, 20, 7), Setting("max", 0, 300, 7), Setting("max", 0, 300, 15)]
    found = tune.search(spectra, targets, settings, [(every, None), (every, sites), (sites > 2, None)], 1)
    for setting, scores in zip(settings, found, strict=True):
        X = tune.features(spectra, setting)
        for value, rows, groups in zip(scores, (every, every, sites > 2), (None, sites, None), strict=True):
            model = ZeroClippedRidgeCV(tune.SEARCH_ALPHAS).fit(
                X[rows], targets.to_numpy()[rows], groups=groups
            )
            assert value == pytest.approx(np.dot(list(score.WEIGHTS.values()), model.cv_r2_))


def test_the_search_leaves_a_noisy_tail_out_and_takes_windows_above_1():
    spectra, targets = noisy_tail()
    settings = tune.settings_of(510)
    scores = tune.search(spectra, targets, settings, [(np.full(80, True), None)], 1)[:, 0]
    folds = draw_folds(np.arange(80), 1, 10)[0]
    winner, best, behind, error = tune.choose(spectra, targets, settings, scores, folds, 1)
    for at in (winner, best):
        assert settings[at].left_out >= 170 and settings[at].width > 1
    assert behind <= error
    whole = [value for setting, value in zip(settings, scores, strict=True) if setting.left_out == 0]
    assert scores[best] > max(whole) + 0.05


def test_a_setting_that_cannot_be_applied_is_never_the_winner():
    spectra, targets = noisy_tail(rows=30)
    spectra[3, :340] = -1  # no maximum above 0 to divide by
    settings = [Setting("max, cut", 0, 170, 7), Setting("none", 0, 170, 7)]
    scores = tune.search(spectra, targets, settings, [(np.full(30, True), None)], 1)[:, 0]
    assert np.isnan(scores[0]) and np.isfinite(scores[1])
    assert tune.front(settings, scores, 510) == [1]


def test_the_front_holds_what_beats_every_simpler_setting():
    settings = [Setting("max", 0, 0, width) for width in (1, 5, 7, 10)]
    assert tune.front(settings, np.array([0.80, 0.78, 0.81, 0.70]), 100) == [3, 2]
    assert tune.simplicity(Setting("max", 10, 20, 7), 100) == (15, 1)
    assert tune.simplicity(Setting("snv", 10, 20, 7), 100) == (10, 3)


def test_the_jackknife_of_one_row_a_fold_is_that_of_the_mean():
    """Where a target's spread is fixed, a difference in R² is one in mean squared error."""
    rng = np.random.default_rng(0)
    actual = pd.DataFrame({"Ca": np.tile([-1.0, 1.0], 500)})
    one, other = (actual.to_numpy() + rng.normal(0, size, (1000, 1)) for size in (0.1, 0.3))
    difference, error = tune.jackknife(actual, one, other, np.arange(1000))
    gains = np.square(other - actual) - np.square(one - actual)
    assert difference == pytest.approx(gains["Ca"].mean())
    assert error == pytest.approx(gains["Ca"].std() / np.sqrt(1000), rel=0.02)


def test_nested_figures_do_not_see_the_rows_held_out():
    spectra, targets = noisy_tail(rows=40)
    folds = np.arange(40) % 4
    settings = [Setting("none", 0, 170, 7), Setting("max", 0, 170, 7)]
    _, before = tune.nested(spectra, targets, settings, folds, None, 1)
    changed = targets.where(folds[:, None] != 2, np.random.default_rng(1).gamma(2, 9, (40, 1)))
    r2, after = tune.nested(spectra, changed, settings, folds, None, 1)
    assert before[2] == after[2]
    assert list(r2) == ["present", "tuned"]


def test_the_command_prints_row_and_site_constants_and_writes_its_files(here, capsys, monkeypatch):
    monkeypatch.setattr(tune, "STARTS", (0,))
    monkeypatch.setattr(tune, "ENDS", (0, 3))
    monkeypatch.setattr(tune, "WIDTHS", (7, 15))
    path = write(make_table(rows=48, channels=510), here / "public.csv.gz")
    tune.main([str(path), "--nested", "--folds", "3", "--jobs", "1"])
    said = capsys.readouterr().out
    assert "| treatment [range] × window | leave one row out | leave one site out |" in said
    assert said.count("SCALE_RANGE = slice(") == 2
    assert "| score |" in said
    folder = here / "reports" / "public"
    assert (folder / "tune.png").read_bytes().startswith(b"\x89PNG")
    assert list(pd.read_csv(folder / "tune.csv"))[:4] == list(Setting._fields)
    gains = pd.read_csv(folder / "tune_nested.csv", index_col="target")
    assert list(gains) == [f"{what}, by {name}" for name in ("row", "site") for what in ("present", "tuned")]
    assert gains.loc["score", "present, by row"] == pytest.approx(
        np.dot(list(score.WEIGHTS.values()), gains["present, by row"].to_numpy()[:49])
    )


def test_peat_with_its_rising_axis_is_searched(here, capsys, monkeypatch):
    monkeypatch.setattr(tune, "STARTS", (0,))
    monkeypatch.setattr(tune, "WIDTHS", (15,))
    path = REAL / "peat_redoxpeat" / "peat_redoxpeat_full.csv.gz"
    if not path.exists():
        pytest.skip("the real spectra are not here: %s" % path)
    tune.main([str(path), "--jobs", "1"])
    assert "leave one site out, preprocess.py's own: max [" in capsys.readouterr().out
