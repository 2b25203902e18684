"""The labelled formulas of chapter 07, each evaluated against nnbook.

The formula stands in the test as it stands on the page; the code under it is the formula read
literally, with none of nnbook's short cuts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnbook import Input, Sequential, activations
from nnbook.checks import Array
from nnbook.layers import Dense
from tests.verify.equations import proves

SIZES = [3, 5, 2, 4]  # n_0 to n_3: no two alike, so that no index can stand for another
BENDS = ["tanh", "relu", "sigmoid"]


def network(bends: list[str | None], seed: int = 7) -> Sequential:
    """Return a network of SIZES with random weights and biases."""
    rng = np.random.default_rng(seed)
    layers = [Dense(units, f) for units, f in zip(SIZES[1:], bends, strict=True)]
    model = Sequential([Input((SIZES[0],)), *layers], dtype="float64")
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


@pytest.fixture
def model() -> Sequential:
    return network([*BENDS])


@pytest.fixture
def x() -> Array:
    """Return six samples: as many as no layer has neurons."""
    return np.random.default_rng(8).normal(size=(6, SIZES[0]))


def kernels_and_biases(model: Sequential) -> tuple[list[Array], list[Array]]:
    """Return W and b, in which W[l] and b[l] are those of layer l, as in the formulas."""
    weights = model.get_weights()
    none = np.empty(0)
    return [none, *weights[::2]], [none, *weights[1::2]]


def passed_through(model: Sequential, x: Array) -> tuple[list[Array], list[Array]]:
    """Return z and a of all layers as nnbook computes them: z is the output without the bend."""
    zs: list[Array] = [np.empty(0)]
    outputs = [x]
    for layer, bend in zip(model.layers, BENDS, strict=True):
        straight = Dense(layer.shapes()["bias"][0])
        alone = Sequential([Input((outputs[-1].shape[1],)), straight], dtype="float64")
        alone.set_weights(layer.get_weights())
        zs.append(alone.predict(outputs[-1], verbose=0))
        outputs.append(layer.forward(outputs[-1]))
        assert layer.activation.name == bend
    np.testing.assert_array_equal(model.predict(x, verbose=0), outputs[-1])
    return zs, outputs


@proves("eq-forward-z", r"z^l_j = \sum_{k=1}^{n_{l-1}} a^{l-1}_k\, w^l_{kj} + b^l_j")
def test_the_sum_of_a_neuron(model: Sequential, x: Array) -> None:
    w, b = kernels_and_biases(model)
    zs, outputs = passed_through(model, x)
    for i in range(len(x)):  # one sample after the other
        for l in range(1, len(SIZES)):  # noqa: E741 (the name of the formula)
            a = outputs[l - 1][i]
            for j in range(SIZES[l]):
                z = sum(a[k] * w[l][k, j] for k in range(SIZES[l - 1])) + b[l][j]
                assert zs[l][i, j] == pytest.approx(z, rel=1e-12)


@proves("eq-forward-a", r"a^l_j = f(z^l_j)")
def test_the_output_of_a_neuron(model: Sequential, x: Array) -> None:
    zs, outputs = passed_through(model, x)
    for l, name in enumerate(BENDS, 1):  # noqa: E741
        f = activations.get(name)
        for i, j in np.ndindex(zs[l].shape):
            one = np.array([[zs[l][i, j]]])
            assert outputs[l][i, j] == pytest.approx(f(one)[0, 0], rel=1e-12)
    assert any((z < 0).any() for z in zs[1:])  # else a forgotten ReLU would pass


@proves("eq-forward-matrix", r"z^l = a^{l-1} W^l + b^l , \qquad a^l = f(z^l)")
def test_a_whole_batch(model: Sequential, x: Array) -> None:
    w, b = kernels_and_biases(model)
    a = x
    for l, name in enumerate(BENDS, 1):  # noqa: E741
        z = a @ w[l] + b[l]
        a = activations.get(name)(z)
        assert z.shape == a.shape == (len(x), SIZES[l])
    np.testing.assert_allclose(model.predict(x, verbose=0), a, rtol=1e-12)


@proves("eq-forward-rows", r"F(P x) = P\, F(x)")
@pytest.mark.parametrize("last", ["linear", "softmax"])
def test_rows_keep_to_themselves(x: Array, last: str) -> None:
    model = network(["tanh", "relu", last])

    def network_function(rows: Array) -> Array:
        return model.predict(rows, verbose=0)

    order = np.array([3, 0, 5, 1, 4, 2])
    p = np.eye(len(x))[order]
    left, right = network_function(p @ x), p @ network_function(x)
    np.testing.assert_allclose(left, right, rtol=1e-12)
    np.testing.assert_allclose(left, network_function(x)[order], rtol=1e-12)
    assert np.abs(left - network_function(x)).max() > 0.01  # the order does something
    for row, alone in zip(x, network_function(x), strict=True):
        np.testing.assert_allclose(network_function(row[None])[0], alone, rtol=1e-12)


class Counting:
    """A number that counts the multiplications it takes part in."""

    count = 0

    def __init__(self, value: Any) -> None:
        self.value = float(value)

    def __mul__(self, other: Counting) -> Counting:
        Counting.count += 1
        return Counting(self.value * other.value)

    def __add__(self, other: Counting) -> Counting:
        return Counting(self.value + other.value)


@proves(
    "eq-forward-multiplications",
    r"\text{multiplications} = n \sum_{l=1}^{L} n_{l-1}\, n_l",
)
def test_the_number_of_multiplications(x: Array) -> None:
    """NumPy's own matrix products, on numbers that count, going forward as nnbook does."""
    model = network([None, None, None])
    counting = np.vectorize(Counting, otypes=[object])
    Counting.count = 0
    a = counting(x)
    for layer in model.layers:
        kernel, bias = map(counting, layer.get_weights())
        a = a @ kernel + bias
    n = len(x)
    assert Counting.count == n * sum(
        SIZES[l - 1] * SIZES[l]
        for l in range(1, len(SIZES))  # noqa: E741
    )
    values = np.vectorize(lambda number: number.value)(a)
    np.testing.assert_allclose(model.predict(x, verbose=0), values, rtol=1e-10)


@pytest.mark.parametrize(("before", "here"), [(4, 2), (2, 4), (3, 3)])
def test_a_sum_over_the_wrong_layer(before: int, here: int) -> None:
    """Correction 1: to n_l in place of n_{l-1}, only square layers come out right."""
    rng = np.random.default_rng(before)
    model = Sequential([Input((before,)), Dense(here)], dtype="float64")
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    a, (w, b) = rng.normal(size=before), model.get_weights()

    def sums(terms: int) -> list[float]:
        return [sum(a[k] * w[k, j] for k in range(terms)) + b[j] for j in range(here)]

    z = model.predict(a[None], verbose=0)[0]
    np.testing.assert_allclose(sums(before), z, rtol=1e-12)
    if here > before:
        with pytest.raises(IndexError):
            sums(here)
    else:
        assert np.allclose(sums(here), z) == (here == before)
