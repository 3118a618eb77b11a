"""tools/output.py: where reports go."""

from tests.conftest import make_table, write
from tools.output import report_folder


def test_reports_of_two_files_of_one_name_do_not_overwrite_each_other(here):
    table, folders = make_table(), {}
    for project in ("one", "two", "three"):
        (here / project).mkdir()
        path = str(write(table, here / project / "public.csv"))
        folders[project] = report_folder(path)
        (folders[project] / "found.txt").write_text(project)
    assert folders["one"].name == "public" and len(set(folders.values())) == 3
    for project, folder in folders.items():
        assert report_folder(str(here / project / "public.csv")) == folder
        assert report_folder(str(here / project)) == folder
        assert (folder / "found.txt").read_text() == project
