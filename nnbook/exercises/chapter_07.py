"""The exercises of chapter 07, forward: shapes, one pass by hand, in code, and its mistakes."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from nnbook.checks import Array
from nnbook.exercises import Exercise, Mistake

Weights = Sequence[tuple[Array, Array]]

# The chapter's network of two inputs, two hidden ReLU neurons and one linear output.
HAND: Weights = (
    (np.array([[0.5, -1.0], [0.25, 1.0]]), np.array([0.5, -0.5])),
    (np.array([[1.0], [-2.0]]), np.array([0.5])),
)


def relu(z: Array) -> Array:
    """Return ``max(z, 0)``."""
    return np.maximum(z, 0.0)


def forward(x: Array, layers: Weights) -> Array:
    """Return the outputs for a batch: ReLU in each hidden layer, none at the output."""
    a = x
    for w, b in layers[:-1]:
        a = relu(a @ w + b)
    w, b = layers[-1]
    return a @ w + b


# ---- the typical wrong ways to go forward -------------------------------------------------------


def _transposed(x: Array, layers: Weights) -> Array:
    return forward(x, [(w.T, b) for w, b in layers])


def _no_bias(x: Array, layers: Weights) -> Array:
    return forward(x, [(w, np.zeros_like(b)) for w, b in layers])


def _bias_of_rows(x: Array, layers: Weights) -> Array:
    return forward(x, [(w, b[:, None]) for w, b in layers])


def _no_activation(x: Array, layers: Weights) -> Array:
    a = x
    for w, b in layers:
        a = a @ w + b
    return a


def _bent_output(x: Array, layers: Weights) -> Array:
    return relu(forward(x, layers))


def _bent_before_bias(x: Array, layers: Weights) -> Array:
    a = x
    for w, b in layers[:-1]:
        a = relu(a @ w) + b
    w, b = layers[-1]
    return a @ w + b


def _inputs_everywhere(x: Array, layers: Weights) -> Array:
    return forward(x, layers[-1:])


def _drawn(
    seed: int, n: int, *sizes: int
) -> tuple[Array, list[tuple[Array, Array]]]:
    """Return ``n`` samples and layers of random weights, from ``sizes[0]`` inputs to the last."""
    rng = np.random.default_rng(seed)
    layers: list[tuple[Array, Array]] = [
        (rng.normal(size=shape), rng.normal(size=shape[1]))
        for shape in pairwise(sizes)
    ]
    return rng.normal(size=(n, sizes[0])), layers


# ---- 7.2 ----------------------------------------------------------------------------------------

X = np.array([[-2.0, 1.0]])
(W1, B1), (W2, B2) = HAND


def _at_x(layers: Weights) -> float:
    return float(forward(X, layers)[0, 0])


# ---- 7.4 ----------------------------------------------------------------------------------------


def _unnoticed(answer: Any) -> list[bool]:
    """Return whether a forgotten ReLU goes unnoticed at the first input, and at the second."""
    same = []
    quiet, loud = answer
    for one in (quiet, loud):
        x = np.asarray(one, dtype=float)
        if x.shape != (2,) or not np.isfinite(x).all():
            raise ValueError("an input is a pair of numbers")
        apart = forward(x[None], HAND) - _no_activation(x[None], HAND)
        same.append(bool(np.abs(apart).max() < 1e-9))
    return same


# ---- 7.5 ----------------------------------------------------------------------------------------


def collapse(layers: Weights) -> tuple[Array, Array]:
    """Return the one layer ``(W, b)`` that computes the same as several without activations."""
    w, b = layers[0]
    for following, bias in layers[1:]:
        w, b = w @ following, b @ following + bias
    return w, b


def _reversed_product(layers: Weights) -> tuple[Array, Array]:
    w, b = layers[0]
    for following, bias in layers[1:]:
        w, b = following @ w, b @ following + bias
    return w, b


def _added_biases(layers: Weights) -> tuple[Array, Array]:
    return collapse(layers)[0], np.sum([b for _, b in layers], axis=0)


def _last_bias(layers: Weights) -> tuple[Array, Array]:
    return collapse(layers)[0], layers[-1][1]


def _added_weights(layers: Weights) -> tuple[Array, Array]:
    return np.sum([w for w, _ in layers], axis=0), collapse(layers)[1]


EXERCISES = (
    Exercise(
        "7.1",
        "a list of five shapes, each a tuple: those of W1, b1, a1, W2 and the output",
        [(64, 32), (32,), (50, 32), (32, 10), (50, 10)],
        [
            Mistake(
                "transposed",
                [(32, 64), (32,), (50, 32), (10, 32), (50, 10)],
                "Your weight matrices are transposed. In this book, as in NumPy and Keras, the "
                "first axis of W counts the neurons that a weight comes from.",
            ),
            Mistake(
                "(n, 1) against (n,)",
                [(64, 32), (32, 1), (50, 32), (32, 10), (50, 10)],
                "A bias of shape (32, 1) is a column: NumPy would add it down the samples. Which "
                "shape is added to every row?",
            ),
            Mistake(
                "a bias for each sample",
                [(64, 32), (50, 32), (50, 32), (32, 10), (50, 10)],
                "Your bias has a row for each sample. A bias belongs to a neuron: all samples "
                "share it.",
            ),
            Mistake(
                "batch in the weights",
                [(50, 32), (32,), (50, 32), (50, 10), (50, 10)],
                "The number of samples stands in your weights. A network has the same weights "
                "for one sample and for a thousand; what does each weight connect?",
            ),
            Mistake(
                "one sample",
                [(64, 32), (32,), (32,), (32, 10), (10,)],
                "These are the outputs for one sample without its batch. What happens to the "
                "first axis of the inputs on the way through?",
            ),
        ],
        hint="Write the shapes under the matrix form: inner sizes must meet, outer ones remain.",
    ),
    Exercise(
        "7.2",
        "one number, the output of the network",
        _at_x(HAND),
        [
            Mistake(
                "forgotten activation",
                float(_no_activation(X, HAND)[0, 0]),
                "You forgot the bend: one of the two hidden sums is negative. What does ReLU "
                "make of it?",
            ),
            Mistake(
                "transposed",
                _at_x([(W1.T, B1), (W2, B2)]),
                "You used the weights transposed. A hidden neuron collects from one column of "
                "W1, not from one row.",
            ),
            Mistake(
                "forgotten biases",
                _at_x([(W1, 0 * B1), (W2, 0 * B2)]),
                "There are no biases in it. Each neuron adds one, the output too.",
            ),
            Mistake(
                "forgotten bias of the output",
                _at_x([(W1, B1), (W2, 0 * B2)]),
                "The bias of the output is missing.",
            ),
            Mistake(
                "forgotten biases of the hidden layer",
                _at_x([(W1, 0 * B1), (W2, B2)]),
                "The biases of the hidden layer are missing.",
            ),
            Mistake(
                "activation at the output",
                float(_bent_output(X, HAND)[0, 0]),
                "You applied ReLU to the output as well. Which activation has the output layer "
                "of this network?",
            ),
            Mistake(
                "bend before the bias",
                float(_bent_before_bias(X, HAND)[0, 0]),
                "You bent the sum before the bias was in it. The bias belongs inside the bend.",
            ),
            Mistake(
                "inputs for the hidden outputs",
                _at_x(HAND[1:]),
                "You gave the inputs to the output neuron. It sees only the layer before it.",
            ),
        ],
        hint="Compute the two hidden sums first, bend each, and only then the output.",
        tolerance=1e-3,
    ),
    Exercise(
        "7.3",
        "a function forward(x, layers) that returns the outputs (n, units of the last layer)",
        forward,
        [
            Mistake(
                "forgotten activation",
                _no_activation,
                "No layer bends. What becomes of z before the next layer sees it?",
            ),
            Mistake(
                "activation at the output",
                _bent_output,
                "The last layer bends too. It should return its sums as they are.",
            ),
            Mistake(
                "bend before the bias",
                _bent_before_bias,
                "The bias is added after the bend. Put it inside: f of the whole sum.",
            ),
            Mistake(
                "forgotten bias",
                _no_bias,
                "Your function does not use the biases b.",
            ),
            Mistake(
                "wrong axis of the bias",
                _bias_of_rows,
                "Your bias is a column, so it is added down the samples. With as many samples "
                "as neurons NumPy does not complain. Add b as it is, of shape (n_l,).",
            ),
            Mistake(
                "transposed",
                _transposed,
                "Your weights are transposed. In square layers NumPy does not complain. Use "
                "a @ W.",
            ),
            Mistake(
                "inputs for the hidden outputs",
                _inputs_everywhere,
                "Your last layer gets x, the inputs of the network. It should get the output of "
                "the layer before; is the variable updated in the loop?",
            ),
        ],
        # As many samples as neurons hide a mistake, other sizes show it: some of either.
        cases=[
            _drawn(1, 3, 3, 3, 3, 3),
            _drawn(2, 4, 3, 5, 2),
            _drawn(3, 3, 3, 3, 3, 3, 3),
        ],
        hint="Print the shapes and values after each layer and compare with the chapter's loops.",
    ),
    Exercise(
        "7.4",
        "a list of two inputs, each a pair of numbers",
        [True, False],
        [
            Mistake(
                "both unnoticed",
                [True, True],
                "At your second input the forgotten ReLU goes unnoticed too. It shows only "
                "where ReLU changes something: make a hidden sum negative.",
            ),
            Mistake(
                "both noticed",
                [False, False],
                "At your first input the forgotten ReLU changes the answer. Which sign must the "
                "hidden sums have so that ReLU leaves them alone?",
            ),
            Mistake(
                "swapped",
                [False, True],
                "It is the other way round: at your first input it shows, at your second it "
                "does not.",
            ),
        ],
        hint="Compute the two hidden sums of each input, and look at their signs.",
        read=_unnoticed,
    ),
    Exercise(
        "7.5",
        "a function collapse(layers) that returns a pair (W, b)",
        collapse,
        [
            Mistake(
                "wrong order",
                _reversed_product,
                "Your matrices are multiplied in the wrong order. Samples meet the first layer "
                "first, and they stand on the left.",
            ),
            Mistake(
                "added biases",
                _added_biases,
                "You added up the biases. The first one still has to go through the layers that "
                "follow it.",
            ),
            Mistake(
                "only the last bias",
                _last_bias,
                "Only the last bias is in it. Where did the others go?",
            ),
            Mistake(
                "added weights",
                _added_weights,
                "You added up the weights. One layer after the other is a product.",
            ),
        ],
        cases=[(_drawn(4, 3, 3, 3, 3, 3)[1],), (_drawn(5, 4, 3, 5, 2, 4)[1],)],
        hint="Collapse two layers on paper first, by expanding the brackets.",
    ),
    Exercise(
        "7.6",
        "an integer, the number of multiplications",
        50 * (64 * 32 + 32 * 10),
        [
            Mistake(
                "one sample",
                64 * 32 + 32 * 10,
                "That is right for one sample. How many are in the batch?",
            ),
            Mistake(
                "with biases",
                50 * (65 * 32 + 33 * 10),
                "You counted the biases too. A bias is added, not multiplied.",
            ),
            Mistake(
                "parameters",
                65 * 32 + 33 * 10,
                "That is the number of parameters.",
            ),
            Mistake(
                "sum over the wrong layer",
                50 * (32 * 32 + 10 * 10),
                "Each of your sums runs over the neurons of its own layer. It must run over "
                "those of the layer before.",
            ),
            Mistake(
                "neurons only",
                50 * (32 + 10),
                "You counted one multiplication for each neuron. A neuron multiplies once for "
                "each of its inputs.",
            ),
            Mistake(
                "one layer", 50 * 64 * 32, "That is the first layer alone."
            ),
        ],
        hint="Count for one neuron, then for a layer, then for all layers, then for all samples.",
    ),
)
