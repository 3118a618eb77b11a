"""tools/overview.py: the figure and the held-out scores beside it."""

import re

import numpy as np
from conftest import channels_of, make_table, write

import preprocess
from tools import overview


def test_it_draws_a_picture_and_prints_the_scores_by_row_and_by_site(tmp_path, capsys):
    path = write(make_table(rows=48), tmp_path / "public.csv.gz")
    overview.main(["--input", str(path), "--output", str(tmp_path / "new" / "figure.png")])
    said = capsys.readouterr().out
    assert re.search(r"by row: +mean R² 0\.\d+, official score [01]\.\d+", said)
    assert re.search(r"by site: mean R² 0\.\d+, official score [01]\.\d+", said)
    assert (tmp_path / "new" / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_a_target_that_is_nothing_but_the_site_is_not_predicted_for_unseen_sites(tmp_path):
    table = make_table(rows=48)
    sites = table["SiteID"].to_numpy()
    channels, rng = channels_of(table), np.random.default_rng(0)
    marks = rng.normal(0, 0.05, (sites.max(), len(channels)))  # what all spectra of a site share
    table[channels] = 1 + marks[sites - 1] + rng.normal(0, 0.01, (48, len(channels)))
    table[list(preprocess.TARGETS)] = sites[:, None] * np.ones(49)
    table = preprocess.read_table(str(write(table, tmp_path / "public.csv.gz")))
    actual = table.targets.to_numpy()
    assert (overview.score.r2(actual, overview.held_out(table)) > 0.9).all()
    assert (overview.score.r2(actual, overview.held_out(table, table.ids["SiteID"])) < 0.1).all()
