"""A hostile or damaged model file: nothing in it is executed, and none is loaded unnoticed."""

import copyreg
import hashlib
import io
import json
import os
import pickle
import random
import struct

import numpy as np
import pytest

import mdl
import recore.model_file
import recore.predictions
import recore.state
import train
from preprocess import DataError


@pytest.fixture
def files(model_dir, tmp_path, monkeypatch):
    """Pickle and description of a good model; the folder for bad ones is the working directory."""
    monkeypatch.chdir(tmp_path)
    description = json.loads((model_dir / "model.json").read_text())
    return (model_dir / "model.pkl").read_bytes(), description


def refused(pickled, description, seal=True):
    """The reason for which a model file is not loaded; `seal` gives it the right sum."""
    if seal:
        description = dict(description, sha256=hashlib.sha256(pickled).hexdigest())
    with open("model.pkl", "wb") as file:
        file.write(pickled)
    with open("model.json", "w") as file:
        json.dump(description, file)
    with pytest.raises(DataError) as error:
        train.model_fn(".")
    message = str(error.value)
    assert message.startswith("model.pkl") and "\n" not in message
    assert sorted(os.listdir(".")) == ["model.json", "model.pkl"], "something was executed"
    return message


# --- damage ---


def test_600_damaged_files_are_told_by_their_sum(files):
    pickled, description = files
    rng = random.Random(0)
    for _ in range(200):
        place = rng.randrange(len(pickled))
        flipped = bytearray(pickled)
        flipped[place] ^= 1 << rng.randrange(8)
        for damaged in (bytes(flipped), pickled[:place], pickled[:place] + b"\0" + pickled[place:]):
            assert "found sha256" in refused(damaged, description, seal=False)


def test_a_wrong_sum_is_told(files):
    pickled, description = files
    for wrong in ("", "0" * 64, None, 3, [], description["sha256"].upper(), description["sha256"] + " "):
        assert "found sha256" in refused(pickled, dict(description, sha256=wrong), seal=False)


@pytest.mark.parametrize("part", range(4))
def test_600_damaged_files_with_the_right_sum_are_refused_or_harmless(part, files):
    """A sum that whoever damaged the file has mended: the model is refused, or it is whole and finite."""
    pickled, description = files
    rng, loaded = random.Random(part), 0
    for _ in range(150):
        place = rng.randrange(len(pickled)) if rng.random() < 0.5 else rng.randrange(400)
        kind = rng.choice(["flip", "byte", "cut", "opcode"])
        damaged = bytearray(pickled)
        if kind == "flip":
            damaged[place] ^= 1 << rng.randrange(8)
        elif kind == "byte":
            damaged[place] = rng.randrange(256)
        elif kind == "cut":
            del damaged[place:]
        else:
            damaged.insert(
                place, rng.choice(b"(.0123FGIJKLMNPQRSTUVXabcdeghijlopqrstu}\x80\x81\x82\x85\x8c\x93\x94\x95")
            )
        if damaged == pickled:
            continue
        try:
            refused(bytes(damaged), description)
        except pytest.fail.Exception:
            # What is left are other digits: whoever can mend the sum can as well train another model.
            model = train.model_fn(".")
            assert np.isfinite(model.coef_).all() and np.isfinite(model.intercept_).all()
            assert list(model.feature_names_in_) == description["features"]
            assert recore.predictions.predict_array(
                np.full((1, len(model.feature_names_in_)), 0.5), model
            ).shape == (
                1,
                49,
            )
            loaded += 1
    assert loaded < 100


# --- pickles that would run something ---


TOUCH = "open('executed', 'w').close()"
CALLS = [
    ("os", "system", ("touch executed",)), ("posix", "system", ("touch executed",)), ("os", "popen", ("touch executed",)),
    ("os", "mkdir", ("executed",)), ("os", "execv", ("/bin/touch", ["touch", "executed"])), ("builtins", "eval", (TOUCH,)),
    ("builtins", "exec", (TOUCH,)), ("builtins", "open", ("executed", "w")), ("builtins", "__import__", ("antigravity",)),
    ("builtins", "getattr", (mdl, "np")), ("builtins", "compile", (TOUCH, "x", "exec")), ("builtins", "print", ("x",)),
    ("subprocess", "Popen", (["touch", "executed"],)), ("subprocess", "call", ("touch executed",)), ("subprocess", "run", (["x"],)),
    ("importlib", "import_module", ("antigravity",)), ("runpy", "run_path", ("x.py",)), ("shutil", "rmtree", (".",)),
    ("code", "interact", ()), ("pty", "spawn", ("/bin/sh",)), ("webbrowser", "open", ("x",)), ("sys", "exit", ()),
    ("pickle", "loads", (b"cos\nsystem\n(S'touch executed'\ntR.",)), ("numpy", "load", ("model.pkl",)), ("joblib", "load", ("x",)),
    ("pandas", "read_pickle", ("model.pkl",)), ("pandas", "eval", ("1",)), ("copyreg", "_reconstructor", (dict, object, None)),
    ("operator", "attrgetter", ("x",)), ("functools", "partial", (print,)), ("types", "CodeType", ()), ("socket", "socket", ()),
    ("mdl", "logger", ()), ("mdl", "np.load", ("x",)), ("mdl", "ZeroClippedRidgeCV.predict", ()), ("train", "main", ([],)),
    ("mdl", "RidgeCV", ()), ("sklearn.linear_model", "RidgeCV", ()), ("antigravity", "x", ()), ("this", "s", ()),
]  # fmt: skip


def hostile(module, name, arguments, protocol, form):
    """A pickle that calls module.name(*arguments), written opcode by opcode."""

    def text(value):
        encoded = value.encode()
        return b"X" + struct.pack("<I", len(encoded)) + encoded

    def push(value):
        if isinstance(value, bytes):
            return b"B" + struct.pack("<I", len(value)) + value
        return text(value) if isinstance(value, str) else pickle.dumps(value, 2)[2:-1]

    # What has no opcode of its own is left out: it is refused before it gets its arguments.
    pushed = (
        b"(" + b"".join(push(value) for value in arguments if isinstance(value, (str, bytes, list))) + b"t"
    )
    found = text(module) + text(name) + b"\x93" if protocol == 4 else f"c{module}\n{name}\n".encode()
    start = b"\x80" + bytes([protocol]) if protocol >= 2 else b""
    if form == "reduce":
        return start + found + pushed + b"R."
    if form == "newobj":
        return start + found + pushed + b"\x81."
    if form == "inst":
        return start + b"(" + pushed[1:-1] + f"i{module}\n{name}\n".encode() + b"."
    if form == "obj":
        return start + b"(" + found + pushed[1:-1] + b"o."
    if form == "build":  # a state that is the result of a call
        return start + found + pushed + b"R}b."
    return ALLOWED + found + pushed + b"Rb."  # the one class, with a call in its state


ALLOWED = b"\x80\x04X\x03\0\0\0mdlX\x12\0\0\0ZeroClippedRidgeCV\x93)\x81"  # an empty one of the one class


@pytest.mark.parametrize("form", ["reduce", "newobj", "inst", "obj", "build", "state"])
def test_pickles_that_would_run_something_are_refused_by_name(form, files):
    for module, name, arguments in CALLS:
        for protocol in (0, 2, 3, 4):
            message = refused(hostile(module, name, arguments, protocol, form), files[1])
            assert f"refused to load {module}.{name}," in message, message


def test_a_module_is_not_even_imported(files, tmp_path, monkeypatch):
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "trap.py").write_text("open('executed', 'w').close()")
    monkeypatch.syspath_prepend(str(tmp_path / "hooks"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert "refused to load trap.x" in refused(hostile("trap", "x", (), 4, "reduce"), files[1])


def test_registered_extensions_and_persistent_ids_are_refused(files):
    copyreg.add_extension("os", "system", 250)
    try:
        assert "refused to load os.system" in refused(b"\x80\x02\x82\xfaX\x01\0\0\0x\x85R.", files[1])
    finally:
        copyreg.remove_extension("os", "system", 250)
    for pickled in (b"Pos.system\n.", b"\x80\x04]Q."):
        refused(pickled, files[1])


# --- the one allowed class, in a state that no training gives ---


SHAPED = """
    coef_ n_rows_ intercept_ lower_ alpha_ weight_ error_growth_ error_quantiles_ x_mean_ residual_scale_ axes_
""".split()


def states(good):
    """Hostile states of the model."""
    npy = good["_arrays"]["coef_"]
    pickled = b"\x80\x04cos\nsystem\n(X\x0e\0\0\0touch executedtR."
    bomb = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000), }".ljust(117) + "\n"
    yield {}
    yield None
    yield []
    yield "state"
    yield {"_arrays": None}
    yield {"_arrays": {"coef_": pickled}}
    yield {
        "_arrays": {
            "coef_": b"\x93NUMPY\x01\x00\x76\x00"
            + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(118)
            + pickled
        }
    }
    yield {"_arrays": {"coef_": b"\x93NUMPY\x01\x00\x76\x00" + bomb.encode()}}
    for method in ("predict", "fit", "__getstate__", "__class__", "_unclipped", "get_params"):
        yield dict(good, **{method: "x"})
        yield dict(good, **{method: mdl.ZeroClippedRidgeCV})
    for name in SHAPED:
        yield dict(good, _arrays={k: v for k, v in good["_arrays"].items() if k != name})
        for wrong in (
            b"",
            b"x",
            npy[:-1],
            npy[:200],
            good["_arrays"]["feature_names_in_"],
            good["_arrays"]["alphas_"],
            3,
            None,
        ):
            if not (name == "coef_" and wrong is npy):
                yield dict(good, _arrays=dict(good["_arrays"], **{name: wrong}))
        yield dict(good, **{name: [1.0]}, _arrays={k: v for k, v in good["_arrays"].items() if k != name})
    for name in ("feature_names_in_", "target_names_"):
        source = good["_arrays"] if name in good["_arrays"] else good
        for wrong in (
            [],
            None,
            3,
            ["x"],
            list(source[name])[::-1],
            [*source[name], "x"],
            [source[name][0]] * len(source[name]),
        ):
            yield dict(good, **{name: wrong}, _arrays={k: v for k, v in good["_arrays"].items() if k != name})
    yield dict(good, n_features_in_=3)
    for name in ("total_weight_", "leverage_limit_", "residual_limit_"):
        for wrong in (None, "x", "5", 0.0, -1.0, 1e-320, float("nan"), float("inf"), [1.0]):
            yield dict(good, **{name: wrong})
    for wrong in ("x", float("nan"), -1e6, False, None):
        yield dict(good, fit_intercept=wrong)
    for name, number in (
        ("error_growth_", -1.0), ("error_growth_", 0.0), ("eigenvalues_", 1e-320), ("alpha_", 1e-320), ("weight_", 1e-320),
        ("residual_scale_", 1e-300), ("x_mean_", 1e200), ("axes_", 1e200), ("error_quantiles_", float("nan")),
    ):  # fmt: skip
        values = np.full_like(np.load(io.BytesIO(good["_arrays"][name])), number)
        yield dict(good, _arrays=dict(good["_arrays"], **{name: recore.state.npy_bytes(values)}))
    for names in ([*good["target_names_"][:-1], 5], [good["target_names_"][0]] * len(good["target_names_"])):
        yield dict(good, target_names_=names)


def test_a_state_that_no_training_gives_is_refused(files):
    pickled, description = files
    for state in states(recore.model_file.unpickle(pickled, mdl.METHODS).__getstate__()):
        refused(ALLOWED + pickle.dumps(state, protocol=3)[2:-1] + b"b.", description)


def test_pickles_that_would_take_all_memory_are_refused(files):
    for pickled in (
        b"\x80\x04Nr\xff\xff\xff\x7f.",  # a memo of 2**31 places
        b"\x80\x02Np2000000000\n.",
        b"\x80\x05\x96\xff\xff\xff\xff\xff\x00\x00\x00.",  # a bytearray of a terabyte
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\x00\x00\x00.",
        b"\x80\x04\x8b\xff\xff\xff\x7f.",
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.",
        b"(" * 100_000,
        b"]" * 100_000 + b".",
        b"\x80\x04" + b"]\x94" * 50_000 + b"a" * 49_999 + b".",
    ):
        refused(pickled, files[1])


def test_a_damaged_description_is_refused(files):
    pickled, description = files
    for name, wrong in (
        ("features", description["features"][::-1]), ("features", None), ("features", "x"),
        ("targets", description["targets"][::-1]), ("targets", [1]), ("targets", {"x": 1}), ("versions", 3), ("versions", [1]),
    ):  # fmt: skip
        refused(pickled, dict(description, **{name: wrong}))
