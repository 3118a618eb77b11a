"""A file in the challenge's shape gives the same features whatever its channels are called and its values are.

Nobody has seen the challenge's file: what is odd in it is said, never refused.
"""

import string

import numpy as np
import pandas as pd
import pytest

import preprocess
import recore.tables
import score
from tests.conftest import write
from tests.tables import do

ROWS, CHANNELS = 24, 420
AXIS = 4000 - 4 * np.arange(CHANNELS)
RNG = np.random.default_rng(0)
SPECTRA = (1 + RNG.random((ROWS, CHANNELS)).cumsum(axis=1) / 50).round(5)
ASSAYS = RNG.gamma(2, 9, (ROWS, len(preprocess.TARGETS))).round(3)
NAMES = {
    "a1": [f"a{k + 1}" for k in range(CHANNELS)],
    "b0": [f"b{k}" for k in range(CHANNELS)],
    "V17": [f"V{k + 17}" for k in range(CHANNELS)],
    "chan 1": [f"chan {k + 1}" for k in range(CHANNELS)],
    "counted by plain numbers": [str(k) for k in range(CHANNELS)],
    "numbers": [f"{name:.1f}" for name in AXIS],
    "numbers with a text": [f"wn {name:.1f}" for name in AXIS],
    "numbers as R has them": [f"X{name}" for name in AXIS],
    "numbers in no order": [f"q{name}" for name in RNG.permutation(AXIS)],
    "letters": ["".join(string.ascii_lowercase[int(digit)] for digit in f"{k:03d}") for k in range(CHANNELS)],
    "two kinds": [f"a{k}" for k in range(CHANNELS - 100)] + [f"b{k}" for k in range(100)],
    "two kinds of numbers": [f"wn{4000 - k}" for k in range(CHANNELS - 100)]
    + [f"tail{k}" for k in range(100)],
}


def features_of(spectra):
    """The arithmetic, spectrum by spectrum."""
    rows = []
    for spectrum in spectra:
        used = spectrum[:-300]
        scaled = np.clip(spectrum, used.min(), used.max()) / used.max()
        rows.append([scaled[first : first + 7].sum() for first in range(0, len(scaled), 7)])
    return np.array(rows)


def challenge(names, spectra=SPECTRA, assays=ASSAYS):
    """A table in the challenge's shape, without assays a private one."""
    depth = np.arange(ROWS)
    ids = pd.DataFrame({"DepthTo": depth + 1, "SiteID": depth // 4, "DepthFrom": depth})
    parts = [ids, pd.DataFrame(spectra, columns=names)]
    return pd.concat(
        parts + ([] if assays is None else [pd.DataFrame(assays, columns=preprocess.TARGETS)]), axis=1
    )


def read(table, path):
    return recore.tables.read_table(str(write(table, path)))


@pytest.mark.parametrize("kind", NAMES)
def test_features_are_those_of_the_arithmetic_whatever_channels_are_called(kind, tmp_path):
    names = NAMES[kind]
    for assays in (ASSAYS, None):
        found = read(challenge(names, assays=assays), tmp_path / "public.csv")
        np.testing.assert_allclose(found.features, features_of(SPECTRA), rtol=1e-9)
        assert len(found.channels) == CHANNELS
        assert list(found.ids) == ["DepthTo", "SiteID", "DepthFrom"]
        assert list(found.targets) == ([] if assays is None else list(preprocess.TARGETS))
    plain = kind.startswith("numbers") and "no order" not in kind
    expected = [f"{name:g}" for name in AXIS] if plain else [name.lstrip("V") for name in names]
    assert list(found.channels) == expected
    assert found.features.columns[1] == f"{expected[7]}:{expected[13]}"


@pytest.mark.parametrize("kind", ["a1", "numbers", "letters"])
@pytest.mark.parametrize("noise", [-50, -1e6, 1e6])
def test_noise_of_any_size_in_the_last_300_channels_counts_as_little_as_its_clipping_lets_it(
    kind, noise, tmp_path
):
    spectra = SPECTRA.copy()
    spectra[:, -300:] = noise * SPECTRA.max() * RNG.random((ROWS, 300)).round(6)
    for assays in (ASSAYS, None):
        found = read(challenge(NAMES[kind], spectra, assays), tmp_path / "public.csv")
        np.testing.assert_allclose(found.features, features_of(spectra), rtol=1e-9)


def test_assays_that_are_odd_are_learnt_as_they_stand_and_said(tmp_path, caplog):
    """Negative, a code, all the same, counting rows, a copy: refused nowhere, as the 49 are asked for."""
    caplog.set_level("INFO")
    table = challenge(NAMES["a1"])
    table["CuPPM"] *= -1
    table["AuPPM"], table["ZnPPM"], table["NiPPM"] = 0.7, np.arange(ROWS), table["AgPPM"]
    table.loc[3, "CoPPM"] = -9999
    path = write(table, tmp_path / "public.csv")
    found = recore.tables.read_table(str(path))
    np.testing.assert_allclose(found.features, features_of(SPECTRA), rtol=1e-9)
    np.testing.assert_array_equal(found.targets, table[list(preprocess.TARGETS)])
    assert f"found {ROWS} negative assays of CuPPM" in caplog.text
    assert "found 1 values that are codes for gaps (public.csv, line 5, column 'CoPPM': -9999)" in caplog.text
    do("train", "--data_dir", path, "--model_dir", tmp_path / "model")
    do("predict", "--data_dir", path, "--model_dir", tmp_path / "model", "--output_dir", tmp_path)
    score.main(["--actual", str(path), "--predicted", str(tmp_path), "--output", str(tmp_path / "score.txt")])
    assert "targets: the challenge's 49" in caplog.text and float((tmp_path / "score.txt").read_text()) < 1.01


@pytest.mark.parametrize("value", [-9999, -999, -99])
def test_codes_in_spectra_are_said_and_not_refused(value, tmp_path, caplog):
    caplog.set_level("INFO")
    for assays in (ASSAYS, None):
        spectra = SPECTRA.copy()
        spectra[:, 300], spectra[5, 2] = value, value
        found = read(challenge(NAMES["a1"], spectra, assays), tmp_path / "public.csv")
        np.testing.assert_allclose(found.features, features_of(spectra), rtol=1e-9)
    assert caplog.text.count(f"found {ROWS} values that are codes for gaps") == 2
    assert caplog.text.count("found 1 spectra further below zero than above (public.csv, line 7)") == 2


@pytest.mark.parametrize("kind", ["a1", "letters", "two kinds", "numbers"])
def test_a_further_column_beside_the_49_is_what_it_was(kind, tmp_path):
    """A numeric one is a channel where channels have no numbers, as nothing tells it from one; text is an id."""
    for place in (3, 100, CHANNELS + 3):
        table = challenge(NAMES[kind])
        table.insert(place, "further", RNG.random(ROWS).round(4))
        found = read(table, tmp_path / "public.csv")
        spectra = (
            SPECTRA
            if kind == "numbers"
            else np.insert(SPECTRA, min(place, CHANNELS + 3) - 3, table["further"], axis=1)
        )
        np.testing.assert_allclose(found.features, features_of(spectra), rtol=1e-9)
        assert ("further" in found.ids) == (kind == "numbers")
    table = challenge(NAMES[kind]).assign(**{"CuPPM.1": ASSAYS[:, 7], "Hole": "A"})
    assert "Hole" in read(table, tmp_path / "public.csv").ids
