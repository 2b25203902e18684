"""Whole training runs beside Keras, on networks, settings and data that hypothesis draws.

All in float64, from the same weights, in the same order of samples. Factors that Keras would round
to float32 are drawn from numbers that float32 holds exactly, so that the bound is 1e-12.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from nnbook import Input, Sequential, keras_bridge, losses, optimizers, regularizers
from nnbook.activations import LeakyReLU
from nnbook.checks import Array
from nnbook.layers import Activation, Dense, Dropout
from tests.keras_side import keras

BOUND = 1e-12  # relative to the largest weight, after all steps

HIDDEN: list[Any] = [
    "linear",
    "relu",
    "sigmoid",
    "tanh",
    "elu",
    "softplus",
    "softmax",
    LeakyReLU(0.25),
]
# output activation, loss, and what its labels are
ENDS: list[tuple[str, Any, str]] = [
    ("linear", losses.MeanSquaredError, "real"),
    ("tanh", losses.MeanSquaredError, "real"),
    ("linear", losses.MeanAbsoluteError, "real"),
    ("linear", losses.Huber, "real"),
    ("sigmoid", losses.BinaryCrossentropy, "soft"),
    ("linear", lambda: losses.BinaryCrossentropy(from_logits=True), "soft"),
    ("sigmoid", lambda: losses.BinaryCrossentropy(label_smoothing=0.25), "soft"),
    ("softmax", losses.CategoricalCrossentropy, "one-hot"),
    ("softmax", losses.SparseCategoricalCrossentropy, "class"),
    ("linear", lambda: losses.SparseCategoricalCrossentropy(from_logits=True), "class"),
]
SMALL, LARGE = 2.0**-7, 2.0**-3
ADAM: dict[str, float] = {"beta_1": 0.875, "beta_2": 1 - 2**-10}
OPTIMIZERS: list[Any] = [
    lambda **o: optimizers.SGD(LARGE, **o),
    lambda **o: optimizers.SGD(SMALL, momentum=0.5, **o),
    lambda **o: optimizers.SGD(SMALL, momentum=0.75, nesterov=True, **o),
    lambda **o: optimizers.RMSprop(SMALL, rho=0.875, **o),
    lambda **o: optimizers.RMSprop(SMALL, rho=0.75, momentum=0.5, **o),
    lambda **o: optimizers.Adagrad(LARGE, initial_accumulator_value=0.125, **o),
    lambda **o: optimizers.Adam(SMALL, **ADAM, **o),
    lambda **o: optimizers.AdamW(SMALL, weight_decay=SMALL, **ADAM, **o),
]
OPTIONS: list[dict[str, float]] = [{}, {}, {"clipvalue": 0.0625}, {"global_clipnorm": 0.5}]


def labels(kind: str, rng: np.random.Generator, n: int, k: int) -> Array:
    if kind == "real":
        return rng.normal(size=(n, k))
    if kind == "soft":
        return rng.random((n, k))
    classes = rng.integers(0, k, n)
    return np.eye(k)[classes] if kind == "one-hot" else classes.astype(float)


# Shrinking a failure would take minutes, and the drawn values are printed anyway.
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
@given(data=st.data())
def test_training_stays_beside_keras(data: st.DataObject) -> None:
    keras()
    draw = data.draw
    n, features = draw(st.integers(1, 24), "n"), draw(st.integers(1, 5), "features")
    output, loss, kind = draw(st.sampled_from(ENDS), "end")
    outputs = draw(st.integers(2 if kind in ("one-hot", "class") else 1, 4), "outputs")
    layers: list[Any] = []
    for width in draw(st.lists(st.integers(1, 7), max_size=3), "hidden widths"):
        layers.append(
            Dense(
                width,
                activation=draw(st.sampled_from(HIDDEN)),
                use_bias=draw(st.booleans()),
                kernel_regularizer=draw(
                    st.sampled_from([None, regularizers.L2(SMALL), regularizers.L1L2(SMALL, LARGE)])
                ),
            )
        )
    ending = [Dense(outputs), Dropout(0.0), Activation(output)]
    options = draw(st.sampled_from(OPTIONS), "options")
    optimizer = draw(st.sampled_from(OPTIMIZERS), "optimizer")(**options)
    batch_size = draw(st.integers(1, n), "batch_size")
    scale = draw(st.sampled_from([1e-3, 1.0, 30.0]), "scale")
    rng = np.random.default_rng(draw(st.integers(0, 99), "seed"))
    x, y = rng.normal(0, scale, (n, features)), labels(kind, rng, n, outputs)
    weights = rng.uniform(0, 2, n) if draw(st.booleans(), "weights") else None

    with keras_bridge.floatx("float64"):
        model = Sequential([Input((features,)), *layers, *ending], seed=3, dtype="float64")
        model.compile(optimizer, loss())
        twin = keras_bridge.to_keras(model)
        same: dict[str, Any] = {
            "batch_size": batch_size,
            "epochs": 3,
            "shuffle": False,
            "verbose": 0,
            "sample_weight": weights,
        }
        ours = model.fit(x, y, **same).history["loss"]
        theirs = twin.fit(x, y, **same).history["loss"]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    for mine, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        allowed = BOUND * max(1.0, float(np.abs(other).max()))
        np.testing.assert_allclose(mine, other, rtol=0, atol=allowed)
