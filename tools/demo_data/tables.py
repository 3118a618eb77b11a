"""The tables beside this module, one row a mineral, band, share of a zone, target or trace."""

from pathlib import Path

import pandas as pd


def read(name):
    """A table of this folder."""
    return pd.read_csv(Path(__file__).with_name(name))


# Formula; absorption between the bands, at 2000 cm-1; the power of wavenumber it goes with.
# Metallic and narrow-gap minerals have few bands above 430 cm-1 and darken everything, most
# so where photons exceed the gap (galena 0.4, chalcopyrite 0.5 eV: 3300 and 4000 cm-1). Water is adsorbed.
MINERALS = read("minerals.csv").set_index("mineral")

# Centre, width at half height, strength, what moves, and who measured it.
BANDS = read("bands.csv")

# Mass-% of the minerals in each zone of a porphyry copper system: host rocks, alteration,
# skarn and veins, and the cap that rain has leached. A zone need not sum to 100.
ZONES = read("zones.csv")

# Detection limit in the target's unit; scatter, as sd of the logarithm.
ASSAYS = read("assays.csv").set_index("target")

# Ppm by mass in host minerals, on top of what their formulas hold. Sizes as deposits of this kind have them.
TRACES = read("traces.csv")

VAPOUR_LINES = tuple(read("vapour.csv")["centre_cm1"])  # cm-1, the strongest
