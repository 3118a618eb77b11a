"""tools/validate/peers.py: other models, on the same rows and folds."""

import numpy as np
import pandas as pd
import pytest
from sklearn.cross_decomposition import PLSRegression

import score
from mdl import METHODS
from tests.conftest import write
from tests.tables import soil
from tools.validate import __main__ as validate
from tools.validate import peers
from tools.validate.cross_validation import OURS
from tools.validate.methods import advice, best_method


def test_pls_by_components_is_pls_with_each_number_of_components():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 8)), rng.normal(size=40)
    found = peers.by_components(PLSRegression(5, scale=False).fit(X, y), X)
    for k in range(1, 6):
        np.testing.assert_allclose(
            found[:, k - 1], PLSRegression(k, scale=False).fit(X, y).predict(X).ravel()
        )


@pytest.mark.parametrize("name", peers.PEERS)
def test_a_peer_predicts_each_target_from_the_rows_that_have_it(name):
    model, _ = peers.PEERS[name]
    rng = np.random.default_rng(0)
    amounts = rng.gamma(2, 1, (60, 2))
    X = amounts @ np.exp(-(((np.arange(40) - np.array([[10], [25]])) / 5) ** 2)) + rng.normal(
        0, 0.01, (60, 40)
    )
    X[:, 35:] += 1  # so that SNV has a level to refer to
    Y = amounts * [1, 100]
    Y[:10, 1] = np.nan
    new = model(X[:50], Y[:50], X[50:])
    assert (score.r2(Y[50:], new) > 0.6).all()
    np.testing.assert_allclose(new[:, [1]], model(X[10:50], Y[10:50, [1]], X[50:]), rtol=1e-6)


def test_peers_meet_on_the_same_folds(here, capsys, monkeypatch):
    few = ("RidgeCV, an alpha for each target", "chemotools: SNV, derivative, PLS")
    monkeypatch.setattr(peers, "PEERS", {name: peers.PEERS[name] for name in few})
    path = write(soil(gaps=4), here / "soil.csv")
    validate.main([str(path), "--peers", "--short", "--jobs", "1"])
    said = capsys.readouterr().out
    assert "| model | R2 by row | R2 by site | seconds a fold |" in said
    found = pd.read_csv(here / "reports" / "soil" / "peers.csv", index_col="model")
    assert list(found.index) == [*METHODS, *few]
    ours, theirs = found.loc[OURS], found.loc[few[0]]
    assert ours["R2 by row"] == pytest.approx(theirs["R2 by row"], abs=0.02)  # they differ by clipping only
    assert advice(found.reset_index()) in said


@pytest.mark.parametrize(
    "row, site, best",
    [
        ((0.5, 0.6, 0.7), (0.3, 0.2, 0.1), "ridge"),  # what is hardest decides
        ((0.5, 0.6, 0.7), (0.3, 0.305, 0.309), "kernel"),  # alike by site: by row
        ((0.5, 0.505, 0.509), (0.3, 0.305, 0.309), "ridge"),  # alike in all: the simplest
        ((0.5, 0.6, 0.605), (-0.3, 0.1, 0.1), "views"),
    ],
)
def test_the_method_to_take_is_the_best_on_sites_then_on_rows_then_the_simplest(row, site, best):
    found = pd.DataFrame({"model": list(METHODS), "R2 by row": row, "R2 by row ±": 0.0, "R2 by site": site})
    found.loc[3] = ["PLS", 0.9, 0.0, 0.9]
    assert best_method(found) == best
    place = list(METHODS).index(best)
    told = f"take --method {best}: mean R² {site[place]:.3f} by site and {row[place]:.3f} by row; "
    assert advice(found).startswith(told) and "PLS" not in advice(found)
