"""The platform on this machine.

python -m tools.container.simulate    the four jobs of the online pipeline, on the platform's own model server
python -m tools.container.matrix      train and serve under every version of the container
python -m tools.container.docker      the steps through the unearthed command on a Docker engine
python -m tools.container.loadtest    requests a second of the model server, beside the plain way
"""

if __name__ == "__main__":
    print(__doc__.strip())
