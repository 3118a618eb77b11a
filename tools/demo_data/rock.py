"""What a drill hole goes through: zones, their minerals, and what a laboratory finds in them."""

import numpy as np
import pandas as pd

from preprocess import TARGETS
from tools.demo_data.minerals import HOSTS, MINERALS, entries, parts

# Mass-% of the minerals in each zone of a porphyry copper system: host rocks, alteration,
# skarn and veins, and the cap that rain has leached. A row need not sum to 100.
ZONES = """
granodiorite quartz 24 orthoclase 18 albite 26 anorthite 14 biotite 8 actinolite 4 chlorite 2
    magnetite 1.5 apatite 0.35 zircon 0.035 rutile 0.3 monazite 0.02 pyrite 0.3 water 0.3
andesite quartz 6 albite 28 anorthite 24 actinolite 18 chlorite 10 epidote 6 calcite 3 magnetite 3
    apatite 0.5 zircon 0.015 rutile 0.9 monazite 0.006 pyrite 0.8 water 0.6
potassic quartz 28 orthoclase 30 albite 12 biotite 14 magnetite 3 anhydrite 4 chalcopyrite 2.2
    bornite 0.7 molybdenite 0.04 pyrite 0.8 apatite 0.5 rutile 0.4 zircon 0.03 monazite 0.015
    water 0.3
phyllic quartz 46 muscovite 36 pyrite 7 chalcopyrite 0.7 molybdenite 0.03 rutile 0.4 apatite 0.2
    zircon 0.03 monazite 0.015 gypsum 0.5 water 0.8
argillic quartz 30 kaolinite 25 montmorillonite 20 muscovite 8 albite 8 siderite 1 pyrite 2
    chalcopyrite 0.15 rutile 0.4 zircon 0.03 monazite 0.015 water 2.5
advanced_argillic quartz 45 alunite 16 pyrophyllite 15 kaolinite 14 pyrite 5 barite 1.0
    arsenopyrite 0.3 bornite 0.4 rutile 0.6 zircon 0.03 monazite 0.02 water 1
marble calcite 66 dolomite 18 quartz 7 diopside 4 montmorillonite 2 apatite 0.1 pyrite 0.2
    rutile 0.05 zircon 0.005 water 0.3
skarn andradite 32 diopside 24 calcite 16 actinolite 10 quartz 6 magnetite 6 chalcopyrite 1.6
    sphalerite 0.8 pyrite 1.5 molybdenite 0.01 rutile 0.2 zircon 0.01 monazite 0.004 water 0.4
vein quartz 40 siderite 12 dolomite 8 muscovite 14 sphalerite 2.5 galena 1.3 pyrite 8
    arsenopyrite 0.8 barite 3 chalcopyrite 0.4 rutile 0.2 zircon 0.015 water 0.6
leached_cap quartz 36 kaolinite 20 goethite 10 hematite 4 jarosite 6 muscovite 12 gypsum 2
    malachite 0.8 montmorillonite 5 rutile 0.5 zircon 0.04 monazite 0.02 water 2
"""
UNITS = {"PPM": 1e6, "PCT": 1e2, "PPB": 1e9}  # of a mass fraction, by the end of a target's name
WAVES = 3  # a zone and hole, of different length
WAVELENGTHS = (25.0, 250.0)  # m, from thinnest to thickest
ZONE_CONTRAST = 1.3  # sd of a zone's log share between holes, and of its waves down a hole
CAP = 3.0  # extra log share of the leached cap at the surface
CAP_DEPTH = 30.0  # m that it takes to lose 1 of it
MINERAL_SCATTER = (0.3, 0.35)  # sd of a mineral's log share between holes, and between samples
HOLE_SCATTER = 0.5  # scatter of HOSTS between holes, as a share of that between samples
ASSAY_NOISE = 0.03  # sd, relative; a third of the detection limit comes on top


def zone_table():
    """Mass fractions of the minerals in each zone, DataFrame of shape (n_zones, n_minerals)."""
    table = pd.DataFrame({zone: parts(minerals) for zone, *minerals in entries(ZONES)}).T
    table = table.reindex(columns=list(MINERALS)).fillna(0.0)
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
    rows = {target: (float(limit), float(scatter)) for target, limit, scatter, *_ in entries(HOSTS)}
    limit, scatter = np.array([rows[target] for target in TARGETS]).T
    unit = np.array([UNITS[target[-3:]] for target in TARGETS])
    content = mix @ hosts.to_numpy() * unit
    content *= np.exp(scatter * scattered(rng, (HOLE_SCATTER, 1.0), content.shape))
    content *= 1 + ASSAY_NOISE * rng.standard_normal(content.shape)
    content += limit / 3 * rng.standard_normal(content.shape)
    return np.where(content < limit, limit / 2, content)
