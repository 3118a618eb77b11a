"""preprocess.py as a step: bad files end in one line, and what was there stays."""

import gzip
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

import preprocess
from tests.conftest import ROOT, channels_of, make_table, said_in_one_line, step, write
from tests.tables import said_by


def test_alone_in_an_empty_folder_it_turns_a_private_file_into_features(table, tmp_path):
    shutil.copy(str(ROOT / "preprocess.py"), str(tmp_path))
    private = table.drop(columns=list(preprocess.TARGETS))
    write(private, tmp_path / "private.csv.gz")
    command = [
        sys.executable,
        "-W",
        "error",
        "preprocess.py",
        "--input",
        "private.csv.gz",
        "--output",
        "f.csv",
    ]
    subprocess.run(command, cwd=str(tmp_path), check=True)
    written = pd.read_csv(str(tmp_path / "f.csv"), index_col=0)
    expected = preprocess.features(private[channels_of(private)])
    np.testing.assert_allclose(written, expected, rtol=1e-14)
    assert list(written) == list(expected)


def test_folders_stand_for_the_file_in_them(public, tmp_path):
    result = step("preprocess", "--input", public.parent, "--output", tmp_path / "new" / "public.csv")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "new" / "public.csv").exists()


def change(column, value, row=7):
    def changed(table):
        table = table.astype({column: object}) if isinstance(value, str) else table
        table.loc[row, column] = value
        return table.to_csv()

    return changed


def spectrum(value):
    def changed(table):
        table.loc[7, channels_of(table)] = value
        return table.to_csv()

    return changed


def line(edit, row=7):
    def changed(table):
        lines = table.to_csv().splitlines(True)
        lines[row + 1] = edit(lines[row + 1])
        return "".join(lines)

    return changed


CHANNEL = channels_of(make_table(rows=1))[200]
BAD_FILES = {
    "an empty file": (lambda table: "", "is empty"),
    "a header only": (lambda table: table.to_csv().splitlines(True)[0], "no row below"),
    "no header": (lambda table: table.to_csv(header=False), "header line first"),
    "semicolons": (lambda table: table.to_csv(sep=";"), "cells separated by semicolons"),
    "a target missing": (
        lambda table: table.drop(columns="YPPM").to_csv(),
        "found 48 of 49 targets, missing: YPPM",
    ),
    "a target of text": (change("CuPPM", "<0.5"), "line 9, column 'CuPPM': found the text '<0.5'"),
    "a target all of text": (
        lambda table: table.assign(CuPPM="low").to_csv(),
        "column 'CuPPM': found the text 'low'",
    ),
    "an infinite target": (change("CuPPM", np.inf), "line 9, column 'CuPPM': found an infinite"),
    "a channel of text": (
        change(CHANNEL, "saturated"),
        "line 9, column '%s': found the text 'saturated'" % CHANNEL,
    ),
    "a control character": (change(CHANNEL, "1\x1f2"), "line 9, column '%s': found the text" % CHANNEL),
    "a gap in a spectrum": (change(CHANNEL, np.nan), "line 9, column '%s': found a gap" % CHANNEL),
    "an infinite channel": (change(CHANNEL, np.inf), "line 9, column '%s': found an infinite" % CHANNEL),
    "a spectrum of zeros": (spectrum(0.0), "line 9: found a spectrum whose maximum"),
    "a negative spectrum": (spectrum(-0.5), "line 9: found a spectrum whose maximum"),
    "too few channels": (
        lambda table: table.drop(columns=channels_of(table)[:50]).to_csv(),
        "found 290 channels",
    ),
    "a duplicate column": (
        lambda table: table.rename(columns={"SiteID": "DepthTo"}).to_csv(),
        "'DepthTo' 2 times",
    ),
    "a duplicate index": (lambda table: table.rename(index={7: 3}).to_csv(), "the index 3 more than once"),
    "a gap in the index": (line(lambda text: text[1:]), "without index"),
    "a short line": (
        line(lambda text: text.rsplit(",", 2)[0] + "\n"),
        "line 9: found 391 cells, expected 393",
    ),
    "a long line": (line(lambda text: text.strip() + ",1\n"), "line 9: found 394 cells, expected 393"),
    "a quote left open": (line(lambda text: '"' + text), "never closed"),
}


@pytest.mark.parametrize("bad", BAD_FILES)
def test_a_bad_file_ends_in_one_line_and_leaves_the_old_output(bad, table, tmp_path):
    make, said = BAD_FILES[bad]
    with gzip.open(str(tmp_path / "public.csv.gz"), "wt") as file:
        file.write(make(table))
    output = tmp_path / "out" / "public.csv"
    output.parent.mkdir()
    output.write_text("old")
    message = said_by("preprocess", "--input", tmp_path / "public.csv.gz", "--output", output, lines=None)
    assert said in message, message
    assert all(line.startswith(("public.csv.gz", "and ")) for line in message.splitlines())
    assert output.read_text() == "old" and [path.name for path in output.parent.iterdir()] == ["public.csv"]


def damaged_gzip(kind, data):
    return {
        "not gzip": b"plain text, no gzip",
        "truncated": data[: len(data) // 2],
        "flipped bits": data[:900] + bytes(255 - byte for byte in data[900:1000]) + data[1000:],
        "not UTF-8": gzip.compress(b"\xff\xfe\x00,1\n"),
        "no CSV": gzip.compress(b"x" * 200000 + b",1\n"),
    }[kind]


@pytest.mark.parametrize("kind", ["not gzip", "truncated", "flipped bits", "not UTF-8", "no CSV"])
def test_a_damaged_file_ends_in_one_line(kind, public, tmp_path):
    public.write_bytes(damaged_gzip(kind, public.read_bytes()))
    said = said_by("preprocess", "--input", public, "--output", tmp_path / "out.csv")
    assert said.startswith("public.csv.gz") and not (tmp_path / "out.csv").exists()


def test_a_missing_file_is_named(tmp_path):
    message = said_in_one_line(
        step("preprocess", "--input", tmp_path / "none.csv.gz", "--output", tmp_path / "o.csv")
    )
    assert message.startswith("preprocess.py: ") and "none.csv.gz: not found" in message


def test_a_killed_step_leaves_the_old_output_in_place(tmp_path):
    big = make_table(rows=60)
    write(pd.concat([big] * 60, ignore_index=True), tmp_path / "public.csv")
    output = tmp_path / "out.csv"
    output.write_text("old")
    command = [sys.executable, str(ROOT / "preprocess.py"), "--input", str(tmp_path / "public.csv")]
    process = subprocess.Popen([*command, "--output", str(output)], stderr=subprocess.PIPE)
    while not list(tmp_path.glob(".out.csv.*")):  # it has begun to write
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert output.read_text() == "old"


def test_spectra_are_never_overwritten_by_their_features(table, tmp_path):
    path = write(table, tmp_path / "a.csv")
    before = path.read_bytes()
    for output in (path, tmp_path / "." / "a.csv"):
        result = step("preprocess", "--input", path, "--output", output)
        assert "found spectra there" in said_in_one_line(result) and path.read_bytes() == before
