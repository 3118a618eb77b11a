"""The sections of the page that tools/report.py makes: what each shows, and what to see in it.

    python -m tools.report data/public/public.csv.gz

A section is a function, Study -> Section; its place in SECTIONS is its place on the page. What a file
has no data for, its section says in one line.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Callable, NamedTuple

import numpy as np
import pandas as pd
from scipy.signal import find_peaks
from scipy.stats import spearmanr

import preprocess
import score
from tools import report_figures as draw
from tools.demo_data.optics import BANDS
from tools.trust.coverage import COVERAGE, coverage_table
from tools.validate.measures import MEASURES, OVERALL, mean_r2, official, over_repeats

GOOD, POOR = 0.8, 0.2  # R², from and under which a target is named in the answer
NAMED = 8  # targets in a sentence, at most
BEST, HEAVIEST = 7, 2  # targets shown first: by R², by weight in the official score
WORST = 6  # spectra
LINES = 17  # of a figure with a line a target
LOWEST_R2 = -1.0  # where the axis of R² ends
WORSE = 0.2  # R² by row less R² by site, from which a target is much worse on new sites
TOO_FLAT = 1.15  # slope of measured on predicted from which high values come out too low
DRIFT = 0.2  # rank correlation of error and depth
RISING = 0.01  # R² that the last quarter of the samples still brought
FLAGGED = 12  # spectra that are not "inside", listed
LOWEST_COVERAGE = 0.5  # where the axis of coverage ends
WIDEST = 5.0  # standard deviations, where the axis of widths ends
ALL_OF = 3.3  # standard deviations, in which 90 % of a normal distribution lie
FEW = 10  # sites, under which figures by site depend on them
BINS = 20
PROMINENT = 0.15  # of a peak's height in a correlation
STRONG = 0.1  # of a band in bands.csv; weaker ones are not marked
LANES = {  # kinds of bands, by what bands.csv calls their motion
    "O–H": "OH stretch|interlayer OH",
    "water": "water|HOH",
    "C–O": "CO3",
    "S–O": "SO4",
    "P–O": "PO4",
    "Si–O": "Si-O|O-Si-O|Al-O|Si-Al|Si-Si",
    "O–H bend": "OH bend",
    "metal–O": "Fe-O|Ti-O",
}


# --- words --------------------------------------------------------------------------


def plain(value, significant=3):
    """Three significant digits or more, thousands apart: 12,345, 0.0451."""
    if not np.isfinite(value):
        return "–"
    digits = 0 if value == 0 else max(0, significant - 1 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{min(digits, 8)}f}".replace("-", "−")


def r2_text(value):
    """'0.81', with a true minus."""
    return f"{round(value, 2) + 0:.2f}".replace("-", "−")  # + 0: no "−0.00"


def half_text(half, digits=3):
    """'± 0.004'; nothing where one repeat leaves no interval."""
    return "" if np.isnan(half) else f"± {max(half, 10.0**-digits):.{digits}f}"  # never "± 0.000"


def listed(names, most=NAMED):
    """'Ca, Na and Mg'; 'Ca, Na, … and 9 more'."""
    names = list(names)
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def counted(number, noun):
    """'1 site', '1,344 rows'."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def by(scheme):
    """'by row', 'on given folds'."""
    return "on given folds" if scheme.startswith("given") else f"by {scheme}"


# --- parts of a page ----------------------------------------------------------------


class Card(NamedTuple):
    """One figure, as wide as a phone, to be drawn."""

    key: str  # unique on the page
    title: str
    caption: str
    height: float  # inches
    how: Callable  # one of tools/report_figures.py
    arguments: tuple
    options: dict

    def svg(self):
        """Draw it; who cannot see it is told the caption."""
        alt = f"{self.title}: {self.caption}"
        return draw.svg(self.key, alt, self.height, self.how, *self.arguments, **self.options)


class Cell(NamedTuple):
    """One cell of a table."""

    text: str
    half: str = ""  # of an interval
    value: float = float("nan")  # to sort by
    path: str = ""  # of a histogram


class Table(NamedTuple):
    """Rows of Cells; the first of each is its name."""

    caption: str
    header: list  # (name, what it means) of each column
    rows: list


def card(key, title, caption, height, how, *arguments, **options):
    """A Card."""
    return Card(key, title, caption, height, how, arguments, options)


@dataclass
class Section:
    """One chapter of the page; what it has no data for, it says in `nothing`."""

    key: str
    title: str
    lead: list = field(default_factory=list)  # paragraphs: what to see
    cards: list = field(default_factory=list)
    more: list = field(default_factory=list)  # Cards behind a click on `more_title`
    more_title: str = ""
    table: Table = None
    nothing: list = field(default_factory=list)
    legend: bool = False  # of the sites' colours


def number(value, half=float("nan")):
    """A Cell of three digits, with its interval."""
    return Cell(plain(value), "" if np.isnan(half) else f"± {plain(half, 2)}", value)


def chosen(study):
    """Places of the targets to show first: the heaviest in the official score, then the best."""
    names, r2 = list(study.targets), study.of("R2", study.hardest)
    heavy = sorted((name for name in names if name in score.WEIGHTS), key=lambda name: -score.WEIGHTS[name])
    heavy = [names.index(name) for name in heavy[:HEAVIEST]] if names == list(score.WEIGHTS) else []
    varies = (study.targets.max() > study.targets.min()).to_numpy()
    best = [int(place) for place in np.argsort(-r2) if place not in heavy and varies[place]]
    return [*heavy, *best[:BEST]]


def lined(study, key, title, caption, order, how, series, *arguments, halves=(), **options):
    """Cards of a line a target, LINES in each, in a given order; `how` is `draw.rows` or like it."""
    names, cards = np.array(list(study.targets)), []
    parts = np.array_split(order, -(-len(order) // LINES))
    for k, part in enumerate(parts):
        shown = {name: values[part] for name, values in series.items()}
        bars = {name: half[part] for name, half in dict(halves).items()}
        heading = title + ", continued" * (k > 0), "Continued." if k else caption
        what = list(names[part]), shown, *arguments
        height = draw.rows_height(max(map(len, parts)))
        cards.append(card(f"{key}{k}", *heading, height, how, *what, halves=bars, **options))
    return cards


# --- the answer ---------------------------------------------------------------------


ASKS = {
    "row": "the next sample of a known site",
    "site": "the next site or drill hole",
    "site, α by site": "the next site, α chosen by site",
}


def answer(study):
    """What stands at the top: figures, sentences, reasons and facts; the hardest question first."""
    schemes = [study.hardest, *(name for name in study.plan if name != study.hardest)]
    return {
        "figures": [overall(study, scheme) for scheme in schemes],
        "sentences": sentences(study),
        "reasons": reasons(study),
        "facts": facts(study),
    }


def overall(study, scheme):
    """Mean R² and official score, each with half its interval, and what they are of."""
    predicted = study.predictions[scheme]
    scored = official(study.targets, predicted)
    shown = scheme in study.schemes
    return {
        "scheme": by(scheme),
        "colour": draw.VARIABLES[draw.SERIES[study.schemes.index(scheme)]] if shown else "muted",
        "asks": ASKS.get(scheme, "held out as the file of folds says"),
        "r2": over_repeats(mean_r2(study.targets.to_numpy(), predicted)),
        "official": None if scored is None else over_repeats(scored),
        "drawn": f"{len(predicted)} × {len(np.unique(study.plan[scheme][0][0]))} folds",
    }


def sentences(study):
    """The answer in words."""
    names, r2 = np.array(list(study.targets)), study.of("R2", study.hardest)
    order = np.argsort(-r2)
    good, poor = order[r2[order] >= GOOD], order[::-1][r2[order[::-1]] < POOR]
    where = "on a site that the model has not seen" if study.hardest == "site" else "on a new sample"
    which = (
        f": {listed(names[good])}" if len(good) else f"; the best is {names[order[0]]}, {r2_text(r2.max())}"
    )
    yield f"{len(good) or 'None'} of {counted(len(names), 'target')} {'reaches' if len(good) < 2 else 'reach'} R² {GOOD} {where}{which}."
    if len(poor):
        yield f"{len(poor)} stay under {POOR}, where the mean would do about as well: {listed(names[poor])}."
    if study.hardest == "site":
        rms = site_errors(study)
        yield (
            f"Site by site, the error (root mean square over targets, in standard deviations of each) is "
            f"{plain(np.median(rms), 2)} at the median of {len(rms)} sites, {plain(rms.min(), 2)} at the best and "
            f"{plain(rms.max(), 2)} at the worst, {study.group} {study.sites[0][rms.argmax()]}."
        )


def reasons(study):
    """Why to believe it, and how far."""
    yield (
        "Every score and every error on this page is of held-out predictions: the model that made one had seen neither "
        "that row nor, by site, any row of its site. The regularisation was chosen inside each training half."
    )
    repeats = {name: len(predicted) for name, predicted in study.predictions.items()}
    alone = [by(name) for name, n in repeats.items() if n == 1 and name in study.schemes]
    if max(repeats.values()) > 1:
        yield (
            "± is half of the 95 % t interval over the repeats. It tells how much the drawing of folds "
            "matters, not how much another set of samples would."
        )
    if alone:
        yield f"There is one repeat only {' and '.join(alone)}, so no interval there."
    if study.hardest != "site":
        yield f"The file has no sites (no id column {study.group}): how good the model is on a new one cannot be told."
    elif len(study.sites[0]) < FEW:
        yield f"{len(study.sites[0])} sites are few: figures by site would change much with other sites."


def facts(study):
    """(name, value) of what was read and what was done with it."""
    channels, missing = study.channels, int(study.targets.isna().to_numpy().sum())
    first, last = channels[0], channels[-1]
    span = f"{plain_axis(first)} to {plain_axis(last)} cm⁻¹" if study.numbered else "not named by wavenumber"
    dropped = [name for name in study.table.targets if name not in study.targets]
    yield "file", study.name
    yield "source", study.source
    yield "spectra", f"{len(study.targets):,}"
    yield "sites", "none in the file" if study.sites is None else f"{len(study.sites[0]):,} ({study.group})"
    kind = "% reflectance" if study.percent else "taken as absorbance"
    yield "channels", f"{len(channels):,}, {span}; {kind}"
    yield "targets", f"{study.targets.shape[1]}; {missing:,} of {study.targets.size:,} assays missing"
    if dropped:
        yield "left out", f"{', '.join(dropped)}: too few assays"
    yield (
        "preprocessing",
        f"each spectrum divided by its maximum over channels {preprocess.RANGE}, clipped to that range's own "
        f"minimum and maximum, summed in windows of {preprocess.WINDOW}: {study.table.features.shape[1]} features",
    )
    yield (
        "model",
        "ridge regression, α for each target by exact leave-one-out, no prediction below 0 where no assay is",
    )
    yield "made", f"{date.today():%d %B %Y} by {study.command}"


def plain_axis(name):
    """A wavenumber with one decimal at most."""
    return f"{preprocess.number(name):.1f}".removesuffix(".0")


# --- the data -----------------------------------------------------------------------


def data_section(study):
    """Each target's assays; where the samples lie."""
    lead = [
        "What the model learns from. A target whose assays are mostly one low value, as below a detection limit, "
        "cannot be predicted well, and a mean R² over such targets is low for that reason."
    ]
    header = [("target", ""), ("assays", "rows that have one"), ("missing", "rows without")]
    header += [("lowest", ""), ("median", ""), ("highest", ""), ("SD", "standard deviation")]
    header += [("at lowest", "share of assays that equal the lowest"), ("distribution", "lowest to highest")]
    rows = []
    for name, values in study.targets.items():
        known = values.dropna().to_numpy()
        at_lowest = float(np.mean(known == known.min()))
        path, log = histogram(known)
        rows.append(
            [
                Cell(name),
                Cell(f"{len(known):,}", value=len(known)),
                Cell(f"{len(values) - len(known):,}", value=len(values) - len(known)),
                *map(number, (known.min(), np.median(known), known.max(), known.std(ddof=1))),
                Cell(f"{at_lowest:.0%}", value=at_lowest),
                Cell("log" if log else "", path=path),
            ]
        )
    section = Section("data", "The data", lead, legend=study.sites is not None)
    section.table = Table("Assays, in the units of the file; “log” marks a logarithmic axis.", header, rows)
    section.cards, section.nothing = place_cards(study)
    return section


def histogram(values):
    """Bars of a distribution as an SVG path, 60 × 16; and whether its axis is logarithmic."""
    log = values.min() > 0 and values.max() > 20 * np.median(values)
    counts, _ = np.histogram(np.log(values) if log else values, BINS)
    heights = 16 * counts / counts.max()
    return "".join(f"M{3 * k} 16v-{h:.1f}h2.5v{h:.1f}z" for k, h in enumerate(heights) if h), log


def place_cards(study):
    """Cards of spectra, sites and depths; what there is none of."""
    band = np.percentile(study.scaled, [5, 50, 95], axis=0)
    seen = "As the model sees them. Where the range is narrow, all samples look alike."
    cards = [
        card("spectra", "The spectra", seen, 2.7, draw.one_spectrum, study.axis, band, None, study.numbered)
    ]
    if study.sites is None:
        return cards, [f"No sites in the file (no id column {study.group}), so no figure by site."]
    names, place = study.sites
    if study.depth is None:
        count = np.bincount(place).astype(float)
        seen = "A site with few samples weighs little in a figure by site."
        bars = list(map(str, names)), {"samples": count}, "samples"
        height = draw.rows_height(len(names))
        cards.append(card("sites", "The sites", seen, height, draw.rows, *bars, limits=(0, count.max())))
        return cards, ["No depth in the file."]
    ends = study.ends.min(axis=1), study.ends.max(axis=1)
    seen = f"{counted(len(names), 'site')}, {counted(len(place), 'sample')}. Neighbours down a hole resemble each other."
    where = *ends, place, names, study.site_colours
    return [*cards, card("strips", "Sites and depths", seen, 2.7, draw.strips, *where)], []


# --- the scores ---------------------------------------------------------------------


def scores_section(study):
    """R² of each target at a glance, and all measures in a table."""
    order = np.argsort(-study.of("R2", study.hardest))
    series = {by(name): study.of("R2", name) for name in study.schemes}
    halves = {by(name): study.of("R2 ±", name) for name in study.schemes}
    low = max(LOWEST_R2, min(0, np.floor(10 * min(map(np.nanmin, series.values()))) / 10))
    lead = [
        "R² is the share of a target's variance that is predicted: 1 is perfect, 0 no better than the mean."
    ]
    if len(series) > 1:
        lead.append(
            "A long line between the two dots means that the model lives on what samples of one site share. On a "
            "new site, count on the square."
        )
    known = any(np.isfinite(half).any() for half in halves.values())
    caption = f"Best first{', with 95 % intervals' * known}. Dashed: R² {GOOD}."
    section = Section("scores", "How good, target by target", lead)
    what = "r2", "R² of each target", caption, order, draw.rows, series, "R²"
    section.cards = lined(study, *what, halves=halves, limits=(low, 1), marks=(GOOD,))
    section.table = score_table(study)
    return section


def score_table(study):
    """Every measure, the schemes side by side."""
    header = [("target", ""), ("assays", "rows that have one")]
    header += [(f"{NICE.get(m, m)} {by(s)}", MEANS[m]) for m in MEASURES for s in study.schemes]
    rows = []
    for name in [*study.targets, OVERALL]:
        lines = [study.measures.loc[(scheme, name)] for scheme in study.schemes]
        row = [Cell(name), Cell(f"{int(lines[0]['assays']):,}", value=lines[0]["assays"])]
        for measure in MEASURES:
            for line in lines:
                value, half = line[measure], line[f"{measure} ±"]
                in_units = measure in ("RMSE", "bias", "SEP")
                fixed = Cell(f"{value:.3f}".replace("-", "−"), half_text(half), value)
                row.append(number(value, half) if in_units else fixed)
        rows.append(row)
    caption = (
        "Mean over the repeats, ± half the 95 % interval. RMSE, bias and SEP are in the target's unit; in the last "
        "line, the mean over targets, in standard deviations of each."
    )
    return Table(caption, header, rows)


NICE = {"R2": "R²"}
MEANS = {
    "R2": "share of the variance that is predicted",
    "RMSE": "root mean square error",
    "bias": "mean of predicted − measured",
    "SEP": "standard deviation of the errors, so without the bias",
    "slope": "of measured on predicted; above 1, predictions are spread too little, below 1 too far",
    "RPD": "standard deviation / RMSE",
    "RPIQ": "interquartile range / RMSE",
}


# --- predicted and measured ---------------------------------------------------------


def scatter_section(study):
    """Predicted against measured of every target."""
    lead = [
        "A dot on the line is right. A cloud flatter than the line means that high values come out too low; a "
        "level band of dots, that the model says the same whatever is there. Each dot is the mean over the repeats."
    ]
    if study.sites is not None:
        lead.append("One colour far off the line is a site that the model does not understand.")
    section = Section("predicted", "Predicted and measured", lead, legend=study.sites is not None)
    for place, name in enumerate(study.targets):
        measured = study.targets[name].to_numpy()
        panels = {by(scheme): study.mean(scheme)[:, place] for scheme in study.schemes}
        how = 2.55, draw.scatters, measured, panels, study.colours
        section.cards.append(card(f"scatter{place}", name, remark(study, name), *how))
    return section


def remark(study, name):
    """R² and RMSE of a target, and what is striking about them."""
    lines = {scheme: study.measures.loc[(scheme, name)] for scheme in study.schemes}
    told = "; ".join(
        f"R² {r2_text(line['R2'])}, RMSE {plain(line['RMSE'])} {by(scheme)}" for scheme, line in lines.items()
    )
    first, last = lines[study.schemes[0]], lines[study.hardest]
    if last["R2"] < POOR:
        told += ". Not to be relied on" + (" on new sites" if first["R2"] >= 0.5 else "")
    elif first["R2"] - last["R2"] > WORSE:
        told += ". Much worse on new sites"
    elif last["slope"] > TOO_FLAT:
        told += ". Spread too little"
    return told + "."


# --- errors -------------------------------------------------------------------------


def site_errors(study):
    """Root mean square error of each site over its rows and targets, in standard deviations; (n_sites,)."""
    squares = np.nanmean(study.errors(study.hardest) ** 2, axis=1)
    return np.sqrt([np.nanmean(squares[study.sites[1] == place]) for place in range(len(study.sites[0]))])


def errors_section(study):
    """Residuals against depth and against site."""
    section = Section("errors", "Where it errs", legend=study.sites is not None)
    if study.depth is None:
        section.nothing.append("No depth in the file, so no figure of errors against depth.")
    if study.sites is None:
        section.nothing.append(
            f"No sites in the file (no id column {study.group}), so no figure of errors by site."
        )
    else:
        section.cards += site_cards(study)
    if study.depth is None and study.sites is None:
        return section
    section.lead = [
        f"Errors, predicted less measured, {by(study.hardest)}, in standard deviations (SD) of the target. Errors that "
        "drift with depth or stand apart at one site tell of rock that the other sites do not have."
    ]
    errors = study.errors(study.hardest)
    names, site = ([], None) if study.sites is None else study.sites
    for place in chosen(study):
        name, error = list(study.targets)[place], errors[:, place]
        how = 2.1, draw.residuals, error, study.depth, site, study.colours, study.site_colours, names
        section.cards.append(card(f"errors{place}", name, drift(study, error), *how))
    return section


def site_cards(study):
    """The error of each site, and of each target at each site."""
    names = study.sites[0]
    rms = site_errors(study)
    order = np.argsort(-rms)
    seen = f"Worst first; dashed, the median. {study.group} {names[order[0]]} is the hardest."
    bars = [str(names[k]) for k in order], {"error": rms[order]}, "error, SD (root mean square over targets)"
    how = draw.rows_height(len(names)), draw.rows, *bars
    marks = {"limits": (0, rms.max()), "marks": (float(np.median(rms)),)}
    return [card("siterms", "Error of each site", seen, *how, **marks), *heat_cards(study)]


def heat_cards(study):
    """The mean error of each target at each site, in two parts where there are many targets."""
    (names, place), errors = study.sites, study.errors(study.hardest)
    mean = pd.DataFrame(errors).groupby(place).mean().T.to_numpy()  # (n_targets, n_sites)
    worst = np.unravel_index(np.nanargmax(np.abs(mean)), mean.shape)
    captions = [
        f"Orange: predicted too high; blue: too low; full colour from {draw.FULL:g} SD; none where it is right. "
        f"Strongest: {study.targets.columns[worst[0]]} at {study.group} {names[worst[1]]}, {plain(mean[worst])} SD.",
        "Continued. A column of colour from top to bottom is a site unlike the others.",
    ]
    title, cards = "Mean error of each target", []
    parts = np.array_split(np.arange(len(mean)), 1 if len(mean) <= LINES else 2)
    for k, (part, seen) in enumerate(zip(parts, captions, strict=False)):
        shown = mean[part], list(study.targets.columns[part]), list(names)
        height = draw.rows_height(max(map(len, parts)))
        cards.append(card(f"heat{k}", title + ", continued" * k, seen, height, draw.heat, *shown))
    return cards


def drift(study, error):
    """What is striking about the errors of a target."""
    told = []
    if study.depth is not None:
        known = ~np.isnan(error) & ~np.isnan(study.depth)
        slope = spearmanr(error[known], study.depth[known]).statistic
        word = "No drift" if abs(slope) < DRIFT else "Drifts"
        told.append(f"{word} with depth (rank correlation {r2_text(slope)}).")
    if study.sites is not None:
        names, place = study.sites
        middle = pd.Series(error).groupby(place).median()
        told.append(f"Median furthest from 0 at {study.group} {names[middle.abs().idxmax()]}.")
    return " ".join(told)


# --- bounds and verdicts ------------------------------------------------------------


WAYS = {  # of `plans`, in few words; and what to choose them for
    "row": "by row",
    "given folds": "on given folds",
    "site, bounds by row": "by site",
    "site, bounds by site": "by site, bounds by site",
}


def trust_section(study):
    """Coverage of the bounds, and the spectra that are flagged."""
    covered = {
        WAYS[name]: coverage_table(study.targets, bounds) for name, (bounds, _) in study.trusted.items()
    }
    means = {name: found["coverage"].mean() for name, found in covered.items()}
    said = "; ".join(f"{mean:.1%} {name}" for name, mean in means.items())
    section = Section("trust", "How far to trust one prediction", legend=study.sites is not None)
    section.lead = [
        f"Every prediction comes with bounds between which the assay should lie {COVERAGE:.0%} of the time, and "
        "with a verdict on whether the model applies to the spectrum at all.",
        f"Of the assays held out, this share lay between the bounds, on the mean over targets: {said}.",
    ]
    if study.sites is not None:
        section.lead.append(
            "By site, bounds that come from leaving out rows promise too much; those that come from leaving out sites "
            "(train.py --group) are made for a new site, and are wider."
        )
    order = np.argsort(-study.of("R2", study.hardest))
    series = {name: found["coverage"].to_numpy() for name, found in covered.items()}
    what = "Best predicted first. Dashed: what was promised. Left of it, the bounds are too narrow.", order
    how = draw.rows, series, "share of assays between the bounds"
    least = min(found["coverage"].min() for found in covered.values())
    low = max(LOWEST_COVERAGE, np.floor(10 * min(least, COVERAGE - 0.1)) / 10)
    marks = {"limits": (low, 1), "marks": (COVERAGE,)}
    section.cards = lined(study, "coverage", "Coverage of each target", *what, *how, **marks)
    series = {name: found["width / SD"].fillna(0).to_numpy() for name, found in covered.items()}
    what = (
        f"Upper less lower, in standard deviations. Dashed: {ALL_OF:g}, bounds that know the assays' mean only.",
        order,
    )
    widest = min(WIDEST, max(ALL_OF, *(width.max() for width in series.values())))
    marks = {"limits": (0, widest), "marks": (ALL_OF,)}
    section.cards += lined(
        study, "width", "Width of the bounds", *what, draw.rows, series, "median width, SD", **marks
    )
    section.cards.append(flag_card(study))
    section.table = flag_table(study)
    if section.table is None:
        section.nothing.append("No spectrum is flagged.")
    return section


def flag_card(study):
    """Leverage and residual of each spectrum held out."""
    panels = {
        WAYS[name]: (found["leverage"].to_numpy(), found["residual"].to_numpy())
        for name, (_, found) in study.trusted.items()
        if not name.endswith("bounds by site")
    }
    shares = [
        f"{(found['verdict'] != 'inside').mean():.1%} {WAYS[name]}"
        for name, (_, found) in study.trusted.items()
    ]
    seen = (
        "Above the line, something is in the spectrum that no training spectrum shows (unlike); right of it, more of "
        f"something than there was (extrapolating). Not inside: {', '.join(shares)}."
    )
    return card("flags", "Does the model apply?", seen, 2.7, draw.flags, panels, study.colours)


def flag_table(study):
    """The spectra that are not inside, the furthest first; None where there are none."""
    found = next(iter(study.trusted.values()))[1]
    largest = found[["leverage", "residual"]].max(axis=1).to_numpy()
    flagged = np.argsort(-largest)[: (found["verdict"] != "inside").sum()]
    if not len(flagged):
        return None
    errors = np.sqrt(np.nanmean(study.errors(study.schemes[0]) ** 2, axis=1))
    inside = np.setdiff1d(np.arange(len(errors)), flagged)
    header = [("index", ""), *((name, "") for name in study.table.ids), ("verdict", "")]
    header += [("leverage", "in units of its limit"), ("residual", "in units of its limit")]
    header += [("error, SD", "root mean square over targets, in standard deviations of each")]
    rows = []
    for row in flagged[:FLAGGED]:
        ids = [
            Cell(f"{value:g}" if isinstance(value, float) else str(value))
            for value in study.table.ids.iloc[row]
        ]
        line = found.iloc[row]
        cells = [number(line["leverage"]), number(line["residual"]), number(errors[row])]
        rows.append([Cell(str(study.targets.index[row])), *ids, Cell(line["verdict"]), *cells])
    which = f"The {FLAGGED} furthest of" if len(flagged) > FLAGGED else "All"
    caption = (
        f"{which} {counted(len(flagged), 'spectrum').replace('spectrums', 'spectra')} that are not inside, held out "
        f"{by(study.schemes[0])}. Their error is {plain(np.nanmedian(errors[flagged]), 2)} SD at the median, that of "
        f"the others {plain(np.nanmedian(errors[inside]), 2)}."
    )
    return Table(caption, header, rows)


# --- the model ----------------------------------------------------------------------


def coefficients_section(study):
    """Coefficients of every target against wavenumber, known bands marked."""
    bands = pd.read_csv(BANDS)
    section = Section("coefficients", "What the model looks at")
    section.lead = [
        "Orange: how each channel goes along with the predictions, as a correlation (after Haufe et al. 2014, "
        "NeuroImage 87, 96). Its peaks tell which minerals' bands the model follows; that they are bands of a mineral that "
        "carries the element, or goes along with it, is what a geochemist would hope for. A band nearby is a hint, not "
        "a proof.",
        "Blue: the coefficients, in standard deviations (SD) of the target for one SD of a feature, of the model fitted to "
        "all spectra. They are jagged since neighbouring channels carry the same and the model takes differences: "
        "do not read a single peak of them as a mineral.",
    ]
    if not study.numbered:
        section.nothing.append("The channels are not named by wavenumber, so no bands are marked.")
    if study.percent:
        section.lead.append(
            "These are spectra of reflectance: more absorption is less of it, and bands point down."
        )
    predicted = study.models["row"].predict(study.table.features)
    cards = {k: coefficient_card(study, k, predicted[:, k], bands) for k in range(predicted.shape[1])}
    section.cards = [cards.pop(place) for place in chosen(study)]
    section.more, section.more_title = list(cards.values()), f"The other {counted(len(cards), 'target')}"
    if study.numbered:
        sources = "; ".join(sorted(bands["source"].unique()))
        caption = (
            f"Published bands, strong ones tall, from {sources}. The ticks above the coefficients are those of "
            f"strength {STRONG} or more."
        )
        known = card("bands", "Known bands of minerals", caption, 5.8, draw.known_bands, bands, study.axis)
        section.more.insert(0, known)
        others = f", and {section.more_title.lower()}" if cards else ""
        section.more_title = "The bands of each mineral" + others
    return section


def coefficient_card(study, place, predicted, bands):
    """The coefficients of one target."""
    X, y = study.table.features.to_numpy(), study.targets.iloc[:, place]
    spread = X.std(axis=0)
    values = study.models["row"].coef_[place] * spread / (y.std() or 1)
    covariance = (predicted - predicted.mean()) @ (X - X.mean(axis=0)) / len(X)
    scale = spread * predicted.std()
    pattern = np.divide(covariance, scale, where=scale > 0, out=np.zeros_like(scale))
    strong = bands[bands["strength"] >= STRONG]
    lanes = {
        name: strong.loc[strong["motion"].str.contains(kind), "centre_cm1"].to_numpy()
        for name, kind in LANES.items()
    }
    seen = "Which minerals cannot be told: the channels have no wavenumbers."
    if study.numbered:
        seen = peaks_text(study.axis, -pattern if study.percent else pattern, strong)
    how = (
        3.4 if study.numbered else 2.6,
        draw.coefficients,
        study.axis,
        values,
        pattern,
        study.numbered,
        lanes,
    )
    return card(f"coef{place}", y.name, seen, *how)


def peaks_text(wavenumbers, pattern, bands, most=3):
    """The most prominent peaks of what goes along with a target, and the nearest band of each."""
    peaks, found = find_peaks(pattern, prominence=PROMINENT)
    told = []
    for at in wavenumbers[peaks[np.argsort(-found["prominences"])][:most]]:
        away = (bands["centre_cm1"] - at).abs()
        near = bands.assign(away=away)[away <= bands["width_cm1"] / 2].nsmallest(1, "away")
        told += [f"{at:.0f} ({band.mineral} {band.centre_cm1:.0f})" for band in near.itertuples()] or [
            f"{at:.0f}"
        ]
    if not told:
        return "No peak stands out."
    return f"Goes with more absorption at {', '.join(told)} cm⁻¹; in brackets, the nearest known band."


def alphas_section(study):
    """The regularisation strengths on their grid."""
    names = np.array(list(study.targets))
    grid = study.models["row"].alphas_
    series = {f"leaving out a {name}": model.alpha_ for name, model in study.models.items()}
    at_edge = {
        name: names[(model.alpha_ == grid.min()) | (model.alpha_ == grid.max())]
        for name, model in study.models.items()
    }
    told = [f"{listed(found)} (leaving out a {name})" for name, found in at_edge.items() if len(found)]
    edges = f"On the grid's edge: {'; '.join(told)}: there a wider grid may do better." if told else (
        "None lies on the grid's edge, so a wider grid would change nothing."
    )  # fmt: skip
    lead = [
        f"α pulls coefficients to 0: more of it where the spectra say less. The ticks at the top are the grid, its edges dashed: {len(grid)} values from "
        f"{draw.power(grid.min())} to {draw.power(grid.max())}, tried for each target by itself. {edges}"
    ]
    if len(series) > 1:
        lead.append("Where leaving out sites asks for much more, rows of one site resemble each other.")
    section = Section("alphas", "How strongly it is held back", lead)
    order = np.argsort(study.models["row"].alpha_, kind="stable")
    section.cards = lined(
        study,
        "alpha",
        "α of each target",
        "Weakest first. A dot on a dashed line is one that the grid holds back.",
        order,
        draw.alphas,
        series,
        grid,
    )
    return section


def curve_section(study):
    """Score against the number of samples."""
    parts = dict(list(study.curve.groupby("held out by", sort=False)))
    gains = {name: part["mean R2"].diff().iloc[-1] for name, part in parts.items()}
    said = " and ".join(f"{gain:+.3f} {by(name)}".replace("-", "−") for name, gain in gains.items())
    verdict = "still rises: more samples would help" if max(gains.values()) > RISING else (
        "is nearly level: more samples of the same kind would bring little"
    )  # fmt: skip
    section = Section("curve", "Would more samples help?")
    section.lead = [
        "The same held-out rows, predicted from a quarter, half, three quarters and all of each training half, drawn at "
        f"random. The last quarter changed mean R² by {said}. The curve {verdict}."
    ]
    if "site" in parts:
        section.lead.append("Samples are added, not sites: what new sites would bring may be more.")
    for name in ("mean R2", "official score"):
        if name in study.curve:
            label = name.replace("R2", "R²")
            curves = {
                by(k): (part["training rows"].to_numpy(), part[name].to_numpy()) for k, part in parts.items()
            }
            title, seen = (
                label[0].upper() + label[1:],
                "A line that still climbs at its right end asks for more samples.",
            )
            how = 2.7, draw.lines, curves, "spectra to learn from", label
            section.cards.append(card(f"curve-{name.split()[0]}", title, seen, *how))
    return section


# --- single spectra -----------------------------------------------------------------


def worst_section(study):
    """The spectra with the largest errors."""
    errors = study.errors(study.hardest)
    known = ~np.isnan(errors).all(axis=1)
    rms = np.full(len(errors), -1.0)
    rms[known] = np.sqrt(np.nanmean(errors[known] ** 2, axis=1))
    band = np.percentile(study.scaled, [5, 50, 95], axis=0)
    section = Section("worst", "The spectra it gets most wrong")
    section.lead = [
        f"The {WORST} largest errors {by(study.hardest)}: root mean square over targets, in standard deviations of each "
        f"(median of all: {plain(np.median(rms[known]))}). A spectrum that leaves the range is unlike what the model has learned "
        "from; one inside it points to an assay to check, or to an element that the spectrum does not show."
    ]
    for row in np.argsort(-rms)[:WORST]:
        title = f"Index {study.targets.index[row]}"
        how = 2.5, draw.one_spectrum, study.axis, band, study.scaled[row], study.numbered
        section.cards.append(card(f"worst{row}", title, worst_text(study, row, errors[row], rms[row]), *how))
    return section


def worst_text(study, row, error, rms):
    """Where a sample is from, and its largest errors."""
    ids = ", ".join(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
                    for name, value in study.table.ids.iloc[row].items())  # fmt: skip
    told = []
    for place in np.argsort(-np.nan_to_num(np.abs(error)))[:3]:
        predicted, measured = study.mean(study.hardest)[row, place], study.targets.iloc[row, place]
        if not np.isnan(measured):
            told.append(f"{study.targets.columns[place]} {plain(predicted)}, measured {plain(measured)}")
    return f"{ids + '. ' if ids else ''}Error {plain(rms)} SD. Predicted {'; '.join(told)}."


SECTIONS = (
    data_section,
    scores_section,
    scatter_section,
    errors_section,
    trust_section,
    worst_section,
    coefficients_section,
    alphas_section,
    curve_section,
)
