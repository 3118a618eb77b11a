"""The table and its log are written: the same input gives the same bytes."""

import gzip
import json
import os

import numpy as np

from preprocess import DataError, csv_header, ends, quote, replacing

VALUE = "%.9g"  # of a channel: all that a 32-bit float holds
STEM_ENDS = (".csv.gz", ".csv", ".parquet")


def log_path(output):
    """NAME.convert.json beside a table."""
    end = next((end for end in STEM_ENDS if ends(output, end)), None)
    if end is None:
        raise DataError("--output", f"found {output}", f"a name in {', '.join(STEM_ENDS)}", "name one")
    return output[: -len(end)] + ".convert.json"


def check_output(arguments):
    """Raise a DataError where a table or its log cannot be written, or what it is made of would be lost."""
    output, log = os.path.realpath(arguments.output), log_path(arguments.output)
    for path in (arguments.output, log):
        if os.path.isdir(path):
            raise DataError("--output", f"found the folder {path}", "a file's name", "name another")
    for name in ("file", "assays", "grid"):
        path = getattr(arguments, name)
        if path and os.path.realpath(path) == output:
            raise DataError(
                "--output", f"found {path}, which the table is made of", "another file", "name another"
            )
    inside = output.startswith(os.path.join(os.path.realpath(arguments.file), ""))
    if inside and os.path.exists(output) and not os.path.exists(log):
        found = f"found {arguments.output} in the folder, of another origin"
        raise DataError("--output", found, "a file that this command wrote, or a new one", "name another")


def refuse_options(options, where):
    """Raise a DataError for the first option that is given where it does nothing."""
    given = next((name for name, value in options.items() if value not in (None, False)), None)
    if given is not None:
        raise DataError(given, "has no effect here", where, "leave it out")


def write_table(output, index, ids, axis, spectra, assays):
    """Write a table: index, {id: texts}, channels with spectra (n, c), {target: texts}."""
    if ends(output, ".parquet"):
        write_parquet(output, index, ids, axis, spectra, assays)
        return
    line = ",".join([VALUE] * len(axis))
    rows = zip(
        index,
        zip(*ids.values(), strict=True) if ids else [()] * len(index),
        spectra.tolist(),
        zip(*assays.values(), strict=True) if assays else [()] * len(index),
        strict=True,
    )
    text = csv_header([*ids, *axis, *assays]) + "".join(
        ",".join([quote(label), *map(quote, some), line % tuple(values), *map(quote, told)]) + "\n"
        for label, some, values, told in rows
    )
    with replacing(output, "wb") as file:
        data = text.encode()
        file.write(gzip.compress(data, 6, mtime=0) if ends(output, ".gz") else data)


def write_parquet(output, index, ids, axis, spectra, assays):
    """The same as Parquet: spectra as 64-bit floats of the digits that CSV has."""
    import pyarrow
    import pyarrow.parquet

    columns = {"index": pyarrow.array(list(index))}
    columns |= {name: pyarrow.array(list(texts)) for name, texts in ids.items()}
    columns |= dict(zip(axis, map(pyarrow.array, np.ascontiguousarray(spectra.T)), strict=True))
    columns |= {
        name: pyarrow.array([float(text) if text else None for text in texts], pyarrow.float64())
        for name, texts in assays.items()
    }
    with replacing(output, "wb") as file:
        pyarrow.parquet.write_table(
            pyarrow.table(columns), file, compression="zstd", use_dictionary=False, write_statistics=False
        )


def write_log(output, log):
    """Write what was found and done."""
    with replacing(log_path(output)) as file:
        json.dump(log, file, indent=1, ensure_ascii=False)
        file.write("\n")
