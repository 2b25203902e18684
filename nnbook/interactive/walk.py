"""A walk through a network: forward and backward, one operation at a time, with every number.

Each number comes from a real model: its layers, its loss and its optimizer are asked one by one.

Source: :cite:`rumelhart1986backprop`.
"""

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from nnbook.activations import Activation, Linear
from nnbook.checks import Array, as_numbers
from nnbook.layers import Dense
from nnbook.losses import MeanSquaredError
from nnbook.models import Sequential
from nnbook.optimizers import SGD

# what the neurons are called, by layer and place in it
NAMES = {
    (0, 1): "input 1",
    (0, 2): "input 2",
    (1, 1): "hidden neuron 1",
    (1, 2): "hidden neuron 2",
    (2, 1): "the output neuron",
}


@dataclass(frozen=True)
class Line:
    """One result of a step: ``symbols = numbers = value``.

    ``slot`` is its place in the drawing, such as "z11", and ``words`` what it is. ``numbers`` is
    the right side with the numbers put in, empty where nothing is computed.
    """

    slot: str
    words: str
    symbols: str
    numbers: str
    value: float


@dataclass(frozen=True)
class Step:
    """One operation: what is done and why, by which lines of code, and what comes of it.

    ``lit`` names the pieces of the drawing that take part.
    """

    key: str
    phase: str
    title: str
    why: str
    lit: str
    nnbook: str
    keras: str
    lines: list[Line]


def walk(model: Sequential, x: ArrayLike, y: ArrayLike) -> list[Step]:
    """Return the steps of one update of a 2-2-1 network; the model is not changed.

    Args:
        model: ``Dense(2, f)`` and ``Dense(1)`` on two inputs, float64, compiled with `SGD` without
            momentum and with "mse".
        x: one sample, two numbers.
        y: its target, one number.

    Raises:
        TypeError, ValueError: another model, or not so many finite numbers.
    """
    check_model(model)
    model = copy.deepcopy(model)
    hidden, output = model.layers
    loss, alpha = model.loss, model.optimizer.learning_rate
    a0, y = sample(x, "x", 2), sample(y, "y", 1)

    # the operations, one by one, as the lines of code in the steps say
    z1 = hidden.preactivation(a0)
    a1 = hidden.activation(z1)
    z2 = output.preactivation(a1)
    a2 = output.activation(z2)
    c = loss(y, a2)
    da2 = loss.grad(y, a2)
    delta2 = output.activation.vjp(a2, da2)
    da1 = output.backward_delta(delta2)
    assert da1 is not None
    delta1 = hidden.activation.vjp(a1, da1)
    hidden.backward_delta(delta1, input_grad=False)
    weights1, weights2 = hidden.get_weights(), output.get_weights()
    grads1 = [g.copy() for g in hidden.grads.values()]
    grads2 = [g.copy() for g in output.grads.values()]
    model.optimizer.step(model.theta, model.grad)
    new1, new2 = hidden.get_weights(), output.get_weights()
    new_z1 = hidden.preactivation(a0)
    new_a1 = hidden.activation(new_z1)
    new_z2 = output.preactivation(new_a1)
    new_a2 = output.activation(new_z2)
    new_c = loss(y, new_a2)

    sums1 = _sums(1, a0, weights1, z1)
    squared = "C = (a^2_1 − y)²"
    return [
        Step(
            "input",
            "forward",
            "Input",
            "The sample enters: layer 0 is the input. The target waits at the loss.",
            "n01 n02",
            "a0 = x",
            "with tf.GradientTape(persistent=True) as tape:\n    a0 = x  # and steps 2 to 7",
            [
                *(
                    Line(f"a0{k}", NAMES[0, k], f"a^0_{k} = x_{k}", "", v)
                    for k, v in enumerate(a0[0], start=1)
                ),
                Line("y", "target", "y", "", y[0, 0]),
            ],
        ),
        Step(
            "z11",
            "forward",
            "Weighted sum of hidden neuron 1",
            "Each input times its weight, and the bias.",
            "n01 n02 w111 w121 b11 n11",
            "z1 = hidden.preactivation(a0)\nz1[0, 0]",
            "z1 = a0 @ hidden.kernel + hidden.bias\nz1[0, 0]",
            sums1[:1],
        ),
        Step(
            "z12",
            "forward",
            "Weighted sum of hidden neuron 2",
            "The same inputs with other weights. The matrix product did both at once.",
            "n01 n02 w112 w122 b12 n12",
            "z1[0, 1]",
            "z1[0, 1]",
            sums1[1:],
        ),
        Step(
            "a1",
            "forward",
            "Activation of the hidden neurons",
            "Each neuron bends its own sum.",
            "n11 n12",
            "a1 = hidden.activation(z1)",
            "a1 = hidden.activation(z1)",
            _bends(1, hidden.activation, z1, a1),
        ),
        Step(
            "z2",
            "forward",
            "Weighted sum of the output neuron",
            "Now the hidden outputs play the part of the inputs.",
            "n11 n12 w211 w221 b21 n21",
            "z2 = output.preactivation(a1)",
            "z2 = a1 @ output.kernel + output.bias",
            _sums(2, a1, weights2, z2),
        ),
        Step(
            "a2",
            "forward",
            "Output",
            "The output neuron is linear: it passes its sum on.",
            "n21",
            "a2 = output.activation(z2)",
            "a2 = output.activation(z2)",
            _bends(2, output.activation, z2, a2),
        ),
        Step(
            "loss",
            "forward",
            "Loss",
            "One sample, one output: the mean of one squared error.",
            "n21 to-C C",
            "C = loss(y, a2)",
            "C = loss(y, a2)",
            [Line("C", "loss", squared, _error(a2, y, "²"), c)],
        ),
        Step(
            "da2",
            "backward",
            "Slope of the loss along the output",
            "How fast does C change with the output? The derivative of a square.",
            "C to-C n21",
            "da2 = loss.grad(y, a2)",
            "da2 = tape.gradient(C, a2)",
            [
                Line(
                    "da21",
                    "slope along the output",
                    "∂C/∂a^2_1 = 2 (a^2_1 − y)",
                    f"2 · {_error(a2, y)}",
                    da2[0, 0],
                )
            ],
        ),
        Step(
            "delta2",
            "backward",
            "Output delta",
            "The error δ: back through the activation, times its slope. That of a linear one is 1.",
            "n21",
            "delta2 = output.activation.vjp(a2, da2)",
            "delta2 = tape.gradient(C, z2)",
            _deltas(2, output.activation, a2, da2, delta2),
        ),
        Step(
            "grad2",
            "backward",
            "Gradients of the output layer",
            "What went in along the weight, times the delta it led to. "
            "For a bias, the delta alone.",
            "n11 n12 w211 w221 b21 n21",
            "output.backward_delta(delta2, input_grad=False)\noutput.grads",
            "tape.gradient(C, [output.kernel, output.bias])",
            _gradients(2, a1, delta2, grads2),
        ),
        Step(
            "da1",
            "backward",
            "Slope of the loss along the hidden outputs",
            "The delta goes back through the very weights that led forward.",
            "n21 w211 w221 n11 n12",
            "da1 = output.backward_delta(delta2)",
            "da1 = tape.gradient(C, a1)",
            [
                Line(
                    f"da1{k}",
                    f"slope along the output of {NAMES[1, k]}",
                    f"∂C/∂a^1_{k} = w^2_{k}1 δ^2_1",
                    f"{_put(w, True)} · {_put(delta2[0, 0])}",
                    da1[0, k - 1],
                )
                for k, w in enumerate(weights2[0][:, 0], start=1)
            ],
        ),
        Step(
            "delta1",
            "backward",
            "Hidden deltas",
            "Their errors δ: back through the activation, times its slope at this very sum.",
            "n11 n12",
            "delta1 = hidden.activation.vjp(a1, da1)",
            "delta1 = tape.gradient(C, z1)",
            _deltas(1, hidden.activation, a1, da1, delta1),
        ),
        Step(
            "grad1",
            "backward",
            "Gradients of the hidden layer",
            "The same rule as one layer later: what went in, times the delta.",
            "n01 n02 w111 w112 w121 w122 b11 b12 n11 n12",
            "hidden.backward_delta(delta1, input_grad=False)\nhidden.grads",
            "tape.gradient(C, [hidden.kernel, hidden.bias])",
            _gradients(1, a0, delta1, grads1),
        ),
        Step(
            "update",
            "update",
            "One step of gradient descent",
            f"Every weight and bias moves against its slope; α is {show(alpha)}.",
            "w111 w112 w121 w122 b11 b12 w211 w221 b21",
            "optimizer.step(model.theta, model.grad)",
            "g = tape.gradient(C, model.trainable_variables)\n"
            "optimizer.apply_gradients(\n"
            "    zip(g, model.trainable_variables))",
            [
                *_updates(1, alpha, weights1, grads1, new1),
                *_updates(2, alpha, weights2, grads2, new2),
            ],
        ),
        Step(
            "again",
            "forward",
            "Forward again: the new loss",
            "All sums once more, with the new weights. Is the loss smaller than before?",
            "n01 n02 w111 w112 w121 w122 b11 b12 n11 n12 w211 w221 b21 n21 to-C C",
            "loss(y, model.predict(x, verbose=0))",
            "loss(y, model(x))",
            [
                *_sums(1, a0, new1, new_z1),
                *_bends(1, hidden.activation, new_z1, new_a1),
                *_sums(2, new_a1, new2, new_z2),
                *_bends(2, output.activation, new_z2, new_a2),
                Line("C", "loss", squared, _error(new_a2, y, "²"), new_c),
            ],
        ),
    ]


# --- the lines of a step ----------------------------------------------------


def _sums(
    layer: int, a: Array, weights: Sequence[Array], z: Array
) -> list[Line]:
    """Return a line for each weighted sum ``z`` of a layer with inputs ``a``."""
    w, b = weights
    return [
        Line(
            f"z{layer}{j + 1}",
            f"weighted sum of {NAMES[layer, j + 1]}",
            f"z^{layer}_{j + 1} = a^{layer - 1}_1 w^{layer}_1{j + 1}"
            f" + a^{layer - 1}_2 w^{layer}_2{j + 1} + b^{layer}_{j + 1}",
            f"{_put(a[0, 0], True)} · {_put(w[0, j])}"
            f" + {_put(a[0, 1])} · {_put(w[1, j])} + {_put(b[j])}",
            z[0, j],
        )
        for j in range(z.shape[1])
    ]


def _bends(layer: int, f: Activation, z: Array, a: Array) -> list[Line]:
    """Return a line for each output ``a = f(z)`` of a layer."""
    formulas = {
        "relu": "max({z}, 0)",
        "sigmoid": "1 / (1 + e^({minus}))",
        "tanh": "tanh({z})",
    }
    return [
        Line(
            f"a{layer}{j + 1}",
            f"output of {NAMES[layer, j + 1]}",
            f"a^{layer}_{j + 1} = f(z^{layer}_{j + 1})",
            formulas.get(f.name, "").format(
                z=show(z[0, j]), minus=show(-z[0, j])
            ),
            a[0, j],
        )
        for j in range(a.shape[1])
    ]


def _deltas(
    layer: int, f: Activation, a: Array, da: Array, delta: Array
) -> list[Line]:
    """Return a line for each delta ``dC/dz = dC/da f'(z)`` of a layer."""
    formulas = {"sigmoid": "{a} · (1 − {a})", "tanh": "(1 − {a}²)"}
    slope = f.vjp(a, np.ones_like(a))
    return [
        Line(
            f"d{layer}{j + 1}",
            f"delta of {NAMES[layer, j + 1]}",
            f"δ^{layer}_{j + 1} = ∂C/∂a^{layer}_{j + 1} · f'(z^{layer}_{j + 1})",
            f"{_put(da[0, j], True)} · "
            + formulas.get(f.name, _put(slope[0, j])).format(a=_put(a[0, j])),
            delta[0, j],
        )
        for j in range(a.shape[1])
    ]


def _gradients(
    layer: int, a: Array, delta: Array, grads: Sequence[Array]
) -> list[Line]:
    """Return a line for the slope of the loss along each weight and bias of a layer."""
    dw, db = grads
    return [
        Line(
            f"dw{layer}{k + 1}{j + 1}",
            f"slope along the {weight(layer, k, j)}",
            f"∂C/∂w^{layer}_{k + 1}{j + 1} = a^{layer - 1}_{k + 1} δ^{layer}_{j + 1}",
            f"{_put(a[0, k], True)} · {_put(delta[0, j])}",
            float(dw[k, j]),
        )
        for k, j in np.ndindex(*dw.shape)
    ] + [
        Line(
            f"db{layer}{j + 1}",
            f"slope along the bias of {NAMES[layer, j + 1]}",
            f"∂C/∂b^{layer}_{j + 1} = δ^{layer}_{j + 1}",
            "",
            db[j],
        )
        for j in range(len(db))
    ]


def _updates(
    layer: int,
    alpha: float,
    weights: Sequence[Array],
    grads: Sequence[Array],
    new: Sequence[Array],
) -> list[Line]:
    """Return a line for each new weight and bias of a layer."""
    (w, b), (dw, db), (new_w, new_b) = weights, grads, new
    moved = [
        (
            f"w^{layer}_{k + 1}{j + 1}",
            weight(layer, k, j),
            w[k, j],
            float(dw[k, j]),
            new_w[k, j],
        )
        for k, j in np.ndindex(*w.shape)
    ] + [
        (
            f"b^{layer}_{j + 1}",
            f"bias of {NAMES[layer, j + 1]}",
            b[j],
            db[j],
            new_b[j],
        )
        for j in range(len(b))
    ]
    return [
        Line(
            re.sub(r"\W|_", "", symbol),
            f"new {words}",
            f"{symbol} ← {symbol} − α ∂C/∂{symbol}",
            f"{_put(old, True)} − {show(alpha)} · {_put(slope)}",
            value,
        )
        for symbol, words, old, slope, value in moved
    ]


def _error(a: Array, y: Array, power: str = "") -> str:
    return f"({show(a[0, 0])} − {_put(y[0, 0])}){power}"


def weight(layer: int, k: int, j: int) -> str:
    """Return what the weight ``[k, j]`` of a layer is called."""
    return f"weight from {NAMES[layer - 1, k + 1]} to {NAMES[layer, j + 1]}"


# --- numbers and formulas as text -------------------------------------------


def show(value: float) -> str:
    """Return a number as text: all of it if it ends within five decimals, else four decimals.

    >>> show(-0.84375), show(2.0), show(2 / 3)
    ('−0.84375', '2', '0.6667')
    """
    text = f"{value:.5f}" if is_exact(value) else f"{value:.4f}"
    text = text.rstrip("0").rstrip(".") if is_exact(value) else text
    return "0" if text == "-0" else text.replace("-", "−")


def is_exact(value: float) -> bool:
    """Whether a number ends within five decimals, so that `show` gives all of it."""
    return abs(value - round(value, 5)) < 1e-12


def _put(value: float, first: bool = False) -> str:
    """Return a number as text in a formula: in brackets if it is negative and not ``first``."""
    text = show(value)
    return f"({text})" if text.startswith("−") and not first else text


# --- what comes in ----------------------------------------------------------


def check_model(model: Sequential) -> None:
    """Say what keeps a model from being walked through, if anything.

    Raises:
        TypeError, ValueError: it is not the network that walks are for.
    """
    if not isinstance(model, Sequential):
        raise TypeError(
            "step_through expected models of nnbook, by label: {'ReLU': model}. "
            f"Received {type(model).__name__}."
        )
    shapes = [layer.shapes() for layer in model.layers] if model.built else []
    wanted = [
        {"kernel": (2, 2), "bias": (2,)},
        {"kernel": (2, 1), "bias": (1,)},
    ]
    dense = all(type(layer) is Dense for layer in model.layers)
    if shapes != wanted or not dense:
        raise ValueError(
            "step_through expected a 2-2-1 network: Input(shape=(2,)), Dense(2, activation), "
            f"Dense(1). Received layers {model.layers} with shapes {shapes}."
        )
    if not isinstance(model.layers[1].activation, Linear):
        raise ValueError(
            "step_through expected a linear output, Dense(1) without activation. "
            f"Received {model.layers[1].activation.name}."
        )
    if any(layer.kernel_regularizer for layer in model.layers):
        raise ValueError(
            "step_through expected layers without a regularizer, which would add to the loss."
        )
    if model.dtype != np.float64:
        raise ValueError(
            f"step_through expected a model of dtype='float64'. Received {model.dtype}, "
            "whose roundings would show in the numbers."
        )
    plain_sgd = {"learning_rate": 0.0, **SGD().get_config()}
    if (
        not model.compiled
        or type(model.loss) is not MeanSquaredError
        or type(model.optimizer) is not SGD
        or {**model.optimizer.get_config(), "learning_rate": 0.01} != plain_sgd
    ):
        raise ValueError(
            "step_through expected a model compiled with plain SGD and the mean squared error: "
            "model.compile(nnbook.optimizers.SGD(learning_rate=0.01), 'mse')."
        )


def sample(values: ArrayLike, what: str, width: int) -> Array:
    """Return one sample of ``width`` numbers as a batch of one, ``(1, width)``.

    Raises:
        TypeError, ValueError: not numbers, or not so many.
    """
    row = as_numbers(values, what, np.float64)
    if row.size != width:
        raise ValueError(
            f"step_through expected {what} to be {width} number{'s'[: width - 1]}. "
            f"Received shape {row.shape}."
        )
    return row.reshape(1, width)
