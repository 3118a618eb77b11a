"""Synthetic drill core: a spectra file in the challenge's exact format, for trying things out.

    python -m tools.demo_data --output data/public/public.csv.gz
    python -m tools.demo_data --output spectra --rows 1000000 --shard-rows 10000    # a folder of Parquet

No instrument measured these spectra and no laboratory these concentrations: a score on
them says that the pipeline works, not how well it predicts rock. Geology, grain size and
noise are drawn at random; between them stand mineralogy and optics, row by row:

    w        = mass fractions of minerals, from alteration zones that come and go down a hole
    content  = (w @ hosts) * scatter                  hosts: formulas, and traces in host minerals
    a        = grain * (w @ absorption)               K/S, from the bands of minerals.csv
    R        = 1 + a - sqrt(a^2 + 2 a)                diffuse reflectance of a fine powder
    spectrum = -log10(R) + baseline + vapour + noise / (R * beam)

The detector's beam fades over the last TAIL channels and is gone at the end, where noise
stands far above the spectrum. Left out: the inverted (Reststrahlen) bands of coarse grains,
shifts of bands by solid solution, organic matter.

One drill hole is one block from a seed of its own. So files of one --seed begin the same
whatever their --rows, hold the same rock whatever their --channels, and memory does not grow.

Scatter and noise are set so that the default file is about as hard as the challenge's: the
project's method scores 0.69 in 4-fold cross-validation by row and 0.60 by drill hole
(python -m tools.validate --folds 4), and clearly less where the range ends at -1.

Sources
    Bands: centres and widths, rounded, after the source named in each row of minerals.csv;
    strengths are rough. Adler & Kerr (1965) Am. Mineral. 50, 132; Bishop & Murad (2005) Am.
    Mineral. 90, 1100; Chukanov (2014) Infrared Spectra of Mineral Species; Cornell &
    Schwertmann (2003) The Iron Oxides; Farmer (1974) The Infrared Spectra of Minerals;
    Goldsmith & Ross (1968) Spectrochim. Acta A 24, 2131; Huang & Kerr (1960) Am. Mineral. 45,
    311; Madejová (2003) Vib. Spectrosc. 31, 1; Nguyen, Janik & Raupach (1991) Aust. J. Soil
    Res. 29, 49; Salisbury, Walter, Vergo & D'Aria (1991) Infrared (2.1-25 µm) Spectra of Minerals.
    Powder: Kubelka & Munk (1931) Z. Tech. Phys. 12, 593.
    Zones: Sillitoe (2010) Econ. Geol. 105, 3.
    Vapour: Rothman et al. (2013) J. Quant. Spectrosc. Radiat. Transf. 130, 4.
    Atomic weights: Meija et al. (2016) Pure Appl. Chem. 88, 265.
"""

import argparse
import gzip
import re
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm

import preprocess
from preprocess import TARGETS, DataError, replacing, run

# --- minerals -----------------------------------------------------------------------

BANDS = Path(__file__).with_name("minerals.csv")  # mineral, centre_cm1, width_cm1 (at half height), strength

# Formula; absorption between the bands, at 2000 cm-1; the power of wavenumber it goes with.
# Metallic and narrow-gap minerals have few bands above 430 cm-1 and darken everything, most
# so where photons exceed the gap (galena 0.4, chalcopyrite 0.5 eV: 3300 and 4000 cm-1).
MINERALS = {
    "quartz": ("SiO2", 0.0005, -1.0),
    "orthoclase": ("KAlSi3O8", 0.001, -1.0),
    "albite": ("NaAlSi3O8", 0.001, -1.0),
    "anorthite": ("CaAl2Si2O8", 0.001, -1.0),
    "calcite": ("CaCO3", 0.0005, -1.0),
    "dolomite": ("CaMg(CO3)2", 0.0005, -1.0),
    "siderite": ("FeCO3", 0.003, -0.5),
    "kaolinite": ("Al2Si2O5(OH)4", 0.001, -1.0),
    "pyrophyllite": ("Al2Si4O10(OH)2", 0.001, -1.0),
    "muscovite": ("KAl3Si3O10(OH)2", 0.001, -1.0),
    "biotite": ("KMg1.6Fe1.4AlSi3O10(OH)2", 0.004, 0.3),
    "chlorite": ("Mg3Fe2Al2Si3O10(OH)8", 0.004, 0.2),
    "montmorillonite": ("Na0.2Ca0.1Al1.6Mg0.4Si4O10(OH)2(H2O)4", 0.001, -1.0),
    "actinolite": ("Ca2Mg3Fe2Si8O22(OH)2", 0.003, 0.0),
    "epidote": ("Ca2Al2FeSi3O12(OH)", 0.002, 0.0),
    "diopside": ("CaMg0.7Fe0.3Si2O6", 0.002, 0.0),
    "andradite": ("Ca3Fe1.4Al0.6Si3O12", 0.002, 0.0),
    "gypsum": ("CaSO4(H2O)2", 0.0005, -1.0),
    "anhydrite": ("CaSO4", 0.0005, -1.0),
    "barite": ("BaSO4", 0.0005, -1.0),
    "jarosite": ("KFe3(SO4)2(OH)6", 0.003, 0.0),
    "alunite": ("KAl3(SO4)2(OH)6", 0.001, -1.0),
    "apatite": ("Ca5(PO4)3F", 0.0005, -1.0),
    "monazite": ("CePO4", 0.0005, -1.0),
    "zircon": ("ZrSiO4", 0.0005, -1.0),
    "rutile": ("TiO2", 0.002, -1.0),
    "malachite": ("Cu2CO3(OH)2", 0.003, 0.0),
    "hematite": ("Fe2O3", 0.03, -0.4),
    "goethite": ("FeO(OH)", 0.015, -0.4),
    "magnetite": ("Fe3O4", 0.15, -0.6),
    "pyrite": ("FeS2", 0.07, 0.2),
    "chalcopyrite": ("CuFeS2", 0.20, 1.6),
    "bornite": ("Cu5FeS4", 0.25, 0.8),
    "sphalerite": ("Zn0.94Fe0.06S", 0.015, -0.4),
    "galena": ("PbS", 0.10, 2.5),
    "molybdenite": ("MoS2", 0.12, -0.2),
    "arsenopyrite": ("FeAsS", 0.12, 0.0),
    "water": ("H2O", 0.0, 0.0),  # adsorbed
}

# Abridged to 5 digits, in g/mol.
ATOMIC_WEIGHTS = """
H 1.008 C 12.011 O 15.999 F 18.998 Na 22.99 Mg 24.305 Al 26.982 Si 28.085 P 30.974 S 32.06 K 39.098
Ca
40.078 Ti 47.867 Fe 55.845 Cu 63.546 Zn 65.38 As 74.922 Zr 91.224 Mo 95.95 Ba 137.33 Ce 140.12
Pb 207.2
"""

# --- rocks --------------------------------------------------------------------------

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

# Detection limit in the target's unit; scatter, as sd of the logarithm; then ppm by mass in
# host minerals, on top of what their formulas hold. Sizes as deposits of this kind have them.
HOSTS = """
AgPPM 0.1 0.45 galena 900 chalcopyrite 60 bornite 250 pyrite 4
AsPPM 1 0.4 pyrite 600 goethite 300 jarosite 400 bornite 800
AuPPM 0.01 0.5 chalcopyrite 8 bornite 20 pyrite 0.8 arsenopyrite 15
BaPPM 5 0.2 orthoclase 2500 biotite 1500 muscovite 1200 albite 150
BiPPM 0.1 0.6 galena 300 chalcopyrite 40 bornite 60 pyrite 15
CdPPM 0.1 0.3 sphalerite 4000 calcite 0.3 siderite 2
CoPPM 0.5 0.35 pyrite 400 biotite 60 chlorite 60 actinolite 40 magnetite 80 diopside 30
CuPPM 2 0.15 pyrite 300 goethite 1500 biotite 80 sphalerite 1500
FePCT 0.01 0.02
MnPPM 5 0.25 siderite 15000 chlorite 3500 biotite 1800 andradite 4000 actinolite 2500 epidote 1200
    diopside 2500 dolomite 1500 calcite 700 goethite 800
MoPPM 0.5 0.3 pyrite 10 goethite 30
NiPPM 1 0.35 pyrite 250 biotite 120 chlorite 180 actinolite 100 diopside 50 magnetite 60
PPCT 0.005 0.1 jarosite 1000 goethite 800 alunite 800
PbPPM 1 0.25 orthoclase 60 jarosite 2000 alunite 300 muscovite 25 pyrite 60 barite 100
SPPM 50 0.04 goethite 800
SbPPM 0.1 0.6 galena 700 arsenopyrite 800 bornite 150 pyrite 15 goethite 20
SePPM 0.5 0.5 pyrite 40 chalcopyrite 90 bornite 150 galena 100 molybdenite 200
SnPPM 0.5 0.5 biotite 25 muscovite 25 andradite 60 chalcopyrite 60 sphalerite 40 bornite 80
SrPPM 2 0.25 anorthite 1800 albite 500 calcite 600 anhydrite 2000 gypsum 1000 barite 9000
    apatite 600 epidote 1500 orthoclase 300 alunite 1500
TePPB 20 0.8 pyrite 12 chalcopyrite 20 bornite 60 galena 30
ThPPB 50 0.3 monazite 60000 zircon 200 orthoclase 3 biotite 2
UPPB 20 0.4 monazite 3000 zircon 700 apatite 40 orthoclase 0.8 goethite 5 jarosite 3
VPCT 0.0005 0.25 magnetite 2500 biotite 350 chlorite 250 actinolite 250 rutile 3000 muscovite 150
    goethite 300
WPPM 0.5 0.9 muscovite 15 biotite 6 rutile 400 andradite 30 goethite 30
ZnPPM 2 0.2 chlorite 600 biotite 350 actinolite 250 magnetite 300 goethite 700 siderite 500
    malachite 5000 pyrite 150
ZrPPM 2 0.1 rutile 500
BePPM 0.1 0.35 muscovite 6 albite 3 orthoclase 2 andradite 5 biotite 3 kaolinite 2
AlPPM 100 0.02 goethite 15000 hematite 5000 diopside 8000 actinolite 15000
CaPPM 100 0.02 albite 8000 siderite 5000
CePPM 0.5 0.25 apatite 3500 epidote 300 rutile 100
CrPPM 2 0.5 chlorite 350 actinolite 300 biotite 180 magnetite 400 diopside 200 muscovite 60
    goethite 100
CsPPM 0.05 0.4 biotite 50 muscovite 18 montmorillonite 20 orthoclase 3 kaolinite 4
GaPPM 0.5 0.12 muscovite 55 kaolinite 40 albite 22 anorthite 18 orthoclase 20 biotite 45 chlorite 35
    sphalerite 80 alunite 50 pyrophyllite 40 montmorillonite 28 epidote 35 goethite 20 andradite 12
GePPM 0.1 0.5 sphalerite 60 andradite 8 hematite 10 goethite 8 magnetite 4 quartz 1 muscovite 3
HfPPM 0.1 0.12 zircon 11000 rutile 15
InPPM 0.01 0.6 sphalerite 60 chalcopyrite 15 bornite 8 biotite 0.2 muscovite 0.3 andradite 0.6
KPPM 100 0.02 montmorillonite 3000 albite 2500
LaPPM 0.5 0.25 monazite 220000 apatite 1800 epidote 150 rutile 50
LiPPM 0.5 0.35 biotite 250 chlorite 120 muscovite 60 montmorillonite 120 kaolinite 60
MgPPM 50 0.02 siderite 20000 muscovite 6000 calcite 3000 magnetite 3000 goethite 1000
NaPPM 50 0.02 orthoclase 8000 muscovite 4000 alunite 8000 anorthite 8000 actinolite 4000
    biotite 1500
NbPPM 0.2 0.3 rutile 1800 biotite 40
RbPPM 0.5 0.15 biotite 650 muscovite 330 orthoclase 300 montmorillonite 40 albite 8
RePPM 0.002 0.7 molybdenite 700 pyrite 0.02
ScPPM 0.2 0.2 actinolite 70 diopside 60 biotite 25 chlorite 25 muscovite 18 epidote 20 andradite 15
    zircon 300 rutile 200
TaPPM 0.05 0.4 rutile 120 biotite 3
TiPPM 20 0.12 biotite 15000 magnetite 12000 actinolite 4000 andradite 2500 muscovite 2500
    chlorite 800 goethite 500
TlPPM 0.05 0.4 biotite 3.5 muscovite 2.2 orthoclase 1.4 pyrite 6 jarosite 12 galena 8 alunite 1
YPPM 0.5 0.2 apatite 1200 monazite 15000 zircon 2500 andradite 40 epidote 40 actinolite 35
    diopside 20 calcite 6
"""

UNITS = {"PPM": 1e6, "PCT": 1e2, "PPB": 1e9}  # of a mass fraction, by the end of a target's name

INTERVALS = (1.0, 1.5, 2.0)  # m of core a sample; one of them a hole
SAMPLES = (40, 80)  # a hole: at least, fewer than
WAVES = 3  # a zone and hole, of different length
WAVELENGTHS = (25.0, 250.0)  # m, from thinnest to thickest
ZONE_CONTRAST = 1.3  # sd of a zone's log share between holes, and of its waves down a hole
CAP = 3.0  # extra log share of the leached cap at the surface
CAP_DEPTH = 30.0  # m that it takes to lose 1 of it
MINERAL_SCATTER = (0.3, 0.35)  # sd of a mineral's log share between holes, and between samples
HOLE_SCATTER = 0.5  # scatter of HOSTS between holes, as a share of that between samples
ASSAY_NOISE = 0.03  # sd, relative; a third of the detection limit comes on top

# --- instrument ---------------------------------------------------------------------

AXIS = (3997.4, 430.0)  # cm-1, first and last channel; falling, as FTIR software exports it
CHANNELS = 1700  # near the challenge's
TAIL = 300  # of CHANNELS at the end, where the detector fails; the method's range ends before them
MIN_CHANNELS = TAIL + 1  # the method's range [0:-300] needs one
GROUP_ROWS = 2500  # at least, in a row group of Parquet
NOT_MEASURED = (
    "synthetic-spectra-not-from-an-instrument"  # kept in the files, whose format has no place for it
)
FADE = (1.5, 2)  # decades of beam lost at the end of the tail; power of the way there
CUTOFF = (3.0, 16)  # the same, steeper: a range to -100 costs nothing, one to -1 much of the score

ABSORPTION = 50.0  # K/S of a mineral at a band of strength 1
GRAIN = (0.15, 0.2)  # sd of log grain size between holes, and between samples
SPECULAR = 0.02  # of the beam, reflected by surfaces and never absorbed
NOISE = 3e-4  # of the full beam, sd
BASELINE = (0.03, 0.04)  # absorbance, sd of its height and of its rise from mid-axis to the end
VAPOUR, DIOXIDE = 0.002, 0.01  # absorbance, sd of the strongest line; purging differs both ways
LINE_WIDTH = 6.0  # cm-1, of the vapour's lines at a resolution of 4 cm-1

VAPOUR_LINES = tuple(
    map(
        float,
        """
        3853.9 3838.0 3820.7 3801.4 3749.3 3734.9 3710.8 3689.4 3674.7 3648.2 3628.3 3586.6
        1792.7 1771.3 1749.0 1733.4 1716.9 1699.9 1684.8 1669.4 1652.4 1635.7 1616.7 1576.2
        1558.5 1539.1 1521.3 1506.9 1489.8 1472.1 1456.9 1436.5 1418.9
        """.split(),
    )
)  # cm-1, the strongest
DIOXIDE_BRANCHES = ((2361.0, 22.0), (2338.0, 24.0), (667.4, 5.0))  # cm-1, centre and width


# --- from formulas to concentrations ------------------------------------------------


def entries(text):
    """Rows of a text table, each as its words; an indented line belongs to the row above."""
    return [row.split() for row in re.split(r"\n(?=\S)", text.strip())]


def parts(words):
    """['quartz', '46', 'pyrite', '7'] as {'quartz': 46.0, 'pyrite': 7.0}."""
    return dict(zip(words[::2], map(float, words[1::2]), strict=True))


def composition(formula):
    """Mass fractions of the elements of a formula such as 'CaMg(CO3)2'.

    Returns
    -------
    dict of str to float
        They sum to 1.
    """
    # Read from the right, where the number behind a bracket is known before its atoms.
    tokens = re.findall(r"([A-Z][a-z]?|[()])([\d.]*)", formula)
    weights = parts(ATOMIC_WEIGHTS.split())
    masses, times = {}, [1.0]
    for token, count in reversed(tokens):
        number = times[-1] * float(count or 1)
        if token == ")":
            times.append(number)
        elif token == "(":
            times.pop()
        else:
            masses[token] = masses.get(token, 0.0) + number * weights[token]
    return {element: mass / sum(masses.values()) for element, mass in masses.items()}


def element_table():
    """Mass fractions of the targets' elements in each mineral: formula and traces.

    Returns
    -------
    DataFrame of shape (n_minerals, 49)
        Columns are TARGETS, whose units it does not follow.
    """
    table = {}
    for target, _, _, *hosts in entries(HOSTS):
        ppm, element = parts(hosts), target[:-3]
        table[target] = [
            composition(formula).get(element, 0.0) + 1e-6 * ppm.get(mineral, 0.0)
            for mineral, (formula, _, _) in MINERALS.items()
        ]
    return pd.DataFrame(table, list(MINERALS))[list(TARGETS)]


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


# --- from minerals to spectra -------------------------------------------------------


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
    spectra = {
        mineral: level * (wavenumbers / 2000) ** power for mineral, (_, level, power) in MINERALS.items()
    }
    for row in pd.read_csv(BANDS).itertuples():
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


# --- the file -----------------------------------------------------------------------


class Tables(NamedTuple):
    """What all holes have in common."""

    wavenumbers: np.ndarray  # (n_channels,), cm-1
    absorption: np.ndarray  # (n_minerals, n_channels), K/S
    zones: pd.DataFrame  # (n_zones, n_minerals), mass fractions
    hosts: pd.DataFrame  # (n_minerals, 49), mass fractions


def hole(seed, number, tables):
    """Draw one drill hole; it is the same whatever else is drawn.

    Returns
    -------
    ids : ndarray of shape (n_samples, 3)
        DepthTo in m, SiteID, DepthFrom in m.
    spectra : ndarray of shape (n_samples, n_channels)
        Absorbance.
    targets : ndarray of shape (n_samples, 49)
    """
    rows, rock, instrument = begin(seed, number)
    interval = INTERVALS[int(rock.random() * len(INTERVALS))]
    top = interval * (int(rock.random() * 20) + np.arange(rows))
    mix = minerals_down(rock, top + interval / 2, tables.zones)
    ids = np.column_stack([top + interval, np.full(rows, number + 1.0), top])
    spectra = measure(instrument, mix, tables.wavenumbers, tables.absorption)
    return ids, spectra, assay(rock, mix, tables.hosts)


def begin(seed, number):
    """How many samples a drill hole has, and the random generators of its rock and of its measurement."""
    seeds = np.random.SeedSequence(seed, spawn_key=(number,)).spawn(2)
    # Two streams: another number of channels is another instrument on the same rock.
    rock, instrument = (np.random.Generator(np.random.PCG64(child)) for child in seeds)
    least, most = SAMPLES
    return least + int(rock.random() * (most - least)), rock, instrument


def blocks(rows=1344, channels=CHANNELS, seed=0, private=False, start=(0, 0, 0)):
    """Yield the file's rows, one drill hole at a time.

    Parameters
    ----------
    rows : int
        At least 1.
    channels : int
        At least MIN_CHANNELS.
    seed : int
        Files of one seed begin the same, whatever their rows.
    private : bool
        Leave out the targets, as the challenge's private file does.
    start : tuple of int
        The first row to yield, the hole that it is in, and that hole's first row; see `starts`.

    Yields
    ------
    DataFrame of shape (n_samples, 3 + n_channels + 49)
        Its index counts on from block to block.

    Raises
    ------
    DataError
        For a number below its least.
    """
    check(rows, channels, seed)
    wavenumbers = axis(channels)
    tables = Tables(wavenumbers, mineral_spectra(wavenumbers)[1], zone_table(), element_table())
    columns = ["DepthTo", "SiteID", "DepthFrom"] + [f"{wavenumber:.4f}" for wavenumber in wavenumbers]
    columns += [] if private else TARGETS
    first, number, done = start
    while done < rows:
        ids, spectra, targets = hole(seed, number, tables)
        values = np.hstack([ids, spectra] if private else [ids, spectra, targets])
        wanted = slice(max(first - done, 0), rows - done)
        frame = pd.DataFrame(values, pd.RangeIndex(done, done + len(values)), columns)[wanted]
        frame["SiteID"] = frame["SiteID"].astype(int)
        yield frame
        done, number = done + len(values), number + 1


def check(rows, channels, seed):
    """Raise a DataError for a number below its least."""
    for name, value, least in ("rows", rows, 1), ("channels", channels, MIN_CHANNELS), ("seed", seed, 0):
        if value < least:
            raise DataError(f"--{name}: found {value}, expected at least {least}; give a larger number")


def starts(rows, size, seed):
    """For every `size` rows, where `blocks` starts."""
    found, number, done = [], 0, 0
    while len(found) * size < rows:
        samples = begin(seed, number)[0]
        while len(found) * size < min(done + samples, rows):
            found.append((len(found) * size, number, done))
        done, number = done + samples, number + 1
    return found


def csv_rows(frame):
    """Turn a block into lines of CSV, six significant digits a number as instruments give them."""
    line = ",".join(["%d", "%g", "%d", "%g"] + ["%.6g"] * (frame.shape[1] - 3)) + "\n"
    return "".join([line % (index, *row) for index, row in zip(frame.index, frame.to_numpy().tolist())])


def write(path, frames):
    """Write blocks as one CSV file, compressed when its name ends in .gz.

    The gzip header has no time in it, so that the same blocks give the same bytes, and a
    name (`gunzip -N`, `file`) that says what the file is, which the challenge's format cannot.
    """
    name = f"{NOT_MEASURED}.csv"
    with replacing(path, "wb") as raw:
        packed, begun = str(path).endswith(".gz"), False
        with gzip.GzipFile(name, "wb", 4, raw, mtime=0) if packed else nullcontext(raw) as file:
            for frame in frames:
                if not begun:
                    file.write((",".join(["", *frame.columns]) + "\n").encode())
                file.write(csv_rows(frame).encode())
                begun = True


def write_parquet(path, frames):
    """Write blocks as Parquet: spectra in single precision, the index as pandas keeps it, and what they are."""
    import pyarrow
    import pyarrow.parquet

    with replacing(path, "wb") as file, ExitStack() as stack:
        writer = None
        for frame in grouped(frames, GROUP_ROWS):
            channels = [name for name in frame if preprocess.number(name) is not None]
            frame = frame.astype(dict.fromkeys(channels, np.float32))
            table = pyarrow.Table.from_pandas(frame, preserve_index=True)
            if writer is None:
                schema = table.schema.with_metadata(
                    {**table.schema.metadata, b"origin": NOT_MEASURED.encode()}
                )
                # Six digits of noise are none to a dictionary, and little to a compressor.
                options = {"compression": "none", "use_dictionary": False}
                writer = stack.enter_context(pyarrow.parquet.ParquetWriter(file, schema, **options))
            writer.write_table(table.cast(schema))


def grouped(frames, rows):
    """Put blocks together to so many rows at least."""
    waiting = []
    for frame in frames:
        waiting.append(frame)
        if sum(map(len, waiting)) >= rows:
            yield pd.concat(waiting)
            waiting = []
    if waiting:
        yield pd.concat(waiting)


def write_shard(folder, kind, size, rows, channels, seed, private, start):
    """Write one of the files that together hold `rows` rows, `size` to a file; its rows."""
    last = min(start[0] + size, rows)
    path = Path(folder) / f"part-{start[0] // size:05d}{kind}"
    frames = blocks(last, channels, seed, private, start)
    write_parquet(path, frames) if kind == ".parquet" else write(path, frames)
    return last - start[0]


def counted(frames, bar):
    """Pass blocks on and tell a progress bar their rows."""
    for frame in frames:
        yield frame
        bar.update(len(frame))


def main(argv=None):
    """Write a file of synthetic drill core in the challenge's format."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--output",
        default="data/public/public.csv.gz",
        help="file to write, .csv.gz, .csv or .parquet, or a folder (%(default)s)",
    )
    parser.add_argument("--rows", type=int, default=1344, help="as many as the challenge's (%(default)s)")
    parser.add_argument("--channels", type=int, default=CHANNELS, help="from 3997 to 430 cm-1 (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another one, other rock (%(default)s)")
    parser.add_argument("--private", action="store_true", help="leave out the targets")
    parser.add_argument("--shard-rows", type=int, help="write a folder of files of so many rows")
    parser.add_argument("--format", choices=["parquet", "csv.gz", "csv"], default="parquet", help="of these")
    parser.add_argument("--jobs", type=int, default=-1, help="processes for these (as many as cores)")
    options = parser.parse_args(argv)
    content = options.rows, options.channels, options.seed, options.private
    check(*content[:3])
    # On a terminal only, and only for what takes longer than two seconds.
    with tqdm(total=options.rows, unit=" spectra", disable=None, delay=2) as bar:
        if options.shard_rows:
            if options.shard_rows < 1:
                raise DataError(
                    f"--shard-rows: found {options.shard_rows}, expected 1 or more; give a larger number"
                )
            settings = options.output, "." + options.format, options.shard_rows, *content
            calls = (
                delayed(write_shard)(*settings, start)
                for start in starts(options.rows, options.shard_rows, options.seed)
            )
            for rows in Parallel(options.jobs, return_as="generator_unordered", batch_size=1)(calls):
                bar.update(rows)
        else:
            make = write_parquet if options.output.endswith(".parquet") else write
            make(options.output, counted(blocks(*content), bar))
    print(
        f"wrote {options.output}: {options.rows:,} rows, {options.channels:,} channels "
        "(synthetic spectra, not from an instrument)"
    )


if __name__ == "__main__":
    from tools import demo_data  # by name, so that other processes find what they are to run

    run(demo_data.main)
