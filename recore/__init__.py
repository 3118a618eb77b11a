"""What the scripts beside this package stand on, one subject a module.

In reading order: linalg, leverage, sums, ridge, groups, held_out, bounds, rows, parts, checks, state (the numerics);
columns, channels, impossible, sheets, parquet, tables, workers, many, store, pairs (files); samples, codecs,
predictions, model_file (the server's side).
"""

__version__ = "2.0.0"
