"""The model file: saved with its description, checked before anything in it can run, loaded.

The classes of models are handed in: this package does not know them.
"""

import hashlib
import io
import json
import logging
import os
import pickle
import pickletools
import platform
from itertools import zip_longest

import numpy as np
import pandas as pd
import sklearn

import preprocess
from preprocess import SETTINGS, DataError, replacing
from recore import __version__
from recore.bounds import LEVELS
from recore.codecs import one_line
from recore.marks import MARKS, UNKNOWN
from recore.options import METHODS
from recore.predictions import nameless, trust
from recore.settings import checked, limits

logger = logging.getLogger("train")

FORMAT = 4  # of the description; 1 had features named by one channel, 2 no marks, 3 no treatment
MODEL, DESCRIPTION = "model.pkl", "model.json"  # the platform knows the pickle by this name
LARGEST = 1e100  # of a number in a model; with the limits of features, no prediction can be infinite
SMALLEST = 1e-100  # of one that is divided by


def versions():
    """Versions of Python and of the packages that a saved model depends on."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "scikit-learn": sklearn.__version__,
    }


def save(
    model, model_dir, training=None, channels=(), ids=(), targets=(), settings=SETTINGS, method=METHODS[0]
):
    """Save a model that was fitted to DataFrames as model.pkl, and tell of it in model.json.

    `channels` are those of the spectra, as `preprocess.Layout.axis` names them; `ids` the columns of ids,
    `settings` those of the preprocessing, `method` its name, `targets` what else is known of each target, as `recore.expected.targets_told` gives it.
    """
    pickled = pickle.dumps(model, protocol=4)  # 4: the newest that Python 3.7 reads
    names = ("alpha", "cv_r2", "cv_rmse", "rows", "min", "max")
    figures = (model.alpha_, model.cv_r2_, model.cv_rmse_, model.n_rows_, model.y_min_, model.y_max_)
    told = [dict(zip(names, each)) for each in zip(*(np.atleast_1d(values).tolist() for values in figures))]
    for name, each, more in zip_longest(model.target_names_, told, targets, fillvalue={"mark": UNKNOWN}):
        each.update({"name": name, **more})
    description = {
        "format": FORMAT,
        "version": __version__,
        "sha256": hashlib.sha256(pickled).hexdigest(),
        "versions": versions(),
        "method": method,
        "training": training or {},
        "preprocessing": settings._asdict(),
        "channels": list(channels),
        "features": list(model.feature_names_in_),
        "ids": list(ids),
        "targets": told,
    }
    pickle_path, description_path = (os.path.join(model_dir, name) for name in (MODEL, DESCRIPTION))
    # Both are whole before either takes its place.
    with replacing(pickle_path, "wb") as pickle_file, replacing(description_path) as description_file:
        pickle_file.write(pickled)
        json.dump(description, description_file, indent=1)


class ModelUnpickler(pickle.Unpickler):
    """Loads one of the classes that a model file may need; any other is refused before it can run."""

    def __init__(self, file, kinds):
        super().__init__(file)
        self.kinds = {kind.__name__: kind for kind in kinds.values()}

    def find_class(self, module, name):
        if module == "mdl" and name in self.kinds:
            return self.kinds[name]
        expected = f"a model of mdl.{' or '.join(self.kinds)} only"
        raise DataError(MODEL, f"refused to load {module}.{name}", expected, "train again with train.py")


def unpickle(pickled, kinds):
    """The model in a pickle; a DataError when there is anything else in it."""
    try:
        for opcode, argument, _ in pickletools.genops(pickled):
            # A memo's index makes room for as many entries: 12 bytes could ask for all memory.
            if "PUT" in opcode.name and int(argument) > len(pickled):
                raise DataError(MODEL, f"refused to make room for {argument} objects", remedy="train again")
        model = ModelUnpickler(io.BytesIO(pickled), kinds).load()
    except DataError:
        raise
    except Exception as error:  # an unpickler may raise anything
        raise DataError(MODEL, f"cannot be unpickled ({one_line(error)})", remedy="train again") from None
    if type(model) not in kinds.values():
        raise DataError(MODEL, f"found a {type(model).__name__}", "a model of train.py", "train again")
    return model


def check_model(model, description, kinds):
    """Raise a DataError unless a model is whole, and is the one that its description tells of."""
    state = vars(model)
    features, targets = (list(state.get(key, ())) for key in ("feature_names_in_", "target_names_"))
    t, p, k = len(targets), len(features), len(state.get("eigenvalues_", ()))
    sizes = {"t": t, "p": p, "m": len(state.get("landmarks_", ()))}
    shapes = {
        "coef_": (t, p), "intercept_": (t,), "lower_": (t,), "y_min_": (t,), "y_max_": (t,), "alpha_": (t,), "weight_": (t,), "n_rows_": (t,),
        "error_growth_": (t, 2), "error_quantiles_": (t, len(LEVELS)), "x_mean_": (p,),
        "residual_scale_": (p,), "eigenvalues_": (k,), "axes_": (k, p),
    }  # fmt: skip
    shapes.update({name: tuple(map(sizes.get, axes)) for name, axes in type(model).further})
    wrong = [name for name in state if callable(getattr(type(model), str(name), None))]
    wrong += [name for name, shape in shapes.items() if not is_array(name, state.get(name), shape)]
    numbers = {name: state.get(name) for name in ("total_weight_", "leverage_limit_", "residual_limit_")}
    wrong += [name for name, x in numbers.items() if type(x) is not float or not SMALLEST < x < LARGEST]
    names = all(isinstance(name, str) for name in features + targets)
    twice = len(set(features)) < p or len(set(targets)) < t
    if wrong or not names or twice or model.n_features_in_ != p or model.fit_intercept is not True:
        seen = f"found {', '.join(map(str, wrong)) or 'features or targets'} that no training gives"
        raise DataError(MODEL, seen, remedy="train again")
    method = description.get("method", METHODS[0])
    if kinds.get(method) is not type(model):
        seen = f"found a {type(model).__name__}, and method {method!r:.20} in {DESCRIPTION}"
        raise DataError(MODEL, seen, "those of one model", "one of them is of another training, train again")
    described = [target["name"] for target in description.get("targets", [])]
    if description.get("features", features) != features or (described or targets) != targets:
        remedy = "one of them is of another training, train again"
        raise DataError(MODEL, f"found other features or targets than {DESCRIPTION} tells of", remedy=remedy)
    marks = [target["mark"] for target in description["targets"]]
    strange = [mark for mark in marks if mark not in (*MARKS, UNKNOWN)]
    if strange:
        raise DataError(DESCRIPTION, f"found mark {strange[0]!r:.20}", ", ".join(MARKS), "train again")
    channels, settings = description.get("channels"), checked(description["preprocessing"], DESCRIPTION)
    if channels and preprocess.window_names(channels, settings) != features:
        found = f"found channels in {DESCRIPTION} that do not make the model's features"
        raise DataError(MODEL, found, remedy="one of them is of another training, train again")
    # The furthest features that a client may send have finite answers too: JSON knows no infinity.
    ends = limits(features)  # one beside the other, as a flat row is refused
    furthest = np.array([np.resize(ends, p), np.resize(ends[::-1], p)])
    with np.errstate(all="ignore"):
        lower, upper, found = trust(furthest, nameless(model).predict(furthest), model)
    if not np.isfinite(np.hstack([lower, upper, found[["leverage", "residual"]]])).all():
        raise DataError(MODEL, "found bounds without end, that no training gives", remedy="train again")


def is_array(name, values, shape):
    """Whether an attribute of a model is an array as training gives it."""
    kind = int if name == "n_rows_" else float
    if not isinstance(values, np.ndarray) or values.dtype != kind or values.shape != shape:
        return False
    if name in ("alpha_", "weight_", "residual_scale_", "eigenvalues_", "n_rows_", "slope_scale_"):
        return bool(((values > SMALLEST) & (values < LARGEST)).all())
    if name == "error_growth_":
        return bool(((values >= 0) & (values < LARGEST)).all() and (values.sum(axis=1) > 0).all())
    return bool(((np.abs(values) < LARGEST) | ((values == -np.inf) & (name == "lower_"))).all())


def load(model_dir, kinds):
    """The model that `save` wrote; a DataError where it is missing or not whole.

    `kinds` are the classes that a model may be of, by the names of methods.
    """
    return load_described(model_dir, kinds)[0]


def check_format(description):
    """Raise a DataError unless a description is of the format that is read here."""
    found = description.get("format", 1)
    if found != FORMAT:
        older = type(found) is int and found < FORMAT
        remedy = (
            "train again with train.py"
            if older
            else "use the version that it was trained with, or a newer one"
        )
        version = description.get("version", "before 2" if older else "unknown")
        seen = f"found format {found!r:.20} (project version {version!s:.20})"
        raise DataError(DESCRIPTION, seen, f"format {FORMAT}", remedy)


def load_described(model_dir, kinds):
    """As `load`, and what the model's description tells of it."""
    try:
        with open(os.path.join(model_dir, DESCRIPTION), encoding="utf-8") as file:
            description = json.load(file)
        with open(os.path.join(model_dir, MODEL), "rb") as file:
            pickled = file.read()
        expected = description["sha256"]
        check_format(description)
    except FileNotFoundError as error:
        expected = f"{MODEL} and {DESCRIPTION} in the folder"
        remedy = "run train.py first, or check --model"
        raise DataError(error.filename, "not found", expected, remedy) from None
    except DataError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError(DESCRIPTION, "damaged", "what train.py writes", "train again") from None
    found = hashlib.sha256(pickled).hexdigest()
    if found != expected:
        wanted = f"{str(expected)[:12]}… as in {DESCRIPTION}"
        remedy = "one of them is damaged or of another training, train again"
        raise DataError(MODEL, f"found sha256 {found[:12]}…", wanted, remedy)
    model = unpickle(pickled, kinds)
    try:
        check_model(model, description, kinds)
        trained = dict(description.get("versions", {}))
    except DataError:
        raise
    except Exception as error:  # what stands in the place of a list or a number may be anything
        found = f"damaged ({one_line(error)})"
        raise DataError(f"{MODEL} or {DESCRIPTION}", found, remedy="train again") from None
    model.marks = [target["mark"] for target in description["targets"]]
    now = versions()
    other = [f"{name} {was} (here {now.get(name)})" for name, was in trained.items() if now.get(name) != was]
    if other:
        logger.info("%s was trained with %s", MODEL, ", ".join(other))
    return model, description
