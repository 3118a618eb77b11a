"""tools/report/words.py: numbers and lists as they are read."""

import pytest

from tools.report.words import listed, marked_text, plain, r2_text


@pytest.mark.parametrize(
    "value, text",
    [
        (12345.6, "12,346"),
        (0.0451234, "0.0451"),
        (-3.14159, "−3.14"),
        (0.0, "0"),
        (float("nan"), "–"),
        (8.389e-9, "8.39e−9"),
        (-2.4e12, "−2.40e12"),
    ],
)
def test_numbers_have_three_digits(value, text):
    assert plain(value) == text


def test_r2_has_a_true_minus_and_no_negative_zero():
    assert [r2_text(value) for value in (-0.456, -0.001, -1e6)] == ["−0.46", "0.00", "< −10"]


def test_r2_below_a_mark_is_not_shown_as_the_mark():
    assert [marked_text(value) for value in (0.7463, 0.7561, 0.4996, -0.2)] == [
        "0.746",
        "0.76",
        "0.499",
        "−0.20",
    ]


def test_long_lists_are_cut_and_counted():
    assert listed("abc") == "a, b and c"
    assert listed("abcdef", most=4) == "a, b, c and 3 more"
