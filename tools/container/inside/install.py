"""What the server's `serve` does before it starts its workers: it installs the code and imports it.

Run by tools/container/server.py in an environment that has sagemaker-containers. The code's folder gets a
setup.py that the platform writes, `pip install .` puts it into site-packages, and train.py is imported from there.
"""

import collections
import collections.abc

if not hasattr(collections, "Mapping"):  # gone from Python 3.10 on, sagemaker-containers asks for it
    collections.Mapping = collections.abc.Mapping

from sagemaker_containers.beta.framework import env, modules

if __name__ == "__main__":
    served = env.ServingEnv()
    print(modules.import_module(served.module_dir, served.module_name).__file__)
