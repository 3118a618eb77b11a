"""What a drill hole goes through: zones, their minerals, and what a laboratory finds in them."""

import numpy as np

from preprocess import TARGETS
from tools.demo_data.tables import ASSAYS, MINERALS, ZONES

UNITS = {"PPM": 1e6, "PCT": 1e2, "PPB": 1e9}  # of a mass fraction, by the end of a target's name
WAVES = 3  # a zone and hole, of different length
WAVELENGTHS = (25.0, 250.0)  # m, from thinnest to thickest
ZONE_CONTRAST = 1.3  # sd of a zone's log share between holes, and of its waves down a hole
CAP = 3.0  # extra log share of the leached cap at the surface
CAP_DEPTH = 30.0  # m that it takes to lose 1 of it
MINERAL_SCATTER = (0.3, 0.35)  # sd of a mineral's log share between holes, and between samples
HOLE_SCATTER = 0.5  # scatter of ASSAYS between holes, as a share of that between samples
ASSAY_NOISE = 0.03  # sd, relative; a third of the detection limit comes on top


def zone_table():
    """Mass fractions of the minerals in each zone, DataFrame of shape (n_zones, n_minerals)."""
    table = ZONES.pivot(index="zone", columns="mineral", values="percent")
    table = table.reindex(index=ZONES["zone"].unique(), columns=MINERALS.index).fillna(0.0)
    return table.div(table.sum(axis=1), axis=0)


def zone_shares(rng, depth, cap):
    """Shares of the zones at each depth of a new hole; `cap` is 1 for the leached cap, else 0.

    Returns
    -------
    ndarray of shape (n_samples, n_zones)
        Rows sum to 1.
    """
    shortest, longest = WAVELENGTHS
    length = shortest * (longest / shortest) ** rng.random((WAVES, len(cap)))
    phase = rng.random((WAVES, len(cap)))
    waves = np.cos(2 * np.pi * (depth[:, None, None] / length + phase)).sum(axis=1)  # sd sqrt(WAVES / 2)
    log_share = ZONE_CONTRAST * (rng.standard_normal(len(cap)) + waves / np.sqrt(WAVES / 2))
    log_share += cap * (CAP - depth[:, None] / CAP_DEPTH)
    share = np.exp(log_share)
    return share / share.sum(axis=1, keepdims=True)


def scattered(rng, sd, shape):
    """Draw for one hole: normal numbers with an sd between holes and one between samples."""
    between, within = sd
    return between * rng.standard_normal(shape[1]) + within * rng.standard_normal(shape)


def minerals_down(rng, depth, zones):
    """Mass fractions of the minerals down a new hole, ndarray of shape (n_samples, n_minerals)."""
    cap = (zones.index == "leached_cap").astype(float)
    mix = zone_shares(rng, depth, cap) @ zones.to_numpy()
    mix = mix * np.exp(scattered(rng, MINERAL_SCATTER, mix.shape))
    return mix / mix.sum(axis=1, keepdims=True)


def assay(rng, mix, hosts):
    """Concentrations as a laboratory reports them: below the detection limit, half of it.

    Returns
    -------
    ndarray of shape (n_samples, 49)
        In the unit of each target's name.
    """
    limit, scatter = ASSAYS.loc[list(TARGETS)].to_numpy().T
    unit = np.array([UNITS[target[-3:]] for target in TARGETS])
    content = mix @ hosts.to_numpy() * unit
    content *= np.exp(scatter * scattered(rng, (HOLE_SCATTER, 1.0), content.shape))
    content *= 1 + ASSAY_NOISE * rng.standard_normal(content.shape)
    content += limit / 3 * rng.standard_normal(content.shape)
    return np.where(content < limit, limit / 2, content)
