"""Channels of a table on those of a model."""

import numpy as np
import pytest

from preprocess import DataError, split_columns
from recore import channels


def names(values):
    return ["%.10g" % value for value in values]


def layout_of(axis):
    return split_columns(["", "SiteID", *axis, "Clay"])


AXIS = names(4000 - 4.0 * np.arange(400))


def test_channels_in_other_words_are_the_same_and_others_name_the_first_that_differs():
    for found in (AXIS, [f"X{name}.0" for name in AXIS], [f"{name}.0 cm-1" for name in AXIS]):
        assert channels.arranged(layout_of(found), AXIS, "a.csv").channels == found
    moved = names(float(name) + 0.3 * (place % 7 != 3) for place, name in enumerate(AXIS))
    with pytest.raises(DataError, match=r"'4000\.3' in the place of '4000'"):
        channels.arranged(layout_of(moved), AXIS, "a.csv")
    with pytest.raises(
        DataError, match="399 channels from 3996 to 2404, step 4, first '3996' in the place of '4000'"
    ):
        channels.arranged(layout_of(AXIS[1:]), AXIS, "a.csv")
    with pytest.raises(DataError, match="first none in the place of '2404'"):
        channels.arranged(layout_of(AXIS[:-1]), AXIS, "a.csv")
    with pytest.raises(DataError, match="first '2400' in the place of none"):
        channels.arranged(layout_of([*AXIS, "2400"]), AXIS, "a.csv")


def test_an_axis_from_the_other_end_is_turned_with_its_columns(caplog):
    caplog.set_level("INFO")
    found = channels.arranged(layout_of([f"X{name}" for name in AXIS[::-1]]), AXIS, "a.csv")
    assert found.axis == AXIS and found.channels == [f"X{name}" for name in AXIS]
    assert "a.csv: its channels came the other way round" in caplog.text


def test_channels_without_numbers_are_matched_by_name():
    unnumbered = [f"band {chr(97 + k % 26)}{'x' * (k // 26)}" for k in range(400)]
    layout = split_columns(["", "SiteID", *np.random.default_rng(0).permutation(unnumbered)])
    assert channels.arranged(layout, unnumbered, "a.csv").channels == unnumbered
    other = ["another", *unnumbered[1:]]
    with pytest.raises(DataError, match="first 'another' in the place of 'band a'"):
        channels.arranged(split_columns(["", "SiteID", *other]), unnumbered, "a.csv")


def test_interpolation_is_exact_for_cubics_keeps_common_channels_and_rows_apart():
    """Of a polynomial of degree three the four channels around a point tell all."""
    rng = np.random.default_rng(1)
    axis = np.sort(rng.uniform(600, 4000, 500))
    wanted = rng.permutation(np.r_[rng.uniform(axis[0], axis[-1], 300), axis[[0, 7, -1]]])
    wanted = np.sort(wanted)[::-1]
    curves = [np.polynomial.Polynomial(rng.normal(size=4), domain=[600, 4000]) for _ in range(6)]
    spectra = np.array([curve(axis) for curve in curves])
    put = channels.Resampling(names(axis[::-1]), names(wanted), "a.csv")
    found = put(spectra[:, ::-1])
    np.testing.assert_allclose(found, [curve(wanted) for curve in curves], rtol=1e-6)
    exact = np.isin(wanted, axis)
    assert exact.sum() == 3
    np.testing.assert_allclose(found[:, exact][:, 0], spectra[:, -1], rtol=1e-9)
    for row in range(6):
        assert (put(np.asfortranarray(spectra[[row, 0], ::-1]))[0] == found[row]).all()


def test_nothing_is_extrapolated(caplog):
    caplog.set_level("INFO")
    half = names(4000 - 2.0 * np.arange(799))
    channels.Resampling(half, AXIS, "a.csv")
    assert "a.csv: interpolated, its channels up to 0 from the model's, steps 2 and 4" in caplog.text
    for short in (half[3:], half[:-3]):
        with pytest.raises(DataError, match=r"do not reach 2404 to 4000.*nothing is extrapolated"):
            channels.Resampling(short, AXIS, "a.csv")


def test_a_feature_lies_in_the_middle_of_its_window():
    assert channels.positions(["4000:3976", "3972:3948"]).tolist() == [3988, 3960]
    assert channels.positions(["a1:a7"]) is None
