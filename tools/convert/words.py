"""What the names of axes and of values say: the unit of the one, the quantity of the other."""

import re

from tools.convert.scan import ABSORBANCE, REFLECTANCE, TRANSMITTANCE, UNKNOWN, Refused

LOG = re.compile(r"(?<![a-z])log", re.IGNORECASE)
OF_LOSS = re.compile(r"1 ?/|[-−] *log|absorb", re.IGNORECASE)  # a logarithm that is an absorbance
WORDS = re.compile(r"(?P<a>absorb)|(?P<r>reflect)|(?P<t>transm)", re.IGNORECASE)
LETTERS = re.compile(
    r"%? *\(?(?:(?P<a>abs\.?|a\.?u\.?|a)|(?P<r>refl\.?|r)|(?P<t>trans\.?|t))\)? *%?", re.IGNORECASE
)
PERCENT = re.compile(r"%|per ?cent|\bpct\b", re.IGNORECASE)
WAVELENGTHS = {
    "nm": re.compile(r"\bnm\b|nanomet", re.IGNORECASE),
    "µm": re.compile(r"[µμ]m|\bum\b|micromet|micron", re.IGNORECASE),
}
WAVELENGTH = re.compile(r"wave ?length|lambda|wellenl|longueur|longitud|lunghezza|\bwl\b|λ", re.IGNORECASE)
ALONE = re.compile(
    r"[\[(]? *(nm|[uµμ]m|%|cm-?1|cm⁻¹|1/cm|a\.?u\.?|[-–])? *[\])]?", re.IGNORECASE
)  # a unit by itself


def quantity_in(words):
    """The quantity that words tell of, and whether it is in percent."""
    if LOG.search(words):
        if not OF_LOSS.search(words):
            raise Refused(
                f"holds {words.strip()}, expected log(1/R), absorbance, reflectance or transmittance"
            )
        return ABSORBANCE, False
    matched = WORDS.search(words) or LETTERS.fullmatch(words.strip())
    if matched is None:
        return UNKNOWN, False
    quantity = {"a": ABSORBANCE, "r": REFLECTANCE, "t": TRANSMITTANCE}[matched.lastgroup]
    return quantity, quantity != ABSORBANCE and bool(PERCENT.search(words))


def unit_of(name):
    """The unit of an axis by the name of its column."""
    if re.search(r"raman|shift", name, re.IGNORECASE):
        raise Refused("has an axis of Raman shift, expected wavenumbers")
    if re.search(r"hz\b|\be ?v\b|1 ?/ ?m\b|(?<!c)m-1\b", name, re.IGNORECASE):
        raise Refused(f"has an axis {name!r}, expected wavenumbers in cm-1, nm or µm")
    for unit, form in WAVELENGTHS.items():
        if form.search(name):
            return unit
    if WAVELENGTH.search(name):
        raise Refused(f"has an axis {name!r} without a unit, expected wavenumbers, nm or µm")
    return "1/cm"
