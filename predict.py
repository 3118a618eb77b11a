"""Predict concentrations from a spectra file with a saved model: the local prediction step.

    python predict.py --model_dir model --data_dir data/public --output_dir data/predictions

Writes public.csv.out: one line a spectrum, in the file's order, one number a target, in the
order of the model's targets (the challenge's 49 in the challenge's own); no header, no index.
"""

import argparse
import logging
import os

import preprocess
import train

logger = logging.getLogger(__name__)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model_dir",
        default=os.getenv("SM_MODEL_DIR", "/opt/ml/model"),
        help="folder of the model (%(default)s)",
    )
    parser.add_argument(
        "--data_dir",
        default=os.getenv("SM_CHANNEL_TRAINING", "/opt/ml/input/data/training"),
        help="folder of public.csv.gz, or a spectra file (%(default)s)",
    )
    parser.add_argument(
        "--output_dir",
        default=os.getenv("SM_OUTPUT_DIR", "/opt/ml/output"),
        help="folder for the predictions (%(default)s)",
    )
    arguments = parser.parse_args(argv)
    model = train.model_fn(arguments.model_dir)
    path = preprocess.find_table(arguments.data_dir)
    name = os.path.basename(path)
    output = os.path.join(arguments.output_dir, (name[:-3] if name.endswith(".gz") else name) + ".out")

    def predict(table):
        return train.csv_rows(train.predict(table.features, model))

    rows = 0
    with preprocess.replacing(output) as file:
        for text in preprocess.read_tables(path, predict):
            file.write(text)
            rows += text.count("\n")
    logger.info("%s: %s predictions of %d targets", output, format(rows, ","), len(model.target_names_))


if __name__ == "__main__":
    preprocess.run(main)
