"""Values that cannot be meant, in a laboratory's own table and in one of the challenge's shape."""

import numpy as np
import pandas as pd
import pytest

import preprocess
import recore.tables
from preprocess import DataError
from recore import impossible
from tests.conftest import channels_of, make_table, write
from tests.tables import soil


def read(table, path, **how):
    return recore.tables.read_table(str(write(table, path)), recore.tables.Reading(**how))


@pytest.mark.parametrize("code", [-99, -999, -9999, -999.25, -32768, -1e31, -1.5e38])
def test_codes_in_an_own_table_are_errors_with_their_place_and_said_in_the_challenges(code, tmp_path, caplog):
    caplog.set_level("INFO")
    own, challenge = soil(), make_table()
    channel = channels_of(own)[30]
    own.loc[own.index[[3, 7]], "clay"] = code
    own.loc[own.index[5], channel] = code
    with pytest.raises(DataError) as caught:
        read(own, tmp_path / "own.csv")
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    for place in ("line 5, column 'clay'", "line 9, column 'clay'", f"line 7, column {channel!r}"):
        assert sum(place in line and f"found {code:g}, a code for a gap" in line for line in lines) == 1
    challenge.loc[challenge.index[3], "CuPPM"] = code
    found = read(challenge, tmp_path / "public.csv")
    assert found.targets["CuPPM"].iloc[3] == pytest.approx(code, rel=1e-15)
    assert "public.csv: found 1 values that are codes for gaps" in caplog.text
    assert "line 5, column 'CuPPM'" in caplog.text


def test_a_code_that_the_other_assays_of_its_column_reach_is_an_assay(tmp_path, caplog):
    """Isotopes are negative: -99 per mille is no code among -150 to -40."""
    caplog.set_level("INFO")
    own = soil()
    own["dD"] = np.linspace(-150, -40, len(own)).round(2)
    own.loc[own.index[4], "dD"] = -99
    assert list(read(own, tmp_path / "own.csv").targets) == ["Ca", "clay", "dD"]
    assert f"own.csv: found {len(own)} negative assays of dD (own.csv, line 2: -150)" in caplog.text


def test_spectra_far_below_zero_are_told_by_their_range_and_noise_behind_it_is_not(tmp_path, caplog):
    caplog.set_level("INFO")
    own = soil()
    channels = channels_of(own)
    own.loc[own.index[3], channels[5]] = -3 * own[channels].to_numpy().max()
    own[channels[-300:]] = -50 * own[channels].to_numpy().max()
    read(own, tmp_path / "own.csv")
    assert "own.csv: found 1 spectra further below zero than above (own.csv, line 5)" in caplog.text


def test_a_table_on_its_side_stops_and_one_with_an_even_depth_does_not(tmp_path):
    axis, rng = 4000 - 4.0 * np.arange(420), np.random.default_rng(0)
    spectra = 1 + rng.gamma(3, 1, (400, 3)) @ np.exp(-(((axis - [[3800], [3000], [2500]]) / 150) ** 2))
    spectra += 0.001 * rng.normal(size=spectra.shape)
    names = [
        [f"{name:g}" for name in axis],
        [str(1001 + k) for k in range(400)],
        [f"S{k}" for k in range(400)],
    ]
    upright = pd.DataFrame(spectra, columns=names[0]).assign(
        depth=np.arange(400) * 0.5, Clay=rng.gamma(2, 9, 400)
    )
    assert set(read(upright, tmp_path / "upright.csv").targets) == {"depth", "Clay"}
    for samples in names[1:]:
        for index in (True, False):
            lying = pd.DataFrame(spectra.T, columns=samples)
            lying.insert(0, "wavenumber", axis)
            lying = lying.set_index("wavenumber") if index else lying
            with pytest.raises(DataError, match="looks the other way round"):
                read(lying, tmp_path / "lying.csv")


def test_an_even_column_is_one_whose_steps_are_the_same():
    assert impossible.is_even(list(map(str, range(4000, 600, -4))))
    assert impossible.is_even(np.linspace(4000, 600, 1700).round(1))
    assert not impossible.is_even(np.arange(10.0))  # too few
    assert not impossible.is_even(np.random.default_rng(0).gamma(2, 10, 48))
    assert not impossible.is_even(["S%d" % k for k in range(48)])
    assert not impossible.is_even([1.0] * 48) and not impossible.is_even([*range(47), np.nan])


def test_everything_that_is_wrong_is_told_at_once_and_how_much_more(tmp_path, monkeypatch):
    monkeypatch.setattr(preprocess, "BLOCK_BYTES", 1 << 14)  # a few rows a block
    own = soil().astype({"clay": object, "Ca": object})
    own.loc[own.index[2], "clay"], own.loc[own.index[40], "Ca"] = "<0.01", "n.d."
    own.loc[own.index[20], channels_of(own)[0]] = np.nan
    own.loc[own.index[30], "clay"] = -9999
    own.loc[own.index[31], "clay"] = np.inf
    lines = write(own, tmp_path / "own.csv").read_text().splitlines()
    lines[10] += ",1"
    (tmp_path / "own.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError) as caught:
        recore.tables.read_table(str(tmp_path / "own.csv"))
    said = str(caught.value).splitlines()
    places = ["line 4,", "line 11:", "line 22,", "line 32,", "line 33,", "line 42,"]
    assert len(said) == 6 and all(place in line for place, line in zip(places, said))
    own["clay"] = "low"
    with pytest.raises(DataError) as caught:
        read(
            own.assign(Ca="low", clay=["low", *[1.5] * 46, "low"]),
            tmp_path / "own.csv",
            targets=["Ca", "clay"],
        )
    said = str(caught.value).splitlines()
    assert len(said) == 11 and said[-1] == "and 41 more"
