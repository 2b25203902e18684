"""The labelled formulas of chapter 10, each evaluated against nnbook.

The formula stands in the test as it stands on the page; the code under it is the formula read
literally, index by index, with none of nnbook's short cuts.
"""

import math

import numpy as np
import pytest

from nnbook import Input, Sequential, activations, losses, metrics
from nnbook.checks import Array
from nnbook.layers import Dense
from tests.network import deltas, forward
from tests.verify.equations import proves


@pytest.fixture
def rng() -> np.random.Generator:
    """Return the same random numbers for every test."""
    return np.random.default_rng(10)


@pytest.fixture
def model(rng: np.random.Generator) -> Sequential:
    """Return a compiled 3-4-2-1 network with random weights and biases."""
    model = Sequential(
        [
            Input(shape=(3,)),
            Dense(4, activation="tanh"),
            Dense(2, activation="sigmoid"),
            Dense(1, activation="sigmoid"),
        ],
        dtype="float64",
    )
    model.compile("sgd", "binary_crossentropy")
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


@pytest.fixture
def x(rng: np.random.Generator) -> Array:
    """Return five samples."""
    return rng.normal(size=(5, 3))


@pytest.fixture
def y(rng: np.random.Generator) -> Array:
    """Return five soft labels."""
    return rng.random((5, 1))


@proves(
    "eq-dense",
    r"\begin{aligned} z^l_{ij} &= \sum_{k=1}^{n_{l-1}} a^{l-1}_{ik}\, w^l_{kj} + b^l_j , \\ "
    r"a^l_{ij} &= f(z^l_{ij}) \end{aligned}",
)
def test_dense_is_the_sum_and_the_bend(model: Sequential, x: Array) -> None:
    zs, outputs = forward(model, x)
    a = x
    for layer, z, out in zip(model.layers, zs[1:], outputs[1:], strict=True):
        np.testing.assert_allclose(layer.preactivation(a), z, rtol=1e-12)
        a = layer.forward(a)
        np.testing.assert_allclose(a, out, rtol=1e-12)


@proves(
    "eq-accuracy",
    r"\mathrm{accuracy} = \frac{1}{n} \sum_{i=1}^{n} \bigl[\, [\hat y_i > \tfrac12] = y_i \,\bigr]",
)
def test_accuracy() -> None:
    truth = np.array([[1.0], [0.0], [1.0], [0.3], [0.0]])
    guess = np.array([[0.7], [0.5], [0.5], [0.3], [0.9]])
    right = [int(int(guess[i, 0] > 0.5) == truth[i, 0]) for i in range(5)]
    assert right == [1, 1, 0, 0, 0]
    assert metrics.accuracy(truth, guess) == sum(right) / 5


@proves("eq-delta-output", r"\delta^L_{ij} = \frac{\hat y_{ij} - y_{ij}}{n}")
def test_error_at_the_output(model: Sequential, x: Array, y: Array) -> None:
    guess = forward(model, x)[1][-1]
    expected = (guess - y) / len(x)
    got = losses.BinaryCrossentropy().delta(y, guess, activations.sigmoid)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    np.testing.assert_allclose(deltas(model, x, y)[-1], expected, rtol=1e-6)


@proves(
    "eq-constant-loss",
    r"\begin{aligned} C(p) = -\bigl[\, & \bar y \ln p \\ "
    r"& + (1 - \bar y) \ln (1 - p) \,\bigr] \end{aligned}",
)
def test_loss_of_a_constant_answer(y: Array) -> None:
    mean = float(y.mean())

    def constant(p: float) -> float:
        return losses.BinaryCrossentropy()(y, np.full_like(y, p))

    for p in (0.1, 0.5, 0.8):
        expected = -(mean * math.log(p) + (1 - mean) * math.log(1 - p))
        assert constant(p) == pytest.approx(expected, rel=1e-12)
    assert constant(mean) < min(constant(mean - 1e-3), constant(mean + 1e-3))


@proves(
    "eq-entropy",
    r"\begin{aligned} H(y) = -\bigl[\, & y \ln y \\ & + (1 - y) \ln (1 - y) \,\bigr] \end{aligned}",
)
def test_entropy_is_the_loss_of_a_perfect_answer() -> None:
    for label in (0.01, 0.3, 0.5, 0.99):
        expected = -(label * math.log(label) + (1 - label) * math.log(1 - label))
        answer = np.array([[label]])
        bce = losses.BinaryCrossentropy()
        assert bce(answer, answer) == pytest.approx(expected, rel=1e-12)
        assert bce(answer, answer) < min(bce(answer, answer - 5e-3), bce(answer, answer + 5e-3))


@proves("eq-entropy-floor", r"\int_0^1 H(y)\, \mathrm{d}y = \frac{1}{2}")
def test_mean_entropy_is_one_half() -> None:
    # Gauss-Legendre: exact for polynomials, and H is smooth but for its ends
    nodes, weights = np.polynomial.legendre.leggauss(400)
    labels = (nodes + 1) / 2
    entropy = [
        losses.BinaryCrossentropy()(np.array([[label]]), np.array([[label]])) for label in labels
    ]
    assert np.dot(weights / 2, entropy) == pytest.approx(0.5, abs=1e-5)
