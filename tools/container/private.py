"""A file of spectra cut in two: the public one, and a private one of other sites."""

import csv
import gzip
import os

import preprocess

PRIVATE = 5  # of so many sites, or rows, one is private


def read_lines(path):
    """A spectra file's rows as lists of text, its header first."""
    with gzip.open(path, "rt", newline="") if str(path).endswith(".gz") else open(path, newline="") as file:
        return [row for row in csv.reader(file) if row]


def write_lines(path, rows):
    with gzip.open(path, "wt", newline="", compresslevel=1) as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def split_off(path, folder):
    """Split a file into public.csv.gz, private.csv.gz and, for the score, private-assays.csv.gz.

    Returns
    -------
    list of int
        Rows of the public and of the private file.
    str
        Which rows are private.
    """
    header, *rows = read_lines(path)
    sites = [row[header.index("SiteID")] for row in rows] if "SiteID" in header else []
    names = list(dict.fromkeys(sites))
    if len(names) >= PRIVATE:
        chosen = names[PRIVATE - 1 :: PRIVATE]
        private = [site in set(chosen) for site in sites]
        said = f"SiteID {', '.join(chosen)}" if len(chosen) <= 8 else f"{len(chosen)} of {len(names)} sites"
    else:
        private = [place % PRIVATE == PRIVATE - 1 for place in range(len(rows))]
        said = "every fifth row"
    name = os.path.basename(path)
    layout = preprocess.split_columns([cell.strip() for cell in header], path=name, text=text_columns(path))
    kept = [place for place, cell in enumerate(header) if cell.strip() not in layout.targets]
    hidden = [row for row, is_private in zip(rows, private) if is_private]
    public = [row for row, is_private in zip(rows, private) if not is_private]
    write_lines(folder / "public.csv.gz", [header, *public])
    write_lines(folder / "private-assays.csv.gz", [header, *hidden])
    write_lines(folder / "private.csv.gz", [[row[place] for place in kept] for row in [header, *hidden]])
    return [len(public), len(hidden)], said


def text_columns(path):
    """Columns of text, as preprocess.py tells them."""
    blocks = preprocess.read_blocks(str(path))
    names = preprocess.read_header(next(blocks))
    return preprocess.text_columns(next(block for block in blocks if block.records()), names)
