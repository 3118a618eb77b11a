"""All that a page tells of: a file read, cross-validated and fitted."""

import hashlib
import pickle
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

import preprocess
import recore.parquet
import score
import train
from recore import figures
from recore.folds import FEW, FOLDS
from recore.settings import settings_of
from tools import spectra
from tools.demo_data.files import NOT_MEASURED
from tools.report.bands import read_bands
from tools.report.figures.style import site_styles
from tools.report.words import unit_of
from tools.spectra import in_percent, read_spectra
from tools.training_band import Scale
from tools.trust.coverage import held_out_bounds, plans
from tools.validate.cross_validation import cross_validate, learning_curve, quiet
from tools.validate.folds import schemes, told_targets, usable
from tools.validate.measures import measure_table
from tools.validate.methods import compared

DEMO = (
    "synthetic spectra of python -m tools.demo_data: no instrument measured them, no laboratory assayed them"
)
UNKNOWN = "not stated"
DRAWN = 200  # raw spectra
SUM = 12  # digits of a model's sha256 that a page shows


class Study(NamedTuple):
    """All that a page tells of, computed."""

    name: str  # of the file
    source: str
    command: str
    group: str  # id column of the sites
    channels: list  # names, in file order
    raw: np.ndarray  # (n_drawn, n_channels), spectra as they are
    drawn: np.ndarray  # (n_drawn,), their rows
    bands: pd.DataFrame  # of tools.report.bands, that may be named
    percent: bool  # whether the spectra are % reflectance: no absorbance is that large
    table: preprocess.Table
    targets: pd.DataFrame  # (n_rows, n_targets), those with enough assays
    plan: dict  # of validate.schemes
    predictions: dict  # {scheme: (n_repeats, n_rows, n_targets)}
    measures: pd.DataFrame  # of validate.measure_table, by scheme and target
    spans: dict  # of `spans_of`, {scheme: (n_targets, 2)}, without the one whose alpha is by site as well
    curve: pd.DataFrame  # of validate.learning_curve
    method: str  # of mdl.METHODS
    methods: (
        pd.DataFrame | None
    )  # of validate.methods, all on the same folds; None of many rows, which take long
    models: dict  # fitted to all rows, {how alpha was chosen: a model of the method}
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
    def scale(self):
        """How features are drawn."""
        return Scale(list(self.table.features), self.channels)

    @property
    def numbered(self):
        """Whether the channels are named by numbers."""
        return self.scale.numbered

    @property
    def axis(self):
        """Of each feature the middle of its window, in wavenumbers or else in channels counted from 1; (n_features,)."""
        return self.scale.axis

    @property
    def scaled(self):
        """Spectra as the model sees them, a window's mean instead of its sum; (n_rows, n_features)."""
        return self.scale(self.table.features)

    @property
    def settings(self):
        """How spectra became features."""
        return settings_of(list(self.table.features))

    @property
    def sites(self):
        """Names, sorted, and the number of each row's site; None without sites."""
        return sites_of(self.table, self.group)

    @property
    def site(self):
        """The number of each row's site, 0 where there are none; (n_rows,)."""
        return np.zeros(len(self.targets), int) if self.sites is None else self.sites[1]

    @property
    def site_styles(self):
        """Colours, shapes and which sites are told apart, see `site_styles`: of too many the hardest."""
        if self.sites is None:
            return site_styles(1, [0])
        return site_styles(len(self.sites[0]), np.argsort(-self.site_errors))

    @property
    def colours(self):
        """Of each row its site's, (n_rows, 4)."""
        return self.site_styles[0][self.site]

    @property
    def shapes(self):
        """Of each site its marker."""
        return self.site_styles[1]

    @property
    def site_errors(self):
        """Root mean square error of each site over its rows and targets, in standard deviations; (n_sites,)."""
        squares = pd.DataFrame(self.errors(self.hardest) ** 2)
        return np.sqrt(squares.groupby(self.site).mean().mean(axis=1).to_numpy())

    @property
    def official(self):
        """Whether the targets are the challenge's."""
        return list(self.targets) == list(score.WEIGHTS)

    @property
    def noun(self):
        """What a target is called."""
        return "element" if self.official else "target"

    @property
    def unit(self):
        """What a group of rows is called: a site, a drill hole, or as its column is; None without groups."""
        return None if self.sites is None else unit_of(self.group, self.official)

    @property
    def new(self):
        """What the hardest figures are of: 'new drill hole', 'new sample'."""
        return f"new {self.unit if self.hardest == 'site' else 'sample'}"

    @property
    def sums(self):
        """sha256 of the model file that train.py makes of this file, {how alpha was chosen: digits}."""
        pickled = {name: pickle.dumps(model, protocol=4) for name, model in self.models.items()}
        return {name: hashlib.sha256(each).hexdigest()[:SUM] for name, each in pickled.items()}

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

    @property
    def scores(self):
        """Of each row its place on the two axes along which the spectra differ most, (n_rows, 2); and their shares."""
        model = self.models["row"]
        first = np.argsort(-model.eigenvalues_)[:2]
        scores = (self.table.features.to_numpy() - model.x_mean_) @ model.axes_[first].T
        shares = model.eigenvalues_[first] / model.eigenvalues_.sum()
        missing = 2 - len(first)  # of spectra that differ along one axis only
        return np.pad(scores, ((0, 0), (0, missing))), np.pad(shares, (0, missing))

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

    def by(self, scheme):
        """'by row', 'by drill hole', 'on given folds'."""
        return (
            "on given folds"
            if scheme.startswith("given")
            else f"by {scheme.replace('site', self.unit or '')}"
        )


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
    raw = read_spectra(arguments.file, named=arguments)
    drawn = np.unique(np.linspace(0, len(raw) - 1, DRAWN).astype(int))
    plan = schemes(table, arguments)
    targets = told_targets(table.targets, plan)
    X = table.features.to_numpy()
    Y, jobs, method = targets.to_numpy(), arguments.jobs, arguments.method
    predictions = cross_validate(X, Y, plan, jobs, method)
    trusted = {
        name: held_out_bounds(X, Y, folds, groups=groups, jobs=jobs, label=f"bounds, {name}", method=method)[
            :2
        ]
        for name, (folds, groups) in plans(plan).items()
    }
    return Study(
        Path(preprocess.find_table(arguments.file)).name,
        arguments.source or source_of(arguments.file),
        command,
        arguments.group,
        list(raw),
        raw.to_numpy()[drawn],
        drawn,
        read_bands(arguments.bands),
        in_percent(raw),
        table,
        targets,
        plan,
        predictions,
        measure_table(targets, predictions).set_index(["held out by", "target"]),
        {
            name: spans_of(Y, name, folds, predictions[name], sites_of(table, arguments.group))
            for name, (folds, sites) in plan.items()
            if sites is None
        },
        learning_curve(X, targets, plan, jobs, method),
        method,
        methods_of(X, targets, plan, arguments, raw),
        fitted(table._replace(targets=targets), arguments.group, method),
        trusted,
    )


def methods_of(X, targets, plan, arguments, raw):
    """The table of all methods on the folds of a plan, with other models for --peers; None of more than FEW rows."""
    if len(X) > FEW and not arguments.peers:
        return None
    if arguments.peers:
        targets = usable(targets, arguments.folds or FOLDS)
    return compared(X, targets, plan, arguments.jobs, raw if arguments.peers else None)


def sites_of(table, group):
    """Names of sites, sorted, and the number of each row's; None without sites."""
    return np.unique(table.ids[group].to_numpy(), return_inverse=True) if group in table.ids else None


def spans_of(Y, scheme, folds, predicted, sites):
    """Between what R² of each target lies nine times in ten, had other rows or sites been there; (n_targets, 2).

    As `recore.figures.interval_of` finds it for the mean over targets; NaN of too few.
    """
    units = sites[1] if scheme == "site" else np.arange(len(Y))
    found = np.full((Y.shape[1], 2), np.nan)
    for k in range(Y.shape[1]):
        known = ~np.isnan(Y[:, k])
        errors = predicted[:, known, k : k + 1] - Y[known, k : k + 1]
        one = figures.figure(scheme, scheme, folds[:, known], Y[known, k : k + 1], errors, units[known])
        found[k] = one.interval or np.nan
    return found


def fitted(table, group, method):
    """The model fitted to all rows, alpha chosen by row and, where there are sites, by site."""
    try:
        with quiet():  # the page shows the grid's edges itself
            models = {"row": train.fit(table, method=method)}
            if group in table.ids:
                models["site"] = train.fit(table, group, method=method)
    except ValueError as error:  # a target that one site alone has
        raise preprocess.DataError("", str(error)) from None
    return models
