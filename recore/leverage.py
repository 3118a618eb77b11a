"""How far a spectrum is from those of the training, and what they do not explain of it.

The leverage of a new row x is what the uncertainty of b adds to that of the assays: an error grows with
sqrt(1 + h); for a row held out h = [(I - H_gg)^-1]_ii - 1 (Martens & Naes 1989, Multivariate Calibration):

    h = 1 / sum(w) + x~' (X~'X~ + alpha)^-1 x~                                        (5)

What the training spectra do not explain is what a ridge regression of the spectra on themselves leaves over,
for a row held out, exactly, r_g as in (4):

    r = x~ - X~'X~ (X~'X~ + beta)^-1 x~,   beta = UNEXPLAINED trace(X~'X~)            (7)
"""

import numpy as np

UNEXPLAINED = 1e-6  # of the spectra's variance; less than that is noise, see equation (7)


def leverages(scores, rest, s, alphas):
    """x~'(X~'X~ + alpha)^-1 x~ from scores (n, k), the square of what is outside the axes (n,): (n, t)."""
    return np.square(scores) @ (1 / (s + alphas[:, None])).T + rest[:, None] / alphas


def beyond_axes(centred, scores):
    """Squared length (n,) of centred rows (n, p) outside the axes that the scores (n, k) are on."""
    squares = np.einsum("ij,ij->i", centred, centred) - np.einsum("ij,ij->i", scores, scores)
    return np.maximum(squares, 0)


def beta_of(s):
    """Beta of equation (7), (1,)."""
    return np.maximum(UNEXPLAINED * s.sum(keepdims=True), np.finfo(float).tiny)


def residuals(centred, scores, s, axes, beta):
    """Equation (7), (n, p)."""
    return centred - (scores * (s / (s + beta))) @ axes


def middle_alpha(alpha):
    """The median of the targets' alphas, one that a target has, (1,)."""
    alphas = np.sort(np.atleast_1d(alpha))
    return alphas[[(len(alphas) - 1) // 2]]
