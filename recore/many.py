"""The preprocessing step on many tables: each becomes one of its own, those that are done are not done again."""

import csv
import logging
import os

import preprocess
from preprocess import DataError, clear_leftovers, find_tables, is_done, naming, replacing
from recore.parquet import ParquetRows, parquet_errors, pyarrow_parquet
from recore.tables import open_table, read_tables
from recore.workers import add_workers, workers

logger = logging.getLogger("preprocess")


def preprocess_table(source, output):
    """Preprocess one table, to Parquet where its name says so, else to CSV; feature names and rows."""
    if not output.endswith(".parquet"):
        return preprocess.write_csv(source, output, open_table)
    rows, names = 0, None
    with replacing(output, "wb") as file, ParquetRows(file, os.path.basename(source)) as writer:
        for table in read_tables(source):
            writer.write(table.features)
            names, rows = list(table.features), rows + len(table.features)
    return names, rows


def preprocess_shard(item):
    """As `preprocess_table`, of a source and an output that may be done: then it has no rows."""
    source, output = item
    if is_done(output, source):
        return written_names(output), None
    modified = os.stat(source).st_mtime_ns  # before it is read: it may change meanwhile
    with naming(source, output):
        found = preprocess_table(source, output)
        os.utime(output, ns=(modified, modified))
    return found


def written_names(path):
    """The names of the features in a table that `preprocess_table` wrote."""
    if path.endswith(".parquet"):
        with parquet_errors(path):
            return pyarrow_parquet().read_schema(path).names[1:]
    with open(path, encoding="utf-8") as file:
        return next(csv.reader(file))[1:]


def preprocess_all(sources, outputs, run):
    """Preprocess tables to a folder; feature names, rows and tables written, and tables done before."""
    folder = os.path.dirname(os.path.abspath(outputs[0]))
    os.makedirs(folder, exist_ok=True)
    clear_leftovers(folder)
    pairs = list(zip(map(os.path.abspath, sources), map(os.path.abspath, outputs)))
    each_names, each_rows = zip(*run(preprocess_shard, pairs, "tables"))
    for source, names in zip(sources, each_names):
        if names != each_names[0]:
            raise DataError(
                f"{source}: found other channels than in {sources[0]}, expected the same in all; preprocess "
                "them apart"
            )
    written = [rows for rows in each_rows if rows is not None]
    return each_names[0], sum(written), len(written), len(sources) - len(written)


def main(argv=None):
    """The whole project's step: several tables, Parquet, processes, a cluster."""
    parser = preprocess.arguments()
    parser.add_argument(
        "--format", choices=["csv", "parquet"], help="of the tables in a folder (as the input's)"
    )
    add_workers(parser)
    given = parser.parse_args(argv)
    sources = find_tables(given.input)
    outputs = preprocess.output_paths(sources, given.output, given.format and "." + given.format)
    if preprocess.is_one_table(given.output):
        names, rows = preprocess_table(sources[0], outputs[0])
        done = ""
    else:
        with workers(given.jobs, given.backend, given.scheduler) as run:
            names, rows, written, before = preprocess_all(sources, outputs, run)
        done = f" in {written} tables, {before} done before" if before else f" in {written} tables"
    logger.info("%s: %s spectra, %d features each%s", given.output, format(rows, ","), len(names), done)


def command():
    """Run the step as a script does."""
    preprocess.run(main)
