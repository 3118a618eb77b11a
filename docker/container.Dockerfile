# Stands in for the challenge's container: its Python, its packages, its folder for the model.
ARG BASE
FROM ${BASE}
ARG PACKAGES
RUN pip install --quiet --no-cache-dir ${PACKAGES}
ENV SM_MODEL_DIR=/opt/ml/model
