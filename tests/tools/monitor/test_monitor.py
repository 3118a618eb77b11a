"""tools/monitor: good batches, drifts, faults, and what it says."""

import html
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats

import preprocess
import train
from tests.conftest import ROOT, channels_of, make_table, said_in_one_line, write
from tools import spectra
from tools.monitor import __main__ as monitor
from tools.monitor import charts
from tools.monitor.alarms import SPECTRA, alarm_line
from tools.monitor.batches import read_batches
from tools.monitor.charts import chart_all
from tools.monitor.figures import chart_figure
from tools.monitor.measuring import SLOPE_ROWS, measure, slopes, training_predictions
from tools.monitor.page import page, report_style
from tools.monitor.results import HEADER, to_frame
from tools.report.words import plain

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
    return measure(model, read_batches([str(folder / "reference.csv")], model, ROWS))


def batches_of(table, model, tmp_path, rows=ROWS):
    return read_batches([str(write(table, tmp_path / "some.csv"))], model, rows)


def run(folder, *arguments, cwd):
    """The command, as a process of its own, warnings as errors."""
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "tools.monitor",
        *map(str, arguments),
        "--model",
        str(folder / "core"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment)


def fringes(table):
    """Interference of amplitude 1, (n_channels,)."""
    return np.sin(2 * np.pi * np.arange(len(channels_of(table))) / 20)


def crossed(charts):
    """What crosses: {chart: (batches by own value, batches by the EWMA)}."""
    found = {c.name: (np.flatnonzero(c.crossed.any(1)), np.flatnonzero(c.drifted.any(1))) for c in charts}
    return {name: each for name, each in found.items() if len(each[0]) + len(each[1])}


def test_the_levels_of_all_targets_charts_and_forms_sum_to_the_rate(model, reference, monkeypatch):
    spent = []

    def watched(real):
        def chart(name, found, old, alike, level):
            spent.append(2 * level * found.value.shape[1])
            return real(name, found, old, alike, level)

        return chart

    for name in ("chart_mean", "chart_share"):
        monkeypatch.setattr(charts, name, watched(getattr(charts, name)))
    chart_all(model, reference, reference, rate=0.02)
    assert len(spent) == 7 and sum(spent) == pytest.approx(0.02)


def test_mean_and_spread_of_training_predictions_come_from_the_model_alone(folder, model):
    X = spectra.read_table(str(folder / "training.csv")).features.to_numpy()
    unclipped = X @ model.coef_.T + model.intercept_
    mean, sd = training_predictions(model)
    np.testing.assert_allclose(mean, unclipped.mean(axis=0), rtol=1e-8)
    np.testing.assert_allclose(sd, unclipped.std(axis=0), rtol=1e-6)


def test_a_kernel_is_charted_around_its_own_predictions_too(folder):
    table = spectra.read_table(str(folder / "training.csv"))
    kernel = train.fit(table, method="kernel")
    unclipped = kernel.unclipped(table.features)
    mean, sd = training_predictions(kernel)
    some = ~table.targets.isna().to_numpy()
    for k, known in enumerate(some.T):
        assert mean[k] == pytest.approx(unclipped[known, k].mean(), rel=1e-6, abs=1e-9)
        assert 0.5 < sd[k] / unclipped[known, k].std() < 2


def test_slope_and_its_error_are_those_of_a_regression_of_the_rows_with_an_assay():
    rng = np.random.default_rng(0)
    predicted, measured = rng.normal(size=(2, 30, 3))
    measured[:9, 1] = np.nan
    measured[SLOPE_ROWS - 1 :, 2] = np.nan
    slope, n, squares, _ = slopes(predicted, measured, ~np.isnan(measured))
    for k, first in ((0, 0), (1, 9)):
        line = stats.linregress(predicted[first:, k], measured[first:, k])
        assert (slope[k], squares[k]) == pytest.approx((line.slope, line.stderr**2))
    assert n.tolist() == [30, 21, 9] and np.isnan(slope[2])


def test_bias_is_that_of_the_assays_that_are_there(folder, model, rock, tmp_path):
    table = rock[-ROWS:].copy()
    table.loc[table.index[:5], "CuPPM"] = np.nan
    (batch,) = batches_of(table, model, tmp_path)
    found = measure(model, [batch])["bias"]
    k = model.target_names_.index("CuPPM")
    errors = (model.predict(batch.X) - batch.Y)[5:, k]
    assert found.n[0, k] == ROWS - 5
    assert found.value[0, k] * found.scale[0, k] == pytest.approx(errors.mean())
    assert found.squares[0, k] * found.scale[0, k] ** 2 == pytest.approx(
        np.square(errors - errors.mean()).sum()
    )


def test_good_batches_are_quiet_with_and_without_a_reference(folder, model, reference):
    good = measure(model, read_batches([str(folder / "good.csv")], model, ROWS))
    for old, options in ((reference, {}), (None, {}), (None, {"alike": 0.0})):
        assert crossed(chart_all(model, good, old, **options)) == {}


def test_a_slow_drift_is_found_by_the_ewma_before_any_batch_is_out_by_itself(
    model, reference, rock, tmp_path
):
    table = rock[-NEW * ROWS :].copy()
    batch = np.arange(len(table)) // ROWS
    table[channels_of(table)] += 2e-3 * batch[:, None] * fringes(table)
    charts = chart_all(model, measure(model, batches_of(table, model, tmp_path)), reference)
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
        charts = chart_all(model, measure(model, batches), old)
        line = alarm_line(charts, [batch.name for batch in batches], "reports/core")
        assert f"rows {6 * ROWS + 1}-{7 * ROWS}: " in line and "limit" in line and SPECTRA in line


def test_a_bias_of_one_targets_assays_is_found_in_that_target(model, reference, rock, tmp_path):
    table = rock[-NEW * ROWS :].copy()
    shift = 3 * model.cv_rmse_[model.target_names_.index("CuPPM")]
    table.loc[table.index[6 * ROWS :], "CuPPM"] += shift
    charts = chart_all(model, measure(model, batches_of(table, model, tmp_path)), reference)
    (bias,) = (chart for chart in charts if chart.name == "bias")
    out = bias.crossed | bias.drifted
    assert [bias.targets[k] for k in np.flatnonzero(out.any(axis=0))] == ["CuPPM"]
    assert 6 <= np.flatnonzero(out.any(axis=1))[0] <= 8
    assert set(crossed(charts)) <= {"bias", "outside"}


def test_without_assays_the_charts_of_the_spectra_remain_and_are_the_same(model, reference, rock, tmp_path):
    table = rock[-NEW * ROWS :]
    spectra_alone = table.drop(columns=list(preprocess.TARGETS))
    pair = [measure(model, batches_of(each, model, tmp_path)) for each in (table, spectra_alone)]
    charts = chart_all(model, pair[1], reference)
    assert [chart.name for chart in charts] == ["leverage", "residual", "flagged", "prediction"]
    for name in ("leverage", "residual", "flagged", "prediction"):
        np.testing.assert_array_equal(pair[0][name].value, pair[1][name].value)


def test_a_batch_without_assays_among_others_has_no_bias_and_no_alarm(model, reference, rock, tmp_path):
    table = rock[-3 * ROWS :].copy()
    table.loc[table.index[ROWS : 2 * ROWS], list(preprocess.TARGETS)] = np.nan
    table.loc[table.index[0], "CuPPM"] = np.nan
    new = measure(model, batches_of(table, model, tmp_path))
    charts = chart_all(model, new, reference)
    frame = to_frame(charts, ["a", "b", "c"], new).set_index(["batch", "chart", "target"])
    gone = frame.loc[[("b", name, "CuPPM") for name in ("bias", "slope", "outside")]]
    assert (gone["n"] == 0).all() and gone["value"].isna().all() and not gone["crossed"].any()
    assert frame.loc[("a", "bias", "CuPPM"), "n"] == ROWS - 1
    assert len(frame) == 3 * (3 + 4 * len(preprocess.TARGETS))


@pytest.mark.parametrize("with_reference", [True, False])
def test_batches_of_one_row_are_charted(model, reference, rock, tmp_path, with_reference):
    new = measure(model, batches_of(rock[-5:], model, tmp_path, rows=1))
    charts = chart_all(model, new, reference if with_reference else None)
    assert "slope" not in {chart.name for chart in charts}
    prediction = next(chart for chart in charts if chart.name == "prediction")
    assert np.isfinite(prediction.upper).all() and not prediction.crossed.any()


def test_of_one_batch_limits_are_drawn_as_wide_as_the_batch(model, reference, rock, tmp_path):
    leverage, *_ = chart_all(model, measure(model, batches_of(rock[-ROWS:], model, tmp_path)), reference)
    figure = Figure()
    chart_figure(figure, leverage, 0)
    axes = figure.axes[0]
    drawn = [patch.get_data()[:2] for patch in axes.patches]
    limits = [np.exp(each[0, 0]) for each in (leverage.centre, leverage.lower, leverage.upper)]
    np.testing.assert_allclose([values for values, _ in drawn], np.transpose([limits]))
    assert all(edges.tolist() == [0.5, 1.5] for _, edges in drawn) and axes.get_xlim() == (0.5, 1.5)


def test_the_page_names_the_crossing_and_is_in_the_reports_look(model, reference, rock, tmp_path):
    table = rock[-2 * ROWS :].copy()
    table.loc[table.index[ROWS:], channels_of(table)] += 0.3 * fringes(table)
    batches = batches_of(table, model, tmp_path)
    charts = chart_all(model, measure(model, batches), reference)
    line = alarm_line(charts, ["good", "<bad>"], "reports/core")
    about = {"name": "core", "trained": "", "told": "limits", "command": ""}
    rows = [["good", *"1234567"], ["<bad>", *"1234567"]]
    text = page(charts, HEADER, rows, alarm=line, **about)
    assert f"A limit is crossed.</span> {html.escape(line)}" in text and "<bad>" not in text
    assert "Synthetic" not in text
    assert "Synthetic data." in page(charts, HEADER, rows, alarm=line, synthetic=True, **about)
    residual = next(chart for chart in charts if chart.name == "residual")
    found, limit = (plain(np.exp(each[1, 0])) for each in (residual.value, residual.upper))
    assert f"<figcaption>Crossed first in batch 2: {found}, limit {limit}.</figcaption>" in text
    assert report_style().strip() in text and "--series0" in report_style()
    assert not re.search(r"(src|href)=\"(?!data:|#)", text) and "@import" not in text


def test_a_file_is_cut_by_rows_or_by_site_in_file_order(folder, model, rock):
    path = str(folder / "good.csv")
    table = rock[-NEW * ROWS :]
    by_rows = read_batches([path], model, 100)
    assert [len(batch.X) for batch in by_rows] == [100, len(table) - 100]
    by_site = read_batches([path], model, group="SiteID")
    assert [batch.name.split()[-1] for batch in by_site] == [str(site) for site in table["SiteID"].unique()]
    assert [len(batch.X) for batch in by_site] == table.groupby("SiteID").size().tolist()


def test_within_limits_it_ends_in_peace_and_writes_table_and_figure(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    files = [str(folder / name) for name in ("core", "good.csv", "reference.csv")]
    monitor.main([files[1], "--model", files[0], "--reference", files[2], "--batch", str(ROWS)])
    said = capsys.readouterr()
    assert not said.err and said.out.count(" rows ") >= NEW and f"{KNOWN} reference batches" in said.out
    page = (tmp_path / "reports/core/monitor.html").read_text()
    assert "No batch crosses a limit." in page and page.count("<svg") == page.count("</svg>") > 6
    frame = pd.read_csv(tmp_path / "reports/core/monitor.csv")
    assert frame["batch"].nunique() == NEW and not frame["crossed"].any()


def test_targets_that_the_model_lacks_are_named_and_not_charted(folder, model, rock, tmp_path, capsys):
    table = rock[-ROWS:].drop(columns=list(preprocess.TARGETS))
    table = table.assign(pH=np.linspace(4, 9, ROWS), CuPPB=np.linspace(1, 2, ROWS))
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
    monkeypatch.setattr(sys, "argv", ["monitor.py", *files, "--model", str(folder / "core")])
    with pytest.raises(SystemExit) as end:
        monitor.run()
    told = capsys.readouterr().err
    assert end.value.code == 2 and said in told and told.count("\n") == 1
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("option", [["--batch", "0"], ["--alike", "1"], ["--rate", "0"]])
def test_numbers_out_of_range_are_refused_with_status_2(folder, option, capsys):
    with pytest.raises(SystemExit) as end:
        monitor.main(["good.csv", "--model", str(folder / "core"), *option])
    assert end.value.code == 2 and "expected" in capsys.readouterr().err


def test_an_axis_from_the_other_end_gives_the_same_charts(folder, rock, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    good = pd.read_csv(folder / "good.csv", index_col=0)
    channels = channels_of(good)
    others = [name for name in good if name not in channels]
    write(good[[*others[:3], *channels[::-1], *others[3:]]], tmp_path / "good.csv")
    charts = []
    for path in (folder / "good.csv", tmp_path / "good.csv"):
        monitor.main([str(path), "--model", str(folder / "core"), "--batch", str(ROWS)])
        charts.append(pd.read_csv(tmp_path / "reports/core/monitor.csv"))
    pd.testing.assert_frame_equal(*charts)
