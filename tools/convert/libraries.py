"""Scans by libraries: brukeropus for OPUS; openreadout for SPA, SPC, PerkinElmer PEPE and JCAMP-DX."""

import re
import struct

import numpy as np

from tools.convert.numbers import PLAIN
from tools.convert.scan import ABSORBANCE, REFLECTANCE, TRANSMITTANCE, UNKNOWN, Refused, scan_of
from tools.convert.words import quantity_in

BLOCKS = {"a": ABSORBANCE, "r": REFLECTANCE, "t": TRANSMITTANCE}  # of OPUS, as brukeropus names them
BEAMS = {
    "sm": "a single beam", "rf": "a background", "igsm": "an interferogram", "igrf": "an interferogram of the background",
    "phsm": "a phase", "phrf": "a phase of the background", "km": "Kubelka-Munk units", "ra": "a Raman spectrum", "e": "an emission spectrum",
    "pas": "a photoacoustic spectrum", "logr": "log reflectance", "atr": "ATR units",
}  # fmt: skip
CODES = {
    "a": 0x100F,
    "r": 0x300F,
}  # of blocks of spectra in a directory, but for the bit of the last one written
LATEST = 0x40000000
OPUS_UNITS = {"WN": "1/cm", "MI": "µm", "LGW": "log cm-1", "RSHIFT": "Raman shift"}


def read_opus(path, data, block="last"):
    """The Scan of a Bruker OPUS file: the last block of absorbance, or the first; else reflectance, transmittance."""
    from brukeropus import read_opus as read

    listed = check_directory(data)
    try:
        with np.errstate(all="ignore"):  # of a damaged factor
            file = read(path)
        keys = list(file.all_data_keys)
    except Exception as error:  # a library may raise anything for a damaged file
        raise Refused(f"is cut or damaged ({type(error).__name__})") from None
    kinds = {}
    for key in keys:
        kinds.setdefault(key.split("_")[0], []).append(key)
    chosen = next((kind for kind in BLOCKS if kind in kinds), None)
    if chosen is None:
        held = ", ".join(BEAMS.get(kind, kind) for kind in kinds) or "nothing that can be read"
        raise Refused(f"holds {held}, expected absorbance, reflectance or transmittance")
    blocks = sum(kind & ~LATEST == CODES.get(chosen) for kind in listed)
    if blocks > len(kinds[chosen]) or (blocks == 0 and chosen in CODES):
        found = f"{blocks} blocks of {BLOCKS[chosen]}, {len(kinds[chosen])} can be read"
        raise Refused(f"is cut or damaged: its header tells of {found}")
    several = sorted(kinds[chosen], key=lambda key: int([*key.split("_"), "1"][1]))  # the last is first
    try:
        found = getattr(file, several[0] if block == "last" else several[-1])
        x, y, params = np.asarray(found.x), np.asarray(found.y), found.params
        told = {"points": params.npt, "first": params.fxv, "last": params.lxv}
        low, high = sorted((params.mny, params.mxy))
        told = {**told, "low": low, "high": high}
        unit = OPUS_UNITS.get(str(params.dxu), str(params.dxu))
        beam = file.sm.params if "sm" in keys and file.sm.params.npt == params.npt else params
        if abs(beam.fxv - params.fxv) + abs(beam.lxv - params.lxv) > 1:
            raise Refused(
                f"is damaged: axes of {params.fxv:g} to {params.lxv:g} and of {beam.fxv:g} to {beam.lxv:g}"
            )
    except Refused:
        raise
    except Exception as error:
        raise Refused(f"is cut or damaged ({type(error).__name__})") from None
    if y.ndim != 1:
        raise Refused("holds a map or a series, expected one spectrum")

    def of(name):
        value = getattr(file.params, name, None)
        return value if isinstance(value, (str, int, float)) else None

    return scan_of(
        path, "OPUS", x, y, BLOCKS[chosen], False, unit, told, name=of("snm"), instrument=of("ins"), serial=of("srn"),
        resolution=of("res"), accessory=of("acc"), scans=of("nss"), blocks=len(several), processing=of("tcl"),
    )  # fmt: skip


def check_directory(data):
    """The kinds of an OPUS file's blocks; refused where its directory tells of blocks that are not there."""
    try:
        _, _, start, most, count = struct.unpack_from("<4sdiii", data)
        entries = [struct.unpack_from("<III", data, start + 12 * k) for k in range(min(count, most, 10_000))]
    except struct.error:
        raise Refused("is cut: it ends in its header") from None
    if not 0 < count <= most or start <= 0:
        raise Refused("is damaged: its header tells of no blocks")
    ends = [offset + 4 * words for kind, words, offset in entries if kind]
    if not ends or max(ends) > len(data):
        raise Refused(f"is cut or damaged: {len(data):,} bytes, its header tells of {max(ends, default=0):,}")
    return [kind for kind, _, _ in entries]


KINDS = {
    "thermo-omnic": "SPA",
    "galactic-spc": "SPC",
    "perkinelmer-sp": "PerkinElmer PEPE",
    "jcamp-dx": "JCAMP-DX",
}
NEITHER = re.compile(
    "single|beam|emission|interferogram|kubelka|count|volt|photoacoustic|raman|signal", re.IGNORECASE
)
UNITS = {
    "1/cm": re.compile(
        r"1 */ *cm|(wavenumbers? *)?\(?cm *\^? *(-1|⁻¹)\)?|wavenumbers?|reciprocal (centi|cm).*"
    ),
    "nm": re.compile(r"nm|nanomet(er|re)s?"),
    "µm": re.compile(r"[uµμ]m|micromet(er|re)s?|microns?"),
}
SHORTEST = {"nm": 700, "µm": 0.7}  # of infrared light


def read_openreadout(path, data):
    """The Scan of a file that openreadout reads."""
    import openreadout

    if data[:2].strip() == b"##" or data.lstrip()[:2] == b"##":
        check_jcamp(data)
    try:
        with openreadout.open(path) as file:
            checked = dict(file.check())
            if not checked["ok"]:
                found = dict(next(iter(checked["findings"]), {}))
                raise Refused(
                    f"is cut or damaged: {str(found.get('message') or found.get('code') or 'its parts do not fit')[:160]}"
                )
            told = dict(file.info)
            kind = KINDS.get(told["format"]["id"], told["format"]["name"])
            traces = [dict(each) for each in told.get("traces") or []]
            spectra = [
                each for each in traces if "INTERFEROGRAM" not in str(each["extra"].get("data_type")).upper()
            ]
            if not spectra:
                raise Refused(
                    "holds no spectrum" if not traces else "holds an interferogram, expected a spectrum"
                )
            if len(spectra) > 1 or spectra[0].get("sweep_count", 1) != 1:
                raise Refused(
                    f"holds {max(len(spectra), spectra[0]['sweep_count'])} spectra, expected one: export them one by one"
                )
            trace = spectra[0]
            extra, channels = dict(trace["extra"]), [dict(each) for each in trace["channels"]]
            what = str(extra.get("data_type", ""))
            axis = dict(extra.get("axis") or {})
            unit = unit_of(axis)
            far = kind == "SPC" and unit in SHORTEST and min(axis["first"], axis["last"]) >= SHORTEST[unit]
            if "INFRARED" not in what.upper() and not far:  # a library calls all in nm visible
                raise Refused(f"holds {what or 'no spectrum'}, expected an infrared spectrum")
            y, x = np.ravel(file.read_trace(trace["index"])), np.asarray(file.trace_axis(trace["index"]))
    except Refused:
        raise
    except Exception as error:  # a library may raise anything for a damaged file
        words = str(error).split(" (hint")[0].split(path)[-1].strip(": ")
        raise Refused(f"cannot be read: {words[:160]}") from None
    header = {"points": axis.get("size"), "first": axis.get("first"), "last": axis.get("last")}
    header.update({"low": extra.get("min_y"), "high": extra.get("max_y")})
    header = {name: value for name, value in header.items() if value is not None}
    check_axis(x, extra)
    if "raman" in str(axis.get("quantity")).lower():
        raise Refused("has an axis of Raman shift, expected wavenumbers")
    words = f"{channels[0].get('name')} {channels[0].get('unit')} {extra.get('y_quantity', '')} {extra.get('final_format', '')}"
    quantity, percent = quantity_in(words)
    if quantity == UNKNOWN:
        quantity, percent = quantity_in(str(channels[0].get("unit") or channels[0].get("name") or ""))
    if quantity == UNKNOWN and NEITHER.search(words):
        raise Refused(f"holds {words.strip()}, expected absorbance, reflectance or transmittance")
    name = trace.get("name") if kind != "SPC" else (extra.get("log") or {}).get("NAME")
    return scan_of(
        path, kind, x, y, quantity, percent, unit, header, name=name, instrument=extra.get("instrument") or
        extra.get("source_instrument") or extra.get("spectrometer"), resolution=extra.get("resolution_cm1") or extra.get("resolution"),
        accessory=extra.get("accessory"), scans=extra.get("scans"), processing=extra.get("comment"),
    )  # fmt: skip


def unit_of(axis):
    """The unit of an axis as a Scan has it, however a file spells it."""
    told = str(axis.get("unit") or axis.get("quantity")).strip().lower()
    return next((unit for unit, form in UNITS.items() if form.fullmatch(told)), told)


def check_axis(x, extra):
    """Refuse an axis that is not what the file tells of it in another place."""
    if len(x) < 2:
        raise Refused("holds no spectrum: is it damaged?")
    ends, step = np.sort(x[[0, -1]]), extra.get("data_interval")
    history = re.search(r"\bfrom\s+([0-9.]+)\s+to\s+([0-9.]+)", str(extra.get("history", "")))
    if history:
        told = np.sort([float(history[1]), float(history[2])])
        if np.abs(told - ends).max() > 1:
            raise Refused(
                f"is damaged: its axis ends at {ends[0]:g} and {ends[1]:g}, its history says {told[0]:g}, {told[1]:g}"
            )
    if step is not None and abs((x[-1] - x[0]) / (len(x) - 1) - step) > 1e-3 * abs(step):
        raise Refused(
            f"is damaged: its axis has steps of {(x[-1] - x[0]) / (len(x) - 1):g}, its header says {step:g}"
        )


def check_jcamp(data):
    """Refuse a JCAMP-DX file without its end, as a library would read what is there without a word."""
    text = data.decode("latin-1")
    if not re.search(r"^##\s*END\s*=", text, re.MULTILINE | re.IGNORECASE):
        raise Refused("is cut: it has no ##END=")
    points = re.findall(r"^##\s*NPOINTS\s*=\s*(\S*)", text, re.MULTILINE | re.IGNORECASE)
    if not points:
        raise Refused("tells no number of points (##NPOINTS=)")
    told = {
        name.upper(): value
        for name, value in re.findall(
            r"^##\s*(FIRSTX|LASTX|DELTAX|XFACTOR|YFACTOR|NPOINTS|MAXY|MINY|FIRSTY)\s*=[ \t]*([^\s$]+)",
            text,
            re.MULTILINE | re.IGNORECASE,
        )
    }
    for name, value in told.items():
        if not PLAIN.fullmatch(value):
            raise Refused(f"is damaged: ##{name}= is {value[:20]!r}, expected a number with a decimal point")
    rows = re.search(r"^##\s*XYDATA\s*=\s*\(X\+\+\(Y\.\.Y\)\).*\n\s*([+-]?[0-9.]+)", text, re.MULTILINE)
    try:
        first, last, n = float(told["FIRSTX"]), float(told["LASTX"]), int(told["NPOINTS"])
        step = (last - first) / max(n - 1, 1)
        near = abs(float(told.get("DELTAX", step)) - step) <= 1e-3 * abs(step)
        begins = rows is None or abs(float(rows[1]) * float(told.get("XFACTOR", 1)) - first) <= abs(step)
    except (KeyError, ValueError):
        return  # told by the library
    if not near or not begins or not ordered(text, step, float(told.get("XFACTOR", 1))):
        raise Refused("is damaged: FIRSTX, LASTX, DELTAX, NPOINTS and the rows tell of different axes")


def ordered(text, step, factor):
    """Whether the rows of a JCAMP-DX file begin at places that go as its axis does."""
    body = re.search(r"^##\s*XYDATA\s*=[^\n]*\n(.*?)^##", text, re.MULTILINE | re.DOTALL | re.IGNORECASE)
    places = re.findall(r"^[ \t]*([+-]?[0-9]+\.?[0-9]*)", body[1], re.MULTILINE) if body else []
    gaps = np.diff(np.array(places, dtype=float)) * factor * np.sign(step)
    several = len(gaps) and np.median(np.abs(gaps)) > 3 * abs(
        step
    )  # points a row: none begins where another does
    return bool((gaps > 0).all() if several else (gaps >= 0).all())
