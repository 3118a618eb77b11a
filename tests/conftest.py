"""Small data, made here, for every test; and the folder of real spectra where it exists."""

import gzip
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

import preprocess
import train

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared" / "data"
LEFT_OUT = Counter(slow=0, server=0, engine=0, pythons=0)  # tests
REAL_TABLES = [
    "limesoda_mir/limesoda_H_138_full.csv.gz",
    "limesoda_mir/limesoda_NRW_62_full.csv.gz",
    "peat_redoxpeat/peat_redoxpeat_full.csv.gz",
    "yamsys_soil/yamsys_soil_full.csv.gz",
]


def make_table(rows=40, channels=340, targets=preprocess.TARGETS, seed=0):
    """A synthetic table in the challenge's shape: five smooth bands that carry the targets."""
    rng = np.random.RandomState(seed)
    axis = np.linspace(4000, 600, channels)
    centres = np.linspace(3900, 3500, 5) if channels < 600 else np.linspace(3800, 1400, 5)
    bands = np.exp(-(((axis - centres[:, None]) / 90) ** 2))
    amounts = rng.gamma(2, 1, (rows, 5))
    spectra = 0.2 + amounts @ bands + rng.normal(0, 1e-3, (rows, channels))
    assays = amounts @ rng.uniform(0, 10, (5, len(targets))) + rng.uniform(0, 1, (rows, len(targets)))
    site = np.arange(rows) // 8 + 1
    depth = 5 * (np.arange(rows) % 8)
    ids = {"DepthTo": depth + 5, "SiteID": site, "DepthFrom": depth}
    return pd.concat(
        [
            pd.DataFrame(ids),
            pd.DataFrame(spectra.round(6), columns=["%.1f" % wavenumber for wavenumber in axis]),
            pd.DataFrame(assays.round(4), columns=list(targets)),
        ],
        axis=1,
    )


def channels_of(table):
    return [name for name in table if preprocess.number(name) is not None]


def write(table, path):
    """Write a table as the challenge does; compressed when the name ends in .gz."""
    text = table.to_csv()
    with gzip.open(str(path), "wt") if str(path).endswith(".gz") else open(str(path), "w") as file:
        file.write(text)
    return path


def step(name, *arguments, **options):
    """Run one of the scripts as a process of its own, warnings as errors."""
    command = [sys.executable, "-W", "error", str(ROOT / (name + ".py")), *map(str, arguments)]
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, **options
    )


def said_in_one_line(result):
    """What a failed step said, after checking that it is one line and no traceback."""
    assert result.returncode not in (0, None)
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.fixture
def table():
    return make_table()


@pytest.fixture
def public(tmp_path, table):
    (tmp_path / "public").mkdir()
    return write(table, tmp_path / "public" / "public.csv.gz")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to write reports/ in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def numbered_table():
    """A laboratory's table: channels named by wavenumbers, two targets of its own, sites."""
    table = make_table(rows=60, channels=420, targets=("Ca", "clay"))
    return table.rename(columns=dict(zip(channels_of(table), [f"{4000 - 1.5 * k:g}" for k in range(420)])))


def spectra_of(table):
    """The columns of a table that are named by numbers."""
    return table[[name for name in table if preprocess.number(name) is not None]]


@pytest.fixture(scope="session")
def long_table():
    """More rows than features, sites that go on from file to file, an index that counts through."""
    table = make_table(rows=240, seed=4)
    table["SiteID"] = np.arange(len(table)) // 7 + 1
    table["Lab"] = np.where(np.arange(len(table)) % 2, "north", "south, old")
    return table


@pytest.fixture(scope="session")
def short_table(long_table):
    """The same with three targets of a laboratory's own, of which a model is soon fitted."""
    few = long_table.drop(columns=list(preprocess.TARGETS[3:]))
    return few.rename(columns=lambda name: name.replace("PPM", ""))


@pytest.fixture(scope="session")
def features():
    table = make_table()
    return preprocess.features(table[channels_of(table)])


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory):
    """The folder of a model of `make_table`, and of its table."""
    folder = tmp_path_factory.mktemp("model")
    path = write(make_table(), folder / "public.csv.gz")
    train.main(["--data_dir", str(path), "--model_dir", str(folder)])
    return folder


@pytest.fixture(scope="session")
def model(model_dir):
    return train.model_fn(str(model_dir))


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Small matrices gain nothing from threads, and lose much to them on a busy machine."""
    with threadpool_limits(1):
        yield


@pytest.fixture(params=REAL_TABLES)
def real_table(request):
    path = REAL / request.param
    if not path.exists():
        pytest.skip("the real spectra are not here: %s" % path)
    return path


def pytest_deselected(items):
    """Count, by mark, what a run without more than the two set-up commands leaves out."""
    for item in items:
        LEFT_OUT.update(mark for mark in LEFT_OUT if item.get_closest_marker(mark))


def pytest_sessionfinish(session):
    """Send that count along where tests run in several processes."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = dict(LEFT_OUT)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_testnodedown(node):
    """Each process has left out the same."""
    LEFT_OUT.update(Counter(getattr(node, "workeroutput", {}).get("left_out", {})) - LEFT_OUT)


def pytest_terminal_summary(terminalreporter, config):
    """Name what was left out, unless marks were asked for."""
    if not config.getoption("markexpr").startswith("not "):
        return
    about = dict(line.split(": ", 1) for line in config.getini("markers") if ": " in line)
    for mark, number in LEFT_OUT.items():
        if number:
            terminalreporter.write_line(
                "not in this run: %d marked %s (%s); make check runs them, or pytest -m %s"
                % (number, mark, about[mark], mark)
            )
