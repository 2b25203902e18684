"""nnbook: the multilayer perceptron of the book, in NumPy alone.

The public names are Keras's, so a program runs on either by changing its import lines. Inside, the
names are the symbols of the book (see the page "Notation"). Each module explains one idea:

``activations``, ``initializers``, ``regularizers``, ``layers``, ``losses``, ``schedules``,
``optimizers``, ``metrics``, ``callbacks``, ``saving``, ``models``, and ``gradcheck``, the test that
tells a right gradient from a wrong one.

``data`` (asks scikit-learn for its sets), ``plots`` (needs matplotlib) and ``keras_bridge`` (needs
Keras) are imported on demand only.
"""

from nnbook import (
    activations,
    callbacks,
    gradcheck,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
)
from nnbook.layers import Input
from nnbook.models import Sequential

__version__ = "0.1.0"

__all__ = [
    "Input",
    "Sequential",
    "activations",
    "callbacks",
    "gradcheck",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "regularizers",
]
