"""A table by its name, and what tells whether it is the one that was read before."""

import hashlib

import pandas as pd

import preprocess
import recore
import recore.tables
from tests.conftest import write


def test_a_whole_table_is_what_the_hook_gives_in_three_parts(table, tmp_path):
    path = str(write(table, tmp_path / "a.csv.gz"))
    frame, whole = preprocess.preprocess(path), recore.tables.read_table(path)
    parts = pd.concat([whole.ids, whole.features, whole.targets], axis=1)
    pd.testing.assert_frame_equal(parts, frame)


def test_a_record_tells_the_bytes_the_settings_and_the_version(table, tmp_path):
    path = write(table, tmp_path / "a.csv")
    assert recore.tables.record(str(path)) == {
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "preprocessing": {"range": "0:-300", "window": 7, "treatment": "max"},
        "channels": None,
        "version": recore.__version__,
    }
