"""python -m tools.trust: what it prints and what it writes."""

import re

import pandas as pd
import pytest

import preprocess
from tests.conftest import make_table, write
from tools.trust import __main__ as trust
from tools.trust.faults import GOOD


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["--jobs", "0"], "found --jobs 0"),
        (["--coverage", "1"], "--coverage 1"),
        (["--group", "hole"], "found no id column 'hole', expected one of DepthTo, SiteID, DepthFrom"),
        (["one.csv"], "found two files that are called one"),
        (["--cost", "private.csv"], "found no target with"),
    ],
)
def test_a_mistake_is_told_in_one_line(arguments, told, here):
    table = make_table(targets=("Ca",))
    write(table, here / "one.csv")
    write(table.drop(columns="Ca"), here / "private.csv")
    files = ["private.csv"] if "private.csv" in arguments else ["one.csv"]
    with pytest.raises(preprocess.DataError, match=told) as error:
        trust.main([*files, *(each for each in arguments if each != "private.csv")])
    assert "\n" not in str(error.value)


def test_the_step_tells_both_tables_by_row_and_by_site(here, capsys):
    files = []
    for seed, name in enumerate(["one.csv", "two.csv"]):
        table = make_table(rows=40, targets=("Ca", "clay"), seed=seed)
        files.append(str(write(table, here / name)))
    trust.main([*files, "--folds", "3", "--jobs", "1"])
    said = capsys.readouterr().out
    for name in ("one", "two"):
        for scheme in ("row", "site, bounds by row", "site, bounds by site"):
            assert f"| {name}, {scheme} |" in said
        covered = pd.read_csv(here / "reports" / name / "coverage.csv")
        assert list(covered["target"]) == ["Ca", "clay"] * 3
        caught = pd.read_csv(here / "reports" / name / "faults.csv", index_col=0)
        assert (caught.loc["axis reversed"] == 1).all() and caught.loc[GOOD, "row"] < 0.2
        assert "another material" in caught.index


def test_the_cost_is_told_of_each_way_without_and_with_bounds(here, capsys):
    trust.main([str(write(make_table(targets=("Ca",)), here / "one.csv")), "--cost"])
    header, _, *lines = capsys.readouterr().out.splitlines()[2:7]
    assert header == "| seconds | alone | with bounds and verdicts | times |"
    cells = [line.strip("| ").split(" | ") for line in lines]
    assert [name for name, *_ in cells] == ["fit", "fit, sites left out", "predict"]
    assert all(re.fullmatch(r"\d+\.\d+", each) for _, *numbers in cells for each in numbers)
