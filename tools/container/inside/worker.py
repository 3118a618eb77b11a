"""Hand train.py's functions to AWS's own worker, as the container's entry point does.

Run by gunicorn (tools/container/server.py) in an environment that has sagemaker-containers and nothing of
this project but what the archive holds.
"""

import collections
import collections.abc
import importlib

if not hasattr(collections, "Mapping"):  # gone from Python 3.10 on, sagemaker-containers asks for it
    collections.Mapping = collections.abc.Mapping

from sagemaker_containers.beta.framework import env, transformer, worker

app = None


def main(environ, start_response):
    """The WSGI application; the model is loaded at a worker's first request, a ping included."""
    global app
    if app is None:
        # The server imports the module, then reloads it.
        module = importlib.reload(importlib.import_module(env.ServingEnv().module_name))
        names = [name for name in ("input_fn", "predict_fn", "output_fn") if hasattr(module, name)]
        handlers = {"predict_fn": lambda data, model: model.predict(data)}
        handlers.update({name: getattr(module, name) for name in names})
        transform = transformer.Transformer(model_fn=module.model_fn, **handlers)
        transform.initialize()
        app = worker.Worker(transform_fn=transform.transform, module_name=module.__name__)
    return app(environ, start_response)
