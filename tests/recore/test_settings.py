"""recore/settings.py and what preprocess.py does with settings: against scipy, a file, names and every script."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import predict
import preprocess
import score
import train
from preprocess import SETTINGS, DataError, Settings
from recore.codecs import Body
from recore.settings import checked, read_settings, settings_of, window_of
from recore.store import describe, store
from recore.tables import Reading, read_table
from tests.conftest import ROOT, numbered_table, spectra_of, write

OTHERS = [
    Settings("0:-300", 7, "none"),
    Settings("20:-300", 5, "snv"),
    Settings(":", 10, "derivative"),
    Settings("3900:3400cm-1", 3, "both"),
    Settings("3400:3900cm-1", 7, "max"),
]


@pytest.fixture(scope="module")
def lab():
    return numbered_table()


def by_hand(spectra, settings):
    """Features (n, p), by another way: numpy and scipy on the whole table."""
    signal = pytest.importorskip("scipy.signal")
    axis, values = spectra.columns.to_numpy(dtype=float), spectra.to_numpy()
    if settings.range.endswith("cm-1"):
        inside = (axis >= 3400) & (axis <= 3900)
    else:
        first, last = (int(end) if end else None for end in settings.range.split(":"))
        inside = np.isin(np.arange(len(axis)), np.arange(len(axis))[first:last])
    used = values[:, inside]
    if settings.treatment == "max":
        low, high = used.min(axis=1, keepdims=True), used.max(axis=1, keepdims=True)
        treated = np.clip(values, low, high) / high
    else:
        treated = used
        if settings.treatment in ("snv", "both"):
            treated = (used - used.mean(axis=1, keepdims=True)) / used.std(axis=1, keepdims=True)
        if settings.treatment in ("derivative", "both"):
            treated = signal.savgol_filter(treated, 21, 2, deriv=1)
    return np.add.reduceat(treated, np.arange(0, treated.shape[1], settings.window), axis=1)


@pytest.mark.parametrize("settings", [Settings(), *OTHERS], ids=str)
def test_features_are_those_of_numpy_and_scipy(lab, settings):
    spectra = spectra_of(lab)
    found = preprocess.features(spectra, settings)
    np.testing.assert_allclose(found, by_hand(spectra, settings), rtol=1e-9, atol=1e-11)
    assert settings_of(list(found)) == settings
    first = next(iter(found))
    assert first.startswith(
        "4000:" if settings.range in ("0:-300", ":") or settings.treatment == "max" else "3"
    )
    assert window_of(first).count(":") == 1


@pytest.mark.parametrize("settings", OTHERS, ids=str)
def test_a_row_is_the_same_to_the_bit_alone_and_in_any_memory_order(lab, settings):
    spectra = spectra_of(lab)
    whole = preprocess.features(spectra, settings).to_numpy()
    alone = [preprocess.features(spectra.iloc[[row]], settings).to_numpy()[0] for row in range(9)]
    np.testing.assert_array_equal(whole[:9], alone)
    turned = pd.DataFrame(np.asfortranarray(spectra.to_numpy()), columns=spectra.columns)
    np.testing.assert_array_equal(whole, preprocess.features(turned, settings).to_numpy())


def test_names_of_the_challenges_settings_are_bare_and_others_carry_theirs():
    channels = [f"{4000 - place}" for place in range(400)]
    assert preprocess.window_names(channels)[0] == "4000:3994"
    named = preprocess.window_names(channels, Settings("10:-300", 5, "snv"))
    assert named[0] == "3990:3986 [range=10:-300 window=5 treatment=snv]" and len(named) == 18
    assert settings_of(["a:g", "h:n"]) == settings_of(["x [y]"]) == settings_of([]) == Settings()


def test_settings_are_read_from_a_file_and_from_a_models_description(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text('{"window": 5}')
    assert read_settings(path) == Settings(window=5)
    path.write_text(json.dumps({"format": 4, "preprocessing": OTHERS[3]._asdict()}))
    assert read_settings(path) == OTHERS[3]
    assert checked({"range": "3900:700 CM-1"}, "").range == "3900:700cm-1"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "found no settings"),
        ("no json", "found no JSON"),
        ('{"widow": 5}', "found widow, expected range, window, treatment"),
        ('{"window": 0}', "found the window 0, expected 1 to 1000"),
        ('{"window": true}', "found the window True"),
        ('{"range": "0-300"}', "found the range '0-300'"),
        ('{"range": 5}', "found the range 5"),
        ('{"range": "1.2.3:4cm-1"}', "found the range"),
        (
            '{"treatment": "msc"}',
            "found the treatment 'msc', expected one of max, none, snv, derivative, both",
        ),
    ],
)
def test_what_is_no_settings_ends_in_one_line(tmp_path, text, reason):
    path = tmp_path / "settings.json"
    path.write_text(text)
    with pytest.raises(DataError, match=re.escape(reason)) as found:
        read_settings(path)
    assert str(path) in str(found.value) and "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (Settings("9000:8000cm-1"), "none of them in the range 9000:8000cm-1"),
        (Settings("0:-420"), "found 420 channels, expected at least 421"),
        (Settings("0:20", treatment="derivative"), "found 420 channels"),
    ],
)
def test_a_range_that_leaves_too_few_channels_is_said(lab, tmp_path, settings, reason):
    path = write(lab, tmp_path / "lab.csv")
    with pytest.raises(DataError, match=re.escape(reason)):
        read_table(str(path), Reading(settings=settings))


def test_a_flat_spectrum_has_no_snv_and_a_negative_one_has(lab, tmp_path):
    table = lab.copy()
    names = list(spectra_of(lab))
    table.loc[3, names] = 0.5
    table.loc[5, names] = -1 - table.loc[5, names]
    path = str(write(table, tmp_path / "lab.csv"))
    with pytest.raises(
        DataError, match=r"line 5: found a spectrum that is 0\.5 throughout .* one that varies"
    ) as found:
        read_table(path, Reading(settings=Settings(treatment="snv")))
    assert "line 7" not in str(found.value)
    with pytest.raises(DataError, match=r"line 7: found a spectrum whose maximum"):
        read_table(path)


@pytest.mark.parametrize("settings", OTHERS, ids=str)
def test_settings_go_from_train_to_predict_to_the_server_and_no_other_features_are_taken(
    lab, tmp_path, settings, caplog
):
    old, new = write(lab[:45], tmp_path / "old.csv"), write(lab[45:], tmp_path / "new.csv")
    given = tmp_path / "settings.json"
    given.write_text(json.dumps(settings._asdict()))
    model_dir, out = str(tmp_path / "model"), tmp_path / "out"
    train.main(["--data_dir", str(old), "--model_dir", model_dir, "--settings", str(given)])
    assert json.loads((tmp_path / "model/model.json").read_text())["preprocessing"] == settings._asdict()
    predict.main(["--data_dir", str(new), "--model_dir", model_dir, "--output_dir", str(out)])
    found = pd.read_csv(out / "new.csv.out", header=None).to_numpy()
    features = preprocess.features(spectra_of(lab)[45:], settings)
    model = train.model_fn(model_dir)
    np.testing.assert_allclose(found, model.predict(features), rtol=1e-12)
    score.main(
        ["--actual", str(new), "--predicted", str(out / "new.csv.out"), "--output", str(tmp_path / "s.txt")]
    )

    # the step writes the same features, from options as from the model
    table = tmp_path / "features.csv"
    command = [sys.executable, str(ROOT / "preprocess.py"), "--input", str(new), "--output", str(table)]
    texts = []
    for more in (
        ["--settings", f"{model_dir}/model.json"],
        ["--range", settings.range, "--window", str(settings.window), "--treatment", settings.treatment],
    ):
        subprocess.run([*command, *more], check=True, capture_output=True)
        texts.append(table.read_text())
    assert texts[0] == texts[1]

    def served(text):
        return train.predict_fn(train.input_fn(text, "text/csv"), model)

    np.testing.assert_allclose(served(texts[0]), found, rtol=1e-12)
    bare = "\n".join(line.split(",", 1)[1] for line in texts[0].splitlines()[1:])
    np.testing.assert_allclose(served(bare), found, rtol=1e-12)
    subprocess.run(command, check=True, capture_output=True)  # the challenge's settings
    refused = served(table.read_text())
    assert isinstance(refused, DataError)
    assert "found features of other settings, the challenge's settings" in str(refused) and str(
        settings
    ) in str(refused)
    assert "\n" not in str(refused)
    # and a model of the challenge's settings refuses these
    train.main(["--data_dir", str(old), "--model_dir", str(tmp_path / "usual")])
    usual = train.model_fn(str(tmp_path / "usual"))
    refused = train.predict_fn(train.input_fn(texts[0], "text/csv"), usual)
    assert f"found features of other settings, {settings}" in str(refused)


def test_tables_stored_with_other_settings_are_stored_anew(lab, tmp_path):
    path, cache = str(write(lab, tmp_path / "lab.csv")), str(tmp_path / "cache")
    os.mkdir(cache)
    for settings in (SETTINGS, OTHERS[1], OTHERS[3], SETTINGS):
        kept = describe(store(cache, path, settings=settings))
        assert kept["features"] == preprocess.window_names(list(spectra_of(lab)), settings)
    before = os.stat(f"{cache}/lab.csv/rows.f8").st_mtime_ns
    assert os.stat(f"{store(cache, path)}/rows.f8").st_mtime_ns == before


def test_a_body_of_other_limits_is_read_by_the_models_settings(lab):
    """A feature of raw spectra may be above 7, and is then no name of a header."""
    settings = Settings("0:-300", 7, "none")
    features = preprocess.features(100 * spectra_of(lab), settings)
    table = preprocess.Table(features, lab[["SiteID"]], lab[["Ca"]])
    model = train.fit(table)
    train.served[:] = model.feature_names_in_
    text = features.to_csv(header=False, index=False)
    assert features.to_numpy().min() > 7
    np.testing.assert_allclose(
        train.predict_fn(Body(text, "text/csv"), model)[:, 0], model.predict(features)[:, 0]
    )


def test_where_the_platform_trains_only_the_line_in_preprocess_counts(lab, tmp_path, monkeypatch):
    path = str(write(lab, tmp_path / "lab.csv"))
    monkeypatch.setenv("SM_CHANNEL_TRAINING", path)
    call = ["--data_dir", path, "--model_dir", str(tmp_path / "model"), "--treatment", "snv"]
    with pytest.raises(
        DataError, match="found treatment=snv where the platform trains, expected the challenge's"
    ) as found:
        train.main(call)
    assert "tools.tune --apply" in str(found.value) and not (tmp_path / "model").exists()
    train.main(call[:-2])
