"""The table and its log are written: the same input gives the same bytes."""

import gzip
import json

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
