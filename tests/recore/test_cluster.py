"""A Dask cluster gives the bytes of one process."""

import pytest

from tests.conftest import step
from tests.processes import begin, begun, large_table, wait_for
from tests.tables import contents, model_of


@pytest.fixture(scope="module")
def dask_cluster():
    """Address and workers of a Dask cluster on loopback: a scheduler and two workers, processes of their own."""
    pytest.importorskip("distributed", reason="distributed is not installed here")
    from tools.benchmark.cluster import dask_cluster

    with dask_cluster() as cluster:
        yield cluster


def test_a_dask_cluster_gives_the_same_bytes_also_when_a_worker_is_killed(tmp_path, dask_cluster):
    address, workers = dask_cluster
    folder = large_table(tmp_path / "spectra")
    on_cluster = "--backend", "dask", "--scheduler", address
    for name, options in (("here", ("--jobs", "1")), ("there", on_cluster)):
        out = tmp_path / name
        for each in (
            ("preprocess", "--input", folder, "--output", out / "features"),
            ("train", "--data_dir", folder, "--model_dir", out / "model"),
            (
                "predict",
                "--data_dir",
                folder,
                "--model_dir",
                out / "model",
                "--output_dir",
                out / "predictions",
            ),
        ):
            result = step(*each, *options)
            assert result.returncode == 0, result.stderr
    for each in ("features", "predictions"):
        assert contents(tmp_path / "here" / each) == contents(tmp_path / "there" / each)
    assert model_of(tmp_path / "here/model") == model_of(tmp_path / "there/model")

    out = tmp_path / "killed"
    process = begin("train", "--data_dir", folder, "--model_dir", out, *on_cluster)
    wait_for(lambda: begun(out / ".features"))
    workers[0].kill()
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert model_of(out) == model_of(tmp_path / "here/model")
