"""python -m tools.report --predict: the page of new samples says what predict.py and the model's file say."""

import json
import re

import numpy as np
import openpyxl
import pandas as pd
import pytest

import predict
import preprocess
import train
from recore.predictions import predict as predicted_by
from tests.conftest import channels_of, write
from tests.tables import soil
from tests.tools.report.pages import cells_of, text_of
from tools.demo_data import files
from tools.report import __main__ as report
from tools.report.figures.over_band import figure_of
from tools.report.new_samples import samples_of

BUMP = 1500.0  # cm-1, where the odd sample has what no other has
ODD, MUCH = 9, 3  # its row in the new file; that of one with much of what others have some of


def new_table():
    """Samples like those of the training, one odd, one with much more of one thing."""
    table = soil(rows=72).iloc[48:].drop(columns=["Ca", "clay"])
    channels = channels_of(table)
    axis = np.array(list(map(float, channels)))
    table.loc[table.index[ODD], channels] += 2 * np.exp(-(((axis - BUMP) / 9) ** 2))
    table.loc[table.index[MUCH], channels] += 20 * np.exp(-(((axis - 3900) / 90) ** 2))
    return table


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model, new samples, and their page and workbook beside what predict.py writes of them."""
    folder = tmp_path_factory.mktemp("new")
    old = write(soil(rows=72).iloc[:48], folder / "old.csv")
    write(new_table(), folder / "new.csv")
    train.main([str(old), "--model", str(folder / "model"), "--jobs", "1"])
    both = [str(folder / "new.csv"), "--model", str(folder / "model")]
    for name in ("details.csv", "theirs.xlsx"):
        predict.main([*both, "--output", str(folder / name), "--jobs", "1"])
    report.main(["--predict", *both, "--output", str(folder / "page.html"), "--jobs", "1"])
    return folder


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "page.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def details(folder):
    found = pd.read_csv(folder / "details.csv", index_col=0, dtype=str)
    return found.set_axis(found.index.astype(int))


@pytest.fixture(scope="module")
def model(folder):
    return train.model_fn(str(folder / "model"))


def test_predictions_and_bounds_are_those_of_predict_to_the_last_digit(page, details):
    seen, section = {}, page[page.index('<section id="predictions">') : page.index('<section id="model">')]
    for number, head in enumerate(section.split("<thead>")[1:]):
        names = re.findall(r"Ca|clay", text_of(head.split("</thead>")[0]))
        for index, (_, *cells) in cells_of(page, "predictions", number).items():
            seen.update({(index.split()[0], name): cell for name, cell in zip(names, cells, strict=True)})
    assert len(seen) == 2 * len(details)
    for (index, name), cell in seen.items():
        line = details.loc[int(index)]
        value, lower, _, upper, *_ = cell.replace("−", "-").replace(";", " ").split()
        assert (value, lower, upper) == tuple(line[[name, f"{name} lower", f"{name} upper"]])
        beyond = line[f"{name} verdict"]
        assert (beyond in cell) == (beyond != "inside")


def test_the_workbook_is_that_of_predict_cell_by_cell(folder):
    ours, theirs = (openpyxl.load_workbook(folder / name).active for name in ("page.xlsx", "theirs.xlsx"))
    assert [[cell.value for cell in row] for row in ours] == [[cell.value for cell in row] for row in theirs]
    assert ours.max_row == 25


def test_other_coverage_and_digits_are_those_of_predict_too(folder):
    asked = ["--coverage", "0.5", "--digits", "5"]
    both = [str(folder / "new.csv"), "--model", str(folder / "model"), *asked]
    predict.main([*both, "--output", str(folder / "half.csv"), "--jobs", "1"])
    samples = samples_of(str(folder / "new.csv"), str(folder / "model"), coverage=0.5, digits=5)
    written = pd.read_csv(folder / "half.csv", index_col=0)
    ours = samples.frame().set_index("index")
    assert list(ours) == list(written) and ours.index.astype(int).equals(written.index)
    for name in ours:
        assert ours[name].astype(written[name].dtype).tolist() == written[name].tolist()


def test_samples_that_are_not_fit_come_first_with_the_place_where_they_are_unlike(page, details):
    flagged = details.index[details["verdict"] != "inside"]
    told = cells_of(page, "verdicts")
    assert {int(name.split()[0]) for name in told} == {*flagged} >= {48 + ODD, 48 + MUCH}
    furthest = details.loc[flagged, ["leverage", "residual"]].astype(float).max(axis=1)
    assert [int(name.split()[0]) for name in told] == list(furthest.sort_values(ascending=False).index)
    odd = 48 + ODD
    verdict, why, *_ = next(cells for name, cells in told.items() if name.split()[0] == str(odd))
    assert verdict == "unlike" == details.loc[odd, "verdict"]
    at = float(re.match(r"something that no training spectrum shows, at (\d+)", why)[1])
    assert abs(at - BUMP) < 40
    first = [int(name.split()[0]) for name in cells_of(page, "predictions")]
    assert first[: len(flagged)] == [int(name.split()[0]) for name in told]
    assert first[len(flagged) :] == [index for index in details.index if index not in flagged]
    assert page.index('id="verdicts"') < page.index('id="predictions"') < page.index('id="model"')


def test_the_models_own_figures_are_those_of_its_description(page, folder):
    description = json.loads((folder / "model" / "model.json").read_text())
    cells = cells_of(page, "model")
    assert len(cells) == 2 and description["sha256"] in page
    for told in description["targets"]:
        by_site, by_row, _, rmse, *_ = cells[told["name"]]
        for text, way in ((by_site, "SiteID"), (by_row, "row")):
            assert float(text.replace("−", "-")) == pytest.approx(told["expected"][way]["r2"], abs=5.1e-3)
        assert float(rmse.replace(",", "")) == pytest.approx(told["expected"]["SiteID"]["rmse"], rel=0.05)
    assert "R² by site" in text_of(page) and "trained on old.csv" in text_of(page)


def test_the_figure_of_one_sample_draws_it_over_the_band_and_marks_where_it_is_unlike(folder):
    samples = samples_of(str(folder / "new.csv"), str(folder / "model"))
    (axes,) = figure_of(samples, ODD).axes
    lines = {line.get_label(): line for line in axes.lines}
    np.testing.assert_array_equal(lines["this sample"].get_ydata(), samples.spectra[ODD])
    np.testing.assert_array_equal(lines["their mean"].get_ydata(), samples.band[1])
    assert np.abs(lines["unlike"].get_xdata() - BUMP).min() < 40
    assert "unlike" not in {line.get_label() for line in figure_of(samples, 0).axes[0].lines}


def test_assays_in_a_new_file_are_not_looked_at(folder, tmp_path):
    table = new_table()
    table.insert(0, "Ca", -7777.0)
    path = write(table, tmp_path / "with.csv")
    samples = samples_of(str(path), str(folder / "model"))
    plain = samples_of(str(folder / "new.csv"), str(folder / "model"))
    assert samples.frame().equals(plain.frame())
    np.testing.assert_array_equal(samples.predictions, predicted_by(plain.table.features, plain.model))


def test_the_page_of_synthetic_samples_says_so(folder, tmp_path, page):
    files.write(str(tmp_path / "demo.csv.gz"), [new_table()])
    output = tmp_path / "page.html"
    arguments = ["--predict", str(tmp_path / "demo.csv.gz"), "--model", str(folder / "model"), "--jobs", "1"]
    report.main([*arguments, "--output", str(output)])
    assert "Synthetic data." in output.read_text(encoding="utf-8") and "Synthetic" not in page


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"--output": "page.xlsx"}, "--output: found .*page.xlsx, expected a name in .html; name one"),
        ({"--digits": "0"}, "--digits: found 0, expected 1 to 15"),
        ({"--coverage": "1.5"}, "--coverage: found 1.5"),
        ({"--model": "nowhere"}, "nowhere.*not found, expected model.pkl and model.json"),
        ({"other.csv": None}, "--predict: found other.csv, too"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(folder, tmp_path, changed, said):
    options = {"--predict": str(folder / "new.csv"), "--model": str(folder / "model")}
    options = {**options, "--output": str(tmp_path / "out" / "page.html")}
    options.update(
        {
            name: value if name != "--output" else str(tmp_path / value)
            for name, value in changed.items()
            if value
        }
    )
    arguments = [text for pair in options.items() for text in pair]
    with pytest.raises(preprocess.DataError, match=said):
        report.main([*arguments, *[name for name, value in changed.items() if value is None]])
    assert not list(tmp_path.iterdir())
