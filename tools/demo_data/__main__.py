"""Synthetic drill core: a spectra file in the challenge's exact format, for trying things out.

    python -m tools.demo_data --output data/public/public.csv.gz
    python -m tools.demo_data --output spectra --rows 1000000 --shard-rows 10000    # a folder of Parquet

No instrument measured these spectra and no laboratory these concentrations: a score on
them says that the pipeline works, not how well it predicts rock. Geology, grain size and
noise are drawn at random; between them stand mineralogy and optics, row by row:

    w        = mass fractions of minerals, from alteration zones that come and go down a hole
    content  = (w @ hosts) * scatter                  hosts: formulas, and traces in host minerals
    a        = grain * (w @ absorption)               K/S, from the bands of bands.csv
    R        = 1 + a - sqrt(a^2 + 2 a)                diffuse reflectance of a fine powder
    spectrum = -log10(R) + baseline + vapour + noise / (R * beam)

The detector's beam fades over the last TAIL channels and is gone at the end, where noise
stands far above the spectrum. Left out: the inverted (Reststrahlen) bands of coarse grains,
shifts of bands by solid solution, organic matter.

One drill hole is one block from a seed of its own. So files of one --seed begin the same
whatever their --rows, hold the same rock whatever their --channels, and memory does not grow.

Scatter and noise are set so that the default file is about as hard as the challenge's: the
project's method scores 0.69 in 4-fold cross-validation by row and 0.60 by drill hole
(python -m tools.validate --folds 4), and clearly less where the range ends at -1.

Sources
    Bands: centres and widths, rounded, after the source named in each row of bands.csv;
    strengths are rough. Adler & Kerr (1965) Am. Mineral. 50, 132; Bishop & Murad (2005) Am.
    Mineral. 90, 1100; Chukanov (2014) Infrared Spectra of Mineral Species; Cornell &
    Schwertmann (2003) The Iron Oxides; Farmer (1974) The Infrared Spectra of Minerals;
    Goldsmith & Ross (1968) Spectrochim. Acta A 24, 2131; Huang & Kerr (1960) Am. Mineral. 45,
    311; Madejová (2003) Vib. Spectrosc. 31, 1; Nguyen, Janik & Raupach (1991) Aust. J. Soil
    Res. 29, 49; Salisbury, Walter, Vergo & D'Aria (1991) Infrared (2.1-25 µm) Spectra of Minerals.
    Powder: Kubelka & Munk (1931) Z. Tech. Phys. 12, 593.
    Zones: Sillitoe (2010) Econ. Geol. 105, 3.
    Vapour: Rothman et al. (2013) J. Quant. Spectrosc. Radiat. Transf. 130, 4.
    Atomic weights: those of the package periodictable, after Prohaska et al. (2022) Pure Appl. Chem. 94, 573.
"""

from joblib import Parallel, delayed
from tqdm import tqdm

from preprocess import DataError
from recore.options import Parser
from tools import command
from tools.demo_data.files import counted, write, write_parquet, write_shard
from tools.demo_data.holes import blocks, check, starts
from tools.demo_data.optics import CHANNELS


def command_line():
    """The parser of the arguments."""
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", required=True, help="file to write, .csv.gz, .csv or .parquet, or a folder"
    )
    parser.add_argument("--rows", type=int, default=1344, help="as many as the challenge's (%(default)s)")
    parser.add_argument("--channels", type=int, default=CHANNELS, help="from 3997 to 430 cm-1 (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another one, other rock (%(default)s)")
    parser.add_argument("--private", action="store_true", help="leave out the targets")
    parser.add_argument("--shard-rows", type=int, help="write a folder of files of so many rows")
    parser.add_argument("--format", choices=["parquet", "csv.gz", "csv"], default="parquet", help="of these")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (as many as there are cores)")
    return parser


def main(argv=None):
    """Write a file of synthetic drill core in the challenge's format."""
    options = command_line().parse_args(argv)
    content = options.rows, options.channels, options.seed, options.private
    check(*content[:3])
    # On a terminal only, and only for what takes longer than two seconds.
    with tqdm(total=options.rows, unit=" spectra", disable=None, delay=2) as bar:
        if options.shard_rows:
            if options.shard_rows < 1:
                raise DataError(
                    "--shard-rows", f"found {options.shard_rows}", "1 or more", "give a larger number"
                )
            settings = options.output, "." + options.format, options.shard_rows, *content
            calls = (
                delayed(write_shard)(*settings, start)
                for start in starts(options.rows, options.shard_rows, options.seed)
            )
            for rows in Parallel(options.jobs, return_as="generator_unordered", batch_size=1)(calls):
                bar.update(rows)
        else:
            make = write_parquet if options.output.endswith(".parquet") else write
            make(options.output, counted(blocks(*content), bar))
    print(
        f"wrote {options.output}: {options.rows:,} rows, {options.channels:,} channels "
        "(synthetic spectra, not from an instrument)"
    )


if __name__ == "__main__":
    command.run(main, "tools.demo_data")
