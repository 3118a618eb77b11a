"""Blocks of rows as CSV or Parquet, in one file or in a folder of files."""

import gzip
from contextlib import ExitStack, nullcontext
from pathlib import Path

import numpy as np
import pandas as pd

import preprocess
from preprocess import replacing
from tools.demo_data.holes import blocks

GROUP_ROWS = 2500  # at least, in a row group of Parquet
NOT_MEASURED = (
    "synthetic-spectra-not-from-an-instrument"  # kept in the files, whose format has no place for it
)


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
