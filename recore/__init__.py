"""What the scripts beside this package stand on, one subject a module.

In reading order: linalg, leverage, ridge, groups, held_out, bounds, rows, parts, checks (the numerics, which
know numpy only); parquet, tables, workers, many, store (files); model_file, codecs, samples, predictions.
"""

__version__ = "1.0.0"
