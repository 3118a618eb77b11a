"""score.py: the official score, other elements, bad files, and the step alone."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

import preprocess
import score
from tests.conftest import make_table, said_in_one_line, step, write
from tests.tables import do, needs_parquet, said_by, split


def predictions(table, targets=preprocess.TARGETS, noise=0.5):
    actual = table[list(targets)]
    return actual + np.random.RandomState(1).normal(0, noise, actual.shape)


def write_predictions(values, path):
    pd.DataFrame(values).to_csv(str(path), header=False, index=False)
    return path


def run(actual, predicted, tmp_path):
    return step(
        "score", "--actual", actual, "--predicted", predicted, "--output", tmp_path / "scores" / "public.txt"
    )


def test_the_targets_are_those_of_preprocess_and_the_weights_sum_to_1_01():
    assert tuple(score.WEIGHTS) == preprocess.TARGETS
    assert sum(score.WEIGHTS.values()) == pytest.approx(1.01, abs=1e-12)


def test_r2_is_scikit_learns_also_for_targets_without_spread():
    rng = np.random.RandomState(0)
    actual, predicted = rng.normal(5, 2, (30, 4)), rng.normal(5, 2, (30, 4))
    actual[:, 2] = predicted[:, 2] = 3.0
    actual[:, 3] = 3.0
    expected = r2_score(actual, predicted, multioutput="raw_values")
    np.testing.assert_allclose(score.r2(actual, predicted), expected, rtol=1e-12)


@pytest.mark.parametrize("value", [0.1, 0.7, 1e-9, 123456.7, -3.3, 0.0])
def test_a_target_without_spread_is_one_however_its_mean_is_rounded(value):
    """94 times 0.7 have a mean that is not 0.7, and squares of 1e-30 around it."""
    actual = np.full((94, 1), value)
    for rows in (actual, actual[:7]):
        assert score.r2(rows, rows) == 1 and score.r2(rows, rows + 0.01) == 0
    parts = [score.sums(actual[:31], actual[:31] + 0.01), score.sums(actual[31:], actual[31:] + 0.01)]
    assert score.r2_of(score.added(*parts)) == 0
    noisy = actual + 1e-6 * max(abs(value), 1e-9) * np.random.default_rng(0).normal(size=actual.shape)
    expected = r2_score(noisy, actual)
    np.testing.assert_allclose(score.r2(noisy, actual)[0], expected, atol=1e-6)


def test_one_row_has_no_score(table, tmp_path):
    path = write_predictions(predictions(table[:1]), tmp_path / "public.csv.out")
    actual = write(table[:1], tmp_path / "public.csv.gz")
    said = said_by("score", "--actual", actual, "--predicted", path, "--output", tmp_path / "score.txt")
    assert "found no target with two assays, 1 row" in said and not (tmp_path / "score.txt").exists()


def test_the_score_written_is_the_sum_of_weight_times_r2(table, public, tmp_path):
    given = predictions(table)
    path = write_predictions(given, tmp_path / "public.csv.out")
    result = run(public, path, tmp_path)
    assert result.returncode == 0, result.stderr
    written = float((tmp_path / "scores" / "public.txt").read_text())
    expected = sum(weight * r2_score(table[name], given[name]) for name, weight in score.WEIGHTS.items())
    assert written == pytest.approx(expected, abs=1e-12)
    assert ("official score %.4f of 1.01" % expected) in result.stdout


def test_a_perfect_prediction_scores_1_01(table, public, tmp_path):
    path = write_predictions(table[list(preprocess.TARGETS)], tmp_path / "public.csv.out")
    assert run(public, path, tmp_path).returncode == 0
    assert float((tmp_path / "scores" / "public.txt").read_text()) == pytest.approx(1.01, abs=1e-12)


def test_other_elements_get_the_mean_r2_with_missing_assays_left_out(tmp_path):
    table = make_table(targets=["Cu", "pH", "empty"])
    table.insert(0, "Name", ["sample %d" % row for row in range(len(table))])
    table.insert(0, "Hole", ["12A" if row == 9 else "12" for row in range(len(table))])
    table.loc[[2, 5], "Cu"] = np.nan
    table["empty"] = np.nan
    given = predictions(table, ["Cu", "pH", "empty"]).fillna(1)
    result = run(write(table, tmp_path / "own.csv"), write_predictions(given, tmp_path / "own.out"), tmp_path)
    assert result.returncode == 0, result.stderr
    known = table["Cu"].notna()
    expected = np.mean([r2_score(table["Cu"][known], given["Cu"][known]), r2_score(table["pH"], given["pH"])])
    assert float((tmp_path / "scores" / "public.txt").read_text()) == pytest.approx(expected, abs=1e-12)
    assert "3 targets" in result.stdout and "42 missing assays left out" in result.stdout


def test_a_table_of_assays_alone_is_scored(table, tmp_path):
    given = predictions(table)
    path = write_predictions(given, tmp_path / "public.csv.out")
    result = run(write(table[list(preprocess.TARGETS)], tmp_path / "assays.csv"), path, tmp_path)
    assert result.returncode == 0, result.stderr
    own = table[["CuPPM", "AgPPM"]].set_axis(["Cu", "Ag"], axis=1)
    write_predictions(own + 1, tmp_path / "own.csv.out")
    result = run(write(own, tmp_path / "own.csv"), tmp_path / "own.csv.out", tmp_path)
    assert "of 2 targets, 40 rows" in result.stdout, result.stderr


def test_a_spectrum_that_cannot_be_preprocessed_is_scored_all_the_same(table, tmp_path):
    path = write_predictions(predictions(table), tmp_path / "public.csv.out")
    expected = run(write(table, tmp_path / "good.csv"), path, tmp_path).stdout
    table.iloc[3, 5:20] = np.nan
    assert run(write(table, tmp_path / "bad.csv"), path, tmp_path).stdout == expected != ""


def edited(row, column, cell):
    def edit(text):
        lines = [line.split(",") for line in text.splitlines()]
        lines[row][column] = cell
        return "\n".join(map(",".join, lines)) + "\n"

    return edit


BAD_PREDICTIONS = {
    "no row": (lambda text: "", "found no row"),
    "a row missing": (lambda text: text.split("\n", 1)[1], "found 39 rows, expected 40"),
    "a header": (
        lambda text: ",".join(preprocess.TARGETS) + "\n" + text,
        "line 1: found a header line among the rows",
    ),
    "a column missing": (
        lambda text: "\n".join(line.split(",", 1)[1] for line in text.splitlines()),
        "48 columns",
    ),
    "an index": (
        lambda text: "".join("%d,%s\n" % line for line in enumerate(text.splitlines())),
        "50 columns",
    ),
    "a gap": (edited(6, 7, ""), "line 7, column 'CuPPM': found a gap"),
    "text": (edited(6, 7, "low"), "line 7, column 'CuPPM': found the text 'low'"),
    "an infinity": (edited(6, 7, "inf"), "line 7, column 'CuPPM': found an infinite value"),
    "a short line": (
        lambda text: text.rstrip("\n").rsplit(",", 1)[0] + "\n",
        "line 40: found 48 columns",
    ),
    "a long line": (lambda text: text.rstrip("\n") + ",1\n", "line 40: found 50 columns"),
}


@pytest.mark.parametrize("bad", BAD_PREDICTIONS)
def test_bad_predictions_end_in_one_line_and_leave_the_old_score(bad, table, public, tmp_path):
    edit, said = BAD_PREDICTIONS[bad]
    path = write_predictions(predictions(table), tmp_path / "public.csv.out")
    path.write_text(edit(path.read_text()))
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "public.txt").write_text("old")
    message = said_by(
        "score", "--actual", public, "--predicted", path, "--output", tmp_path / "scores" / "public.txt"
    )
    assert said in message, message
    assert (tmp_path / "scores" / "public.txt").read_text() == "old"


BAD_ASSAYS = {
    "a target missing": (lambda table: table.drop(columns="CuPPM"), "found 48 of 49 targets, missing: CuPPM"),
    "no target": (lambda table: table.drop(columns=list(preprocess.TARGETS)), "found no target"),
    "a gap": (
        lambda table: table.mask(table == table.loc[4, "CuPPM"]),
        "line 6, column 'CuPPM': found a gap",
    ),
    "text": (
        lambda table: table.replace(table.loc[4, "CuPPM"], "<1"),
        "line 6, column 'CuPPM': found the text '<1'",
    ),
    "a row too many": (lambda table: pd.concat([table, table[:1]]), "found 40 rows, expected 41"),
}


@pytest.mark.parametrize("bad", BAD_ASSAYS)
def test_bad_assays_end_in_one_line(bad, table, tmp_path):
    change, said = BAD_ASSAYS[bad]
    path = write_predictions(predictions(table), tmp_path / "public.csv.out")
    actual = write(change(table.astype({"CuPPM": object})), tmp_path / "public.csv.gz")
    assert said in said_by(
        "score", "--actual", actual, "--predicted", path, "--output", tmp_path / "score.txt"
    )


@pytest.mark.parametrize("content", [b"no gzip", b"", None])
def test_damaged_files_end_in_one_line(content, table, tmp_path):
    path = write_predictions(predictions(table), tmp_path / "public.csv.out")
    actual = tmp_path / "public.csv.gz"
    if content is None:
        write(table, actual)
        content = actual.read_bytes()[:2000]
    actual.write_bytes(content)
    said = said_by("score", "--actual", actual, "--predicted", path, "--output", tmp_path / "score.txt")
    assert said.startswith("public.csv.gz: ")


def test_a_missing_file_ends_in_one_line(tmp_path):
    assert "none.csv.gz: not found" in said_in_one_line(run(tmp_path / "none.csv.gz", tmp_path, tmp_path))


@pytest.mark.parametrize("missing", ["part-2.csv.out", None])
def test_score_names_predictions_that_are_missing(short_table, tmp_path, missing):
    folder = split(short_table, tmp_path / "spectra")
    do("train", "--data_dir", folder, "--model_dir", tmp_path / "model")
    out = tmp_path / "out"
    do("predict", "--data_dir", folder, "--model_dir", tmp_path / "model", "--output_dir", out)
    if missing:
        (out / missing).unlink()
    predicted = out if missing else out / "part-0.csv.out"
    said = said_by("score", "--actual", folder, "--predicted", predicted, "--output", tmp_path / "score.txt")
    assert (missing or "not a folder") in said
    assert not (tmp_path / "score.txt").exists()


def test_score_reads_assays_from_parquet(short_table, tmp_path):
    needs_parquet()
    folder = split(short_table, tmp_path / "spectra", ".csv")
    other = split(short_table, tmp_path / "parquet", ".parquet")
    do("train", "--data_dir", folder, "--model_dir", tmp_path / "model")
    scores = []
    for each in (folder, other):
        out = tmp_path / ("of-" + each.name)
        do("predict", "--data_dir", each, "--model_dir", tmp_path / "model", "--output_dir", out)
        do("score", "--actual", each, "--predicted", out, "--output", tmp_path / "score.txt")
        scores.append((tmp_path / "score.txt").read_text())
    assert scores[0] == scores[1]


def test_text_in_a_channel_is_no_matter_of_the_score(table, tmp_path):
    path = write_predictions(predictions(table), tmp_path / "public.csv.out")
    expected = run(write(table, tmp_path / "good.csv"), path, tmp_path).stdout
    channel = table.columns[10]
    bad = table.astype({channel: object})
    bad.loc[0, channel] = "abc"
    assert run(write(bad, tmp_path / "bad.csv"), path, tmp_path).stdout == expected != ""
