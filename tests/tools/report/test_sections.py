"""tools/report/sections: what each says of files of other kinds."""

import json

import numpy as np
import pytest

import train
from recore.marks import MARKS, mark_of
from tests.conftest import channels_of, make_table, write
from tests.tables import soil
from tools.report.__main__ import command_line
from tools.report.model_page import sections_of
from tools.report.parts import cards_of
from tools.report.sections.elements import elements_table, in_groups, known_of, said_of
from tools.report.sections.looks import curves_alike
from tools.report.study import study_of
from tools.validate.folds import arguments_of


def study_of_table(table, folder, *options):
    """The Study of a table."""
    path = write(table, folder / "spectra.csv")
    arguments = arguments_of(command_line(), [str(path), "--short", "--jobs", "1", *options])
    return study_of(arguments, "a test")


def sections(study):
    """The sections of its page by key, nothing drawn yet."""
    return {section.key: section for section in sections_of(study)}


def words_of(section):
    """All that a section says, but for its tables."""
    cards = [f"{card.title} {card.caption}" for card in cards_of(section.parts)]
    return " ".join([section.title, *section.lead, *section.points, *section.nothing, *cards])


def test_channels_without_wavenumbers_are_drawn_by_number(tmp_path):
    table = make_table(rows=30, targets=("Ca", "clay"))
    names = {name: f"ch{place}" for place, name in enumerate(channels_of(table))}
    table = table.rename(columns=names)
    found = sections(study_of_table(table, tmp_path, "--targets", "Ca,clay"))
    assert any("so no band is named" in line for line in found["looks"].lead)
    for key in ("samples", "looks"):
        svg = next(cards_of(found[key].parts)).svgs()[""]
        assert ">channel number<" in svg and ">wavenumber, cm⁻¹<" not in svg


def test_three_samples_are_a_page_and_where_all_are_flagged_there_are_no_others(tmp_path):
    study = study_of_table(make_table(3, 600, ("Ca", "clay")), tmp_path, "--group", "none")
    (more,) = [
        part
        for part in sections(study)["samples"].parts
        if getattr(part, "title", "").startswith("The flagged")
    ]
    (table,) = more.parts
    assert len(table.rows) == 3 and "Their error is" in table.caption and "the others" not in table.caption


def test_the_site_and_the_spectrum_that_are_wrong_are_found(tmp_path):
    table = soil()
    table.loc[table["SiteID"] == 5, "Ca"] += 60
    table.loc[11, "Ca"] = 900.0
    found = sections(study_of_table(table, tmp_path))
    worst = next(card for card in cards_of(found["samples"].parts) if card.key.startswith("worst"))
    assert worst.title == "Index 11" and worst.caption.startswith("DepthTo 20, SiteID 2, DepthFrom 15.")
    assert "measured 900" in worst.caption
    table.loc[11, "Ca"] = 60.0
    (tmp_path / "other").mkdir()
    found = sections(study_of_table(table, tmp_path / "other"))
    assert "Strongest: Ca at site 5" in next(cards_of(found["errors"].parts)).caption
    assert "at the hardest, site 5." in words_of(found["believe"])


@pytest.fixture(scope="module")
def grouped(tmp_path_factory):
    """The Study of a laboratory's file whose rows come from fields."""
    table = soil().rename(columns={"SiteID": "field"})
    table["field"] = [f"F{number}" for number in table["field"]]
    return study_of_table(table, tmp_path_factory.mktemp("grouped"), "--group", "field")


def test_words_are_of_the_groups_that_a_file_has(grouped, tmp_path):
    said = " ".join(map(words_of, sections(grouped).values()))
    assert "for a new field" in said and "by field" in said
    assert "site" not in said and "hole" not in said and "element" not in said
    alone = study_of_table(soil().drop(columns="SiteID"), tmp_path)
    said = " ".join(map(words_of, sections(alone).values()))
    assert "for a new sample" in said and "by site" not in said and "known site" not in said
    assert "The file has no sites (no id column SiteID)." in said


def test_a_target_with_too_few_assays_is_named_and_gaps_are_counted(tmp_path):
    table = make_table(rows=48, targets=("Ca", "rare", "clay"))
    table.loc[table.index[:5], "clay"] = np.nan
    table.loc[table.index[2:], "rare"] = np.nan
    found = sections(study_of_table(table, tmp_path))
    facts = dict(found["believe"].parts[0].lines)
    assert facts["left out"] == "rare: too few assays" and facts["targets"] == "2; 5 of 96 assays missing"
    (assays,) = found["appendix"].parts[1].parts
    assert [cell.text for cell in assays.rows[1][:3]] == ["clay", "43", "5"]


def test_the_model_files_that_a_page_names_are_those_of_train(grouped, tmp_path):
    table = soil().rename(columns={"SiteID": "field"})
    table["field"] = [f"F{number}" for number in table["field"]]
    path = str(write(table, tmp_path / "soil.csv"))
    for way, group in (("row", ()), ("site", ("--group", "field"))):
        train.main([path, "--ids", "field", "--model", str(tmp_path / way), "--jobs", "1", *group])
        told = json.loads((tmp_path / way / "model.json").read_text())["sha256"]
        assert told.startswith(grouped.sums[way]) and len(grouped.sums[way]) == 12


def test_targets_stand_by_mark_then_by_the_hardest_r2_with_row_and_site_beside_each_other(grouped):
    known = known_of(grouped)
    for one in known:
        (hardest, *_), (by_row, *_) = one.figures["by field"], one.figures["by row"]
        assert hardest == grouped.measures.loc[("site", one.name), "R2"]
        assert by_row == grouped.measures.loc[("row", one.name), "R2"]
        assert one.mark == mark_of(hardest)
    table = elements_table(known, "target", "")
    names = [column.name for column in table.columns]
    assert names[1:3] == ["R² by field", "R² by row"] and "RMSE by field" in names
    order = [one for some in in_groups(known).values() for one in some]
    assert [row[0].text for row in table.rows] == [one.name for one in order]
    assert [list(MARKS).index(one.mark) for one in order] == sorted(
        list(MARKS).index(one.mark) for one in order
    )


def test_what_cannot_be_reported_is_said(grouped):
    figures = {"by row": (0.03, None, 1.0)}
    poor = known_of(grouped)[0]._replace(name="Au", mark="no skill", figures=figures)
    assert list(said_of([poor], "element", "new drill hole")) == [
        "None of 1 element can be reported as quantities for a new drill hole.",
        "Of 1 element the spectra tell nothing that holds for a new drill hole: Au.",
    ]


def test_intervals_of_r2_hold_it_and_are_wider_the_fewer_units_there_are(grouped):
    for scheme in ("row", "site"):
        r2, (low, high) = grouped.of("R2", scheme), grouped.spans[scheme].T
        assert (low < r2).all() and (r2 < high).all()
    widths = {scheme: np.diff(span).mean() for scheme, span in grouped.spans.items()}
    assert widths["site"] > widths["row"]


def test_curves_are_one_where_all_of_them_correlate():
    axis = np.linspace(0, 6, 200)
    first, other = np.sin(axis), np.cos(3 * axis)
    curves = np.array([first, other, 2 * first + 0.05 * other, -first, first + 0.1])
    assert curves_alike(curves) == [[0, 2, 4], [1], [3]]
    assert curves_alike(curves[:1]) == [[0]]
