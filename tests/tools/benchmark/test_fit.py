"""tools/benchmark/fit.py: the candidates fit the same model, and the table says what did not run."""

import numpy as np
import pytest

from tools.benchmark import fit


@pytest.fixture(scope="module")
def data():
    return fit.simulate(300, 20, np.random.default_rng(0))


def test_ours_and_scikit_learns_fit_the_same(data):
    ours, theirs = fit.fit_ours(*data), fit.fit_sklearn(*data)
    np.testing.assert_allclose(ours.alpha_, theirs.alpha_)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6, atol=1e-8)


def test_a_process_measures_its_fit_and_one_that_fails_says_why(data, tmp_path):
    for name, array in zip("XY", data, strict=True):
        np.save(tmp_path / f"{name}.npy", array)
    _, memory = fit.run_in_process("RidgeCV", tmp_path, threads=1)
    assert memory >= 0
    assert "No such file" in fit.run_in_process("RidgeCV", tmp_path / "none", threads=1)


def test_the_table_counts_in_units_of_our_time():
    rows = [("challenge", fit.OURS, 0.5, 2e6), ("challenge", "RidgeCV", 2.0, 8e6)]
    lines = list(fit.table([*rows, ("challenge", "other", None, "no memory")]))
    assert lines[2:] == [
        "| 1,344 × 243 | ZeroClippedRidgeCV | 0.5 | 1.0 | 2 MB |",
        "| 1,344 × 243 | RidgeCV | 2 | 4.0 | 8 MB |",
        "| 1,344 × 243 | other | did not run: no memory | | |",
    ]
