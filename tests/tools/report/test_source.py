"""tools/report: where a file says that its spectra come from."""

import pyarrow
import pyarrow.parquet

from tools.report.study import UNKNOWN, source_of


def test_parquet_that_tells_nothing_of_itself_has_an_unknown_source(tmp_path):
    path = tmp_path / "bare.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"4000": [0.1]}), path)
    assert source_of(str(path)) == UNKNOWN
