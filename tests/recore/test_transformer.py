"""recore/transformer.py: at home in scikit-learn, and the scripts' numbers to the bit."""

import doctest
import json
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

import predict
import preprocess
import train
from mdl import ZeroClippedRidgeCV
from preprocess import DataError, Settings
from recore.transformer import SpectralFeatures
from tests.conftest import ROOT, numbered_table, spectra_of, write
from tests.oracles import SKLEARN

FEW = "X has 1 to 10 channels, the challenge's range needs 301"
DARK = "X has rows whose maximum is not above 0, by which nothing can be divided"
FLAT = "X has a row that is the same throughout, which has no SNV"
OF_FEW = """check_fit_score_takes_y check_estimators_overwrite_params check_dont_overwrite_parameters
check_estimators_fit_returns_self check_readonly_memmap_input check_n_features_in_after_fitting
check_positive_only_tag_during_fit check_estimators_dtypes check_dtype_object check_pipeline_consistency
check_estimators_nan_inf check_estimators_pickle check_f_contiguous_array_estimator
check_transformer_data_not_an_array check_transformer_general check_transformer_preserve_dtypes
check_methods_sample_order_invariance check_methods_subset_invariance check_fit2d_1sample check_fit2d_1feature
check_dict_unchanged check_fit_idempotent check_fit_check_is_fitted check_n_features_in check_fit2d_predict1d"""
OF_DARK = """check_estimators_dtypes check_pipeline_consistency check_estimators_pickle
check_transformer_data_not_an_array check_transformer_general check_transformer_preserve_dtypes"""
CASES = [
    (SpectralFeatures(":", treatment="none"), {}),
    (
        SpectralFeatures(":", treatment="snv"),
        dict.fromkeys(["check_estimators_dtypes", "check_fit2d_1feature"], FLAT),
    ),
    (SpectralFeatures(":"), dict.fromkeys(OF_DARK.split(), DARK)),
    (SpectralFeatures(), dict.fromkeys(OF_FEW.split(), FEW)),
]


@pytest.mark.parametrize("transformer, failing", CASES, ids=lambda it: repr(it) if hasattr(it, "fit") else "")
def test_scikit_learns_checks_hold_but_those_whose_x_is_no_spectrum(transformer, failing):
    if SKLEARN >= (1, 6):
        found = check_estimator(transformer, expected_failed_checks=failing, on_fail=None, on_skip=None)
        failed = {each["check_name"] for each in found if each["status"] == "failed"}
        assert failed == set()
        assert {each["check_name"] for each in found if each["status"] == "xfail"} == {*failing}
    elif not failing:  # older ones stop at the first that fails
        check_estimator(transformer)


@pytest.fixture(scope="module")
def table():
    return numbered_table()


@pytest.mark.parametrize(
    "settings", [Settings(), Settings("3950:3400cm-1", 5, "both"), Settings("10:", 7, "snv")], ids=str
)
def test_the_pipeline_is_the_scripts_to_the_bit(table, tmp_path, settings):
    old, new = write(table[:45], tmp_path / "old.csv"), write(table[45:], tmp_path / "new.csv")
    asked = [f"--{name}={value}" for name, value in settings._asdict().items()]
    train.main(["--data_dir", str(old), "--model_dir", str(tmp_path / "model"), *asked])
    scripts = train.model_fn(str(tmp_path / "model"))
    read = [pd.read_csv(str(path), index_col=0, **preprocess.PRECISION) for path in (old, new)]
    model = make_pipeline(SpectralFeatures(**settings._asdict()), ZeroClippedRidgeCV())
    model.fit(spectra_of(read[0]), read[0][["Ca", "clay"]])
    for name in ("coef_", "intercept_", "alpha_", "error_quantiles_", "residual_scale_"):
        np.testing.assert_array_equal(getattr(model[-1], name), getattr(scripts, name))
    predict.main(
        ["--data_dir", str(new), "--model_dir", str(tmp_path / "model"), "--output_dir", str(tmp_path)]
    )
    written = (tmp_path / "new.csv.out").read_text().split()
    ours = model.predict(spectra_of(read[1]))
    assert written == [",".join("%.14g" % value for value in row) for row in ours]
    assert list(model[0].get_feature_names_out()) == list(scripts.feature_names_in_)


def test_it_survives_clone_pickle_and_set_params(table):
    spectra = spectra_of(table)
    transformer = SpectralFeatures("0:-300", window=5).fit(spectra)
    assert clone(transformer).get_params() == {"range": "0:-300", "window": 5, "treatment": "max"}
    again = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(again.transform(spectra), preprocess.features(spectra, Settings(window=5)))
    with pytest.raises(NotFittedError):
        SpectralFeatures().transform(spectra)
    with pytest.raises(ValueError, match=r"feature names|has features"):
        transformer.transform(spectra.iloc[:, ::-1])


def test_what_cannot_be_is_said_in_one_line(table):
    spectra = spectra_of(table)
    with pytest.raises(DataError, match=r"SpectralFeatures: found the treatment 'msc'"):
        SpectralFeatures(treatment="msc").fit(spectra)
    with pytest.raises(DataError, match=r"X: found the channels 'x0' to 'x419', none of them in the range"):
        SpectralFeatures("3900:3500cm-1").fit(spectra.to_numpy())
    dark = spectra.copy()
    dark.iloc[4] = -1.0
    with pytest.raises(DataError, match=r"row 4: found a spectrum whose maximum"):
        SpectralFeatures().fit(dark)


@pytest.mark.skipif(SKLEARN < (1, 2), reason="set_output came with scikit-learn 1.2")
def test_set_output_gives_named_features(table):
    spectra = spectra_of(table)
    found = SpectralFeatures(treatment="snv").set_output(transform="pandas").fit_transform(spectra)
    pd.testing.assert_frame_equal(
        found, preprocess.features(spectra, Settings(treatment="snv")), check_names=False
    )


def test_a_grid_search_over_settings_and_alphas_takes_gaps_and_sites(table):
    Y = table[["Ca", "clay"]].copy()
    Y.iloc[::5, 0] = np.nan
    grid = {
        "spectralfeatures__window": [5, 10],
        "spectralfeatures__treatment": list(preprocess.TREATMENTS),
        "zeroclippedridgecv__alphas": ["1e-5:1e5", (0.1, 1.0)],
    }
    model = make_pipeline(SpectralFeatures(), ZeroClippedRidgeCV())
    search = GridSearchCV(model, grid, cv=GroupKFold(3)).fit(spectra_of(table), Y, groups=table["SiteID"])
    assert (
        len(search.cv_results_["params"]) == 20 and np.isfinite(search.cv_results_["mean_test_score"]).all()
    )
    best = search.best_estimator_
    assert best[0].window == search.best_params_["spectralfeatures__window"]
    train_rows, test_rows = next(iter(GroupKFold(3).split(Y, groups=table["SiteID"])))
    alone = clone(best).fit(spectra_of(table).iloc[train_rows], Y.iloc[train_rows])
    expected = alone.score(spectra_of(table).iloc[test_rows], Y.iloc[test_rows])
    assert search.cv_results_["split0_test_score"][search.best_index_] == pytest.approx(expected)


@pytest.mark.slow
@pytest.mark.skipif(SKLEARN < (1, 2), reason="the page shows set_output, which came with scikit-learn 1.2")
def test_the_pages_examples_run(here, monkeypatch):
    demo_data = pytest.importorskip("tools.demo_data.__main__")
    monkeypatch.chdir(here)
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    (said,) = re.findall(r"^python -m tools.demo_data (.*)$", page, re.MULTILINE)
    demo_data.main(said.split())
    examples = page.replace("```\n", "\n")  # an end of a block is no output
    parsed = doctest.DocTestParser().get_doctest(examples, {}, "docs/python.md", "docs/python.md", 0)
    assert len(parsed.examples) > 25
    failed, _ = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(parsed)
    assert failed == 0
    assert {*Settings._fields} == {*json.loads((here / "settings.json").read_text())}
