"""Scans become samples: which belong together, on which grid, and their mean."""

import os
import re
from typing import NamedTuple

import numpy as np

from preprocess import DataError
from recore.channels import CLOSE, Resampling, step

NUMBERED = re.compile(r"(.+?)\.[0-9]{1,4}")  # OPUS numbers the scans of a name: soil.0, soil.1
COUNTED = re.compile(
    r"(.+?)(?:[ _.-](?:\([0-9]{1,4}\)|(?:r|rep|scan)?[0-9]{1,4})|\([0-9]{1,4}\))", re.IGNORECASE
)  # name_1, name.2, name (3), name(4), name_r5
PATTERN, IN_FILE = "the pattern", "the name in the file"  # ways to name samples that all files may share
FEWEST = 301  # channels that a table needs
DEPARTS = 0.98  # correlation with the mean of its twins, below which a scan is named


class Sample(NamedTuple):
    """Scans of one sample, on one grid."""

    name: str
    scans: list
    y: np.ndarray  # (n_channels,), their mean


def stem(path, kind):
    """A file's name without what software puts behind it."""
    name = os.path.basename(path)
    matched = NUMBERED.fullmatch(name)
    if kind == "OPUS" and matched:
        return matched[1]
    return os.path.splitext(name)[0]


def names_of(scans, ids=None, pattern=None):
    """The sample of each scan, and how they were told: by a pattern, by names that the assays have, else by names.

    `ids` are the texts of the assays' columns that may hold samples, by column, None without.
    """
    if pattern is not None:
        try:
            found = [re.search(pattern, os.path.basename(scan.path)) for scan in scans]
        except re.error as error:
            raise DataError(
                "--sample-pattern", f"found {pattern!r} ({error})", "a regular expression"
            ) from None
        lost = next(
            (
                scan.path
                for scan, each in zip(scans, found, strict=True)
                if each is None or (each.re.groups and each[1] is None)
            ),
            None,
        )
        if lost is not None:
            raise DataError(
                "--sample-pattern", f"does not match {os.path.basename(lost)}", "every name", "mend it"
            )
        names = [each[1] if each.re.groups else each[0] for each in found]
        return names, [(PATTERN, names)], PATTERN
    stems = [stem(scan.path, scan.kind) for scan in scans]
    ways = {
        "the file's name": stems,
        "its name without a number at its end": [
            (COUNTED.fullmatch(each) or [None, each])[1] for each in stems
        ],
        IN_FILE: [str(scan.about.get("name", "")).strip() for scan in scans],
    }
    tried = list(ways.items())
    if ids is None:
        return stems, tried, "the file's name"
    found = {(way, k): len(known.intersection(ways[way])) for way in ways for k, known in ids.items()}
    most = max(found.values())
    best = [(way, k) for (way, k), count in found.items() if count == most]
    firsts = {
        k: way for way, k in reversed(best)
    }  # within one column the whole name goes before a part of it
    kinds = {ids[k].intersection(ways[way]) for k, way in firsts.items()}
    if most and len(kinds) > 1:  # other texts by another way: names of files do not tell
        said = " and ".join(repr(min(each)) for each in sorted(kinds, key=min))
        raise DataError(
            "", f"found samples such as {said} in the assays", "one kind", "name their column: --id"
        )
    best = [(way, k) for way, k in best if ids[k].intersection(ways[way]) in kinds]
    way = max(best, key=lambda each: sum(name in ids[each[1]] for name in ways[each[0]]))[
        0
    ]  # of equals the first
    return ways[way], tried, way


def check_twice(scans, names):
    """Raise a DataError where one sample has files in two folders, or one file has two names."""
    folders, bytes_of = {}, {}
    for scan, name in zip(scans, names, strict=True):
        folder, before = os.path.dirname(scan.path), folders.setdefault(name, os.path.dirname(scan.path))
        if folder != before:
            found = f"found sample {name!r} in {before} and in {folder}"
            raise DataError("", found, "each sample in one folder", "rename one, or convert them apart")
        twin = bytes_of.setdefault(scan.y.tobytes() + scan.x.tobytes(), scan.path)
        if twin != scan.path:
            found = f"found the same spectrum in {twin} and {scan.path}"
            raise DataError("", found, "each file once", "remove one")


def on_one_grid(scans, like=None):
    """Spectra (n_scans, n_channels) on one grid, its channels as text, and how many were moved.

    `like` is the grid (n_channels,) to use. Grids that are equal within a hundredth of a step stay; others go to the
    common range at the coarsest step, nothing is extrapolated.
    """
    grids = {}
    for scan in scans:
        grids.setdefault((len(scan.x), scan.x.tobytes()), scan.x)
    first = scans[0].x if like is None else like
    same = {key: close(x, first) for key, x in grids.items()}
    if not all(same.values()) and like is None:
        low, high = max(x.min() for x in grids.values()), min(x.max() for x in grids.values())
        coarsest = max(grids.values(), key=step)
        first = coarsest[(coarsest >= low) & (coarsest <= high)]
        same = {key: close(x, first) for key, x in grids.items()}
    if len(first) < FEWEST:
        found = f"found {len(first)} channels that all files have"
        raise DataError("", found, f"{FEWEST} or more", "leave out the files that reach less far")
    axis, put, rows, moved = [f"{x:.4f}".rstrip("0").rstrip(".") for x in first], {}, [], 0
    for scan in scans:
        key = len(scan.x), scan.x.tobytes()
        if same[key]:
            rows.append(scan.y)
            continue
        if key not in put:
            put[key] = Resampling([repr(float(x)) for x in scan.x], axis, os.path.basename(scan.path))
        rows.append(put[key](scan.y[None])[0])
        moved += 1
    return np.array(rows), axis, moved


def close(x, other):
    """Whether two grids are equal within CLOSE of a step."""
    return len(x) == len(other) and bool(np.abs(x - other).max() <= CLOSE * step(other))


def averaged(scans, names, spectra):
    """The Samples, in the order of their first scans, and scans that depart from their twins."""
    places = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    samples, odd = [], []
    for name, some in places.items():
        mean = spectra[some].mean(axis=0)
        samples.append(Sample(name, [scans[place] for place in some], mean))
        for place in some[: len(some) if len(some) != 2 else 1] if len(some) > 1 else ():
            others = spectra[[each for each in some if each != place]].mean(axis=0)
            alike = np.corrcoef(spectra[place], others)[0, 1]
            if not alike >= DEPARTS:
                odd.append(f"{os.path.basename(scans[place].path)}: correlation {alike:.3f} with its twins")
    return samples, odd


def check_quantities(scans, converted):
    """Raise a DataError where scans are of several quantities, or of one that is not known."""
    kinds = {}
    for scan in scans:
        kinds.setdefault((scan.quantity, scan.percent), []).append(os.path.basename(scan.path))
    if len(kinds) > 1 and not converted:
        found = ", ".join(
            f"{len(paths)} of {'% ' * percent}{kind} ({paths[0]})" for (kind, percent), paths in kinds.items()
        )
        raise DataError("", f"found {found}", "one quantity", "convert them: --to absorbance")
    if any(kind == "unknown" for kind, _ in kinds):
        paths = next(paths for (kind, _), paths in kinds.items() if kind == "unknown")
        found = f"{len(paths)} files do not say what they measure ({paths[0]})"
        raise DataError("", found, remedy="name it: --quantity absorbance, reflectance or %reflectance")
