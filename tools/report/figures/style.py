"""Colours, fonts and axes that all figures of a page share."""

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.ticker import FuncFormatter, MaxNLocator

INK, MUTED, GRID = "#1b2430", "#5c6773", "#dde2e8"  # text; labels and axes; lines behind the data
SERIES = ("#0067a6", "#c2500a", "#7a6a00", "#8f3f7f")  # by row, by site, and two more; after Okabe & Ito
BAND = "#93a1b1"  # a range behind a line
VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", BAND: "band"}
VARIABLES |= {colour: f"series{place}" for place, colour in enumerate(SERIES)}
# Okabe & Ito (2008), told apart by the colour-blind; without black and yellow, which one page or the other hides.
FEW_SITES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
SHAPES = "os^"  # markers; a colour and a shape tell CATEGORIES sites apart
CATEGORIES = len(FEW_SITES) * len(SHAPES)
TYPE = 12  # pixels, on a page that shows a figure as large as it was drawn
SIZES = "font.size axes.titlesize axes.labelsize xtick.labelsize ytick.labelsize legend.fontsize".split()
STYLE = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a target's name may hold a $
    **dict.fromkeys(SIZES, TYPE),
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
}


def site_styles(sites, first):
    """Sites as categories: a colour and a shape for each; of too many, colours for some and grey for the others.

    Parameters
    ----------
    sites : int
    first : sequence of int
        Sites to be coloured where there are more than CATEGORIES.

    Returns
    -------
    colours : ndarray of shape (n_sites, 4)
    shapes : list of str
        Of SHAPES.
    named : list of int
        The sites that are told apart.
    """
    if sites <= CATEGORIES:
        places = np.arange(sites)
        colours = [to_rgba(FEW_SITES[place % len(FEW_SITES)]) for place in places]
        return np.array(colours), [SHAPES[place // len(FEW_SITES)] for place in places], list(places)
    named = list(first[: len(FEW_SITES)])
    colours = np.tile(to_rgba(BAND), (sites, 1))
    colours[named] = [to_rgba(colour) for colour in FEW_SITES[: len(named)]]
    return colours, [SHAPES[0]] * sites, named


def dots(axes, x, y, colours, site, shapes, size, **options):
    """Dots in the colour of each row, a scatter for each shape; the colour of most comes first."""
    for shape in dict.fromkeys(shapes):
        of = np.flatnonzero([shapes[place] == shape for place in site])
        of = np.random.default_rng(0).permutation(of)  # else the last site would cover the others
        axes.scatter(x[of], y[of], s=size, c=colours[of], marker=shape, lw=0, rasterized=True, **options)


def is_wide(figure):
    """Whether a figure is drawn for a screen, not for a phone."""
    return figure.bbox.width / figure.dpi > 6  # inches


def short(value, _=None):
    """A number of an axis in few characters: 25k, 1.2M, 0.004, 25n."""
    if abs(value) >= 1e9:
        return f"{value:.3g}".replace("e+", "e").replace("-", "−")
    for limit, suffix in ((1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return f"{value / limit * (10 if suffix == 'k' else 1):.3g}{suffix}".replace("-", "−")
    for limit, suffix in ((1e-6, "µ"), (1e-9, "n"), (1e-12, "p"), (1e-15, "f")):
        if limit <= abs(value) < 1e-4:
            return f"{value / limit:.4g}{suffix}".replace("-", "−")
    return f"{value:.4g}".replace("-", "−")


def shortened(names, most):
    """Names of at most so many characters: of longer ones the begin and, as names often differ there, the end."""
    end = most // 3
    return [
        name if len(name) <= most else f"{name[: most - end - 1]}…{name[-end:]}" for name in map(str, names)
    ]


def target_names(figure, names):
    """Names of targets beside a figure's lines, short enough to leave it most of its width."""
    return shortened(names, 56 if is_wide(figure) else 20)


def power(value, _=None):
    """A power of ten: 10⁻⁵."""
    return "10" + f"{np.log10(value):.0f}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def numbers(axis, most=4):
    """Few round numbers on an axis, in few characters."""
    axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(short))


def fixed(figure, left, bottom, *, top=0.98, **others):
    """Where the panels lie, the same in every figure of a kind; finding it anew takes half the time."""
    figure.set_layout_engine("none")
    return {"left": left, "bottom": bottom, "top": top, "right": 0.985, "wspace": 0.08, **others}


def spectral(axes, wavenumbers, numbered):
    """The horizontal axis of spectra; wavenumbers fall from left to right, channel numbers rise."""
    low, high = wavenumbers.min(), wavenumbers.max()
    axes.set_xlim(*((high, low) if numbered else (low, high)))
    axes.set_xlabel("wavenumber, cm⁻¹" if numbered else "channel number")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
