"""tools/trust/cost.py: what is set side by side differs in its bounds only."""

import numpy as np

from mdl import ALPHAS, ZeroClippedRidgeCV
from recore.expected import fitting
from tests.conftest import channels_of, make_table
from tools.trust.cost import COST_RUNS, fit, side_by_side
from tools.trust.faults import to_features


def test_two_calls_are_run_in_turn_as_often_as_each_other():
    called = []
    seconds = side_by_side(lambda: called.append("one"), lambda: called.append("other"))
    assert called == ["one", "other"] * (COST_RUNS + 1)
    assert np.shape(seconds) == (2,)


def test_without_bounds_it_is_the_same_model():
    table = make_table(targets=("Ca", "clay"))
    X, Y = to_features(table[channels_of(table)].to_numpy()), table[["Ca", "clay"]].to_numpy()
    for groups in (None, table["SiteID"].to_numpy()):
        ways_to_fit = fitting(ZeroClippedRidgeCV, ALPHAS), ZeroClippedRidgeCV().fit
        without, with_ = (fit(how, X, Y, groups) for how in ways_to_fit)
        np.testing.assert_array_equal(without.predict(X), with_.predict(X))
        assert not hasattr(without, "error_quantiles_") and with_.error_quantiles_.shape[0] == 2
