"""tools/monitor: limits against scipy and by hand."""

import numpy as np
import pytest
from scipy import stats

import recore.bounds
from tools.monitor.limits import LAMBDA, ewma, joint_limit
from tools.monitor.means import TAILS, chart_mean
from tools.monitor.measuring import Values
from tools.monitor.shares import chart_share, clustering, share_model

ROWS = 12  # a batch


def values(value, n=1, squares=0.0):
    """Statistics by hand, (n_batches, k)."""
    value = np.asarray(value, dtype=float)
    full = [np.broadcast_to(np.asarray(each, dtype=float), value.shape) for each in (n, squares, 1.0)]
    return Values(value, *full)


@pytest.mark.parametrize("name", ["leverage", "prediction", "bias"])
def test_of_batches_of_one_size_the_limit_is_the_prediction_limit_of_student(name):
    y = np.random.default_rng(0).normal(3, 2, (9, 1))
    _, centre, lower, upper, *_ = chart_mean(name, values([[4.0]]), values(y), 0.5, 0.01)
    far = stats.t.ppf(0.995, 8) * y.std(ddof=1) * np.sqrt(1 + 1 / 9)
    assert centre[0, 0] == pytest.approx(y.mean())
    assert (lower[0, 0], upper[0, 0]) == pytest.approx((y.mean() - far, y.mean() + far))


def test_of_normal_batches_as_many_cross_as_were_asked_for():
    rng, alarms, n = np.random.default_rng(1), [], 18.0

    def draw(batches):
        mean = rng.normal(0, np.sqrt(0.25 + 1 / n), (batches, 1))
        return values(mean, n, rng.chisquare(n - 1, (batches, 1)))

    for _ in range(1500):
        *_, own, _ = chart_mean("prediction", draw(1), draw(12), 0.5, 0.05)
        alarms.append(own[0, 0])
    assert np.mean(alarms) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 1500))


def test_without_a_reference_a_mean_varies_by_what_batches_share_and_by_their_rows():
    *_, upper, _, _, _, _ = chart_mean("prediction", values([[0.0], [0.0]], [[1], [50]]), None, 0.4, 0.01)
    expected = stats.t.isf(0.005, TAILS) * np.sqrt(0.4 + 0.6 / np.array([1, 50]))
    assert upper[:, 0] == pytest.approx(expected)


@pytest.mark.parametrize("alike, law", [(0.0, stats.binom), (0.3, stats.betabinom)])
@pytest.mark.parametrize("n", [1, 7, 60])
def test_the_limit_of_a_share_is_the_smallest_that_good_samples_exceed_seldom_enough(alike, law, n):
    p = 1 - recore.bounds.LIMIT
    common = clustering(alike, p)
    shape = (p,) if alike == 0 else (p * (1 / common - 1), (1 - p) * (1 / common - 1))
    _, _, _, upper, *_ = chart_share("flagged", values([[0]], n), None, alike, 0.003)
    most = round(upper[0, 0] * n)
    assert law.sf(most, n, *shape) <= 0.003
    assert most == 0 or law.sf(most - 1, n, *shape) > 0.003


def test_the_share_and_the_correlation_of_a_beta_binomial_are_found_again():
    count = stats.betabinom.rvs(40, 2, 8, size=(30000, 1), random_state=0)
    mean, common = share_model(0.1, values(count, 40), 0.5, 1)
    assert (mean[0], common[0]) == pytest.approx((0.2, 1 / 11), rel=0.03)


def test_rows_that_are_alike_cross_a_limit_together_less_often_than_they_are_alike():
    rng, alike = np.random.default_rng(0), 0.5
    batch = np.sqrt(alike) * rng.standard_normal((400_000, 1))
    beyond = batch + np.sqrt(1 - alike) * rng.standard_normal((400_000, 2)) < stats.norm.ppf(0.025)
    assert clustering(alike, 0.025) == pytest.approx(np.corrcoef(beyond.T)[0, 1], abs=0.02)
    assert clustering(0.0, 0.025) == pytest.approx(0, abs=1e-12)


def test_the_ewma_has_the_limits_of_the_textbook():
    z = ewma(np.ones((12, 1)), np.ones((12, 1)), 0.0)[:, 0]
    lam, i = LAMBDA, np.arange(1, 13)
    sd = np.sqrt(lam / (2 - lam) * (1 - (1 - lam) ** (2 * i)))  # Montgomery (2019), 9.2
    assert z == pytest.approx((1 - (1 - lam) ** i) / sd)


def test_the_ewma_passes_over_batches_without_a_value_and_knows_that_they_share_a_centre():
    away, variance = np.array([1.0, np.nan, 3.0, 2.0])[:, None], np.array([1.0, 9.0, 2.0, 0.5])[:, None]
    z = ewma(away, variance, np.array([0.3]))
    lam = LAMBDA
    weights = lam * (1 - lam) ** np.array([2, 1, 0])
    expected = weights @ [1, 3, 2] / np.sqrt(weights**2 @ [1, 2, 0.5] + weights.sum() ** 2 * 0.3)
    assert np.isnan(z[1, 0]) and z[3, 0] == pytest.approx(expected)


def test_the_joint_limit_is_the_prediction_limit_of_the_furthest_targets_logarithm():
    scores = np.random.default_rng(0).lognormal(size=(20, 5))
    far = np.log(scores.max(axis=1))
    expected = far.mean() + stats.t.isf(0.01, 19) * far.std(ddof=1) * np.sqrt(1 + 1 / 20)
    assert np.log(joint_limit(scores, 0.01)) == pytest.approx(expected)
