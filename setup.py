"""What `unearthed build` ships: the three modules that train and serve, their package, and requirements.txt."""

from setuptools import setup

setup(
    name="ftir-concentrations",
    version="2.0.0",
    description="Element concentrations from FTIR spectra, by a ridge regression that can be explained",
    py_modules=["preprocess", "train", "mdl"],
    packages=["recore"],
    python_requires=">=3.7",
)
