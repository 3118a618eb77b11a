"""tools/docs: pages that say what made their figures, and figures that are made anew when that has changed."""

import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT, channels_of, make_table, write
from tools.docs import __main__ as docs
from tools.docs import kept, pages, parts

PAGES = pages.all_pages(ROOT)
COUNTING = '''"""Prints a table, and counts its runs."""

from pathlib import Path

count = Path("count.txt")
count.write_text(count.read_text() + "x" if count.exists() else "x")
if __name__ == "__main__":
    print("before it\\n\\n| file | R² | s |\\n|-|-:|-:|\\n| public, row | 0.5 | 1 |\\n| soil | 0.7 | 2 |\\n\\nafter it")
    Path("left.csv").write_text("a\\n1\\n")
'''
PAGE = """# A page

<!-- made by: python -m tools.counting input.csv | table 1 | rows soil; demo (synthetic), row |
  columns file; R² = score -->
old
<!-- end -->

Text.
"""


@pytest.fixture
def project(tmp_path):
    """A project with a page, a tool and a file that the tool is given."""
    for folder in ("tools", "docs"):
        (tmp_path / folder).mkdir()
    (tmp_path / "README.md").write_text("# A project\n\n[A page](docs/page.md#a-page).\n")
    (tmp_path / "docs" / "page.md").write_text(PAGE)
    (tmp_path / "tools" / "counting.py").write_text(COUNTING)
    (tmp_path / "tools" / "mute.py").write_text("def main():\n    print(1)\n")
    (tmp_path / "input.csv").write_text("1\n")
    (tmp_path / "Makefile").write_text("run:\n\techo one\n\techo two >&2\n")
    return tmp_path


def runs(project):
    return len((project / "count.txt").read_text())


def problems(project, text):
    """What is wrong with a page of this text."""
    (project / "docs" / "page.md").write_text(text)
    return list(pages.problems(project, project / "docs" / "page.md"))


# --- this project's pages -----------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=[path.name for path in PAGES])
def test_links_lead_somewhere_and_every_figure_has_a_command_that_exists(path):
    assert list(pages.problems(ROOT, path)) == []


@pytest.mark.parametrize("page", ["data/README.md", "CHANGELOG.md"])
def test_links_of_other_pages_lead_somewhere(page):
    assert list(pages.broken_links(ROOT / page, (ROOT / page).read_text(encoding="utf-8"))) == []


def test_the_readme_is_short():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 150
    assert [line for line in lines if len(line) > 120 and not line.startswith(("|", "<!--"))] == []


def test_what_the_readme_says_is_there_is_there():
    """In a row of its outline, names after the first may be of the same folder."""
    outline = (ROOT / "README.md").read_text(encoding="utf-8").partition("| you look for |")[2]
    rows = [
        re.findall(r"`([\w/]+(?:\.py|/))`", line) for line in outline.splitlines() if line.startswith("|")
    ]
    missing = [
        name
        for row in rows
        for name in row
        if not (ROOT / name).exists() and not ((ROOT / row[0]).parent / name).exists()
    ]
    assert len([name for row in rows for name in row]) > 20
    assert missing == []


def test_the_readme_leads_to_every_page_and_each_opens_with_its_question():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in PAGES[1:]:
        assert f"(docs/{path.name}" in readme, path.name
        title, question = path.read_text(encoding="utf-8").split("\n\n")[:2]
        assert title.startswith("# ")
        assert "?" in question, path.name


def test_what_the_readme_shows_for_a_file_of_ones_own_runs(tmp_path):
    """Its lines for the console, then its Python, each as a process of its own."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = make_table(targets=["Al", "Cu"])
    spectra = table[channels_of(table)]
    axis = 4000 - 2.0 * np.arange(spectra.shape[1])
    write(table.rename(columns=dict(zip(spectra, axis.astype(str), strict=True))), tmp_path / "new.csv")
    (tmp_path / "scans").mkdir()
    for sample, values in zip(table.index, spectra.to_numpy(), strict=True):
        rows = "".join(f"{x},{y:.8f}\n" for x, y in zip(axis, values, strict=True))
        (tmp_path / "scans" / f"sample {sample}.csv").write_text("wavenumber,absorbance\n" + rows)
    assays = table[["SiteID", "Al", "Cu"]].rename(columns={"SiteID": "field"})
    assays.set_axis([f"sample {sample}" for sample in table.index]).to_excel(tmp_path / "assays.xlsx")
    console = re.search(r"^```\n(.venv/bin/python -m tools.convert.*?)```", readme, re.DOTALL | re.MULTILINE)[
        1
    ]
    lines = [line.split() for line in console.splitlines()]
    assert [line[1] for line in lines] == ["-m", "train.py", "predict.py", "score.py"]
    code = re.search(r"```python\n(.*?)```", readme, re.DOTALL)[1]
    commands = [line[1:] if line[1] == "-m" else [str(ROOT / line[1]), *line[2:]] for line in lines]
    for arguments in (*commands, ["-c", code]):
        subprocess.run(
            [sys.executable, *arguments],
            check=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    assert float((tmp_path / "score.txt").read_text()) > 0.9
    details = pd.read_csv(tmp_path / "predictions" / "new.details.csv")
    assert {"verdict", "Al", "Al lower", "Al upper"} <= set(details)


def test_every_term_that_is_looked_up_in_the_glossary_is_in_it():
    terms = pages.headings(ROOT / "docs" / "glossary.md")
    looked_up = {
        link
        for path in PAGES
        for link in re.findall(r"glossary\.md#([\w-]+)", path.read_text(encoding="utf-8"))
    }
    assert looked_up <= terms
    assert {"ridge-regression", "alpha", "r2", "leverage", "verdict"} <= terms


def test_what_must_be_run_before_exists_and_is_needed_by_some_page():
    commands = {place.command for path in PAGES for place in pages.places(ROOT, path)}
    for line in kept.needs():
        assert pages.wrong_command(ROOT, line["needs"]) is None
        assert any(line["in"] in command for command in commands)


# --- the command --------------------------------------------------------------------


def test_a_place_gets_the_part_of_the_output_that_it_names_and_all_else_stays(project):
    assert docs.main([], project) == 0
    expected = "| file | score |\n|-|-:|\n| soil | 0.7 |\n| demo (synthetic), row | 0.5 |\n"
    assert (project / "docs" / "page.md").read_text() == PAGE.replace("old\n", expected)


def test_what_is_not_a_table_is_shown_as_a_console_shows_it(project):
    page = "<!-- made by: make run | without echo | first 2 -->\n<!-- end -->\n"
    (project / "README.md").write_text(page)
    keeper = kept.Keeper(project)
    [place] = pages.places(project, project / "README.md")
    pages.put(project, place, parts.part(keeper.make("make run").output, place.parts, place.command))
    shown = "```\n$ make run\none\ntwo\n```\n"
    assert (project / "README.md").read_text() == page.replace("<!-- end", shown + "<!-- end")


def test_it_is_run_again_only_when_code_data_or_what_it_left_has_changed(project, tmp_path, monkeypatch):
    needs = tmp_path / "needs.csv"
    needs.write_text("in,needs,leaves\nnever,python -m tools.counting input.csv,left.csv\n")
    monkeypatch.setattr(kept, "NEEDS", needs)
    tool = project / "tools" / "counting.py"
    docs.main([], project)
    docs.main([], project)
    assert runs(project) == 1
    tool.write_text(COUNTING.replace("counts its runs", "counts them") + "# a comment\n")
    docs.main([], project)
    assert runs(project) == 1
    tool.write_text(COUNTING.replace("0.5", "0.6"))
    docs.main([], project)
    assert runs(project) == 2
    assert "0.6" in (project / "docs" / "page.md").read_text()
    (project / "input.csv").write_text("2\n")
    docs.main([], project)
    assert runs(project) == 3
    (project / "left.csv").write_text("b\n")
    docs.main([], project)
    assert runs(project) == 4
    docs.main(["--again"], project)
    assert runs(project) == 5


def test_what_it_needs_runs_before_it_and_changes_with_its_data(project, tmp_path, monkeypatch):
    (project / "tools" / "reader.py").write_text("print(open('left.csv').read())\n")
    needs = tmp_path / "needs.csv"
    needs.write_text("in,needs,leaves\ntools.reader,python -m tools.counting input.csv,left.csv\n")
    monkeypatch.setattr(kept, "NEEDS", needs)
    assert kept.Keeper(project).make("python -m tools.reader").output == "a\n1\n\n"
    assert kept.Keeper(project).find("python -m tools.reader")
    (project / "input.csv").write_text("2\n")
    assert kept.Keeper(project).find("python -m tools.reader") is None


def test_a_module_that_a_tool_imports_counts_as_its_code(project):
    (project / "tools" / "helper.py").write_text("VALUE = 1\n")
    (project / "tools" / "counting.py").write_text("from tools import helper\nprint(helper.VALUE)\n")
    before = kept.code_sum(project, "python -m tools.counting")
    (project / "tools" / "other.py").write_text("VALUE = 1\n")
    assert kept.code_sum(project, "python -m tools.counting") == before
    (project / "tools" / "helper.py").write_text("VALUE = 2\n")
    assert kept.code_sum(project, "python -m tools.counting") != before


def test_the_folder_of_open_spectra_is_put_in_the_place_of_data():
    words = kept.Keeper(ROOT, "../spectra").words(
        "python -m tools.trust DATA/soil/soil.csv DATABASE.csv DATA"
    )
    assert words[3:] == ["../spectra/soil/soil.csv", "DATABASE.csv", "../spectra"]


def test_a_command_that_fails_is_told_and_the_other_places_are_written(project, capfd):
    (project / "tools" / "failing.py").write_text(
        "print('| a | b |\\n|-|-|\\n| c | 1 |')\nraise SystemExit(3)  # __main__\n"
    )
    failing = "<!-- made by: python -m tools.failing | table 1 -->\nas it was\n<!-- end -->\n"
    (project / "README.md").write_text(failing)
    assert docs.main([], project) == 1
    assert capfd.readouterr().err.startswith("README.md:1: `python -m tools.failing` ended with status 3")
    assert (project / "README.md").read_text() == failing
    assert "| soil | 0.7 |" in (project / "docs" / "page.md").read_text()


def test_what_an_output_does_not_have_is_told():
    table = "| a | b |\n|-|-:|\n| c | 1 |\n"
    for chosen, said in [
        (["table 2"], "found 1 tables printed, expected 2"),
        (["table 1", "rows d"], "found no 'd' in the table, expected one of c"),
        (["table 1", "columns a; e"], "found no 'e' in the table, expected one of a; b"),
        (["without |"], "found nothing printed, expected lines of x"),
    ]:
        with pytest.raises(parts.NotThere, match=re.escape(said)):
            parts.part(table, chosen, "x")


def test_only_one_page_and_the_list_run_nothing_else(project, capsys):
    assert docs.main(["--only", "README"], project) == 0
    assert docs.main(["--list"], project) == 0
    assert "docs/page.md:3\tanew\t?\tpython -m tools.counting input.csv" in capsys.readouterr().out
    assert not (project / "count.txt").exists()
    docs.main(["--only", "page"], project)
    assert runs(project) == 1
    with pytest.raises(SystemExit, match="found no page nowhere"):
        docs.main(["--only", "nowhere"], project)


def test_a_page_with_a_fault_is_told_before_anything_runs(project, capsys):
    (project / "README.md").write_text("[gone](docs/gone.md)\n")
    for arguments in ([], ["--check"]):
        assert docs.main(arguments, project) == 1
        assert "README.md: found a link to docs/gone.md" in capsys.readouterr().err
    assert not (project / "count.txt").exists()


@pytest.mark.parametrize(
    "text, said",
    [
        ("<!-- made by: make run -->\n", "1 beginnings of places and 0 ends"),
        (
            "<!-- made by: make run -->\n<!-- made by: make run -->\n<!-- end -->\n<!-- end -->\n",
            "expected pairs",
        ),
        ("<!-- made by: python -m tools.gone | table 1 -->\n<!-- end -->\n", "found no module tools.gone"),
        ("<!-- made by: python -m tools.mute | table 1 -->\n<!-- end -->\n", "found no module tools.mute"),
        ("<!-- made by: make gone -->\n<!-- end -->\n", "found no make target gone"),
        ("<!-- made by: sh counting -->\n<!-- end -->\n", "begins with `python -m` or `make`"),
        ("<!-- made by: make run | middle 3 -->\n<!-- end -->\n", "found the part 'middle 3'"),
        ("| a | R² |\n|-|-:|\n| soil | 0.7 |\n", "found a table of figures that no command makes"),
        ("[heading](page.md#none)\n", "found a link to page.md#none"),
    ],
)
def test_what_is_wrong_with_a_page_is_found(project, text, said):
    assert any(said in problem for problem in problems(project, text))


def test_what_is_right_is_not_found_wrong(project):
    text = "# A & b (c)\n\n[1](#a--b-c), [2](https://example.org/x#y), `[3](x)`\n\n| a | b |\n|-|-|\n| 1 | what it is |\n"
    assert problems(project, text + "\n```\n[4](x)\n```\n") == []


def test_the_real_demo_data_is_not_mistaken_for_another_file(project, monkeypatch):
    keeper = kept.Keeper(project)
    (project / "data" / "public").mkdir(parents=True)
    (project / "data" / "public" / "public.csv.gz").write_bytes(b"a laboratory's own")
    monkeypatch.setattr(docs, "DEMO", "python -m tools.writes --output made.csv.gz")
    (project / "tools" / "writes.py").write_text("open('made.csv.gz', 'wb').write(b'demo')\n")
    with pytest.raises(SystemExit, match="found another file, expected the demo data"):
        docs.put_demo_data(keeper)
    (project / "data" / "public" / "public.csv.gz").unlink()
    docs.put_demo_data(keeper)
    assert (project / "data" / "public" / "public.csv.gz").read_bytes() == b"demo"
