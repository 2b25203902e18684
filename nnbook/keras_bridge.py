"""The bridge to Keras: the same network on both sides, so that the two can be compared.

Keras is imported when a function is called, so that ``import nnbook`` needs NumPy alone.
"""

from __future__ import annotations

import copy
import functools
import inspect
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnbook import (
    activations,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from nnbook.checks import at_least_one
from nnbook.layers import Activation, Dense, Dropout, Flatten, Input, Layer
from nnbook.metrics import Metric, NamedMetric
from nnbook.models import Sequential

# TensorFlow writes these while it is imported on a machine without a graphics card, whatever
# TF_CPP_MIN_LOG_LEVEL says (tensorflow/tensorflow issue 100442).
_CHATTER = re.compile(
    r"Could not find cuda drivers|before absl::InitializeLog\(\) is called"
)


_CROSSING = (
    "Only Dense, Activation, Dropout and Flatten layers can cross the bridge."
)
_NOT_TAUGHT = (
    "bias_regularizer",
    "activity_regularizer",
    "kernel_constraint",
    "bias_constraint",
    "noise_shape",
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
    twin = keras.Sequential([keras.Input(model.input_shape)], name=model.name)
    for layer in model.layers:
        twin.add(_layer_to_keras(layer, keras))
    twin.set_weights(model.get_weights())
    if model.compiled:
        twin.compile(
            optimizer=_optimizer_to_keras(model.optimizer, keras),
            loss=_loss_to_keras(model.loss, keras),
            metrics=[
                _metric_to_keras(name, metric, keras)
                for name, metric in model.metrics.items()
            ],
        )
    return twin


def from_keras(twin: Any, *, seed: int | None = None) -> Sequential:
    """Return an nnbook model with the layers, weights and compile settings of a Keras model.

    What the optimizer remembers is not copied: its first step is the first of a new training.

    Raises:
        TypeError: a layer, loss, metric or optimizer that nnbook does not have.
        ValueError: an activation, initializer, regularizer or setting that it does not have.
    """
    layers: list[Input | Layer] = [Input(shape=tuple(twin.input_shape[1:]))]
    layers += [_layer_from_keras(layer) for layer in twin.layers]
    model = Sequential(layers, name=twin.name, seed=seed, dtype=twin.dtype)
    model.set_weights(twin.get_weights())
    if twin.compiled:
        chosen = twin.get_compile_config()
        for name in ("loss_weights", "weighted_metrics"):
            if chosen[name]:
                raise ValueError(
                    f"nnbook has no {name}. Received a model with some."
                )
        model.compile(
            optimizer=_optimizer_from_keras(twin.optimizer),
            loss=_loss_from_keras(twin.loss),
            metrics=[_metric_from_keras(m) for m in chosen["metrics"] or []],
        )
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


def _layer_to_keras(layer: Layer, keras: Any) -> Any:
    if isinstance(layer, Dropout):
        return keras.layers.Dropout(
            layer.rate, seed=layer.seed, name=layer.name
        )
    if isinstance(layer, Activation):
        return keras.layers.Activation(
            _activation_to_keras(layer.activation, keras), name=layer.name
        )
    if isinstance(layer, Flatten):
        return keras.layers.Flatten(name=layer.name)
    if not isinstance(layer, Dense):
        raise TypeError(f"{_CROSSING} Received {layer!r}.")

    def same(piece: Any, module: Any) -> Any:
        kind = getattr(module, type(piece).__name__)
        return kind(**piece.get_config())

    return keras.layers.Dense(
        layer.units,
        activation=_activation_to_keras(layer.activation, keras),
        use_bias=layer.use_bias,
        kernel_initializer=same(layer.kernel_initializer, keras.initializers),
        bias_initializer=same(layer.bias_initializer, keras.initializers),
        kernel_regularizer=layer.kernel_regularizer
        and same(layer.kernel_regularizer, keras.regularizers),
        name=layer.name,
    )


def _layer_from_keras(layer: Any) -> Layer:
    for name in _NOT_TAUGHT:
        if getattr(layer, name, None) is not None:
            raise ValueError(
                f"nnbook's layers have no {name}. Received {layer!r} with one."
            )
    kind = type(layer).__name__
    if kind == "Dropout":
        return Dropout(layer.rate, seed=layer.seed, name=layer.name)
    if kind == "Activation":
        return Activation(
            _activation_from_keras(layer.activation), name=layer.name
        )
    if kind == "Flatten":
        return Flatten(name=layer.name)
    if kind != "Dense":
        raise TypeError(f"{_CROSSING} Received {layer!r}.")

    def same(piece: Any, module: Any) -> Any:
        twin = module.get(type(piece).__name__)  # of default settings
        known = twin.get_config()
        config = piece.get_config()
        return type(twin)(**{name: config[name] for name in known})

    return Dense(
        layer.units,
        activation=_activation_from_keras(layer.activation),
        use_bias=layer.use_bias,
        kernel_initializer=same(layer.kernel_initializer, initializers),
        bias_initializer=same(layer.bias_initializer, initializers),
        kernel_regularizer=layer.kernel_regularizer
        and same(layer.kernel_regularizer, regularizers),
        name=layer.name,
    )


def _activation_to_keras(f: activations.Activation, keras: Any) -> Any:
    settings = f.get_config()
    if settings == type(f)().get_config():
        return f.name
    return functools.partial(getattr(keras.activations, f.name), **settings)


def _activation_from_keras(theirs: Any) -> activations.Activation:
    if not isinstance(theirs, functools.partial):
        return activations.get(theirs.__name__)
    kind = type(activations.get(theirs.func.__name__))
    return kind(*theirs.args, **theirs.keywords)


def _optimizer_to_keras(optimizer: optimizers.Optimizer, keras: Any) -> Any:
    settings = optimizer.get_config()
    rate = settings["learning_rate"]
    if isinstance(rate, schedules.LearningRateSchedule):
        kind = _same_name(rate, keras.optimizers.schedules)
        settings["learning_rate"] = kind(**rate.get_config())
    return _same_name(optimizer, keras.optimizers)(**settings)


def _optimizer_from_keras(theirs: Any) -> optimizers.Optimizer:
    kind = _same_name(theirs, optimizers)
    settings = theirs.get_config()
    if isinstance(settings["learning_rate"], dict):  # a schedule
        settings["learning_rate"] = _schedule_from_keras(theirs._learning_rate)
    known = _known(settings, kind().get_config(), type(theirs)().get_config())
    optimizer: optimizers.Optimizer = kind(**known)
    return optimizer


def _schedule_from_keras(theirs: Any) -> schedules.LearningRateSchedule:
    settings = theirs.get_config()
    del settings["name"]
    schedule: schedules.LearningRateSchedule = _same_name(theirs, schedules)(
        **settings
    )
    return schedule


def _same_name(thing: object, module: Any) -> Any:
    """Return the class of that name on the other side of the bridge."""
    kind = type(thing).__name__
    if not hasattr(module, kind):
        raise TypeError(
            f"{module.__name__} has no {kind}, so it cannot cross the bridge."
        )
    return getattr(module, kind)


def _known(
    settings: dict[str, Any], ours: dict[str, Any], usual: dict[str, Any]
) -> dict[str, Any]:
    """Return the settings that nnbook has; the others must be as Keras has them by default."""
    for name, value in settings.items():
        if name not in ours and name != "name" and value != usual[name]:
            raise ValueError(
                f"nnbook has no {name}, so {name}={value!r} cannot cross the bridge."
            )
    return {name: settings[name] for name in ours}


def _loss_to_keras(loss: losses.Loss, keras: Any) -> Any:
    return _same_name(loss, keras.losses)(**loss.get_config())


def _loss_from_keras(theirs: Any) -> losses.Loss:
    if isinstance(theirs, str):
        return losses.get(theirs)
    if inspect.isfunction(theirs):
        return losses.get(theirs.__name__)
    kind = _same_name(theirs, losses)

    def settings(one: Any) -> dict[str, Any]:
        # Huber's delta stands in _fn_kwargs alone
        config: dict[str, Any] = one.get_config() | one._fn_kwargs
        return config

    usual = settings(type(theirs)())
    known = _known(settings(theirs), kind().get_config(), usual)
    loss: losses.Loss = kind(**known)
    return loss


def _metric_to_keras(name: str, metric: Metric, keras: Any) -> Any:
    if not isinstance(metric, NamedMetric):
        return name
    settings = metric.get_config() | {"name": name}
    return _same_name(metric, keras.metrics)(**settings)


def _metric_from_keras(theirs: Any) -> str | NamedMetric:
    if isinstance(theirs, str):
        return theirs
    if isinstance(theirs, dict):  # of get_compile_config
        theirs = import_keras().saving.deserialize_keras_object(theirs)
    kind = _same_name(theirs, metrics)
    known = _known(
        theirs.get_config(), kind().get_config(), type(theirs)().get_config()
    )
    metric: NamedMetric = kind(**known)
    return metric


def largest_difference(model: Sequential, twin: Any) -> float:
    """Return the largest absolute difference between the weights of the two models."""
    pairs = zip(model.get_weights(), twin.get_weights(), strict=True)
    return max(float(np.max(np.abs(ours - theirs))) for ours, theirs in pairs)
