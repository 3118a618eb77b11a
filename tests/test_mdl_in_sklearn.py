"""The estimators at home in scikit-learn: its checks, pipelines, searches, names and pickles."""

import base64
import copy
import io
import pickle
import pickletools

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from mdl import METHODS, KernelRidgeCV, ZeroClippedRidgeCV
from tests.oracles import SKLEARN, assert_close, frame_model, make_data

CANNOT_HOLD = {
    "check_sample_weight_equivalence_on_dense_data": "a repeated row's twin stays when it is held out, a "
    "weighted row leaves whole: errors and alpha differ (at one alpha they agree, tested above)",
    "check_sample_weight_equivalence": "as check_sample_weight_equivalence_on_dense_data",
}
if SKLEARN < (1, 0):
    CANNOT_HOLD["check_supervised_y_no_nan"] = "wants one wording for infinity; ours names row and target"
FLAT = (
    "has rows of the same two values, which have no standard normal variate: they are refused by their number"
)
FLAT_ROWS = "pandas_series not_an_array shape not_overwritten"
NO_KERNEL = {f"check_sample_weights_{name}": FLAT for name in FLAT_ROWS.split()}
NO_KERNEL["check_estimators_dtypes"] = NO_KERNEL["check_sample_weights_invariance"] = FLAT


def sklearn_checks():
    """scikit-learn's checks of this version for each method, those that cannot hold marked."""
    return [check for kind in METHODS.values() for check in checks_of(kind())]


def checks_of(model):
    """Those of one."""
    cannot = {**CANNOT_HOLD, **(NO_KERNEL if type(model) is KernelRidgeCV else {})}
    if SKLEARN >= (1, 6):
        from sklearn.utils.estimator_checks import estimator_checks_generator

        return list(estimator_checks_generator(model, expected_failed_checks=cannot, mark="xfail"))
    checks = []
    for each, check in check_estimator(model, generate_only=True):
        name = check.func.__name__
        marks = [pytest.mark.xfail(reason=cannot[name])] if name in cannot else []
        checks.append(pytest.param(each, check, marks=marks))
    return checks


@pytest.mark.parametrize(
    "model, check", sklearn_checks(), ids=lambda it: getattr(it, "func", type(it)).__name__
)
def test_scikit_learn_s_own_checks_hold(model, check):
    check(model)


def test_it_is_a_ridgecv():
    assert issubclass(ZeroClippedRidgeCV, RidgeCV)


@pytest.mark.parametrize("alphas", [(0.1, 1.0), [0.1, 1.0], np.array([0.1, 1.0]), "auto", 1.0])
def test_parameters_survive_clone_repr_and_set_params(alphas):
    model = ZeroClippedRidgeCV(alphas, scoring="r2", alpha_per_target=False)
    copied = clone(model)
    for name, value in model.get_params().items():
        np.testing.assert_array_equal(copied.get_params()[name], value)
    assert repr(copied) == repr(model)
    assert "scoring='r2'" in repr(model)
    assert repr(ZeroClippedRidgeCV()) == "ZeroClippedRidgeCV()"
    assert model.set_params(fit_intercept=False).fit_intercept is False
    assert set(model.get_params()) == {"alphas", "fit_intercept", "scoring", "alpha_per_target"}


def test_it_works_in_a_pipeline_with_groups():
    X, Y, _ = make_data(60, 20)
    groups = np.arange(60) // 6
    pipeline = make_pipeline(StandardScaler(), ZeroClippedRidgeCV())
    pipeline.fit(X, Y, zeroclippedridgecv__groups=groups)
    expected = ZeroClippedRidgeCV().fit(StandardScaler().fit_transform(X), Y, groups=groups)
    np.testing.assert_array_equal(pipeline[-1].alpha_, expected.alpha_)


def test_it_works_in_a_grid_search_and_cross_validation():
    X, Y, _ = make_data(60, 20)
    search = GridSearchCV(ZeroClippedRidgeCV(), {"alphas": ["auto", (0.1, 1.0)]}, cv=KFold(3)).fit(X, Y)
    assert search.best_params_["alphas"] in ("auto", (0.1, 1.0))
    predicted = cross_val_predict(ZeroClippedRidgeCV(), X, Y, groups=np.arange(60) // 6, cv=GroupKFold(5))
    assert predicted.shape == Y.shape


@pytest.mark.parametrize("one_target", [True, False])
def test_the_score_leaves_gaps_out_and_is_scikit_learns_where_there_are_none(one_target):
    X, Y, _ = make_data(60, 20)
    Y, weight = (Y[:, 0] if one_target else Y), np.arange(60) % 4 + 1.0
    model = ZeroClippedRidgeCV().fit(X, Y)
    for weights in (None, weight):
        np.testing.assert_allclose(
            model.score(X, Y, weights), r2_score(Y, model.predict(X), sample_weight=weights)
        )
    gaps = np.array(Y)
    gaps[::3] = np.nan
    known = ~np.isnan(gaps)
    rows = known if one_target else known[:, 0]
    np.testing.assert_allclose(model.score(X, gaps), r2_score(Y[rows], model.predict(X)[rows]))
    if not one_target:
        gaps[1:, 1] = np.nan  # one assay is none to score
        rest = [k for k in range(Y.shape[1]) if k != 1]
        np.testing.assert_allclose(
            model.score(X, gaps), r2_score(Y[rows][:, rest], model.predict(X)[rows][:, rest])
        )
    assert np.isnan(model.score(X, np.full(Y.shape, np.nan)))
    assert np.isfinite(
        cross_val_score(ZeroClippedRidgeCV(), X, np.where(known, Y, np.nan), cv=KFold(3))
    ).all()


def test_a_target_without_spread_has_an_r2_of_zero_however_its_mean_is_rounded():
    X, Y, _ = make_data(94, 20)
    Y[:, 0] = 0.7
    for alphas in ([1.0], "auto"):
        assert ZeroClippedRidgeCV(alphas).fit(X, Y).cv_r2_[0] in (0, 1)


def test_tables_of_polars_and_arrow_are_taken_with_their_names():
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    X, Y, _ = make_data(30, 4)
    X, Y = pd.DataFrame(X, columns=list("abcd")), pd.DataFrame(Y).rename(columns="target {}".format)
    expected = ZeroClippedRidgeCV().fit(X, Y)
    for kind in (polars.from_pandas, pyarrow.Table.from_pandas):
        model = ZeroClippedRidgeCV().fit(kind(X), kind(Y))
        assert model.target_names_ == list(Y) and list(model.feature_names_in_) == list(X)
        assert (model.predict(kind(X)) == expected.predict(X)).all()
        assert model.score(kind(X), kind(Y)) == expected.score(X, Y)
        for found, wanted in zip(model.predict_interval(kind(X)), expected.predict_interval(X)):
            np.testing.assert_allclose(found, wanted)
        found, wanted = model.applicability(kind(X)), expected.applicability(X)
        assert (found["verdict"] == wanted["verdict"]).all()
        np.testing.assert_allclose(found["leverage"], wanted["leverage"])


def test_cross_val_predict_agrees_with_the_reported_figures():
    X, Y, _ = make_data(40, 5)
    predicted = cross_val_predict(ZeroClippedRidgeCV([1.0]), X, Y, cv=LeaveOneOut())
    model = ZeroClippedRidgeCV([1.0]).fit(X, Y)
    np.testing.assert_allclose(r2_score(Y, predicted, multioutput="raw_values"), model.cv_r2_)


@pytest.mark.skipif(SKLEARN < (1, 5), reason="fit parameters are routed from scikit-learn 1.5 on")
def test_groups_can_be_routed_to_fit():
    X, Y, _ = make_data(60, 20)
    groups = np.arange(60) // 6
    with sklearn.config_context(enable_metadata_routing=True):
        model = ZeroClippedRidgeCV().set_fit_request(groups=True)
        search = GridSearchCV(model, {"fit_intercept": [True]}, cv=KFold(3))
        search.fit(X, Y, groups=groups)
    expected = ZeroClippedRidgeCV().fit(X, Y, groups=groups)
    np.testing.assert_array_equal(search.best_estimator_.alpha_, expected.alpha_)


def test_features_are_remembered_and_compared_by_name():
    X, Y, _ = make_data(30, 4)
    table = pd.DataFrame(X, columns=list("abcd"))
    model = ZeroClippedRidgeCV().fit(table, pd.DataFrame(Y))
    assert model.feature_names_in_.tolist() == list("abcd")
    assert model.feature_names_in_.dtype == object
    assert (model.predict(table) == ZeroClippedRidgeCV().fit(X, Y).predict(X)).all()
    with pytest.raises(ValueError, match=r"(?i)feature"):
        model.predict(table[list("badc")])
    model.fit(X, Y)
    assert not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize("kind", [pd.DataFrame, np.asfortranarray, np.ndarray.tolist])
def test_any_kind_of_table_gives_the_same_model(kind):
    X, Y, _ = make_data(30, 4)
    expected = ZeroClippedRidgeCV().fit(X, Y)
    model = ZeroClippedRidgeCV().fit(kind(X), kind(Y))
    assert_close(model.coef_, expected.coef_, 1e-12)


def test_nothing_given_to_fit_is_changed():
    X, Y, weight = make_data(30, 4)
    groups = np.arange(30) // 3
    given = [X, Y, weight, groups]
    before = copy.deepcopy(given)
    ZeroClippedRidgeCV().fit(X, Y, weight, groups).predict(X)
    for now, then in zip(given, before):
        np.testing.assert_array_equal(now, then)


# --- pickles ---


def globals_of(pickled):
    """Classes and functions that a pickle names."""
    found, strings = set(), []
    for opcode, argument, _ in pickletools.genops(pickled):
        if opcode.name == "GLOBAL":
            found.add(argument.replace(" ", "."))
        elif opcode.name == "STACK_GLOBAL":
            found.add(".".join(strings[-2:]))
        elif isinstance(argument, str):
            strings.append(argument)
    return found


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "parameters", [{}, {"alphas": np.array([0.1, 1])}, {"alphas": [np.float64(0.1), 1]}, {"alphas": "auto"}]
)
def test_a_pickle_names_no_class_but_its_own_and_predicts_the_same(parameters, protocol):
    model, X = frame_model(**parameters)
    pickled = pickle.dumps(model, protocol=protocol)
    assert globals_of(pickled) - {"_codecs.encode"} == {"mdl.ZeroClippedRidgeCV"}
    if protocol > 2:
        assert globals_of(pickled) == {"mdl.ZeroClippedRidgeCV"}
    loaded = pickle.loads(pickled)
    assert (loaded.predict(X) == model.predict(X)).all()
    assert set(vars(loaded)) == set(vars(model))
    assert loaded.feature_names_in_.tolist() == model.feature_names_in_.tolist()
    assert repr(clone(loaded)) == repr(model).replace("np.float64(0.1)", "0.1")


@pytest.mark.parametrize("one_target", [False, True])
def test_joblib_and_deepcopy_keep_a_model(one_target):
    X, Y, _ = make_data(30, 4)
    model = ZeroClippedRidgeCV().fit(X, Y[:, 0] if one_target else Y)
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    for other in joblib.load(file), copy.deepcopy(model):
        assert (other.predict(X) == model.predict(X)).all()
        for name, value in vars(model).items():
            assert type(getattr(other, name)) is type(value)
            np.testing.assert_array_equal(getattr(other, name), value)


# python -c "fit as below; print(base64.b64encode(pickle.dumps(model, 4)))" on Python 3.7, numpy 1.19.2,
# scikit-learn 0.24.2
OLD_PICKLE = (
    "gASVVwYAAAAAAACMA21kbJSMElplcm9DbGlwcGVkUmlkZ2VDVpSTlCmBlH2UKIwGYWxwaGFzlF2UKEc/4AAAAAAAAEdAAAAA"
    "AAAAAGWMDWZpdF9pbnRlcmNlcHSUiIwHc2NvcmluZ5ROjBBhbHBoYV9wZXJfdGFyZ2V0lIiMDm5fZmVhdHVyZXNfaW5flEsC"
    "jAdfYXJyYXlzlH2UKIwRZmVhdHVyZV9uYW1lc19pbl+UXZQojAU5OTcuMZSMBjEwMDEuMpRljAdhbHBoYXNflEOQk05VTVBZ"
    "AQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAADgPwAAAAAAAABAlIwGYWxw"
    "aGFflEOQk05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwg"
    "fSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAADgPwAA"
    "AAAAAOA/lIwLYmVzdF9zY29yZV+UQ5CTTlVNUFkBAHYAeydkZXNjcic6ICc8ZjgnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNl"
    "LCAnc2hhcGUnOiAoMiwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgCiMCQAzU2QbA9RwKNATmLMCUjAVjb2VmX5RDoJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxmOCcsICdmb3J0cmFuX29y"
    "ZGVyJzogRmFsc2UsICdzaGFwZSc6ICgyLCAyKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAKDeU1lNdQ/j/pTqs7re70P0Z5DeU1lOc/7bS60+pOA0CUjAppbnRlcmNlcHRflEOQk05VTVBZ"
    "AQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIApw9M3RN0fvv0TfHH1z9PW/lIwGbG93"
    "ZXJflEOQk05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwg"
    "fSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAAAAAAAAAAA"
    "AAAAAAAAlIwGY3ZfcjJflEOQk05VTVBZAQB2AHsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3No"
    "YXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "IApI0Fgb2onoP4BAGIHHfKq/lIwIY3Zfcm1zZV+UQ5CTTlVNUFkBAHYAeydkZXNjcic6ICc8ZjgnLCAnZm9ydHJhbl9vcmRl"
    "cic6IEZhbHNlLCAnc2hhcGUnOiAoMiwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgCgWxno6OCvs//OtkDC7LDUCUjAduX3Jvd3NflEOQk05VTVBZAQB2AHsnZGVzY3InOiAnPGk4Jywg"
    "J2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
    "ICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoEAAAAAAAAAAQAAAAAAAAAlHV1Yi4="
)


def test_a_pickle_from_scikit_learn_0_24_and_numpy_1_19_predicts_the_same_and_clones():
    model = pickle.loads(base64.b64decode(OLD_PICKLE))
    X = pd.DataFrame({"997.1": [0.0, 1, 2, 3], "1001.2": [1.0, 0, 1, 3]})
    expected = ZeroClippedRidgeCV([0.5, 2.0]).fit(X, X.to_numpy() ** 2)
    np.testing.assert_allclose(model.predict(X), expected.predict(X), rtol=1e-10)
    assert repr(clone(model)) == "ZeroClippedRidgeCV(alphas=[0.5, 2.0])"
