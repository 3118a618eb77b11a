"""The page of a model that several files look at."""

import pytest

from tests.conftest import make_table
from tools.demo_data import files
from tools.report import __main__ as report


@pytest.fixture(scope="session")
def official(tmp_path_factory):
    """The page and the path of a file in the challenge's shape, of which demo data says what it is."""
    folder = tmp_path_factory.mktemp("official")
    path = folder / "public.csv.gz"
    files.write(str(path), [make_table(rows=48)])
    output = folder / "report.html"
    report.main([str(path), "--short", "--jobs", "2", "--output", str(output)])
    return output.read_text(encoding="utf-8"), path
