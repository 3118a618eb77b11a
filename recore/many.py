"""The preprocessing step on many tables: each becomes one of its own, those done before stay."""

import json
import logging
import os
from functools import partial

import preprocess
from preprocess import SETTINGS, DataError, EmptyTable, ends, find_tables, replacing
from recore.options import Parser, say_without_effect, spectra_of
from recore.parquet import parquet_rows
from recore.settings import add_settings, settings_in
from recore.tables import Reading, file_sum, first_axis, read_tables, record
from recore.workers import add_workers, naming, workers

FIRST = "the first table's"
logger = logging.getLogger("preprocess")


def preprocess_table(source, output, axis=None, settings=SETTINGS):
    """Preprocess one table, to Parquet where its name says so, else to CSV; feature names and rows."""
    remedy, rows = "preprocess tables of other channels apart", 0
    reading = Reading(axis, decide=False, whose=FIRST, remedy=remedy, settings=settings)
    if not ends(output, ".parquet"):
        return preprocess.write_csv(source, output, partial(read_tables, reading=reading))
    with replacing(output, "wb") as file, parquet_rows(file) as write:
        for table in read_tables(source, reading=reading):
            write(table.features)
            rows += len(table.features)
    return list(table.features), rows


def preprocess_shard(item, axis=None, settings=SETTINGS):
    """As `preprocess_table`, of a source and an output that may be done: then it has no rows.

    A source without a row is left out, and gives None.
    """
    source, output = item
    before = record_path(output)
    with naming(source, output):
        made_of = record(source, axis, settings)  # before it is read: it may change meanwhile
        done = read_record(before)
        if os.path.exists(output) and done.get("made_of") == made_of and done.get("made") == file_sum(output):
            return done["features"], None
        try:
            names, rows = preprocess_table(source, output, axis, settings)
        except EmptyTable as error:
            logger.info("%s, left out", error)
            return None
        with replacing(before) as file:
            json.dump({"made_of": made_of, "made": file_sum(output), "features": names}, file)
    return names, rows


def record_path(output):
    """Where it is told what an output was made of."""
    folder, name = os.path.split(output)
    return os.path.join(folder, f".{name}.json")


def read_record(path):
    """What was told there, {} where there is nothing of ours."""
    try:
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and "features" in found else {}


def preprocess_all(sources, outputs, run, settings):
    """Preprocess tables to a folder; feature names, rows and tables written, and tables done before."""
    os.makedirs(os.path.dirname(os.path.abspath(outputs[0])), exist_ok=True)
    pairs = list(zip(map(os.path.abspath, sources), map(os.path.abspath, outputs)))
    done = [
        each
        for each in run(
            partial(preprocess_shard, axis=first_axis(sources, settings), settings=settings), pairs, "tables"
        )
        if each is not None
    ]
    if not done:
        raise DataError("", f"found no row in {len(sources)} tables", "spectra", "see data/README.md")
    written = [rows for _, rows in done if rows is not None]
    return done[0][0], sum(written), len(written), len(done) - len(written)


def command_line():
    """The parser of the whole project's step."""
    parser = preprocess.arguments(Parser)
    of = "of the tables in a folder (as the input's)"
    parser.add_argument("--format", choices=["csv", "parquet"], help=of)
    add_settings(parser)
    add_workers(parser)
    return parser


def main(argv=None):
    """The whole project's step: several tables, Parquet, processes, a cluster."""
    given = command_line().parse_args(argv)
    settings = settings_in(given)
    sources = find_tables(spectra_of(given))
    outputs = preprocess.output_paths(sources, given.output, given.format and "." + given.format)
    done = ""
    if preprocess.is_one_table(given.output):
        say_without_effect(logger, {"--format": given.format}, "on one table that is named")
        names, rows = preprocess_table(sources[0], outputs[0], settings=settings)
    else:
        with workers(given.jobs, given.backend, given.scheduler) as run:
            names, rows, written, before = preprocess_all(sources, outputs, run, settings)
        done = f" in {written} tables" + (f", {before} done before" if before else "")
    logger.info("%s: %s spectra, %d features each%s", given.output, format(rows, ","), len(names), done)


def command():
    """Run the step as a script does."""
    preprocess.run(main)
