"""preprocess.py alone in a folder, alone under another name, and in the project: the same bytes, the same refusals."""

import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT, make_table, said_in_one_line, write
from tests.tables import needs_parquet, split

PLACES = ["alone", "alone under another name", "in the project"]
STEM = "part-%d.csv"


@pytest.fixture
def place(request, tmp_path):
    """The script in one of the PLACES; where it is alone, the folder holds nothing else."""
    folder = tmp_path / "place"
    folder.mkdir()
    if request.param == "in the project":
        shutil.copytree(
            str(ROOT / "recore"), str(folder / "recore"), ignore=shutil.ignore_patterns("__pycache__")
        )
    script = folder / ("step_7.py" if "another" in request.param else "preprocess.py")
    shutil.copy(str(ROOT / "preprocess.py"), str(script))
    return script


everywhere = pytest.mark.parametrize("place", PLACES, indirect=True)
alone = pytest.mark.parametrize("place", PLACES[:1], indirect=True)


def run(script, *arguments):
    """The script as the platform starts it: warnings are errors, no path leads to the project."""
    return subprocess.run(
        [sys.executable, "-W", "error", script.name, *map(str, arguments)], cwd=str(script.parent),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
    )  # fmt: skip


def tables_in(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.fixture(scope="module")
def spectra(tmp_path_factory, long_table):
    """A folder of CSV files, their features as the project itself makes them, and one table of all rows."""
    folder = tmp_path_factory.mktemp("door")
    split(long_table, folder / "in", ".csv")
    write(long_table, folder / "public.csv.gz")
    for each in ("in", "public.csv.gz"):
        out = folder / ("out" if each == "in" else "public.csv")
        done = run(ROOT / "preprocess.py", "--input", folder / each, "--output", out)
        assert done.returncode == 0, done.stderr
    return folder


@everywhere
def test_a_file_and_a_folder_give_the_same_bytes(place, spectra, tmp_path):
    for given, made in (("public.csv.gz", "public.csv"), ("in", "out")):
        done = run(place, "--input", spectra / given, "--output", tmp_path / made)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "public.csv").read_bytes() == (spectra / "public.csv").read_bytes()
    assert tables_in(tmp_path / "out") == tables_in(spectra / "out")
    assert len(tables_in(tmp_path / "out")) == len(list((spectra / "in").iterdir()))


@everywhere
def test_a_damaged_parquet_file_ends_in_one_line(place, tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    said = said_in_one_line(run(place, "--input", tmp_path / "a.parquet", "--output", tmp_path / "a.csv"))
    assert (said.startswith(place.name + ": ") and "Parquet" in said) or "pyarrow" in said
    assert not (tmp_path / "a.csv").exists()


@everywhere
def test_a_bad_table_among_others_ends_in_one_line_that_names_it(place, spectra, tmp_path):
    folder = tmp_path / "in"
    shutil.copytree(str(spectra / "in"), str(folder))
    text = (folder / "part-1.csv").read_text()
    (folder / "part-1.csv").write_text(text[: len(text) // 2])
    done = run(place, "--input", folder, "--output", tmp_path / "out")
    *told, said = done.stderr.splitlines()  # alone, a line a table before it
    assert done.returncode == 1 and all(line.startswith(str(tmp_path / "out")) for line in told)
    assert said.startswith(place.name + ": part-1.csv, line ") and "cells" in said
    assert "part-1.csv" not in tables_in(tmp_path / "out")


@everywhere
def test_a_missing_folder_ends_in_one_line_that_names_it(place, tmp_path):
    said = said_in_one_line(run(place, "--input", tmp_path / "none", "--output", tmp_path / "out"))
    assert said.startswith("%s: %s: not found" % (place.name, tmp_path / "none"))


@alone
@pytest.mark.parametrize(
    "arguments, said",
    [
        (
            ["--jobs", "2"],
            "found the argument --jobs, which needs the project's folder recore beside this file",
        ),
        (["--format", "parquet"], "found the argument --format, which needs the project's folder recore"),
    ],
)
def test_alone_an_argument_of_the_project_s_is_told_to_need_it(place, spectra, tmp_path, arguments, said):
    done = run(place, "--input", spectra / "in", "--output", tmp_path / "out", *arguments)
    assert said in said_in_one_line(done) and not (tmp_path / "out").exists()


@alone
def test_alone_parquet_is_told_to_need_the_project(place, tmp_path):
    needs_parquet()
    make_table(rows=5).to_parquet(str(tmp_path / "a.parquet"))
    said = said_in_one_line(run(place, "--input", tmp_path / "a.parquet", "--output", tmp_path / "a.csv"))
    assert "put the project's folder recore beside it" in said
    write(make_table(rows=5), tmp_path / "a.csv")
    said = said_in_one_line(run(place, "--input", tmp_path / "a.csv", "--output", tmp_path / "b.parquet"))
    assert "put the project's folder recore beside it" in said and not (tmp_path / "b.parquet").exists()


@pytest.mark.parametrize("place", PLACES[2:], indirect=True)
@pytest.mark.parametrize(
    "breaks, error",
    [
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("from preprocess import nothing", "ImportError"),
    ],
)
def test_a_package_that_is_there_and_broken_is_not_taken_for_missing(place, spectra, tmp_path, breaks, error):
    many = place.parent / "recore" / "many.py"
    many.write_text(breaks + "\n" + many.read_text())
    done = run(place, "--input", spectra / "public.csv.gz", "--output", tmp_path / "a.csv")
    assert done.returncode != 0 and error in done.stderr and not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize("place", PLACES[2:], indirect=True)
def test_a_package_without_the_module_is_not_taken_for_missing(place, spectra, tmp_path):
    (place.parent / "recore" / "many.py").unlink()
    done = run(place, "--input", spectra / "public.csv.gz", "--output", tmp_path / "a.csv")
    assert done.returncode != 0 and not (tmp_path / "a.csv").exists()


@alone
def test_alone_an_empty_folder_of_the_package_s_name_is_no_package(place, spectra, tmp_path):
    (place.parent / "recore").mkdir()
    done = run(place, "--input", spectra / "public.csv.gz", "--output", tmp_path / "a.csv")
    assert done.returncode == 0, done.stderr
