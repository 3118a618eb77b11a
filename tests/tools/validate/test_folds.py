"""tools/validate/folds.py: folds that are honest."""

import numpy as np
import pandas as pd
import pytest

import preprocess
from recore.folds import draw_folds
from tools.validate.folds import usable


def test_no_site_is_in_both_halves_and_folds_are_the_same_every_time():
    sites = np.repeat(["b", "a", "d", "c", "e"], 3)
    folds = draw_folds(sites, repeats=4, folds=2)
    assert folds.shape == (4, 15)
    assert all(len(np.unique(fold[sites == site])) == 1 for fold in folds for site in "abcde")
    assert len({tuple(fold) for fold in folds}) > 1
    np.testing.assert_array_equal(folds, draw_folds(sites, 4, 2))


def test_as_many_folds_as_sites_are_drawn_once():
    assert draw_folds(np.array([7, 7, 3, 3, 5]), repeats=5, folds=10).tolist() == [[2, 2, 0, 0, 1]]


def test_two_sites_are_refused_with_a_remedy():
    with pytest.raises(
        preprocess.DataError, match=r"sites or rows to hold out: 2, expected 3 or more; use another --group"
    ):
        draw_folds(np.array([1, 1, 2]), 5, 10)


def test_a_target_with_too_few_assays_is_left_out_by_name(capsys):
    targets = pd.DataFrame({"Ca": np.ones(20), "rare": [1.0] * 5 + [np.nan] * 15})
    assert list(usable(targets, 3)) == ["Ca"]
    assert "left out, too few assays: rare" in capsys.readouterr().err
