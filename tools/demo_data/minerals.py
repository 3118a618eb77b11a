"""What minerals are made of: formulas, and traces in host minerals."""

import re

import pandas as pd

from preprocess import TARGETS
from tools.demo_data.tables import MINERALS, TRACES

# Abridged to 5 digits, in g/mol.
ATOMIC_WEIGHTS = """
H 1.008 C 12.011 O 15.999 F 18.998 Na 22.99 Mg 24.305 Al 26.982 Si 28.085 P 30.974 S 32.06 K 39.098
Ca
40.078 Ti 47.867 Fe 55.845 Cu 63.546 Zn 65.38 As 74.922 Zr 91.224 Mo 95.95 Ba 137.33 Ce 140.12
Pb 207.2
"""


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
    elements = MINERALS["formula"].map(composition)
    formula = {target: [each.get(target[:-3], 0.0) for each in elements] for target in TARGETS}
    traces = TRACES.pivot(index="mineral", columns="target", values="ppm")
    traces = traces.reindex(index=MINERALS.index, columns=TARGETS).fillna(0.0)
    return pd.DataFrame(formula, MINERALS.index) + 1e-6 * traces
