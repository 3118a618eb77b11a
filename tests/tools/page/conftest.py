"""A model on the grid of the instrument files that tests/tools/convert makes, and files to drop."""

import io
import logging
import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import predict
import train
from recore.model_file import load_described
from tests.conftest import ROOT, make_table, write
from tests.tools.convert.test_made_files import N, X
from tools.page import __main__ as page
from tools.page import heard
from tools.page.answers import answers_of
from tools.page.asked import Asked
from tools.page.drop import Dropped

TARGETS = ("Ca", "clay")


def table_of(rows, seed=0, start=0):
    """A table on the instrument files' grid."""
    table = make_table(rows=rows, channels=N, targets=TARGETS, seed=seed)
    names = dict(
        zip(
            [name for name in table if name[0].isdigit()],
            [f"{x:.4f}".rstrip("0").rstrip(".") for x in X],
            strict=True,
        )
    )
    return table.rename(columns=names).set_index(np.arange(start, start + rows))


def spectra_of(table):
    """The spectra of a table, (n_rows, N)."""
    return table[[name for name in table if name[0].isdigit()]].to_numpy()


def bytes_of(table):
    return table.to_csv().encode()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The folder of a model."""
    path = tmp_path_factory.mktemp("page")
    train.main(
        [
            str(write(table_of(60), path / "soil.csv")),
            "--model",
            str(path),
            "--group",
            "SiteID",
            "--jobs",
            "1",
        ]
    )
    return path


@pytest.fixture(scope="session")
def described(folder):
    """A model and its description."""
    return load_described(str(folder), train.METHODS)


@pytest.fixture
def heard_again(caplog):
    """What the page sets of the loggers is undone."""
    for name in heard.LOGGERS:
        caplog.set_level(logging.WARNING, name)


@pytest.fixture
def ask(described, heard_again):
    """A function of (name, bytes) pairs and options: what the page answers."""
    heard.listen()

    def answers(*files, **asked):
        return answers_of([Dropped(*each) for each in files], *described, Asked(**asked))

    return answers


@pytest.fixture
def by_predict(folder, tmp_path):
    """A function of a table's path and options: the table for people that predict.py writes."""

    def bytes_by(path, *options):
        output = tmp_path / "predicted.csv"
        predict.main([str(path), "--model", str(folder), "--output", str(output), "--jobs", "1", *options])
        return output.read_bytes()

    return bytes_by


def workbook(table):
    """A table as a workbook."""
    buffer = io.BytesIO()
    pd.DataFrame(table).to_excel(buffer, index=False)
    return buffer.getvalue()


def free_port():
    with socket.socket() as probe:
        probe.bind((page.HERE, 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def served(folder, tmp_path_factory):
    """A server with a limit of 1 MB: its port, and its home."""
    pytest.importorskip("streamlit", reason="the page needs streamlit, which make page installs")
    home, port = tmp_path_factory.mktemp("home"), free_port()
    line = [sys.executable, "-m", "tools.page", "--model", str(folder), "--port", str(port), "--limit", "1"]
    environment = {**os.environ, "HOME": str(home)}
    server = subprocess.Popen(line, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert any(f"http://{page.HERE}:{port}" in said.decode() for said in server.stdout)  # once it listens
        yield port, home
    finally:
        server.send_signal(signal.SIGINT)
        _, errors = server.communicate(timeout=30)
    assert b"Traceback" not in errors
