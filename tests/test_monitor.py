"""tools/monitor.py: limits against scipy and by hand, good batches, drifts, faults, and what it says."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, channels_of, make_table, said_in_one_line, write
from scipy import stats

import mdl
import preprocess
import train
from tools import monitor, monitor_charts, monitor_trial

ROWS = 12  # a batch
TRAINED, KNOWN, NEW = 240, 24, 12  # rows, then batches


@pytest.fixture(scope="module")
def rock():
    """One table of independent rows: training, reference and new batches after each other."""
    return make_table(rows=TRAINED + (KNOWN + NEW) * ROWS, seed=3)


@pytest.fixture(scope="module")
def folder(rock, tmp_path_factory):
    """Model, training file, reference and good new batches."""
    path = tmp_path_factory.mktemp("monitor")
    write(rock[:TRAINED], path / "training.csv")
    write(rock[TRAINED : TRAINED + KNOWN * ROWS], path / "reference.csv")
    write(rock[TRAINED + KNOWN * ROWS :], path / "good.csv")
    train.main(["--data_dir", str(path / "training.csv"), "--model_dir", str(path / "core")])
    return path


@pytest.fixture(scope="module")
def model(folder):
    return train.model_fn(str(folder / "core"))


@pytest.fixture(scope="module")
def reference(folder, model):
    return monitor_charts.measure(model, monitor.read_batches([str(folder / "reference.csv")], model, ROWS))


def batches_of(table, model, tmp_path, rows=ROWS):
    return monitor.read_batches([str(write(table, tmp_path / "some.csv"))], model, rows)


def run(folder, *arguments, cwd):
    """The command, as a process of its own, warnings as errors."""
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "tools.monitor",
        str(folder / "core"),
        *map(str, arguments),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment)


def values(value, n=1, squares=0.0):
    """Statistics by hand, (n_batches, k)."""
    value = np.asarray(value, dtype=float)
    full = [np.broadcast_to(np.asarray(each, dtype=float), value.shape) for each in (n, squares, 1.0)]
    return monitor_charts.Values(value, *full)


def fringes(table):
    """Interference of amplitude 1, (n_channels,)."""
    return np.sin(2 * np.pi * np.arange(len(channels_of(table))) / 20)


def crossed(charts):
    """What crosses: {chart: (batches by own value, batches by the EWMA)}."""
    found = {c.name: (np.flatnonzero(c.crossed.any(1)), np.flatnonzero(c.drifted.any(1))) for c in charts}
    return {name: each for name, each in found.items() if len(each[0]) + len(each[1])}


# --- limits against an oracle ---


@pytest.mark.parametrize("name", ["leverage", "prediction", "bias"])
def test_of_batches_of_one_size_the_limit_is_the_prediction_limit_of_student(name):
    y = np.random.default_rng(0).normal(3, 2, (9, 1))
    _, centre, lower, upper, *_ = monitor_charts.chart_mean(name, values([[4.0]]), values(y), 0.5, 0.01)
    far = stats.t.ppf(0.995, 8) * y.std(ddof=1) * np.sqrt(1 + 1 / 9)
    assert centre[0, 0] == pytest.approx(y.mean())
    assert (lower[0, 0], upper[0, 0]) == pytest.approx((y.mean() - far, y.mean() + far))


def test_of_normal_batches_as_many_cross_as_were_asked_for():
    rng, alarms, n = np.random.default_rng(1), [], 18.0

    def draw(batches):
        mean = rng.normal(0, np.sqrt(0.25 + 1 / n), (batches, 1))
        return values(mean, n, rng.chisquare(n - 1, (batches, 1)))

    for _ in range(1500):
        *_, own, _ = monitor_charts.chart_mean("prediction", draw(1), draw(12), 0.5, 0.05)
        alarms.append(own[0, 0])
    assert np.mean(alarms) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 1500))


def test_without_a_reference_a_mean_varies_by_what_batches_share_and_by_their_rows():
    *_, upper, _, _, _, _ = monitor_charts.chart_mean(
        "prediction", values([[0.0], [0.0]], [[1], [50]]), None, 0.4, 0.01
    )
    expected = stats.t.isf(0.005, monitor_charts.TAILS) * np.sqrt(0.4 + 0.6 / np.array([1, 50]))
    assert upper[:, 0] == pytest.approx(expected)


@pytest.mark.parametrize("alike, law", [(0.0, stats.binom), (0.3, stats.betabinom)])
@pytest.mark.parametrize("n", [1, 7, 60])
def test_the_limit_of_a_share_is_the_smallest_that_good_samples_exceed_seldom_enough(alike, law, n):
    p = 1 - mdl.LIMIT
    common = monitor_charts.clustering(alike, p)
    shape = (p,) if alike == 0 else (p * (1 / common - 1), (1 - p) * (1 / common - 1))
    _, _, _, upper, *_ = monitor_charts.chart_share("flagged", values([[0]], n), None, alike, 0.003)
    most = round(upper[0, 0] * n)
    assert law.sf(most, n, *shape) <= 0.003
    assert most == 0 or law.sf(most - 1, n, *shape) > 0.003


def test_the_share_and_the_correlation_of_a_beta_binomial_are_found_again():
    count = stats.betabinom.rvs(40, 2, 8, size=(30000, 1), random_state=0)
    mean, common = monitor_charts.share_model(0.1, values(count, 40), 0.5, 1)
    assert (mean[0], common[0]) == pytest.approx((0.2, 1 / 11), rel=0.03)


def test_rows_that_are_alike_cross_a_limit_together_less_often_than_they_are_alike():
    rng, alike = np.random.default_rng(0), 0.5
    batch = np.sqrt(alike) * rng.standard_normal((400_000, 1))
    beyond = batch + np.sqrt(1 - alike) * rng.standard_normal((400_000, 2)) < stats.norm.ppf(0.025)
    assert monitor_charts.clustering(alike, 0.025) == pytest.approx(np.corrcoef(beyond.T)[0, 1], abs=0.02)
    assert monitor_charts.clustering(0.0, 0.025) == pytest.approx(0, abs=1e-12)


def test_the_ewma_has_the_limits_of_the_textbook():
    z = monitor_charts.ewma(np.ones((12, 1)), np.ones((12, 1)), 0.0)[:, 0]
    lam, i = monitor_charts.LAMBDA, np.arange(1, 13)
    sd = np.sqrt(lam / (2 - lam) * (1 - (1 - lam) ** (2 * i)))  # Montgomery (2019), 9.2
    assert z == pytest.approx((1 - (1 - lam) ** i) / sd)


def test_the_ewma_passes_over_batches_without_a_value_and_knows_that_they_share_a_centre():
    away, variance = np.array([1.0, np.nan, 3.0, 2.0])[:, None], np.array([1.0, 9.0, 2.0, 0.5])[:, None]
    z = monitor_charts.ewma(away, variance, np.array([0.3]))
    lam = monitor_charts.LAMBDA
    weights = lam * (1 - lam) ** np.array([2, 1, 0])
    expected = weights @ [1, 3, 2] / np.sqrt(weights**2 @ [1, 2, 0.5] + weights.sum() ** 2 * 0.3)
    assert np.isnan(z[1, 0]) and z[3, 0] == pytest.approx(expected)


def test_the_joint_limit_is_the_prediction_limit_of_the_furthest_targets_logarithm():
    scores = np.random.default_rng(0).lognormal(size=(20, 5))
    far = np.log(scores.max(axis=1))
    expected = far.mean() + stats.t.isf(0.01, 19) * far.std(ddof=1) * np.sqrt(1 + 1 / 20)
    assert np.log(monitor_charts.joint_limit(scores, 0.01)) == pytest.approx(expected)


def test_the_levels_of_all_targets_charts_and_forms_sum_to_the_rate(model, reference, monkeypatch):
    spent = []

    def watched(real):
        def chart(name, found, old, alike, level):
            spent.append(2 * level * found.value.shape[1])
            return real(name, found, old, alike, level)

        return chart

    for name in ("chart_mean", "chart_share"):
        monkeypatch.setattr(monitor_charts, name, watched(getattr(monitor_charts, name)))
    monitor_charts.chart_all(model, reference, reference, rate=0.02)
    assert len(spent) == 7 and sum(spent) == pytest.approx(0.02)


# --- statistics against an oracle ---


def test_mean_and_spread_of_training_predictions_come_from_the_model_alone(folder, model):
    X = preprocess.read_table(str(folder / "training.csv")).features.to_numpy()
    unclipped = X @ model.coef_.T + model.intercept_
    mean, sd = monitor_charts.training_predictions(model)
    np.testing.assert_allclose(mean, unclipped.mean(axis=0), rtol=1e-8)
    np.testing.assert_allclose(sd, unclipped.std(axis=0), rtol=1e-6)


def test_slope_and_its_error_are_those_of_a_regression_of_the_rows_with_an_assay():
    rng = np.random.default_rng(0)
    predicted, measured = rng.normal(size=(2, 30, 3))
    measured[:9, 1] = np.nan
    measured[monitor_charts.SLOPE_ROWS - 1 :, 2] = np.nan
    slope, n, squares, _ = monitor_charts.slopes(predicted, measured, ~np.isnan(measured))
    for k, first in ((0, 0), (1, 9)):
        line = stats.linregress(predicted[first:, k], measured[first:, k])
        assert (slope[k], squares[k]) == pytest.approx((line.slope, line.stderr**2))
    assert n.tolist() == [30, 21, 9] and np.isnan(slope[2])


def test_bias_is_that_of_the_assays_that_are_there(folder, model, rock, tmp_path):
    table = rock[-ROWS:].copy()
    table.loc[table.index[:5], "CuPPM"] = np.nan
    (batch,) = batches_of(table, model, tmp_path)
    found = monitor_charts.measure(model, [batch])["bias"]
    k = model.target_names_.index("CuPPM")
    errors = (model.predict(batch.X) - batch.Y)[5:, k]
    assert found.n[0, k] == ROWS - 5
    assert found.value[0, k] * found.scale[0, k] == pytest.approx(errors.mean())
    assert found.squares[0, k] * found.scale[0, k] ** 2 == pytest.approx(
        np.square(errors - errors.mean()).sum()
    )


# --- what is found ---


def test_good_batches_are_quiet_with_and_without_a_reference(folder, model, reference):
    good = monitor_charts.measure(model, monitor.read_batches([str(folder / "good.csv")], model, ROWS))
    for old, options in ((reference, {}), (None, {}), (None, {"alike": 0.0})):
        assert crossed(monitor_charts.chart_all(model, good, old, **options)) == {}


def test_a_slow_drift_is_found_by_the_ewma_before_any_batch_is_out_by_itself(
    model, reference, rock, tmp_path
):
    table = rock[-NEW * ROWS :].copy()
    batch = np.arange(len(table)) // ROWS
    table[channels_of(table)] += 2e-3 * batch[:, None] * fringes(table)
    charts = monitor_charts.chart_all(
        model, monitor_charts.measure(model, batches_of(table, model, tmp_path)), reference
    )
    (residual,) = (chart for chart in charts if chart.name == "residual")
    drifted = np.flatnonzero(residual.drifted)
    assert len(drifted) and 0 < drifted[0] < NEW - 1
    assert not residual.crossed[: drifted[0] + 1].any()


def test_a_sudden_fault_is_found_at_once_and_named_with_value_and_limit(model, reference, rock, tmp_path):
    table = rock[-NEW * ROWS :].copy()
    late = table.index[6 * ROWS :]
    table.loc[late, channels_of(table)] += 0.3 * fringes(table)
    batches = batches_of(table, model, tmp_path)
    for old in (reference, None):
        charts = monitor_charts.chart_all(model, monitor_charts.measure(model, batches), old)
        line = monitor.alarm_line(charts, [batch.name for batch in batches], "reports/core")
        assert f"rows {6 * ROWS + 1}-{7 * ROWS}: " in line and "limit" in line and monitor.SPECTRA in line


def test_a_bias_of_one_targets_assays_is_found_in_that_target(model, reference, rock, tmp_path):
    table = rock[-NEW * ROWS :].copy()
    shift = 3 * model.cv_rmse_[model.target_names_.index("CuPPM")]
    table.loc[table.index[6 * ROWS :], "CuPPM"] += shift
    charts = monitor_charts.chart_all(
        model, monitor_charts.measure(model, batches_of(table, model, tmp_path)), reference
    )
    (bias,) = (chart for chart in charts if chart.name == "bias")
    out = bias.crossed | bias.drifted
    assert [bias.targets[k] for k in np.flatnonzero(out.any(axis=0))] == ["CuPPM"]
    assert 6 <= np.flatnonzero(out.any(axis=1))[0] <= 8
    assert set(crossed(charts)) <= {"bias", "outside"}


# --- assays, gaps, sizes ---


def test_without_assays_the_charts_of_the_spectra_remain_and_are_the_same(model, reference, rock, tmp_path):
    table = rock[-NEW * ROWS :]
    spectra_alone = table.drop(columns=list(preprocess.TARGETS))
    pair = [
        monitor_charts.measure(model, batches_of(each, model, tmp_path)) for each in (table, spectra_alone)
    ]
    charts = monitor_charts.chart_all(model, pair[1], reference)
    assert [chart.name for chart in charts] == ["leverage", "residual", "flagged", "prediction"]
    for name in ("leverage", "residual", "flagged", "prediction"):
        np.testing.assert_array_equal(pair[0][name].value, pair[1][name].value)


def test_a_batch_without_assays_among_others_has_no_bias_and_no_alarm(model, reference, rock, tmp_path):
    table = rock[-3 * ROWS :].copy()
    table.loc[table.index[ROWS : 2 * ROWS], list(preprocess.TARGETS)] = np.nan
    table.loc[table.index[0], "CuPPM"] = np.nan
    new = monitor_charts.measure(model, batches_of(table, model, tmp_path))
    charts = monitor_charts.chart_all(model, new, reference)
    frame = monitor.to_frame(charts, ["a", "b", "c"], new).set_index(["batch", "chart", "target"])
    gone = frame.loc[[("b", name, "CuPPM") for name in ("bias", "slope", "outside")]]
    assert (gone["n"] == 0).all() and gone["value"].isna().all() and not gone["crossed"].any()
    assert frame.loc[("a", "bias", "CuPPM"), "n"] == ROWS - 1
    assert len(frame) == 3 * (3 + 4 * len(preprocess.TARGETS))


@pytest.mark.parametrize("with_reference", [True, False])
def test_batches_of_one_row_are_charted(model, reference, rock, tmp_path, with_reference):
    new = monitor_charts.measure(model, batches_of(rock[-5:], model, tmp_path, rows=1))
    charts = monitor_charts.chart_all(model, new, reference if with_reference else None)
    assert "slope" not in {chart.name for chart in charts}
    prediction = next(chart for chart in charts if chart.name == "prediction")
    assert np.isfinite(prediction.upper).all() and not prediction.crossed.any()


def test_a_file_is_cut_by_rows_or_by_site_in_file_order(folder, model, rock):
    path = str(folder / "good.csv")
    table = rock[-NEW * ROWS :]
    by_rows = monitor.read_batches([path], model, 100)
    assert [len(batch.X) for batch in by_rows] == [100, len(table) - 100]
    by_site = monitor.read_batches([path], model, group="SiteID")
    assert [batch.name.split()[-1] for batch in by_site] == [str(site) for site in table["SiteID"].unique()]
    assert [len(batch.X) for batch in by_site] == table.groupby("SiteID").size().tolist()


# --- the command ---


def test_within_limits_it_ends_in_peace_and_writes_table_and_figure(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    files = [str(folder / name) for name in ("core", "good.csv", "reference.csv")]
    monitor.main([*files[:2], "--reference", files[2], "--batch", str(ROWS)])
    said = capsys.readouterr()
    assert not said.err and said.out.count(" rows ") >= NEW and f"{KNOWN} reference batches" in said.out
    assert (tmp_path / "reports/core/monitor.png").read_bytes().startswith(b"\x89PNG")
    frame = pd.read_csv(tmp_path / "reports/core/monitor.csv")
    assert frame["batch"].nunique() == NEW and not frame["crossed"].any()


def test_targets_that_the_model_lacks_are_named_and_not_charted(folder, model, rock, tmp_path, capsys):
    table = rock[-ROWS:].drop(columns=list(preprocess.TARGETS)).assign(pH=7.0, CuPPB=1.0)
    assert np.isnan(batches_of(table, model, tmp_path)[0].Y).all()
    assert "no target of the model: pH, CuPPB" in capsys.readouterr().out


def test_an_alarm_is_one_line_and_status_1(folder, rock, tmp_path):
    table = rock[-ROWS:].copy()
    table[channels_of(table)] = table[channels_of(table)].to_numpy()[:, ::-1]
    path = write(table, tmp_path / "reversed.csv")
    result = run(folder, path, cwd=tmp_path)
    assert result.returncode == 1 and "assume" in result.stdout
    line = said_in_one_line(result)
    assert "reversed.csv: flagged: found 1, limit 0." in line and "monitor.csv" in line


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["good.csv", "--reference", "training.csv", "--batch", "12"], "trained on"),
        (["good.csv", "--reference", "reference.csv"], "found 1 batches, expected 5"),
        (["good.csv", "--group", "Hole"], "no id column 'Hole'"),
        (["gone.csv"], "not found"),
        (["other.csv"], "other.csv: found"),
    ],
)
def test_a_mistake_is_told_from_an_alarm(folder, tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    write(make_table(channels=400), folder / "other.csv")
    files = [str(folder / each) if each.endswith(".csv") else each for each in arguments]
    monkeypatch.setattr(sys, "argv", ["monitor.py", str(folder / "core"), *files])
    with pytest.raises(SystemExit) as end:
        monitor.run()
    told = capsys.readouterr().err
    assert end.value.code == 2 and said in told and told.count("\n") == 1
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("option", [["--batch", "0"], ["--alike", "1"], ["--rate", "0"]])
def test_numbers_out_of_range_are_refused_with_status_2(folder, option, capsys):
    with pytest.raises(SystemExit) as end:
        monitor.main([str(folder / "core"), "good.csv", *option])
    assert end.value.code == 2 and "expected" in capsys.readouterr().err


# --- what the trial makes ---


@pytest.mark.parametrize("fault", [monitor_trial.gain, monitor_trial.baseline, monitor_trial.fringes])
def test_a_growing_fault_of_the_trial_grows_by_the_same_step_from_nothing(fault):
    spectra = np.random.default_rng(0).uniform(0.1, 1, (3, 400))
    steps = np.diff([fault(spectra, batch) for batch in range(4)], axis=0)
    np.testing.assert_array_equal(fault(spectra, 0), spectra)
    assert np.abs(steps[0]).max() > 0
    np.testing.assert_allclose(steps, steps[:1].repeat(3, axis=0), rtol=1e-9, atol=1e-12)


def test_the_trial_tells_the_share_found_and_the_median_batch():
    assert monitor_trial.soon(np.array([1, 3, 7, np.inf])) == "75%, 5"
    assert monitor_trial.soon(np.array([2, np.inf, np.inf])) == "33%, -"
