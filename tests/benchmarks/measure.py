"""The measurements that tests and ``python -m tests.benchmarks.numbers`` share.

The job is the document's: 1000 rows of 8 random features, labels that are random reals, 8-10-1 with
ReLU and sigmoid, binary cross-entropy, accuracy, batches of 32, 10 epochs. On such labels accuracy
is always 0, so the comparisons run on labels that can be learnt as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nnbook import Input, Sequential, gradcheck, keras_bridge
from nnbook.layers import Dense
from nnbook.optimizers import SGD, Adam, Optimizer

BATCH_SIZE, EPOCHS = 32, 10
GRADIENT_BOUND = 1e-6  # of the gradient's norm
LOGS_BOUND = 1e-6

Numbers = NDArray[np.float64]


def rounded_adam() -> Adam:
    """Adam with the betas that Keras really uses: 0.9 and 0.999, rounded to float32."""
    return Adam(beta_1=float(np.float32(0.9)), beta_2=float(np.float32(0.999)))


@dataclass(frozen=True)
class Race:
    """A training run in float64 beside Keras, and how close all weights must stay."""

    name: str
    make: Callable[[], Optimizer]
    labels: str
    bound: float
    seeds: Sequence[int] = (2,)


# Keras rounds Adam's betas to float32, nnbook does not. On the document's labels, where little is
# learnt, that moves the weights by less than 1e-6; on labels that can be learnt a ReLU may switch
# earlier or later, and no bound holds. Betas that need no rounding show that nothing else differs.
RACES = (
    Race("SGD, the document's labels", SGD, "random", 1e-12),
    Race("SGD, labels that can be learnt", SGD, "learnable", 1e-12),
    Race("Adam, the document's labels, worst of 7 starts", Adam, "random", 1e-6, range(1, 8)),
    *(
        Race(f"Adam, {betas}, {what}", make, labels, 1e-12)
        for betas, make in (
            ("betas 0.875 and 1 - 2**-10", lambda: Adam(beta_1=0.875, beta_2=1 - 2**-10)),
            ("betas as Keras rounds them", rounded_adam),
        )
        for what, labels in (
            ("the document's labels", "random"),
            ("labels that can be learnt", "learnable"),
        )
    ),
)


def document_data(labels: str = "random", seed: int = 0) -> tuple[Numbers, Numbers]:
    """Return the document's ``x (1000, 8)`` and ``y (1000, 1)``, or labels that can be learnt."""
    rng = np.random.default_rng(seed)
    x = rng.random((1000, 8))
    y = rng.random((1000, 1))
    if labels == "learnable":
        y = (x[:, :1] > x[:, 1:2]).astype(np.float64)
    return x, y


def document_model(
    optimizer: str | Optimizer = "adam", *, seed: int = 2, dtype: str = "float64"
) -> Sequential:
    """Return the document's model, compiled as there."""
    model = Sequential(
        [Input(shape=(8,)), Dense(10, activation="relu"), Dense(1, activation="sigmoid")],
        seed=seed,
        dtype=dtype,
    )
    model.compile(optimizer=optimizer, loss="binary_crossentropy", metrics=["accuracy"])
    return model


def randomize(model: Sequential, seed: int = 1) -> Sequential:
    """Give the model random weights and, unlike the start of training, random biases."""
    model.theta[:] = np.random.default_rng(seed).normal(0, 0.5, model.theta.size)
    return model


def gradient_error() -> float:
    """Return the error of the gradient of the document's model, as a fraction of its norm."""
    return gradcheck.gradient_error(randomize(document_model()), *document_data())


def run(race: Race) -> tuple[float, float]:
    """Train beside Keras, from copied weights in the same order of samples, once for each seed.

    Return the largest difference of a weight, and of an epoch's loss or accuracy.
    """
    weights, logs = zip(*(_run(race, seed) for seed in race.seeds), strict=True)
    return max(weights), max(logs)


def _run(race: Race, seed: int) -> tuple[float, float]:
    x, y = document_data(race.labels)
    with keras_bridge.floatx("float64"):
        model = document_model(race.make(), seed=seed)
        twin = keras_bridge.to_keras(model)
        orders = keras_bridge.sample_orders(model, len(x), EPOCHS)
        theirs = keras_bridge.fit_in_orders(twin, x, y, orders, batch_size=BATCH_SIZE)
        ours = model.fit(x, y, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0).history
        if list(ours) != list(theirs):
            raise AssertionError(f"the logs differ in kind: {list(ours)}, {list(theirs)}")
        logs = max(float(np.max(np.abs(np.subtract(ours[k], theirs[k])))) for k in ours)
        return keras_bridge.largest_difference(model, twin), logs
