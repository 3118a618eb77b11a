"""All that a page tells of: a file read, cross-validated and fitted."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

import preprocess
import recore.parquet
import train
from recore.channels import numbers, positions
from recore.settings import settings_of
from tools import spectra
from tools.demo_data.files import NOT_MEASURED
from tools.report.figures.style import site_colours
from tools.spectra import in_percent, read_spectra, windows_of
from tools.trust.coverage import held_out_bounds, plans
from tools.validate.cross_validation import cross_validate, learning_curve, quiet
from tools.validate.folds import schemes, told_targets
from tools.validate.measures import measure_table

DEMO = (
    "synthetic spectra of python -m tools.demo_data: no instrument measured them, no laboratory assayed them"
)
UNKNOWN = "not stated"
FIRST = 50  # rows that tell absorbance from % reflectance


class Study(NamedTuple):
    """All that a page tells of, computed."""

    name: str  # of the file
    source: str
    command: str
    group: str  # id column of the sites
    channels: list  # names, in file order
    percent: bool  # whether the spectra are % reflectance: no absorbance is that large
    table: preprocess.Table
    targets: pd.DataFrame  # (n_rows, n_targets), those with enough assays
    plan: dict  # of validate.schemes
    predictions: dict  # {scheme: (n_repeats, n_rows, n_targets)}
    measures: pd.DataFrame  # of validate.measure_table, by scheme and target
    curve: pd.DataFrame  # of validate.learning_curve
    models: dict  # fitted to all rows, {how alpha was chosen: ZeroClippedRidgeCV}
    trusted: dict  # {of `plans`: (bounds (4, n_rows, n_targets), applicability)}, one repeat

    @property
    def schemes(self):
        """The names of what is held out, without the one whose alpha is by site as well."""
        return [name for name, (_, sites) in self.plan.items() if sites is None]

    @property
    def hardest(self):
        """By site where there are sites."""
        return self.schemes[-1]

    @property
    def numbered(self):
        """Whether the channels are named by numbers."""
        return numbers(self.channels) is not None

    @property
    def axis(self):
        """Of each feature the middle of its window, in wavenumbers or else in channels counted from 1; (n_features,)."""
        if self.numbered:
            return positions(self.table.features)
        first, last = windows_of(self.settings, self.channels)
        return (first + last) / 2 + 1

    @property
    def scaled(self):
        """Spectra as the model sees them, a window's mean instead of its sum; (n_rows, n_features)."""
        first, last = windows_of(self.settings, self.channels)
        return self.table.features.to_numpy() / (last - first + 1)

    @property
    def settings(self):
        """How spectra became features."""
        return settings_of(list(self.table.features))

    @property
    def sites(self):
        """Names, sorted, and the number of each row's site; None without sites."""
        if self.group not in self.table.ids:
            return None
        return np.unique(self.table.ids[self.group].to_numpy(), return_inverse=True)

    @property
    def site_colours(self):
        """(n_sites, 4) where there are sites, else one colour."""
        return site_colours(["all"] if self.sites is None else self.sites[0])

    @property
    def colours(self):
        """Of each row its site's, (n_rows, 4)."""
        return self.site_colours[np.zeros(len(self.targets), int) if self.sites is None else self.sites[1]]

    @property
    def ends(self):
        """Depths of both ends of each sample, as far as they are known; a DataFrame."""
        columns = [name for name in ("DepthFrom", "DepthTo") if name in self.table.ids]
        return self.table.ids[columns].apply(pd.to_numeric, errors="coerce")

    @property
    def depth(self):
        """The middle of each sample, (n_rows,); None without numbers for it."""
        depth = self.ends.mean(axis=1).to_numpy()
        return None if np.isnan(depth).all() else depth

    def of(self, measure, scheme):
        """A measure of each target, (n_targets,)."""
        return self.measures.loc[scheme].loc[list(self.targets), measure].to_numpy()

    def mean(self, scheme):
        """Predictions of each row, averaged over the repeats; (n_rows, n_targets)."""
        return self.predictions[scheme].mean(axis=0)

    def errors(self, scheme):
        """Predicted less measured in standard deviations of each target; NaN without an assay."""
        actual = self.targets.to_numpy()
        spread = np.nanstd(actual, axis=0, ddof=1)
        return (self.mean(scheme) - actual) / np.where(spread > 0, spread, np.nan)


def source_of(path):
    """Where a file says that its spectra come from: only that of demo_data does."""
    path = preprocess.find_table(path)
    if path.endswith(".parquet"):
        told = recore.parquet.pyarrow_parquet().read_schema(path).metadata or {}
        origin = told.get(b"origin", b"")
    else:
        with open(path, "rb") as file:
            origin = file.read(200)
    return DEMO if NOT_MEASURED.encode() in origin else UNKNOWN


def study_of(arguments, command):
    """Read a file, cross-validate, fit; a Study."""
    table = spectra.read_table(arguments.file, arguments)
    first = read_spectra(arguments.file, rows=FIRST)
    plan = schemes(table, arguments)
    targets = told_targets(table.targets, plan)
    X = table.features.to_numpy()
    Y, jobs = targets.to_numpy(), arguments.jobs
    predictions = cross_validate(X, Y, plan, jobs)
    trusted = {
        name: held_out_bounds(X, Y, folds, groups=groups, jobs=jobs, label=f"bounds, {name}")[:2]
        for name, (folds, groups) in plans(plan).items()
    }
    return Study(
        Path(preprocess.find_table(arguments.file)).name,
        arguments.source or source_of(arguments.file),
        command,
        arguments.group,
        list(first),
        in_percent(first),
        table,
        targets,
        plan,
        predictions,
        measure_table(targets, predictions).set_index(["held out by", "target"]),
        learning_curve(X, targets, plan, jobs),
        fitted(table._replace(targets=targets), arguments.group),
        trusted,
    )


def fitted(table, group):
    """The model fitted to all rows, alpha chosen by row and, where there are sites, by site."""
    try:
        with quiet():  # the page shows the grid's edges itself
            models = {"row": train.fit(table)}
            if group in table.ids:
                models["site"] = train.fit(table, group)
    except ValueError as error:  # a target that one site alone has
        raise preprocess.DataError("", str(error)) from None
    return models
