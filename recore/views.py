"""What a second ridge regression may see of the spectra: how they slope, and how far they are from others.

Windows f (n, p) become z, the slope of windows or, for distances, of their standard normal variate (Barnes, Dhanoa
& Lister 1989, Appl. Spectrosc. 43, 772), standardised with a floor, so that no feature that hardly varies counts
for much, and such that |z|^2 is 1 on average:

    d = gradient(f),   z = (d - mean) / sqrt(var + FLOOR mean(var)) / sqrt(mean |z|^2)                    (8)

A kernel that is no more than a distance has no width to choose (Schoelkopf 2001, NIPS 13, 301). Centred on the
landmarks l, it is positive definite, and these features phi have it, times SHARE, as their product:

    k(x, l) = -|z_x - z_l|,   Kc = V S V' of the landmarks,   phi(x) = kc(x) V (SHARE / (unit S))^1/2     (9)

with unit the mean diagonal of Kc. A ridge regression on [z, phi] is one by this kernel, folded into the landmarks
for use: f(x) = z b + sum_l k(x, l) dual_l + a constant.
"""

import numpy as np

from recore.linalg import EPS

FLOOR = 0.1  # of the mean variance: without it a feature that hardly varies rules on spectra never seen
SHARE = 0.3  # of the kernel beside z, in units of which |z|^2 is 1
RANK = 1e-10  # of the largest eigenvalue of Kc: less is rounding
FLAT = (
    "the same value in all features",
    "some that differ, as each spectrum is standardised",
    "leave it out, or take --method views or ridge",
)
ROUNDING = 64  # times EPS, of features' own size: slopes that vary less do not vary
NEAR = 1e-8  # of squared lengths: a squared distance below it is taken from the difference


class Slopes:
    """Equation (8); with `scatter` of the standard normal variate."""

    linear = True

    def __init__(self, scatter=False):
        self.scatter, self.moments = scatter, None

    def seen(self, X):
        """What slopes are of, (n, p)."""
        X = np.asarray(X, dtype=np.float64)
        return standard_normal_variate(X) if self.scatter else X

    def take_in(self, moments):
        """Standardise by the moments of these rows' gradients."""
        total, self.mean, squares, size = moments
        variance = squares / total
        if variance.mean() <= (ROUNDING * EPS) ** 2 * size / total:
            found = "found spectra that all slope alike" + (", once standardised" if self.scatter else "")
            raise ValueError(f"{found}, expected some that differ; take --method ridge, ZeroClippedRidgeCV")
        self.scale = np.sqrt(variance + FLOOR * variance.mean())
        self.scale *= np.sqrt(np.sum(variance / np.square(self.scale)))
        return self

    @property
    def n_features(self):
        return len(self.mean)

    def __call__(self, X):
        return (gradient(self.seen(X)) - self.mean) / self.scale

    def folded(self, coef):
        """Coefficients (t, p) of z as those of windows, and what they add to the intercepts; without scatter."""
        coef = coef / self.scale
        slopes = gradient(np.eye(coef.shape[1]))  # gradient(f) = f slopes
        return {"coef_": coef @ slopes.T, "constant": -coef @ self.mean}

    def learnt(self):
        """What tells z of a new row, where that is not folded into coefficients."""
        return {}


class Distances:
    """Equation (9): z of the landmarks (m, p), and what makes them features."""

    linear = False

    def __init__(self, slopes, Z, weight):
        self.slopes, self.Z = slopes, Z
        share = weight / weight.sum()
        self.lengths = lengths_of(Z)
        K = kernel(Z, Z, self.lengths, np.inner)
        self.means = K @ share  # (m,)
        K += share @ self.means - self.means - self.means[:, None]
        self.share, self.unit = share, share @ K.diagonal()
        s, V = np.linalg.eigh((K + K.T) / 2)
        kept = s > RANK * s.max(initial=0)
        self.root = V[:, kept] * np.sqrt(SHARE / (max(self.unit, EPS) * s[kept]))  # (m, k)

    @property
    def n_features(self):
        return self.Z.shape[1] + self.root.shape[1]

    def __call__(self, X):
        Z = self.slopes(X)
        K = kernel(Z, self.Z, self.lengths, np.inner)
        K += self.share @ self.means - self.means - (K @ self.share)[:, None]
        return np.hstack([Z, K @ self.root])

    def folded(self, coef):
        """Coefficients (t, p + k) as those of z (t, p), of the landmarks (t, m), and what they add to the intercepts."""
        p = self.Z.shape[1]
        dual = coef[:, p:] @ self.root.T  # (t, m), of the centred kernel
        total = dual.sum(axis=1)
        constant = (self.share @ self.means) * total - dual @ self.means
        return {
            "slope_coef_": coef[:, :p],
            "dual_coef_": dual - np.outer(total, self.share),
            "constant": constant,
        }

    def learnt(self):
        """What tells z of a new row, and the landmarks, laid out for `products`."""
        slopes = self.slopes
        return {
            "slope_mean_": slopes.mean,
            "slope_scale_": slopes.scale,
            "landmarks_": np.asfortranarray(self.Z),
            "landmark_lengths_": self.lengths,
        }


def moments_of(slopes, X, weight, first=0):
    """Of the gradients of some rows, from the `first` on, total weight, means (p,) and sums of squares around them.

    Last, the sum over rows of the mean square of what they are gradients of, which tells of rounding.
    """
    if slopes.scatter:
        check_flat(X, first)
    seen = slopes.seen(X)
    d, total = gradient(seen), weight.sum()
    mean = weight @ d / total
    return total, mean, weight @ np.square(d - mean), weight @ np.square(seen).mean(axis=1)


def moments_of_both(some, more):
    """The moments of the rows of both, see `recore.sums.Sums`."""
    total = some[0] + more[0]
    apart = more[1] - some[1]
    mean = some[1] + more[0] / total * apart
    between = some[0] * more[0] / total * np.square(apart)
    return total, mean, some[2] + more[2] + between, some[3] + more[3]


def gradient(X):
    """Differences between the neighbours of each feature, halved, (n, p): as numpy's gradient, sooner for a single row."""
    found = np.empty_like(X)
    np.subtract(X[:, 2:], X[:, :-2], out=found[:, 1:-1])
    found[:, 1:-1] /= 2
    found[:, 0], found[:, -1] = X[:, 1] - X[:, 0], X[:, -1] - X[:, -2]
    return found


def standard_normal_variate(X):
    """Each row minus its mean, in units of its standard deviation; the same bits whatever the other rows."""
    centred = X - row_sums(X) / X.shape[1]
    return centred / np.sqrt(row_sums(np.square(centred)) / X.shape[1])


def flat_rows(X):
    """Numbers of the rows that have no standard normal variate: all windows are the same, but for rounding.

    The last of three or more does not count, as it may sum fewer channels.
    """
    X = X[:, :-1] if X.shape[1] > 2 else X
    high, low = X.max(axis=1), X.min(axis=1)
    return np.flatnonzero(high - low <= X.shape[1] * EPS * np.maximum(high, -low))


def check_flat(X, first=0):
    """Raise a ValueError that names the first row, counted on from `first`, without a standard normal variate."""
    flat = flat_rows(X)
    if len(flat):
        raise ValueError(f"X has {FLAT[0]} in row {first + flat[0]}, expected {FLAT[1]}; {FLAT[2]}")


def row_sums(X):
    """Sums (n, 1), each in an order that depends on nothing but p, as a row is contiguous."""
    return np.ascontiguousarray(X).sum(axis=1, keepdims=True)


def products(Z, rows):
    """Z rows', (n, m), each row of Z by itself; fast where the columns of `rows` (m, p) are contiguous."""
    product, Z = np.empty((len(Z), len(rows))), np.ascontiguousarray(Z)
    for z, out in zip(Z, product):  # a matrix product's bits would depend on the other rows
        np.einsum("mp,p->m", rows, z, out=out)
    return product


def lengths_of(Z):
    """|z|^2 of rows, (n,)."""
    return row_sums(np.square(Z))[:, 0]


def kernel(Z, landmarks, theirs, product=products):
    """-|z - l|, (n, m), from the lengths of the landmarks and a `product` (Z, landmarks) -> Z landmarks'."""
    lengths = lengths_of(Z)[:, None]
    squares = lengths + theirs - 2 * product(Z, landmarks)
    near = squares < NEAR * (lengths + theirs)
    for row, place in np.argwhere(near) if near.any() else ():  # what rounding leaves of a difference
        squares[row, place] = np.square(Z[row] - landmarks[place]).sum()
    return -np.sqrt(squares)
