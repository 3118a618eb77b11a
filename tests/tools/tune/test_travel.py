"""What tune finds goes through train and predict to a score that it promised; and into preprocess.py, to submit."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import predict
import preprocess
import score
import train
from preprocess import DataError, Settings
from tests.conftest import REAL, ROOT, make_table, write
from tools.tune import __main__ as tune
from tools.tune import candidates
from tools.tune.apply import apply

REAL_FILES = ["yamsys_soil/yamsys_soil_full.csv.gz", "peat_redoxpeat/peat_redoxpeat_full.csv.gz"]


def quarters(source, folder):
    """Three quarters of a table's rows, drawn, and the other: two files."""
    if source == "synthetic":
        table = make_table(rows=160, channels=600)
    elif (REAL / source).exists():
        table = pd.read_csv(REAL / source, index_col=0, dtype={"SiteID": str})
    else:
        pytest.skip(f"the real spectra are not here: {REAL / source}")
    new = np.random.default_rng(1).permutation(len(table)) < len(table) // 4
    return write(table[~new], folder / "old.csv"), write(table[new], folder / "new.csv")


@pytest.mark.slow
@pytest.mark.parametrize("source", ["synthetic", *REAL_FILES])
def test_snv_and_derivative_reach_the_score_that_tune_promised(source, here, monkeypatch, capsys, caplog):
    monkeypatch.setattr(candidates, "TREATMENTS", ("both",))
    monkeypatch.setattr(candidates, "WIDTHS", (7, 15))
    monkeypatch.setattr(candidates, "NARROW", ())
    for module in (candidates, tune):  # nothing else is there to win
        monkeypatch.setattr(module, "SETTINGS", Settings(treatment="both"))
    old, new = quarters(source, here)
    tune.main([str(old), "--jobs", "1"])
    said = capsys.readouterr().out
    settings = here / "reports/old/settings.json"
    assert json.loads(settings.read_text())["treatment"] == "both"
    promised, n_new, low, high = re.search(
        r"train.py will tell:\n  (mean R² .*)\n  a file of (\d+) other samples scores between (\S+) and (\S+),",
        said,
    ).groups()
    caplog.set_level("INFO")
    train.main([str(old), "--model", "model", "--settings", str(settings)])
    assert promised in [record.getMessage() for record in caplog.records]
    predict.main([str(new), "--model", "model", "--output", "out"])
    score.main([str(new), "--predicted", "out", "--output", "score.txt"])
    each = [float(part) for part in re.findall(r"mean R² (\S+) of", capsys.readouterr().out)] or [None]
    if each[0] is None:  # the challenge's 49 have an official score; promised is the mean
        rows = pd.read_csv(new, index_col=0)
        predicted = pd.read_csv("out/new.csv.out", header=None).to_numpy()
        each = [score.r2(rows[list(preprocess.TARGETS)].to_numpy(), predicted).mean()]
    assert int(n_new) == pytest.approx(len(pd.read_csv(new)), abs=2)
    assert float(low) <= round(each[0], 2) <= float(high)


def test_apply_writes_the_one_line_that_the_step_alone_then_follows(tmp_path):
    shutil.copy(str(ROOT / "preprocess.py"), str(tmp_path / "preprocess.py"))
    before = (tmp_path / "preprocess.py").read_text()
    settings = Settings("20:-300", 5, "both")
    path, line = apply(settings, tmp_path / "preprocess.py")
    assert line == 'SETTINGS = Settings(range="20:-300", window=5, treatment="both")'
    changed = [b for a, b in zip(before.splitlines(), path.read_text().splitlines(), strict=True) if a != b]
    assert changed == [line]
    spectra = write(make_table(rows=12, channels=420), tmp_path / "spectra.csv")
    subprocess.run(
        [
            sys.executable,
            "-I",
            str(path),
            "--input",
            str(spectra),
            "--output",
            str(tmp_path / "features.csv"),
        ],
        check=True,
    )
    found = pd.read_csv(tmp_path / "features.csv", index_col=0)
    table = pd.read_csv(spectra, index_col=0)
    layout = preprocess.split_columns(["", *table])
    wanted = preprocess.features(table[layout.channels], settings)
    np.testing.assert_array_equal(found, wanted)
    assert list(found) == list(wanted)
    apply(Settings(), path)
    assert path.read_text() == before
    path.write_text(before.replace("SETTINGS = Settings()", "SETTINGS = None"))
    with pytest.raises(DataError, match="found no one line SETTINGS"):
        apply(settings, path)
