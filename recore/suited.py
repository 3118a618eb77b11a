"""Whether features suit a method: what `mdl`'s estimators refuse, by the names that people know rows by."""

from preprocess import DataError
from recore.views import FLAT, flat_rows


def check_suited(kind, values, where):
    """Raise a DataError where a class of `mdl` cannot be fitted to features (n, p); `where(row)` names a row."""
    if values.shape[1] < kind.least_features:
        found = f"found {values.shape[1]} feature"
        raise DataError(
            "", found, f"{kind.least_features} or more, which have a slope", "take --method ridge"
        )
    if kind.further:
        check_varied(values, where)


def check_varied(values, where):
    """Raise a DataError for the first row of features that has no standard normal variate."""
    for row in flat_rows(values)[:1]:
        found, expected, remedy = FLAT
        raise DataError(where(row), f"found {found}", expected, remedy)


def by_index(index):
    """The words for a row of a table."""
    return lambda row: f"index {index[row]}"
