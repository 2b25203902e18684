"""The bridge to Keras: the same network on both sides, so that the two can be compared.

Keras is imported when a function is called, so that ``import nnbook`` needs NumPy alone.
"""

from __future__ import annotations

import copy
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnbook import losses, optimizers
from nnbook.checks import at_least_one
from nnbook.layers import Dense, Input
from nnbook.models import Sequential

# TensorFlow writes these while it is imported on a machine without a graphics card, whatever
# TF_CPP_MIN_LOG_LEVEL says (tensorflow/tensorflow issue 100442).
_CHATTER = re.compile(
    r"Could not find cuda drivers|before absl::InitializeLog\(\) is called"
)


def import_keras() -> Any:
    """Import TensorFlow and Keras without their start-up messages; return the module ``keras``.

    Call it before any other import of either. It also switches oneDNN off, so that float32 results
    do not depend on the kind of processor. Messages it does not know are passed on to stderr.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        # the messages come from C++, which knows only the file descriptor
        stderr = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            import keras
            import tensorflow  # noqa: F401 (its import is what talks)
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            kept.seek(0)
            for line in kept.read().decode(errors="replace").splitlines():
                if not _CHATTER.search(line):
                    print(line, file=sys.stderr)
    return keras


@contextmanager
def floatx(dtype: str) -> Iterator[None]:
    """Let Keras work in ``dtype`` inside a ``with`` block, learning rate and metrics included."""
    keras = import_keras()
    before = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(dtype)
    # once the first layer was made, layers ask this one:
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        keras.config.set_floatx(before[0])
        keras.config.set_dtype_policy(before[1])


def to_keras(model: Sequential) -> Any:
    """Return a ``keras.Sequential`` with the layers, weights and compile settings of ``model``.

    Raises:
        RuntimeError: the model has no weights yet.
        ValueError: Keras's float type is not the model's, so that they would compute differently.
    """
    if not model.built:
        raise RuntimeError(
            "The model has no weights to copy yet. Start it with Input(shape=(features,))."
        )
    keras = import_keras()
    if keras.config.floatx() != model.dtype.name:
        raise ValueError(
            f"Keras works in {keras.config.floatx()}, the model in {model.dtype.name}. Put "
            f"the call and the training into: with keras_bridge.floatx('{model.dtype.name}'): ..."
        )
    twin = keras.Sequential([keras.Input((model.n_in,))], name=model.name)
    for layer in model.layers:
        if not isinstance(layer, Dense):
            raise TypeError(
                f"Only Dense layers can cross the bridge so far. Received {layer!r}."
            )
        twin.add(
            keras.layers.Dense(
                layer.units, activation=layer.activation.name, name=layer.name
            )
        )
    twin.set_weights(model.get_weights())
    if model.compiled:
        twin.compile(
            optimizer=_optimizer_to_keras(model.optimizer, keras),
            loss=_loss_to_keras(model.loss, keras),
            metrics=list(model.metrics),
        )
    return twin


def from_keras(twin: Any, *, seed: int | None = None) -> Sequential:
    """Return an nnbook model with the layers and weights of a built ``keras.Sequential``.

    Raises:
        TypeError: a layer that nnbook does not have.  ValueError: an activation it does not have.
    """
    layers: list[Input | Dense] = [Input(shape=tuple(twin.input_shape[1:]))]
    for layer in twin.layers:
        if type(layer).__name__ != "Dense":
            raise TypeError(
                f"Only Dense layers can cross the bridge so far. Received {layer!r}."
            )
        layers.append(
            Dense(
                layer.units,
                activation=layer.activation.__name__,
                name=layer.name,
            )
        )
    model = Sequential(layers, name=twin.name, seed=seed, dtype=twin.dtype)
    model.set_weights(twin.get_weights())
    return model


def sample_orders(
    model: Sequential, n: int, epochs: int
) -> list[NDArray[np.intp]]:
    """Return the orders in which the model's next ``fit`` will visit ``n`` samples, one an epoch.

    The model's random numbers are only copied, so that its next ``fit`` really takes these orders.
    """
    rng = copy.deepcopy(model._shuffle)
    return [
        rng.permutation(at_least_one(n, "n"))
        for _ in range(at_least_one(epochs, "epochs"))
    ]


def fit_in_orders(
    twin: Any,
    x: ArrayLike,
    y: ArrayLike,
    orders: Sequence[NDArray[np.intp]],
    **fit: Any,
) -> dict[str, list[float]]:
    """Train a Keras model on the samples in the given orders, one epoch each; return its history.

    Keras cannot be told an order, so each epoch is a ``fit`` of its own on reordered samples with
    ``shuffle=False``; the optimizer goes on from one to the next. ``fit`` takes more arguments of
    Keras's ``fit``, such as ``batch_size`` and ``validation_data``.
    """
    x, y = np.asarray(x), np.asarray(y)
    history: dict[str, list[float]] = {}
    for order in orders:
        epoch = twin.fit(
            x[order], y[order], epochs=1, shuffle=False, verbose=0, **fit
        )
        for key, values in epoch.history.items():
            history.setdefault(key, []).extend(values)
    return history


def _optimizer_to_keras(optimizer: optimizers.Optimizer, keras: Any) -> Any:
    if isinstance(optimizer, optimizers.Adam):
        return keras.optimizers.Adam(
            optimizer.learning_rate,
            optimizer.beta_1,
            optimizer.beta_2,
            optimizer.epsilon,
        )
    return keras.optimizers.SGD(optimizer.learning_rate)


def _loss_to_keras(loss: losses.Loss, keras: Any) -> Any:
    if isinstance(loss, losses.BinaryCrossentropy):
        return keras.losses.BinaryCrossentropy(from_logits=loss.from_logits)
    return keras.losses.MeanSquaredError()


def largest_difference(model: Sequential, twin: Any) -> float:
    """Return the largest absolute difference between the weights of the two models."""
    pairs = zip(model.get_weights(), twin.get_weights(), strict=True)
    return max(float(np.max(np.abs(ours - theirs))) for ours, theirs in pairs)
