"""Each target's assays; where the samples lie."""

import numpy as np

from tools.report.figures import by_site, by_spectrum, by_target
from tools.report.parts import Cell, Section, Table, card, number
from tools.report.words import counted

BINS = 20


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
        card(
            "spectra",
            "The spectra",
            seen,
            2.7,
            by_spectrum.one_spectrum,
            study.axis,
            band,
            None,
            study.numbered,
        )
    ]
    if study.sites is None:
        return cards, [f"No sites in the file (no id column {study.group}), so no figure by site."]
    names, place = study.sites
    if study.depth is None:
        count = np.bincount(place).astype(float)
        seen = "A site with few samples weighs little in a figure by site."
        bars = list(map(str, names)), {"samples": count}, "samples"
        height = by_target.rows_height(len(names))
        cards.append(card("sites", "The sites", seen, height, by_target.rows, *bars, limits=(0, count.max())))
        return cards, ["No depth in the file."]
    ends = study.ends.min(axis=1), study.ends.max(axis=1)
    seen = f"{counted(len(names), 'site')}, {counted(len(place), 'sample')}. Neighbours down a hole resemble each other."
    where = *ends, place, names, study.site_colours
    return [*cards, card("strips", "Sites and depths", seen, 2.7, by_site.strips, *where)], []
