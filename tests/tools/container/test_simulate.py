"""tools/container/simulate.py and loadtest.py, short."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT, make_table, write
from tests.tools.container.conftest import model_server
from tools.container import jobs, loadtest, private, simulate


@pytest.fixture(scope="module")
def installed():
    model_server(None, None)  # skips where the model server cannot be installed


def run(*arguments):
    command = [sys.executable, "-m", "tools.container.simulate", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.server
@pytest.mark.usefixtures("installed")
def test_the_four_jobs_on_the_platforms_server_keep_every_row(tmp_path):
    done = run(write(make_table(rows=80), tmp_path / "public.csv.gz"))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[2].startswith("| private rows: SiteID 5, 10 | ") and "no row lost" in lines[-1]
    transforms = [line.split(" | ") for line in lines if line.startswith("| transform")]
    assert len(transforms) == 2 * len(simulate.WAYS)
    assert {tuple(cells[-2:]) for cells in transforms} == {("64", "64 |"), ("16", "16 |")}


def test_every_fifth_row_is_private_in_a_file_without_sites(tmp_path):
    path = write(make_table(rows=13).drop(columns="SiteID"), tmp_path / "p.csv")
    assert private.split_off(path, tmp_path) == ([11, 2], "every fifth row")
    hidden = private.read_lines(tmp_path / "private.csv.gz")
    assert [row[0] for row in hidden] == ["", "4", "9"] and "CuPPM" not in hidden[0]


@pytest.mark.server
@pytest.mark.usefixtures("installed")
def test_a_row_that_the_server_loses_ends_in_one_line_and_status_1(tmp_path, monkeypatch):
    whole = jobs.transform_job

    def one_short(*arguments):
        text, number = whole(*arguments)
        return text.split(b"\n", 1)[1], number

    monkeypatch.setattr(jobs, "transform_job", one_short)
    with pytest.raises(SystemExit) as ended:
        simulate.main([str(write(make_table(rows=40), tmp_path / "public.csv.gz"))])
    assert str(ended.value.code) == (
        "simulate: transform, public: Line, MultiRecord, MaxPayload 6 MB: 32 rows in, 31 rows out"
    )


@pytest.mark.parametrize(
    "way, sizes",
    [
        (("None", "MultiRecord", 1), [64]),
        (("Line", "SingleRecord", 1), [16] * 4),
        (("Line", "MultiRecord", 33 / jobs.MB), [32, 32]),
        (("Line", "MultiRecord", 1), [64]),
    ],
)
def test_a_file_is_cut_into_requests_as_batch_transform_does(way, sizes):
    text = b"0123456789abcde\n" * 4
    bodies = jobs.requests(text, *way)
    assert [len(body) for body in bodies] == sizes and b"".join(bodies) == text
    with pytest.raises(jobs.Failed, match="above MaxPayload"):
        jobs.requests(text, "Line", "MultiRecord", 15 / jobs.MB)


@pytest.mark.server
@pytest.mark.usefixtures("installed")
def test_the_load_test_measures_both_ways(monkeypatch):
    monkeypatch.setattr(loadtest, "SIZES", (1, 20))
    monkeypatch.setattr(loadtest, "SLICE", 1)
    results, memory = loadtest.compare(seconds=1, rows=200)
    assert set(results) == {1, 20} and min(memory) > 0
    assert all(ways[way]["requests"] > 0 for ways in results.values() for way in ("ours", "plain"))
