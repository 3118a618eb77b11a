"""tools/validate/cross_validation.py: no row touches its own prediction."""

import numpy as np
import pandas as pd
import pytest

import score
from recore.folds import FOLDS, REPEATS, draw_folds
from tests.conftest import REAL, channels_of, make_table, write
from tools import spectra
from tools.validate.cross_validation import fit_predict, held_out
from tools.validate.measures import mean_r2


def test_a_held_out_row_does_not_touch_its_own_prediction():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 4)), rng.normal(size=(30, 2)) + 9
    folds = draw_folds(np.arange(30), 2, 5)
    before, _ = held_out(fit_predict, X, Y, folds)
    changed = np.where(folds[0][:, None] == 3, Y * 50, Y)
    after, _ = held_out(fit_predict, X, changed, folds[:1])
    at = folds[0] == 3
    np.testing.assert_array_equal(before[0][at], after[0][at])
    assert not np.allclose(before[0][~at], after[0][~at])


def test_alpha_is_chosen_by_site_inside_a_training_half_when_sites_are_given():
    seen = []

    def model(X, Y, new, groups=None):
        seen.append(set(groups))
        return np.zeros((len(new), Y.shape[1]))

    sites = np.repeat(np.arange(4), 5)
    folds = draw_folds(sites, 1, 10)
    held_out(model, np.zeros((20, 1)), np.zeros((20, 1)), folds, groups=sites)
    assert seen == [{1, 2, 3}, {0, 2, 3}, {0, 1, 3}, {0, 1, 2}]


def test_a_target_that_is_nothing_but_the_site_is_worth_nothing_by_site(tmp_path):
    """The leak test: by row the site can be told from its spectra, by site it cannot."""
    table = make_table(rows=120, targets=("site",))
    channels, rng = channels_of(table), np.random.default_rng(0)
    table["site"] = rng.permutation(15)[table["SiteID"] - 1]
    marks = rng.normal(0, 0.05, (15, len(channels)))  # what all spectra of a site share
    table[channels] = 1 + marks[table["SiteID"] - 1] + rng.normal(0, 0.01, (120, len(channels)))
    read = spectra.read_table(str(write(table, tmp_path / "leak.csv.gz")))
    X, Y, sites = read.features.to_numpy(), read.targets.to_numpy(), read.ids["SiteID"].to_numpy()

    def r2(units, groups=None):
        folds = draw_folds(units, 1, 10)
        return mean_r2(Y, held_out(fit_predict, X, Y, folds, groups=groups)[0])[0]

    assert r2(np.arange(len(Y))) > 0.9
    assert r2(sites) < 0.1
    assert r2(sites, groups=sites) < 0.1


def test_yamsys_is_as_good_as_its_authors_pls():
    folder = REAL / "yamsys_soil"
    if not folder.exists():
        pytest.skip("the real spectra are not here: %s" % folder)
    table = spectra.read_table(str(folder / "yamsys_soil_full.csv.gz"))
    names = ["C", "Al_tot", "K_tot"]
    published = pd.read_csv(folder / "published_model_stats.csv", index_col="response").loc[names, "r2"]
    X, Y = table.features.to_numpy(), table.targets[names].to_numpy()
    folds = draw_folds(np.arange(len(Y)), REPEATS, FOLDS)
    predicted, _ = held_out(fit_predict, X, Y, folds)
    assert (score.r2(Y, predicted.mean(axis=0)) > published.to_numpy() - 0.02).all()
