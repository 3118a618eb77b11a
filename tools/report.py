"""How good is the model on the next drill hole, and why believe it: one page to show.

    python -m tools.report data/public/public.csv.gz            # reports/public/report.html
    python -m tools.report soil.csv --source "our 2024 survey"  # says where the spectra come from
    python -m tools.report --figure docs/overview.png           # only the README's figure

The page is one file that asks for nothing else: to be read in a browser, on a phone, or printed.
Folds, held-out predictions and measures are those of tools/validate; tools/report_sections.py
says what stands where, tools/report_figures.py draws and tools/report.html.j2 lays out.
"""

import shlex
import sys
from pathlib import Path
from typing import NamedTuple

import jinja2
import numpy as np
import pandas as pd
from joblib import delayed
from matplotlib.colors import to_hex

import preprocess
import train
from tools import report_figures as draw
from tools import report_sections as told
from tools.output import plus_minus, report_folder
from tools.spectra import in_percent, read_spectra
from tools.trust.coverage import held_out_bounds, plans
from tools.validate.cross_validation import cross_validate, in_turn, learning_curve, quiet
from tools.validate.folds import arguments_of, fold_parser, schemes, usable
from tools.validate.measures import OVERALL, measure_table

TEMPLATE = "report.html.j2"
DEMO_NAME = b"synthetic-spectra-not-from-an-instrument"  # what demo_data puts into its files
DEMO = (
    "synthetic spectra of python -m tools.demo_data: no instrument measured them, no laboratory assayed them"
)
UNKNOWN = "not stated"
FIRST = 50  # rows that tell absorbance from % reflectance
README_TARGETS = ("AlPPM", "CuPPM")  # one that the spectrum shows directly, one by the minerals around it


# --- what is known ------------------------------------------------------------------


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
    trusted: dict  # {of `plans`: (bounds (3, n_rows, n_targets), applicability)}, one repeat

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
        return all(preprocess.number(name) is not None for name in self.channels)

    @property
    def axis(self):
        """Wavenumber of each feature, or its middle channel's number; (n_features,)."""
        if self.numbered:
            return np.array([preprocess.number(name) for name in self.table.features])
        places = {name: place for place, name in enumerate(self.channels, 1)}
        return np.array([places[name] for name in self.table.features], dtype=float)

    @property
    def scaled(self):
        """Spectra as the model sees them, a window's mean instead of its sum; (n_rows, n_features)."""
        windows = np.add.reduceat(
            np.ones(len(self.channels)), np.arange(0, len(self.channels), preprocess.WINDOW)
        )
        return self.table.features.to_numpy() / windows

    @property
    def sites(self):
        """Names, sorted, and the number of each row's site; None without sites."""
        if self.group not in self.table.ids:
            return None
        return np.unique(self.table.ids[self.group].to_numpy(), return_inverse=True)

    @property
    def site_colours(self):
        """(n_sites, 4) where there are sites, else one colour."""
        return draw.site_colours(["all"] if self.sites is None else self.sites[0])

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
        origin = preprocess.pyarrow_parquet().read_schema(path).metadata.get(b"origin", b"")
    else:
        with open(path, "rb") as file:
            origin = file.read(200)
    return DEMO if DEMO_NAME in origin else UNKNOWN


def study_of(arguments, command):
    """Read a file, cross-validate, fit; a Study."""
    table = preprocess.read_table(arguments.file)
    first = read_spectra(arguments.file, rows=FIRST)
    targets = usable(table.targets, arguments.folds)
    plan = schemes(table, arguments)
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
        raise preprocess.DataError(str(error)) from None
    return models


# --- the page -----------------------------------------------------------------------


def legend(study):
    """What the sites' colours mean: (name, colour) of a few, of many the first and the last."""
    if study.sites is None:
        return None
    names, colours = study.sites[0], map(to_hex, study.site_colours)
    sites = list(zip(names, colours, strict=True))
    return {"few": len(names) <= len(draw.FEW_SITES), "group": study.group, "sites": sites}


def drawn(sections, jobs):
    """The figures of all sections as SVG, {key of a Card: text}, drawn in `jobs` processes."""
    cards = [card for section in sections for card in (*section.cards, *section.more)]
    found = in_turn((delayed(card.svg)() for card in cards), len(cards), jobs, "figures")
    return {card.key: svg for card, svg in zip(cards, found, strict=True)}


def page(study, jobs):
    """The page, as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections = [section(study) for section in told.SECTIONS]
    return environment.get_template(TEMPLATE).render(
        study=study,
        synthetic=study.source.startswith("synthetic"),
        answer=told.answer(study),
        sections=sections,
        drawn=drawn(sections, jobs),
        legend=legend(study),
        means=told.MEANS,
        nice=told.NICE,
        half=told.half_text,
    )


def readme_figure(study):
    """The README's figure: spectra, and two targets on sites never seen."""
    names = [name for name in README_TARGETS if name in study.targets] or list(study.targets)[:2]
    panels = {}
    for name in names:
        r2 = told.r2_text(study.measures.loc[(study.hardest, name), "R2"])
        place = list(study.targets).index(name)
        title = f"out: {name}, held out {told.by(study.hardest)}, R² {r2}"
        panels[title] = study.targets[name].to_numpy(), study.mean(study.hardest)[:, place]
    shown = np.linspace(0, len(study.targets) - 1, len(draw.FEW_SITES)).astype(int)
    return draw.overview(study.axis, study.scaled[shown], study.numbered, panels, study.colours, study.source)


def main(argv=None):
    parser = fold_parser(__doc__.splitlines()[0])
    parser.add_argument("--source", help="where the spectra come from (known for demo data)")
    parser.add_argument("--output", help="the page (reports/NAME/report.html)")
    parser.add_argument("--figure", help="draw only the README's figure, to this file")
    arguments = arguments_of(parser, argv)
    command = shlex.join(["python", "-m", "tools.report", *(sys.argv[1:] if argv is None else argv)])
    study = study_of(arguments, command)
    if arguments.figure:
        with preprocess.replacing(arguments.figure, "wb") as file:
            readme_figure(study).savefig(file, format="png", dpi=110)
        print(f"wrote {arguments.figure}")
        return
    output = Path(arguments.output or report_folder(arguments.file) / "report.html")
    text = page(study, arguments.jobs)
    with preprocess.replacing(output, "wb") as file:
        file.write(text.encode())
    for scheme in study.schemes:
        found = study.measures.loc[(scheme, OVERALL), ["R2", "R2 ±"]]
        print(f"mean R² {told.by(scheme)}: {plus_minus(*found)}")
    if study.source == UNKNOWN:
        print("the page says that the source is not stated; --source states it")
    print(f"wrote {output}, {len(text.encode()) / 1e6:.1f} MB")


if __name__ == "__main__":
    preprocess.run(main)
