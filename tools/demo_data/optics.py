"""From minerals to spectra: bands, diffuse reflectance, and what air and detector add."""

import numpy as np

from tools.demo_data.rock import scattered
from tools.demo_data.tables import BANDS, MINERALS, VAPOUR_LINES

AXIS = (3997.4, 430.0)  # cm-1, first and last channel; falling, as FTIR software exports it
CHANNELS = 1700  # near the challenge's
TAIL = 300  # of CHANNELS at the end, where the detector fails; the method's range ends before them
FADE = (1.5, 2)  # decades of beam lost at the end of the tail; power of the way there
CUTOFF = (3.0, 16)  # the same, steeper: a range to -100 costs nothing, one to -1 much of the score
ABSORPTION = 50.0  # K/S of a mineral at a band of strength 1
GRAIN = (0.15, 0.2)  # sd of log grain size between holes, and between samples
SPECULAR = 0.02  # of the beam, reflected by surfaces and never absorbed
NOISE = 3e-4  # of the full beam, sd
BASELINE = (0.03, 0.04)  # absorbance, sd of its height and of its rise from mid-axis to the end
VAPOUR, DIOXIDE = 0.002, 0.01  # absorbance, sd of the strongest line; purging differs both ways
LINE_WIDTH = 6.0  # cm-1, of the vapour's lines at a resolution of 4 cm-1
DIOXIDE_BRANCHES = ((2361.0, 22.0), (2338.0, 24.0), (667.4, 5.0))  # cm-1, centre and width


def axis(channels=CHANNELS):
    """Wavenumbers of the channels in file order, falling, in cm-1."""
    return np.linspace(*AXIS, channels)


def band(wavenumbers, centre, width):
    """Draw a band of height 1 and `width` at half height: Gaussian, with some of a Lorentzian's wings."""
    x = 2 * (wavenumbers - centre) / width
    return 0.8 * np.exp(-np.log(2) * x**2) + 0.2 / (1 + x**2)


def mineral_spectra(wavenumbers):
    """Absorption of each pure mineral: its bands on its background.

    Parameters
    ----------
    wavenumbers : ndarray of shape (n_channels,)
        In cm-1.

    Returns
    -------
    names : list of str
    absorption : ndarray of shape (n_minerals, n_channels)
        K/S of Kubelka and Munk, without unit; about ABSORPTION at a band of strength 1.
    """
    spectra = {row.Index: row.absorption * (wavenumbers / 2000) ** row.power for row in MINERALS.itertuples()}
    for row in BANDS.itertuples():
        spectra[row.mineral] += row.strength * band(wavenumbers, row.centre_cm1, row.width_cm1)
    return list(spectra), ABSORPTION * np.array(list(spectra.values()))


def diffuse_reflectance(absorption):
    """Reflectance of a thick powder of absorption K/S, between 0 and 1 (Kubelka & Munk 1931)."""
    # 1 + a - sqrt(a^2 + 2 a) loses its digits for a large a; its reciprocal does not.
    return 1 / (1 + absorption + np.sqrt(absorption * (absorption + 2)))


def beam(channels):
    """Share of the light that the detector sees in each channel, ndarray of shape (n_channels,)."""
    tail = min(TAIL, round(channels * TAIL / CHANNELS))  # the cut-off does not move with coarser sampling
    way = np.clip(np.arange(1 + tail - channels, 1 + tail) / tail, 0, 1)  # 0 before the tail, 1 at its end
    return 10.0 ** -sum(decades * way**power for decades, power in (FADE, CUTOFF))


def air(wavenumbers):
    """Absorbance of water vapour and of carbon dioxide, ndarray of shape (2, n_channels)."""
    vapour = sum(band(wavenumbers, line, LINE_WIDTH) for line in VAPOUR_LINES)
    dioxide = sum(band(wavenumbers, *branch) for branch in DIOXIDE_BRANCHES)
    return np.array([VAPOUR * vapour, DIOXIDE * dioxide])


def measure(rng, mix, wavenumbers, absorption):
    """Absorbance spectra of the samples of one hole, ndarray of shape (n_samples, n_channels)."""
    rows, channels = len(mix), len(wavenumbers)
    grain = np.exp(scattered(rng, GRAIN, (rows, 1)))
    reflectance = SPECULAR + (1 - SPECULAR) * diffuse_reflectance(grain * (mix @ absorption))
    height, rise = BASELINE
    nuisances = np.vstack([np.full(channels, height), np.linspace(-rise, rise, channels), air(wavenumbers)])
    # To first order: behind the cut-off the logarithm of a noisy ratio would not exist.
    noise = NOISE * rng.standard_normal((rows, channels)) / (np.log(10) * reflectance * beam(channels))
    return -np.log10(reflectance) + scattered(rng, (0.5, 1.0), (rows, len(nuisances))) @ nuisances + noise
