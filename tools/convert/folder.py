"""A folder of instrument files becomes a table, and everything on the way is told."""

import os
import re
import sys
from collections import Counter

import numpy as np
from tqdm import tqdm

import preprocess
from preprocess import ID_COLUMNS, DataError
from recore.channels import describe, numbers
from recore.tables import open_table
from tools.convert import samples
from tools.convert.assays import SITE, columns_of_ids, near_misses, read_assays
from tools.convert.kinds import is_passed_over, read_scan
from tools.convert.samples import IN_FILE, PATTERN
from tools.convert.scan import (
    ABSORBANCE,
    REFLECTANCE,
    TRANSMITTANCE,
    Refused,
    oddities,
    quantity_told,
    to_absorbance,
)
from tools.convert.sheet import read_sheet
from tools.convert.write import check_output, log_path, refuse_options, write_log, write_table

SHOWN = 5  # of a list on the terminal; the log has all
QUANTITIES = {
    name: (name.strip("%"), name.startswith("%"))
    for name in (ABSORBANCE, REFLECTANCE, TRANSMITTANCE, f"%{REFLECTANCE}", f"%{TRANSMITTANCE}")
}
DIFFERENCES = ("instrument", "serial", "resolution", "accessory", "processing")


def files_of(folder, leave):
    """Paths of the files of a folder and those below, in natural order, and names of those that are passed over."""
    found, passed = [], []
    for place, folders, names in os.walk(folder):
        below = [
            name for name in folders if name.startswith(".") or os.path.islink(os.path.join(place, name))
        ]
        passed += [os.path.relpath(os.path.join(place, name), folder) + os.sep for name in below]
        folders[:] = sorted(set(folders) - set(below))
        for name in names:
            path = os.path.join(place, name)
            if is_passed_over(name) or os.path.realpath(path) in leave:
                passed.append(os.path.relpath(path, folder))
            else:
                found.append(path)
    return sorted(found, key=natural), sorted(passed)


def natural(path):
    """A path as people sort: numbers by their value."""
    parts = re.split(r"([0-9]+)", path)  # every other one is a number
    return [(k % 2 == 0, part if k % 2 == 0 else int(part)) for k, part in enumerate(parts) if part]


def read_all(paths, arguments):
    """The Scans of files, and (file, reason) of those that are refused."""
    if arguments.quantity is not None and arguments.quantity not in QUANTITIES:
        raise DataError("--quantity", f"found {arguments.quantity!r}", ", ".join(QUANTITIES), "name one")
    scans, refused = [], []
    for path in tqdm(paths, "reading", unit="file", leave=False, disable=not sys.stderr.isatty(), delay=2):
        try:
            scan = read_scan(path, arguments.block)
            if scan.quantity == "unknown" and arguments.quantity:
                kind, percent = QUANTITIES[arguments.quantity]
                scan = scan._replace(quantity=kind, percent=percent)
            scans.append(to_absorbance(scan) if arguments.to else scan)
        except Refused as reason:
            refused.append((os.path.relpath(path, arguments.file), str(reason)))
    return scans, refused


def convert_folder(arguments, typed):
    """Read, check, average and write a folder."""
    check_output(arguments)
    if arguments.assays is None:
        of_sheet = {
            f"--{name}": getattr(arguments, name) for name in ("id", "site", "below", "sheet", "header")
        }
        refuse_options(of_sheet, "--assays")
    if arguments.keep_scans and arguments.site:
        found = "found --keep-scans, which makes each sample a site"
        raise DataError("--site", found, "one of them", "leave one out")
    leave = {os.path.realpath(path) for path in (arguments.assays, arguments.grid, arguments.output) if path}
    paths, passed = files_of(arguments.file, leave)
    if not paths:
        raise DataError(arguments.file, "found no file in the folder", "instrument files", "check the path")
    scans, refused = read_all(paths, arguments)
    tell_refused(refused, len(paths), arguments)
    samples.check_quantities(scans, arguments.to)
    sheet = read_sheet(arguments.assays, arguments.sheet, arguments.header) if arguments.assays else None
    known = None if sheet is None else columns_of_ids(sheet, arguments.id)
    names, tried, how = samples.names_of(scans, known, arguments.sample_pattern)
    check_names(names, how)
    samples.check_twice(scans, names)
    spectra, axis, moved = samples.on_one_grid(scans, grid_of(arguments.grid))
    twins, odd = samples.averaged(scans, names, spectra)
    log = {"command": typed, "files": len(paths), "passed_over": passed, "refused": dict(refused)}
    log.update(read=[told_of(scan, name, arguments.file) for scan, name in zip(scans, names, strict=True)])
    log.update(
        samples={each.name: len(each.scans) for each in twins},
        channels=[axis[0], axis[-1], len(axis)],
        moved=moved,
    )
    log["warnings"] = [*odd, *warnings_of(scans)]
    log["said"] = [*tell_scans(scans, twins, axis, moved, how, passed), *tell_tried(tried, known)]
    ids, assays, kept = {}, {}, twins
    if sheet is not None:
        ids, assays, kept = matched(twins, sheet, arguments, log)
    rows = [each.name for each in kept], ids, np.array([each.y for each in kept]), assays
    if arguments.keep_scans:
        rows = every_scan(rows, scans, names, spectra, arguments.file)
        told = (
            "every scan is a row, its sample its SiteID: train with --group SiteID, as twins know each other"
        )
        log["said"].append(told)
    index, ids, values, assays = rows
    write_table(arguments.output, index, ids, axis, values, assays)
    write_log(arguments.output, log)
    for line in [*log["said"], *some("warning", log["warnings"])]:
        print(line)
    size = f"{len(index):,} rows, {len(axis):,} channels, {len(assays)} assays"
    print(f"wrote {arguments.output}: {size}; {log_path(arguments.output)}")


def tell_refused(refused, n_files, arguments):
    """Print which files were refused and why; a DataError unless they may be left out."""
    for file, reason in refused:
        print(f"refused {file}: it {reason}")
    if refused and (not arguments.skip_bad or len(refused) == n_files):
        found = f"{len(refused)} of {n_files} files were refused"
        raise DataError(arguments.file, found, remedy="mend or remove them, or leave them out: --skip-bad")


def told_of(scan, sample, folder):
    """What the log tells of a Scan."""
    ends = {"points": len(scan.x), "first": float(scan.x[0]), "last": float(scan.x[-1])}
    about = {name: str(value) for name, value in scan.about.items()}
    file = os.path.relpath(scan.path, folder)
    return {
        "file": file,
        "kind": scan.kind,
        **ends,
        "quantity": quantity_told(scan),
        "sample": sample,
        **about,
    }


def every_scan(rows, scans, names, spectra, folder):
    """Index, ids, spectra and assays with a row for each scan of the samples, which become sites."""
    index, ids, _, assays = rows
    at = {name: place for place, name in enumerate(index)}
    kept = [place for place, name in enumerate(names) if name in at]
    files = [os.path.basename(scans[place].path) for place in kept]
    if len(set(files)) < len(files):
        files = [os.path.relpath(scans[place].path, folder) for place in kept]

    def spread(columns):
        return {name: [column[at[names[place]]] for place in kept] for name, column in columns.items()}

    ids = {
        SITE: [names[place] for place in kept],
        **spread(ids),
    }  # a site of the sheet keeps twins together too
    return files, ids, spectra[kept], spread(assays)


def check_names(names, how):
    """Raise a DataError where all files would be one sample, or a name is empty."""
    if "" in names:
        raise DataError(
            "", f"found files without a sample by {how}", remedy="name them with --sample-pattern"
        )
    strange = next((name for name in names if not name.isprintable()), None)
    if strange is not None:
        found = f"found sample {strange!a} by {how}"
        raise DataError("", found, "characters that can be printed", "rename its file")
    if len(names) > 1 and len(set(names)) == 1 and how in (PATTERN, IN_FILE):
        raise DataError(
            "",
            f"found sample {names[0]!r} for all {len(names)} files by {how}",
            "several",
            "name them with --sample-pattern",
        )


def grid_of(path):
    """The channels of a table as numbers, falling; None without a path."""
    if path is None:
        return None
    found = numbers(open_table(preprocess.find_table(path), os.path.basename(path))[0].axis)
    if found is None:
        raise DataError(path, "found channels without numbers", "wavenumbers", "name another table")
    return found if found[0] > found[-1] else found[::-1]


def tell_scans(scans, twins, axis, moved, how, passed):
    """Lines on files, kinds, quantities, grids, scans a sample and what differs."""
    if passed:
        yield f"passed over {len(passed)} files or folders that hold no scans, are hidden or links: {listed(passed)}"
    yield "read " + ", ".join(
        f"{count} {kind}" for kind, count in Counter(scan.kind for scan in scans).items()
    )
    yield "they measure " + ", ".join(
        f"{count} {kind}" for kind, count in Counter(map(quantity_told, scans)).items()
    )
    several = Counter(scan.about.get("blocks", 1) for scan in scans if scan.kind == "OPUS")
    if set(several) - {1}:
        yield (
            "absorbances a file: "
            + ", ".join(f"{times} in {count} files" for times, count in sorted(several.items()))
            + " (--block)"
        )
    yield f"{len(twins)} samples by {how}; scans a sample: " + ", ".join(
        f"{scans} ({count} samples)"
        for scans, count in sorted(Counter(len(each.scans) for each in twins).items())
    )
    grids = Counter((len(scan.x), round(float(scan.x[0]), 3), round(float(scan.x[-1]), 3)) for scan in scans)
    if len(grids) > 1 or moved:
        yield f"{len(grids)} grids; {moved} of {len(scans)} scans were interpolated"
    yield f"channels: {describe(axis)}"
    for name in DIFFERENCES:
        found = Counter(str(scan.about.get(name, "")) for scan in scans)
        if len(found) > 1:
            yield f"{name} differs: " + ", ".join(
                f"{value[:60] or 'none'} ({count})" for value, count in found.most_common(SHOWN)
            )


def tell_tried(tried, known):
    """A line on how many samples each way to name them finds in one column of the sheet, of those that `known` has."""
    if known is not None:
        yield "samples in the sheet by " + ", by ".join(
            f"{way}: {max(len(some.intersection(names)) for some in known.values())}" for way, names in tried
        )


def warnings_of(scans):
    """What is strange about scans that are taken as they are."""
    for scan in scans:
        for what in oddities(scan):
            yield f"{os.path.basename(scan.path)}: {what}"
    blocks = {scan.about.get("blocks", 1) for scan in scans if scan.kind == "OPUS"}
    if len(blocks) > 1:
        yield "some files have several absorbances and some have one: they may not be treated alike"


def matched(twins, sheet, arguments, log):
    """Ids, assays and the samples that have some; the log tells what does not match."""
    names = {each.name for each in twins}
    found = read_assays(sheet, arguments.id, names, arguments.below, arguments.site)
    kept = [each for each in twins if each.name in found.ids]
    without, spare = sorted(names - {*found.ids}, key=natural), sorted({*found.ids} - names, key=natural)
    log.update(sheet=sheet.said, id_column=found.id_column, without_assays=without, without_spectra=spare)
    log["changed"] = [
        {"cell": cell, "before": before, "after": after} for cell, before, after in found.changed
    ]
    if not kept:
        misses = [f"{one!r} may be {other!r}" for one, other in near_misses(without[:200], spare)][:3]
        expected = f"those of column {found.id_column!r}, such as {spare[0]!r}"
        raise DataError(
            sheet.name,
            f"found none of the samples, such as {without[0]!r}",
            expected,
            "; ".join(misses) or "check the names, or name the column with --id",
        )
    rows = [found.ids[each.name] for each in kept]
    ids = {name: [found.columns[name][row] for row in rows] for name in ID_COLUMNS if name in found.columns}
    assays = {name: [found.columns[name][row] for row in rows] for name in found.targets}
    left = [name for name in found.columns if name not in (*ids, *assays)]
    said = log["said"]
    said += [f"assays: {line}" for line in sheet.said]
    said.append(f"samples are in column {found.id_column!r}; {len(kept)} have spectra and assays")
    if left:
        said.append(
            f"no assays, left in the sheet: {', '.join(left)}"
            + ("" if SITE in ids else " (--site names that of sites)")
        )
    misses = [f"{one} may be {other}" for one, other in near_misses(without, spare)]
    said += some("spectra without assays, left out", without) + some(
        "assays without spectra, left out", spare
    )
    said += some("near misses", misses) + some(
        "cells changed", [f"{cell} {before!r} to {after!r}" for cell, before, after in found.changed]
    )
    return ids, assays, kept


def some(what, items):
    """A line of how many and the first of a list; none of an empty one."""
    return [f"{what}, {len(items)}: {listed(items)}"] if items else []


def listed(items):
    """The first items of a list, in words."""
    return ", ".join(items[:SHOWN]) + (", …" if len(items) > SHOWN else "")
