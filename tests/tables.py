"""Tables in a folder, and steps that run in this process."""

import importlib
import subprocess
import sys

import numpy as np
import pytest

import preprocess
from tests.conftest import ROOT, make_table, said_in_one_line, write

ROWS, FILES = 240, 4


def soil(rows=48, gaps=0):
    """A table with two targets of its own, the second with gaps, rows of a site alike."""
    table = make_table(rows=rows, targets=("Ca", "clay"))
    table.loc[table.index[:gaps], "clay"] = np.nan
    return table


def split(table, folder, ending=".csv.gz", files=FILES):
    """A table in files of the same number of rows."""
    folder.mkdir()
    size = len(table) // files
    for k in range(files):
        part = table.iloc[k * size : (k + 1) * size]
        path = folder / ("part-%d%s" % (k, ending))
        part.to_parquet(str(path)) if ending == ".parquet" else write(part, path)
    return folder


def needs_parquet():
    pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed here")


def contents(folder):
    """Bytes of what stands in a folder, but for what a process was writing when it was killed."""
    paths = (path for path in sorted(folder.iterdir()) if not path.name.endswith(".part"))
    return {path.name: path.read_bytes() for path in paths}


def with_records(names):
    """Names of outputs, each with the record beside it that tells what it was made of."""
    return {each for name in names for each in (name, ".%s.json" % name)}


def model_of(folder):
    return (folder / "model.pkl").read_bytes()


def do(name, *arguments):
    """Run a step in this process."""
    jobs = () if name == "score" else ("--jobs", "1")
    main = importlib.import_module("recore.many" if name == "preprocess" else name).main
    main([*map(str, arguments), *jobs])


def said_by(name, *arguments, lines=1):
    """What a step says that fails in this process, in so many lines."""
    with pytest.raises(preprocess.DataError) as caught:
        do(name, *arguments)
    assert lines is None or len(str(caught.value).splitlines()) == lines
    return str(caught.value)


def said_without(package, *arguments):
    """What preprocess.py says in one line where a package is not installed."""
    hidden = "import runpy, sys; sys.modules[%r] = None; sys.argv = sys.argv[1:]; runpy.run_path(%r, run_name='__main__')"
    program = hidden % (package, str(ROOT / "preprocess.py"))
    result = subprocess.run(
        [sys.executable, "-c", program, "preprocess.py", *map(str, arguments)], cwd=str(ROOT),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
    )  # fmt: skip
    return said_in_one_line(result)
