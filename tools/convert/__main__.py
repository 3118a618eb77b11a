"""A folder of instrument files, one a scan, and a sheet of assays become the table that train.py reads.

    python -m tools.convert scans/ --assays assays.xlsx --output data/public/public.csv.gz
    python -m tools.convert new_scans/ --grid data/public/public.csv.gz --output new.parquet
    python -m tools.convert table.xlsx --output table.csv             # a sheet that is a table already

Kinds are told by first bytes: Bruker OPUS, Thermo SPA, Galactic SPC, PerkinElmer .sp and .asp, JCAMP-DX, text of
two columns. Scans of one sample are averaged. Beside the table a log, NAME.convert.json, tells every file and cell.
A file that cannot be read is named, and no table is written unless --skip-bad says so. See docs/instruments.md.
"""

import os
import shlex
import sys

from preprocess import DataError
from recore.options import Parser
from tools import command
from tools.convert.folder import convert_folder
from tools.convert.table import convert_table


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="folder of instrument files, or one sheet that is a table already")
    parser.add_argument(
        "--output", default="data/public/public.csv.gz", help="table, .csv.gz, .csv or .parquet (%(default)s)"
    )
    parser.add_argument("--assays", help="sheet of assays, .xlsx or text (a table to predict without)")
    parser.add_argument("--id", help="its column of samples (the one that matches most spectra)")
    parser.add_argument("--site", help="its column of sites, which becomes SiteID")
    parser.add_argument("--sheet", help="of a workbook (the one that is filled)")
    parser.add_argument("--header", type=int, help="row of the names, counted from 1 (found by itself)")
    parser.add_argument(
        "--below", choices=["half", "zero", "gap"], help="what values below a limit become (refused)"
    )
    parser.add_argument(
        "--block",
        choices=["last", "first"],
        default="last",
        help="of several absorbances in a file (%(default)s)",
    )
    parser.add_argument(
        "--quantity", help="of files that do not say: absorbance, reflectance, %%reflectance, …"
    )
    parser.add_argument(
        "--to", choices=["absorbance"], help="convert all to it, -log10 of reflectance (none)"
    )
    parser.add_argument("--grid", help="table on whose channels the spectra are put, by interpolation")
    parser.add_argument("--keep-scans", action="store_true", help="every scan a row, its sample as SiteID")
    parser.add_argument("--sample-pattern", help="regular expression that finds the sample in a file's name")
    parser.add_argument(
        "--skip-bad", action="store_true", help="write the table without the files that were refused"
    )
    return parser


def main(argv=None):
    arguments = command_line().parse_args(argv)
    typed = shlex.join(["python", "-m", "tools.convert", *(sys.argv[1:] if argv is None else argv)])
    if not os.path.exists(arguments.file):
        raise DataError(
            arguments.file, "not found", "a folder of instrument files, or a sheet", "check the path"
        )
    convert = convert_folder if os.path.isdir(arguments.file) else convert_table
    convert(arguments, typed)


if __name__ == "__main__":
    command.run(main, "tools.convert")
