"""Good spectra with one fault each, made as an instrument makes it."""

import numpy as np

import preprocess
from recore.channels import numbers
from tools.spectra import features_of, in_percent, part_of, read_spectra

GOOD = "none: false alarm"
SHIFT = 5  # channels; less than a window of 7
SLOPE = 0.2  # of the signal, from one end of the axis to the other
SATURATED, NEARLY = 0.7, 0.9  # of a spectrum's range, where its strongest bands are cut off
FRINGES, FAINT = 0.03, 0.01  # of a spectrum's range, amplitude
PERIOD = 35  # channels a fringe; some 70 cm-1, a film of 50 µm
SPIKE, SMALL = 1.0, 0.2  # of a spectrum's range, in one channel
BEYOND = 0.05  # of the channels, at most, that another file's spectra may not reach
NOISE = 10  # times its own
MAD = 0.6745  # of a normal distribution, in standard deviations


def faults(spectra, other=None, seed=0):
    """Good spectra, and the same with one fault each.

    Parameters
    ----------
    spectra : ndarray of shape (n_rows, n_channels)
        Absorbance, or % reflectance.
    other : ndarray of shape (n_others, n_channels), optional
        Spectra of another material on the same channels and in the same unit.
    seed : int

    Returns
    -------
    dict of str to ndarray of shape (n_rows, n_channels)
        The gross faults first, then the subtle ones.
    """
    rng = np.random.default_rng(seed)
    n, c = spectra.shape
    kept = spectra[:, part_of(spectra, preprocess.SETTINGS)]
    low, high = kept.min(axis=1, keepdims=True), kept.max(axis=1, keepdims=True)
    span, reflectance = high - low, in_percent(spectra)
    phase, place = rng.uniform(0, 2 * np.pi, (n, 1)), rng.integers(0, kept.shape[1], n)
    wave = np.sin(2 * np.pi * np.arange(c) / PERIOD + phase)
    spike = np.zeros((n, c))
    spike[np.arange(n), place] = 1

    def saturated(at):
        return np.maximum(spectra, high - at * span) if reflectance else np.minimum(spectra, low + at * span)

    beam = reference_beam(c)
    found = {
        GOOD: spectra,
        "axis reversed": spectra[:, ::-1],
        f"shifted by {SHIFT} channels": spectra[:, np.maximum(np.arange(c) - SHIFT, 0)],
        f"strongest bands cut at {SATURATED:.0%}": saturated(SATURATED),
        f"fringes of {FRINGES:.0%}": spectra + FRINGES * span * wave,
        f"spike of {SPIKE:.0%}": spectra + SPIKE * span * spike,
        "reference not subtracted": spectra * beam if reflectance else spectra - np.log10(beam),
    }
    if other is not None:
        found["another material"] = other[rng.integers(0, len(other), n)]
    found |= {
        f"gain slope of {SLOPE:.0%}": spectra * np.linspace(1 - SLOPE / 2, 1 + SLOPE / 2, c),
        f"noise × {NOISE}": spectra + NOISE * noise_of(kept) * rng.standard_normal((n, c)),
        f"strongest bands cut at {NEARLY:.0%}": saturated(NEARLY),
        f"fringes of {FAINT:.0%}": spectra + FAINT * span * wave,
        f"spike of {SMALL:.0%}": spectra + SMALL * span * spike,
    }
    return found


def reference_beam(channels):
    """What source and detector give without a sample, 1 at its best: a hump with a band of CO2 in it."""
    axis = np.linspace(0, 1, channels)
    return np.exp(-(((axis - 0.6) / 0.45) ** 2)) * (1 - 0.5 * np.exp(-(((axis - 0.45) / 0.01) ** 2)))


def noise_of(spectra):
    """Standard deviation of each spectrum's noise (n, 1), from second differences."""
    steps = np.diff(spectra, n=2, axis=1)
    return np.median(np.abs(steps), axis=1, keepdims=True) / (MAD * np.sqrt(6))


def other_material(paths, channels, reflectance):
    """Spectra of the first other file that has these channels, on them and in this unit; None if none has.

    Parameters
    ----------
    paths : list of str
    channels : list of str
        Named by wavenumber.
    reflectance : bool
        Whether they are wanted in % reflectance, else in absorbance.

    Returns
    -------
    ndarray of shape (n_others, n_channels) or None
    """
    axis = wavenumbers(channels)
    for path in paths if axis is not None else ():
        found = read_spectra(path)
        theirs = wavenumbers(found)
        if theirs is None or ((axis < theirs.min()) | (axis > theirs.max())).mean() > BEYOND:
            continue
        order, spectra = np.argsort(theirs), found.to_numpy()
        spectra = np.array([np.interp(axis, theirs[order], row[order]) for row in spectra])
        if in_percent(spectra) == reflectance:
            return spectra
        with np.errstate(divide="ignore", invalid="ignore"):
            return 100 * 10.0**-spectra if reflectance else -np.log10(np.clip(spectra, 1e-3, None) / 100)
    return None


def wavenumbers(channels):
    """The numbers that name channels, (n_channels,); None where any is no number."""
    return numbers(map(str, channels))


def to_features(spectra, settings=preprocess.SETTINGS, channels=None):
    """Features (n, p), NaN where a spectrum cannot be treated: that is caught by preprocess.py."""
    used = spectra[:, part_of(spectra, settings, channels)]
    usable = used.max(axis=1) > (0 if settings.treatment == "max" else used.min(axis=1))
    some = np.arange(1.0, spectra.shape[1] + 1)
    X = features_of(np.where(usable[:, None], spectra, some), settings, channels)
    return np.where(usable[:, None], X, np.nan)
