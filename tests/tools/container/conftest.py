"""The platform's own model server, with a small model."""

import pytest

import preprocess
import train
from tests.conftest import channels_of, make_table, write
from tools.container import environments, server
from tools.shipped import CODE, lay

CANNOT_INSTALL = []  # why, once it was tried


def model_server(code, model, workers=2, **options):
    """The platform's own model server (tools/container/server.py); skips, saying why, where it cannot be installed."""
    if not CANNOT_INSTALL:
        try:
            server.python()
        except environments.CannotInstall as error:
            CANNOT_INSTALL.append("the model server cannot be installed: %s" % error)
    if CANNOT_INSTALL:
        pytest.skip(CANNOT_INSTALL[0])
    return server.Server(code, model, workers, **options)


@pytest.fixture(scope="package")
def folder(tmp_path_factory):
    """code/ as it is shipped, model/ of a small table."""
    folder = tmp_path_factory.mktemp("served")
    lay(folder / "code", CODE)
    public = write(make_table(), folder / "public.csv.gz")
    train.main(["--data_dir", str(public), "--model_dir", str(folder / "model")])
    return folder


@pytest.fixture(scope="package", name="server")
def running_server(folder):
    with model_server(folder / "code", folder / "model") as running:
        pids = running.worker_pids()
        yield running
        assert running.worker_pids() == pids, "a worker died and was replaced"


@pytest.fixture(scope="package")
def model(folder):
    return train.model_fn(str(folder / "model"))


@pytest.fixture(scope="package")
def table():
    spectra = make_table()
    return preprocess.features(spectra[channels_of(spectra)])
