"""tools/report/words.py: numbers and lists as they are read."""

import pytest

from tools.report.words import listed, plain, r2_text


@pytest.mark.parametrize(
    "value, text",
    [(12345.6, "12,346"), (0.0451234, "0.0451"), (-3.14159, "−3.14"), (0.0, "0"), (float("nan"), "–")],
)
def test_numbers_have_three_digits(value, text):
    assert plain(value) == text


def test_r2_has_a_true_minus_and_no_negative_zero():
    assert [r2_text(value) for value in (-0.456, -0.001)] == ["−0.46", "0.00"]


def test_long_lists_are_cut_and_counted():
    assert listed("abc") == "a, b and c"
    assert listed("abcdef", most=4) == "a, b, c and 3 more"
