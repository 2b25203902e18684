"""Print how far nnbook is from Keras, piece by piece: ``python -m tests.benchmarks.differences``.

Each piece computes the same on both sides, in float64 and on random inputs; the table has the
largest difference seen, divided by the largest number compared, and the bound that holds it. With
``--write`` the table of the page book/beside_keras.md is made anew. The exit code is 1 where a
bound is missed.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nnbook import (
    Input,
    Sequential,
    activations,
    keras_bridge,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from nnbook.checks import Array
from nnbook.layers import Activation, Dense, Dropout, Flatten

TABLE = (
    Path(__file__).parents[2] / "book" / "beside_keras.txt"
)  # which the page of that name includes
EXACT = 1e-12
WHY = {
    "schedules": "Keras computes schedules in float32, also for a float64 model",
    "Adam, betas as they come": "Keras rounds the betas to float32 in the correction of the start",
    "leaky_relu, slope as it comes": "Keras rounds the slope to float32",
}
EXACT_IN_FLOAT32 = 1 - 2.0**-10
Pair = tuple[Any, Any]


def difference(pairs: list[Pair]) -> float:
    """Return the largest difference of the pairs, each relative to its largest number."""
    worst = 0.0
    for ours, theirs in pairs:
        a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        assert a.shape == b.shape, (a.shape, b.shape)
        worst = max(worst, float(np.max(np.abs(a - b)) / max(float(np.max(np.abs(b))), 1e-300)))
    return worst


def taped(f: Callable[..., Any], *arrays: Array) -> tuple[Any, Any]:
    """Return ``f`` of the arrays and the gradient of its sum by the last of them."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        *constants, at = (tf.Variable(one) for one in arrays)
        value = f(*constants, at)
        total = tf.reduce_sum(value)
    return value, tape.gradient(total, at)


def of_activations(keras: Any, rng: np.random.Generator) -> Iterator[tuple[str, list[Pair], float]]:
    z = rng.normal(0, 3, (50, 7))
    v = rng.normal(size=z.shape)
    for f in sorted(set(activations._KNOWN.values()), key=lambda one: one.name):
        theirs = getattr(keras.activations, f.name)
        value, slope = taped(lambda v, z, g=theirs: g(z) * v, v, z)
        a = f(z)
        label = f"{f.name}, slope as it comes" if f.name == "leaky_relu" else f.name
        bound = 1e-7 if label in WHY else EXACT
        yield f"activations.{label}", [(a * v, value), (f.vjp(a, v), slope)], bound
    f, theirs = activations.LeakyReLU(0.25), keras.activations.leaky_relu
    value, slope = taped(lambda v, z: theirs(z, negative_slope=0.25) * v, v, z)
    pairs: list[Pair] = [(f(z) * v, value), (f.vjp(f(z), v), slope)]
    yield "activations.leaky_relu, slope exact in float32", pairs, EXACT


def of_losses(keras: Any, rng: np.random.Generator) -> Iterator[tuple[str, list[Pair], float]]:
    n, k = 40, 5
    z = rng.normal(0, 2, (n, k))
    a = rng.uniform(0.01, 0.99, (n, k))
    one_hot = np.eye(k)[rng.integers(0, k, n)]
    settings: list[tuple[str, dict[str, Any], Array, Array]] = [
        ("MeanSquaredError", {}, z, a),
        ("MeanAbsoluteError", {}, z, a),
        ("Huber", {"delta": 0.5}, z, a),
        *(
            (name, {**smooth, **logits}, y, z if logits else a)
            for name, y in (
                ("BinaryCrossentropy", one_hot),
                ("CategoricalCrossentropy", one_hot),
                ("SparseCategoricalCrossentropy", np.argmax(one_hot, axis=1).astype(float)),
            )
            for logits in ({}, {"from_logits": True})
            for smooth in ({}, *([] if name[0] == "S" else [{"label_smoothing": 0.25}]))
        ),
    ]
    found: dict[str, list[Pair]] = {}
    for name, arguments, y, out in settings:
        ours = getattr(losses, name)(**arguments)
        value, slope = taped(getattr(keras.losses, name)(**arguments), y, out)
        found.setdefault(name, []).extend([(ours(y, out), value), (ours.grad(y, out), slope)])
    for name, pairs in found.items():
        yield f"losses.{name}", pairs, EXACT


def of_optimizers(keras: Any, rng: np.random.Generator) -> Iterator[tuple[str, list[Pair], float]]:
    adam = {"beta_1": 0.875, "beta_2": EXACT_IN_FLOAT32}
    cases: list[tuple[str, str, dict[str, Any]]] = [
        ("SGD", "SGD", {}),
        ("SGD, momentum", "SGD", {"momentum": 0.875}),
        ("SGD, Nesterov", "SGD", {"momentum": 0.875, "nesterov": True}),
        ("RMSprop", "RMSprop", {"rho": 0.875}),
        ("RMSprop, momentum", "RMSprop", {"rho": 0.875, "momentum": 0.5}),
        ("Adagrad", "Adagrad", {"initial_accumulator_value": 0.125}),
        ("Adam, betas exact in float32", "Adam", adam),
        ("Adam, betas as they come", "Adam", {}),
        ("AdamW, betas exact in float32", "AdamW", adam | {"weight_decay": 0.25}),
        ("SGD, weight_decay", "SGD", {"weight_decay": 0.25}),
        ("SGD, clipvalue", "SGD", {"clipvalue": 0.5}),
        ("SGD, global_clipnorm", "SGD", {"global_clipnorm": 0.5}),
    ]
    for label, name, arguments in cases:
        theta = rng.normal(size=30)
        variable = keras.Variable(theta.copy(), dtype="float64")
        ours = getattr(optimizers, name)(learning_rate=0.0625, **arguments)
        theirs = getattr(keras.optimizers, name)(learning_rate=0.0625, **arguments)
        theirs.build([variable])
        for _ in range(10):
            grad = rng.normal(size=30)
            ours.step(theta, grad)
            theirs.apply([keras.ops.convert_to_tensor(grad)])
        bound = 1e-5 if label in WHY else EXACT
        yield f"optimizers.{label}, ten steps", [(theta, variable.numpy())], bound


def of_schedules(keras: Any, rng: np.random.Generator) -> Iterator[tuple[str, list[Pair], float]]:
    cases: list[tuple[str, dict[str, Any]]] = [
        ("ExponentialDecay", {"initial_learning_rate": 0.5, "decay_steps": 7, "decay_rate": 0.75}),
        ("CosineDecay", {"initial_learning_rate": 0.5, "decay_steps": 9, "alpha": 0.125}),
        ("PiecewiseConstantDecay", {"boundaries": [3, 6], "values": [0.5, 0.25, 0.125]}),
    ]
    steps = range(12)
    for name, arguments in cases:
        ours = getattr(schedules, name)(**arguments)
        theirs = getattr(keras.optimizers.schedules, name)(**arguments)
        pairs: list[Pair] = [([ours(s) for s in steps], [float(theirs(s)) for s in steps])]
        yield f"schedules.{name}", pairs, 1e-6


def of_regularizers(
    keras: Any, rng: np.random.Generator
) -> Iterator[tuple[str, list[Pair], float]]:
    w = rng.normal(size=(6, 4))
    for name, arguments in (
        ("L1", {"l1": 0.125}),
        ("L2", {"l2": 0.25}),
        ("L1L2", {"l1": 0.5, "l2": 0.25}),
    ):
        ours = getattr(regularizers, name)(**arguments)
        value, slope = taped(getattr(keras.regularizers, name)(**arguments), w)
        yield f"regularizers.{name}", [(ours(w), value), (ours.grad(w), slope)], EXACT


def of_metrics(keras: Any, rng: np.random.Generator) -> Iterator[tuple[str, list[Pair], float]]:
    n, k = 300, 4
    binary, a = rng.integers(0, 2, (n, 1)).astype(float), rng.random((n, 1))
    classes, rows = rng.integers(0, k, n).astype(float), rng.random((n, k))
    one_hot = np.eye(k)[classes.astype(int)]
    for name, y, out in (
        ("BinaryAccuracy", binary, a),
        ("CategoricalAccuracy", one_hot, rows),
        ("SparseCategoricalAccuracy", classes, rows),
        ("MeanSquaredError", one_hot, rows),
        ("MeanAbsoluteError", one_hot, rows),
        ("Precision", binary, a),
        ("Recall", binary, a),
        ("AUC", binary, a),
    ):
        theirs = getattr(keras.metrics, name)()
        theirs.update_state(y, out)
        yield f"metrics.{name}", [(getattr(metrics, name)()(y, out), theirs.result())], EXACT


def of_training(keras: Any, rng: np.random.Generator) -> Iterator[tuple[str, list[Pair], float]]:
    x, y = rng.normal(size=(60, 2, 3)), rng.integers(0, 3, 60)
    layers = [Flatten(), Dense(5, "tanh", kernel_regularizer="l2"), Dropout(0.0), Dense(3)]
    model = Sequential([Input((2, 3)), *layers, Activation("softmax")], seed=0, dtype="float64")
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    # Keras rounds the regularizer's factor to float32
    factor = model.layers[1].kernel_regularizer
    assert isinstance(factor, regularizers.L2)
    factor.l2 = 0.0078125
    twin = keras_bridge.to_keras(model)
    outputs = (model.predict(x, verbose=0), twin.predict(x, verbose=0))
    yield "layers (Dense, Activation, Dropout, Flatten), outputs", [outputs], EXACT
    logs = [
        one.fit(x, y, epochs=10, shuffle=False, verbose=0, sample_weight=rng_weights).history
        for rng_weights in [rng.uniform(0, 2, 60)]
        for one in (model, twin)
    ]
    pairs: list[Pair] = list(zip(model.get_weights(), twin.get_weights(), strict=True))
    yield "training, weights after 10 epochs with sample weights", pairs, EXACT
    pairs = [(logs[0][name], logs[1][name]) for name in logs[0]]
    yield "training, losses and accuracies of the epochs", pairs, EXACT


def table() -> list[tuple[str, float, float]]:
    """Return each piece, the largest difference seen, and its bound."""
    keras = keras_bridge.import_keras()
    rng = np.random.default_rng(0)
    found = []
    with keras_bridge.floatx("float64"):
        for part in (
            of_activations,
            of_losses,
            of_regularizers,
            of_optimizers,
            of_schedules,
            of_metrics,
            of_training,
        ):
            found += [(name, difference(pairs), bound) for name, pairs, bound in part(keras, rng)]
    return found


def seen(value: float) -> str:
    """Return a difference as the power of ten above it: digits of noise tell nothing."""
    if value == 0:
        return "none"
    return f"below 1e{max(math.floor(math.log10(value)) + 1, -15):d}"


def reason(name: str) -> str:
    """Return why a piece is not exact, if it is not."""
    return next((why for part, why in WHY.items() if part in name), "")


def written(found: list[tuple[str, float, float]]) -> str:
    """Return the table as Markdown, and below it why some pieces are not exact."""
    lines = ["| Piece | Largest difference | Bound |", "|---|---|---|"]
    lines += [f"| {name} | {seen(value)} | {bound:.0e} |" for name, value, bound in found]
    lines += ["", "Not exact are:", ""]
    lines += [f"- {name}: {reason(name)}" for name, _, bound in found if bound > EXACT]
    return "\n".join(lines)


def main() -> int:
    """Print the table, and write it if asked."""
    found = table()
    print(written(found))
    if "--write" in sys.argv[1:]:
        TABLE.write_text(f"{written(found)}\n", encoding="utf-8")
    return 0 if all(value < bound for _, value, bound in found) else 1


if __name__ == "__main__":
    sys.exit(main())
