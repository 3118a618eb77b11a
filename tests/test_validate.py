"""tools/validate.py, tools/peers.py and tools/published.py: figures that are true, folds that are honest."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import REAL, channels_of, make_table, write
from sklearn.cross_decomposition import PLSRegression
from sklearn.linear_model import LinearRegression

import preprocess
import score
from tools import peers, published, validate


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to write reports/ in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def soil(rows=48, gaps=0):
    """A table with two targets of its own, the second with gaps, rows of a site alike."""
    table = make_table(rows=rows, targets=("Ca", "clay"))
    table.loc[table.index[:gaps], "clay"] = np.nan
    return table


def of_one_column(measures, name):
    return measures[0, validate.MEASURES.index(name)]


def test_measures_are_those_worked_by_hand():
    actual = np.array([[1.0], [2.0], [3.0], [6.0]])
    predicted = np.array([[1.0], [3.0], [3.0], [5.0]])  # errors 0, 1, 0, -1
    found = validate.measures(actual, predicted)
    assert of_one_column(found, "R2") == pytest.approx(1 - 2 / 14)
    assert of_one_column(found, "RMSE") == pytest.approx(np.sqrt(1 / 2))
    assert of_one_column(found, "bias") == 0
    assert of_one_column(found, "SEP") == pytest.approx(np.sqrt(2 / 3))
    assert of_one_column(found, "slope") == pytest.approx(
        LinearRegression().fit(predicted, actual).coef_[0, 0]
    )
    assert of_one_column(found, "RPD") == pytest.approx(np.sqrt(14 / 3) / np.sqrt(1 / 2))
    assert of_one_column(found, "RPIQ") == pytest.approx((3.75 - 1.75) / np.sqrt(1 / 2))


def test_bias_is_predicted_less_measured_and_is_no_part_of_sep():
    actual = np.array([[1.0], [2.0], [4.0]])
    found = validate.measures(actual, actual + 0.5)
    assert of_one_column(found, "bias") == pytest.approx(0.5)
    assert of_one_column(found, "SEP") == pytest.approx(0, abs=1e-12)


def test_a_missing_assay_counts_in_no_measure():
    rng = np.random.default_rng(0)
    actual, predicted = rng.normal(size=(2, 20, 1))
    gaps = np.vstack([actual, [[np.nan]] * 3]), np.vstack([predicted, [[99.0]] * 3])
    np.testing.assert_allclose(validate.measures(*gaps), validate.measures(actual, predicted))


def test_the_overall_figures_do_not_depend_on_units():
    rng = np.random.default_rng(0)
    actual, predicted = rng.normal(size=(2, 20, 2))
    units = np.array([1, 1e4])
    one, other = validate.measures(actual, predicted), validate.measures(actual * units, predicted * units)
    np.testing.assert_allclose(one[-1], other[-1])


def test_an_interval_is_that_of_student():
    mean, half = validate.over_repeats(np.array([1.0, 2.0, 3.0]))
    assert (mean, half) == (2.0, pytest.approx(4.3027 / np.sqrt(3), rel=1e-4))
    assert np.isnan(validate.over_repeats(np.array([1.0]))[1])


def test_no_site_is_in_both_halves_and_folds_are_the_same_every_time():
    sites = np.repeat(["b", "a", "d", "c", "e"], 3)
    folds = validate.draw_folds(sites, repeats=4, folds=2)
    assert folds.shape == (4, 15)
    assert all(len(np.unique(fold[sites == site])) == 1 for fold in folds for site in "abcde")
    assert len({tuple(fold) for fold in folds}) > 1
    np.testing.assert_array_equal(folds, validate.draw_folds(sites, 4, 2))


def test_as_many_folds_as_sites_are_drawn_once():
    assert validate.draw_folds(np.array([7, 7, 3, 3, 5]), repeats=5, folds=10).tolist() == [[2, 2, 0, 0, 1]]


def test_two_sites_are_refused_with_a_remedy():
    with pytest.raises(preprocess.DataError, match=r"found 2 .* expected 3 or more; use another --group"):
        validate.draw_folds(np.array([1, 1, 2]), 5, 10)


def test_a_held_out_row_does_not_touch_its_own_prediction():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(30, 4)), rng.normal(size=(30, 2)) + 9
    folds = validate.draw_folds(np.arange(30), 2, 5)
    before, _ = validate.held_out(validate.fit_predict, X, Y, folds)
    changed = np.where(folds[0][:, None] == 3, Y * 50, Y)
    after, _ = validate.held_out(validate.fit_predict, X, changed, folds[:1])
    at = folds[0] == 3
    np.testing.assert_array_equal(before[0][at], after[0][at])
    assert not np.allclose(before[0][~at], after[0][~at])


def test_alpha_is_chosen_by_site_inside_a_training_half_when_sites_are_given():
    seen = []

    def model(X, Y, new, groups=None):
        seen.append(set(groups))
        return np.zeros((len(new), Y.shape[1]))

    sites = np.repeat(np.arange(4), 5)
    folds = validate.draw_folds(sites, 1, 10)
    validate.held_out(model, np.zeros((20, 1)), np.zeros((20, 1)), folds, groups=sites)
    assert seen == [{1, 2, 3}, {0, 2, 3}, {0, 1, 3}, {0, 1, 2}]


def test_a_target_that_is_nothing_but_the_site_is_worth_nothing_by_site(tmp_path):
    """The leak test: by row the site can be told from its spectra, by site it cannot."""
    table = make_table(rows=120, targets=("site",))
    table["site"] = table["SiteID"]
    channels, rng = channels_of(table), np.random.default_rng(0)
    marks = rng.normal(0, 0.05, (15, len(channels)))  # what all spectra of a site share
    table[channels] = 1 + marks[table["SiteID"] - 1] + rng.normal(0, 0.01, (120, len(channels)))
    read = preprocess.read_table(str(write(table, tmp_path / "leak.csv.gz")))
    X, Y, sites = read.features.to_numpy(), read.targets.to_numpy(), read.ids["SiteID"].to_numpy()

    def r2(units, groups=None):
        folds = validate.draw_folds(units, 1, 10)
        return validate.mean_r2(Y, validate.held_out(validate.fit_predict, X, Y, folds, groups=groups)[0])[0]

    assert r2(np.arange(len(Y))) > 0.9
    assert r2(sites) < 0.1
    assert r2(sites, groups=sites) < 0.1


def test_the_command_puts_row_and_site_side_by_side_and_saves_what_it_found(here, capsys):
    path = write(make_table(rows=48), here / "public.csv.gz")
    validate.main([str(path), "--repeats", "2", "--folds", "4", "--jobs", "1"])
    said = capsys.readouterr().out
    assert "held out by: row / site / site, α by site" in said
    assert said.count("official score, 2 × 4 folds by") == 3
    folder = here / "reports" / "public"
    saved = pd.read_csv(folder / "predictions.csv", index_col=0)
    assert len(saved) == 48 * 2 * 3
    summary = json.loads((folder / "summary.json").read_text())
    actual = preprocess.read_table(str(path)).targets
    for (by, repeat), part in saved.groupby(["held out by", "repeat"]):
        found = score.official_score(actual.to_numpy(), part.loc[actual.index, list(actual)].to_numpy())
        assert summary["held out by"][by]["official score"][repeat] == pytest.approx(found)
        if by != "row":
            assert (part.groupby("SiteID")["fold"].nunique() == 1).all()
    curve = pd.read_csv(folder / "learning_curve.csv")
    assert list(curve["held out by"]) == ["row"] * 4 + ["site"] * 4
    assert curve["training rows"].tolist()[:4] == [9, 18, 27, 36]


def test_given_folds_are_matched_by_index(here, capsys):
    path = write(soil(), here / "soil.csv")
    given = pd.DataFrame({"Fold": np.arange(48) % 3 + 1}, index=np.arange(48))
    given.iloc[::-1].to_csv(here / "folds.csv")
    options = ["--fold-file", "folds.csv", "--folds", "3", "--jobs", "1", "--group", "none"]
    validate.main([str(path), *options])
    assert "held out by: given folds." in capsys.readouterr().out
    saved = pd.read_csv(here / "reports" / "soil" / "predictions.csv", index_col=0)
    assert saved["fold"].tolist() == given["Fold"].tolist()
    given.iloc[1:].to_csv(here / "folds.csv")
    with pytest.raises(preprocess.DataError, match=r"found 47 rows .* expected a column Fold and the 48"):
        validate.main([str(path), *options])


def test_a_target_with_too_few_assays_is_left_out_by_name(capsys):
    targets = pd.DataFrame({"Ca": np.ones(20), "rare": [1.0] * 5 + [np.nan] * 15})
    assert list(validate.usable(targets, 3)) == ["Ca"]
    assert "left out, too few assays: rare" in capsys.readouterr().err


def test_spectra_are_read_as_they_are_in_the_file(tmp_path):
    table = soil(gaps=3)
    table.insert(0, "lab", "Perth, WA")
    path = str(write(table, tmp_path / "soil.csv"))
    spectra = validate.read_spectra(path)
    pd.testing.assert_frame_equal(spectra, table[channels_of(table)])
    pytest.importorskip("pyarrow", reason="pyarrow is not installed here")
    table.to_parquet(str(tmp_path / "soil.parquet"))
    first = validate.read_spectra(str(tmp_path / "soil.parquet"), rows=5)
    pd.testing.assert_frame_equal(first, table[channels_of(table)][:5])


def test_pls_by_components_is_pls_with_each_number_of_components():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 8)), rng.normal(size=40)
    found = peers.by_components(PLSRegression(5, scale=False).fit(X, y), X)
    for k in range(1, 6):
        np.testing.assert_allclose(
            found[:, k - 1], PLSRegression(k, scale=False).fit(X, y).predict(X).ravel()
        )


@pytest.mark.parametrize("name", peers.PEERS)
def test_a_peer_predicts_each_target_from_the_rows_that_have_it(name):
    model, _ = peers.PEERS[name]
    rng = np.random.default_rng(0)
    amounts = rng.gamma(2, 1, (60, 2))
    X = amounts @ np.exp(-(((np.arange(40) - np.array([[10], [25]])) / 5) ** 2)) + rng.normal(
        0, 0.01, (60, 40)
    )
    X[:, 35:] += 1  # so that SNV has a level to refer to
    Y = amounts * [1, 100]
    Y[:10, 1] = np.nan
    new = model(X[:50], Y[:50], X[50:])
    assert (score.r2(Y[50:], new) > 0.6).all()
    np.testing.assert_allclose(new[:, [1]], model(X[10:50], Y[10:50, [1]], X[50:]), rtol=1e-6)


def test_peers_meet_on_the_same_folds(here, capsys, monkeypatch):
    few = ("RidgeCV, an alpha for each target", "chemotools: SNV, derivative, PLS")
    monkeypatch.setattr(peers, "PEERS", {name: peers.PEERS[name] for name in few})
    path = write(soil(gaps=4), here / "soil.csv")
    validate.main([str(path), "--peers", "--short", "--jobs", "1"])
    assert "| model | R2 by row | R2 by site | seconds a fold |" in capsys.readouterr().out
    found = pd.read_csv(here / "reports" / "soil" / "peers.csv", index_col="model")
    assert list(found.index) == [validate.OURS, *few]
    ours, theirs = found.loc[validate.OURS], found.loc[few[0]]
    assert ours["R2 by row"] == pytest.approx(theirs["R2 by row"], abs=0.02)  # they differ by clipping only


def leave_reports(folder, targets, schemes, overall):
    """What the tools leave of a set, with R² that tell where each figure of the table comes from."""
    folder.mkdir(parents=True)
    of_site = {scheme: 0.1 * place for place, scheme in enumerate(schemes)}  # less by site
    lines = [
        {"held out by": scheme, "target": target, published.AVERAGED: r2 - less}
        for scheme, less in of_site.items()
        for target, r2 in [*((target, 0.5) for target in targets), (validate.OVERALL, overall)]
    ]
    pd.DataFrame(lines).to_csv(folder / "measures.csv", index=False)
    nested = {"target": [*targets, "score"]}
    peer = {"model": [validate.OURS, "PLS", "SVR"], "seconds a fold": [0.01, 0.5, 2]}
    for scheme, less in of_site.items():
        nested[f"present, by {scheme}"] = 0.55 - less
        nested[f"tuned, by {scheme}"] = 0.6 - less
        best = [0.9, 0.3, 0.7] if less == 0 else [0.9, 0.4, 0.2]
        peer |= {f"{target} by {scheme}": best for target in targets} | {f"R2 by {scheme}": best}
    pd.DataFrame(nested).to_csv(folder / "tune_nested.csv", index=False)
    pd.DataFrame(peer).to_csv(folder / "peers.csv", index=False)


def test_reflectance_in_percent_is_told_from_absorbance():
    absorbance = soil()[channels_of(soil())].to_numpy()
    assert not validate.in_percent(absorbance) and validate.in_percent(100 * 10**-absorbance + 20)


@pytest.fixture
def reports(here):
    """Reports of the four sets, two of them with sites."""
    if not REAL.exists():
        pytest.skip("the real spectra are not here: %s" % REAL)
    known = {"peat_redoxpeat": ["Ca", "Cu"]}
    for name, target, _, _ in published.published(REAL):
        known.setdefault(name, []).append(target)
    for name, targets in known.items():
        schemes = ["given folds"] if name in published.LIMESODA else ["row", "site"]
        leave_reports(here / "reports" / f"{name}_full", targets, schemes, overall=0.45)


def test_the_table_beside_the_published_figures_says_what_the_reports_say(reports, capsys):
    published.main([str(REAL)])
    said = capsys.readouterr().out.splitlines()
    by_both = "0.500 / 0.400 | 0.550 / 0.450 | 0.600 / 0.500 | 0.700 SVR / 0.400 PLS"
    assert said[2] == f"| yamsys Al_tot | {by_both} | 0.972 PLS |"
    assert "| H_138 SOC | 0.500 | 0.550 | 0.600 | 0.700 SVR | 0.915 SVR |" in said
    assert f"| peat, mean of 2 targets | {by_both.replace('0.500 / 0.400', '0.450 / 0.350', 1)} |  |" in said
    assert len(said) == 2 + 14 + 6 + 4
    assert not any("ex_Ca" in line for line in said)
    published.main([str(REAL), "--all"])
    assert f"| yamsys ex_Ca | {by_both} | 0.806 PLS |" in capsys.readouterr().out.splitlines()


def test_no_figure_by_row_stands_without_the_one_by_site(reports, capsys):
    for options in [[], ["--all"], ["--peers"]]:
        published.main([str(REAL), *options])
        for line in capsys.readouterr().out.splitlines()[2:]:
            name, *cells = line.strip("| ").split(" | ")
            if "--peers" in options:
                assert " / " in cells[0] and " / " in cells[-2]  # yamsys and peat
            elif name.startswith(("yamsys", "peat")):
                assert all(" / " in cell for cell in cells[:4])


def test_the_table_of_peers_has_each_models_mean_and_time(reports, capsys):
    published.main([str(REAL), "--peers"])
    said = capsys.readouterr().out.splitlines()
    assert said[2].startswith("| ours, default | 0.900 / 0.900 | 0.01 | 0.900 | 0.01 |")
    assert said[4] == "| SVR | 0.700 / 0.200 | 2 | 0.700 | 2 | 0.700 | 2 | 0.700 / 0.200 | 2 |"


def test_a_tool_that_was_not_run_is_named(reports, here):
    (here / "reports" / "peat_redoxpeat_full" / "peers.csv").unlink()
    with pytest.raises(preprocess.DataError, match=r"peat_redoxpeat_full: found no peers.csv; run tools.v"):
        published.main([str(REAL)])


def test_yamsys_is_as_good_as_its_authors_pls(here):
    folder = REAL / "yamsys_soil"
    if not folder.exists():
        pytest.skip("the real spectra are not here: %s" % folder)
    table = preprocess.read_table(str(folder / "yamsys_soil_full.csv.gz"))
    names = ["C", "Al_tot", "K_tot"]
    published = pd.read_csv(folder / "published_model_stats.csv", index_col="response").loc[names, "r2"]
    X, Y = table.features.to_numpy(), table.targets[names].to_numpy()
    folds = validate.draw_folds(np.arange(len(Y)), validate.REPEATS, validate.FOLDS)
    predicted, _ = validate.held_out(validate.fit_predict, X, Y, folds)
    assert (score.r2(Y, predicted.mean(axis=0)) > published.to_numpy() - 0.02).all()
