"""What minerals are made of: formulas, and traces in host minerals."""

import re

import pandas as pd

from preprocess import TARGETS

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
