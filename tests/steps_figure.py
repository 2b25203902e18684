"""The networks of the figure of the steps, as chapters 7 and 8 have them, and the figure itself."""

from __future__ import annotations

import numpy as np

import nnbook
from nnbook.interactive import Figure
from nnbook.interactive.steps import step_through

W1, B1 = np.array([[0.5, -1.0], [0.25, 1.0]]), np.array([0.5, -0.5])
W2, B2 = np.array([[1.0], [-2.0]]), np.array([0.5])
INPUTS = {"A": [1.0, 2.0], "B": [2.0, 1.0], "C": [-1.0, 0.5]}
ACTIVATIONS = {"ReLU": "relu", "sigmoid": "sigmoid"}
TARGET = 2.0
ALPHA = 0.01


def network(activation: str, alpha: float = ALPHA) -> nnbook.Sequential:
    """Return the 2-2-1 network with its weights."""
    model = nnbook.Sequential(
        [
            nnbook.Input(shape=(2,)),
            nnbook.layers.Dense(2, activation=activation),
            nnbook.layers.Dense(1),
        ],
        dtype="float64",
    )
    model.compile(nnbook.optimizers.SGD(learning_rate=alpha), "mse")
    model.set_weights([W1, B1, W2, B2])
    return model


def figure(name: str = "steps") -> Figure:
    """Return the figure of the chapter."""
    models = {label: network(activation) for label, activation in ACTIVATIONS.items()}
    return step_through(models, INPUTS, TARGET, name=name)
