"""Serve several models under one version: the part of tools/container/matrix.py that runs inside it.

    python serve_models.py PUBLIC FEATURES OUTPUT MODEL_DIR [MODEL_DIR ...]

Writes OUTPUT/0.npy for the first model, 1.npy for the second and so on: what predict.py and what the model server's
functions make of the same spectra, (2, n_rows, n_targets). In Python 3.7's language, like what it runs.
"""

import io
import os
import sys

import numpy as np

import predict
import train


def main(public, features, output, *model_dirs):
    with open(features, encoding="utf-8") as file:
        body = file.read()
    for number, model_dir in enumerate(model_dirs):
        folder = os.path.join(output, str(number))
        predict.main(["--model_dir", model_dir, "--data_dir", public, "--output_dir", folder])
        stepped = np.loadtxt(os.path.join(folder, "public.csv.out"), delimiter=",", ndmin=2)
        prediction = train.predict_fn(train.input_fn(body, "text/csv"), train.model_fn(model_dir))
        answer, _ = train.output_fn(prediction, "text/csv")
        served = np.loadtxt(io.StringIO(answer), delimiter=",", ndmin=2)
        np.save(folder + ".npy", np.stack([stepped, served]))


if __name__ == "__main__":
    main(*sys.argv[1:])
