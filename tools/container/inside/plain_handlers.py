"""Handlers of the model server the plain way, as the challenge entry has them.

    python tools/container/inside/plain_handlers.py --features features.csv --spectra public.csv.gz --model_dir FOLDER

What tools/container/loadtest.py measures train.py's handlers against: pandas' reader, scikit-learn's RidgeCV,
the server's own output. As a script it fits the model.
"""

import argparse
import os
import pickle
from io import StringIO

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeCV

N_TARGETS = 49


def model_fn(model_dir):
    with open(os.path.join(model_dir, "model.pkl"), "rb") as file:
        return pickle.load(file)


def input_fn(data, content_type):
    return pd.read_csv(StringIO(data), index_col=0)


def predict_fn(data, model):
    return model.predict(data)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("features", "spectra", "model_dir"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args(argv)
    features = pd.read_csv(arguments.features, index_col=0)
    targets = pd.read_csv(arguments.spectra, index_col=0).iloc[:, -N_TARGETS:]
    model = RidgeCV(np.logspace(-5, 5, 50), alpha_per_target=True).fit(features, targets)
    with open(os.path.join(arguments.model_dir, "model.pkl"), "wb") as file:
        pickle.dump(model, file)


if __name__ == "__main__":
    main()
