"""tools/trust/coverage.py: coverage that is counted right."""

import numpy as np
import pandas as pd
import pytest

from mdl import ZeroClippedRidgeCV
from recore.folds import draw_folds
from tests.conftest import REAL, channels_of, make_table
from tools import spectra
from tools.trust.coverage import FOLDS, coverage_table, held_out_bounds
from tools.trust.faults import to_features
from tools.validate.folds import usable


def test_coverage_is_counted_by_hand():
    targets = pd.DataFrame({"Ca": [1.0, 2.0, 3.0, 4.0, np.nan, 9.0]})
    predicted = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])[:, None]
    bounds = np.array([predicted, predicted - [[0.5], [0.5], [-0.1], [1], [1], [1]], predicted + 2])
    found = coverage_table(targets, bounds).loc["Ca"]
    assert (found["assays"], found["coverage"], found["below"], found["above"]) == (5, 0.6, 0.2, 0.2)
    assert found["coverage, low"] == 1 and found["coverage, high"] == 0.5  # 1, 2 and 4, 6 with an assay
    assert found["width / SD"] == pytest.approx(2.5 / np.std([1, 2, 3, 4, 9], ddof=1))


def test_bounds_of_a_row_are_those_of_a_model_of_the_other_folds():
    table = make_table(rows=30, targets=("Ca", "Mg"))
    X, Y = to_features(table[channels_of(table)].to_numpy()), table[["Ca", "Mg"]].to_numpy()
    folds = draw_folds(np.arange(30), 1, 3)[0]
    (predicted, lower, upper, _), verdicts, _ = held_out_bounds(X, Y, folds, coverage=0.8)
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
    table = spectra.read_table(str(path))
    folds = draw_folds(np.arange(len(table.features)), 1, FOLDS)[0]
    targets = usable(table.targets, FOLDS)
    bounds, *_ = held_out_bounds(table.features.to_numpy(), targets.to_numpy(), folds)
    found = coverage_table(targets, bounds)
    assert 0.88 <= found["coverage"].mean() <= 0.92
    assert found["width / SD"].median() < 3  # not by being endless
