"""The labelled formulas of chapter 3, each evaluated against nnbook.

The formula stands in the test as it stands on the page; the code under it is the formula read
literally, index by index, with none of nnbook's short cuts.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest

from nnbook import Input, Sequential, activations, gradcheck
from nnbook.activations import Activation
from nnbook.checks import Array
from nnbook.layers import Dense
from tests.verify.equations import proves

SUMS = (-30.0, -2.0, -0.5, -1e-3, 1e-3, 0.5, 2.0, 30.0)


@pytest.fixture
def rng() -> np.random.Generator:
    """Return the same random numbers for every test."""
    return np.random.default_rng(3)


@pytest.fixture
def z(rng: np.random.Generator) -> Array:
    """Return sums of five samples and four neurons."""
    return rng.normal(0, 2, size=(5, 4))


@pytest.fixture
def upstream() -> Array:
    """Return a gradient that arrives at the outputs."""
    return np.random.default_rng(4).normal(size=(5, 4))


def value(f: Activation, z: float) -> float:
    """Return what nnbook makes of one number."""
    return float(f(np.array([z]))[0])


def slope(f: Activation, z: float) -> float:
    """Return the slope that nnbook takes, from the output."""
    one = np.array([z])
    return float(f.vjp(f(one), np.ones(1))[0])


def agree(ours: Callable[[float], float], formula: Callable[[float], float]) -> None:
    """Check nnbook against a formula, at many numbers."""
    for at in SUMS:
        assert ours(at) == pytest.approx(formula(at), rel=1e-9, abs=1e-12), at


def measured(f: Activation, z: Array, upstream: Array) -> Array:
    """Return the gradient of C = sum of upstream times output, by pushing each sum: no formula."""
    moved = z.copy()
    return gradcheck.numerical_gradient(
        lambda: float(np.sum(upstream * f(moved))), moved.reshape(-1)
    ).reshape(z.shape)


@proves(
    "eq-linear-collapse",
    r"\begin{aligned} &(x W^1 + b^1)\, W^2 + b^2 \\ "
    r"&\quad = x\, (W^1 W^2) + (b^1 W^2 + b^2) \end{aligned}",
)
def test_two_layers_without_a_bend_are_one(rng: np.random.Generator) -> None:
    two = Sequential([Input((3,)), Dense(4), Dense(2)], dtype="float64")
    one = Sequential([Input((3,)), Dense(2)], dtype="float64")
    w1, b1, w2, b2 = (rng.normal(size=w.shape) for w in two.get_weights())
    two.set_weights([w1, b1, w2, b2])
    product = np.array(
        [[sum(w1[i, k] * w2[k, j] for k in range(4)) for j in range(2)] for i in range(3)]
    )
    bias = np.array([sum(b1[k] * w2[k, j] for k in range(4)) + b2[j] for j in range(2)])
    one.set_weights([product, bias])
    x = rng.normal(size=(6, 3))
    np.testing.assert_allclose(two.predict(x, verbose=0), one.predict(x, verbose=0), rtol=1e-12)


@proves("eq-sigmoid", r"\sigma(z) = \frac{1}{1 + e^{-z}}")
def test_sigmoid() -> None:
    agree(lambda z: value(activations.sigmoid, z), lambda z: 1 / (1 + math.exp(-z)))


@proves("eq-relu", r"\mathrm{relu}(z) = \max(z, 0)")
def test_relu() -> None:
    for z in (-2.0, -1e-30, 0.0, 1e-30, 3.5):
        assert value(activations.relu, z) == max(z, 0)


@proves("eq-tanh", r"\tanh(z) = \frac{e^{z} - e^{-z}}{e^{z} + e^{-z}}")
def test_tanh() -> None:
    agree(
        lambda z: value(activations.tanh, z),
        lambda z: (math.exp(z) - math.exp(-z)) / (math.exp(z) + math.exp(-z)),
    )


@proves("eq-tanh-sigmoid", r"\tanh(z) = 2\, \sigma(2z) - 1")
def test_tanh_is_a_stretched_sigmoid() -> None:
    agree(lambda z: value(activations.tanh, z), lambda z: 2 * value(activations.sigmoid, 2 * z) - 1)


@proves(
    "eq-leaky-relu",
    r"\mathrm{leaky}(z) = \begin{cases} z & \text{if } z > 0 \\ s\, z & \text{else} "
    r"\end{cases}",
)
@pytest.mark.parametrize("s", [0.0, 0.01, 0.2])
def test_leaky_relu(s: float) -> None:
    f = activations.LeakyReLU(negative_slope=s)
    agree(lambda z: value(f, z), lambda z: z if z > 0 else s * z)
    assert value(f, 0.0) == 0


@proves(
    "eq-elu",
    r"\mathrm{elu}(z) = \begin{cases} z & \text{if } z > 0 \\ \gamma\, (e^{z} - 1) & "
    r"\text{else} \end{cases}",
)
@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_elu(gamma: float) -> None:
    f = activations.ELU(alpha=gamma)
    agree(lambda z: value(f, z), lambda z: z if z > 0 else gamma * (math.exp(z) - 1))
    assert value(f, 0.0) == 0


@proves("eq-softplus", r"\mathrm{softplus}(z) = \ln(1 + e^{z})")
def test_softplus() -> None:
    agree(lambda z: value(activations.softplus, z), lambda z: math.log(1 + math.exp(z)))


@proves(
    "eq-activation-back",
    r"\frac{\partial C}{\partial z_{ij}} = \frac{\partial C}{\partial a_{ij}}\, f'(z_{ij})",
)
@pytest.mark.parametrize(
    "name", ["linear", "relu", "sigmoid", "tanh", "leaky_relu", "elu", "softplus"]
)
def test_the_gradient_passes_as_the_slope_says(name: str, z: Array, upstream: Array) -> None:
    f = activations.get(name)
    h = 1e-6
    formula = np.array(
        [
            [
                upstream[i, j] * (value(f, z[i, j] + h) - value(f, z[i, j] - h)) / (2 * h)
                for j in range(4)
            ]
            for i in range(5)
        ]
    )
    np.testing.assert_allclose(f.vjp(f(z), upstream), formula, atol=1e-8)
    np.testing.assert_allclose(measured(f, z, upstream), formula, atol=1e-8)


@proves("eq-sigmoid-slope", r"\sigma'(z) = \frac{e^{-z}}{(1 + e^{-z})^2} = a\, (1 - a)")
def test_slope_of_the_sigmoid() -> None:
    def from_a(z: float) -> float:
        a = value(activations.sigmoid, z)
        return a * (1 - a)

    def from_z(z: float) -> float:
        return math.exp(-z) / (1 + math.exp(-z)) ** 2

    agree(lambda z: slope(activations.sigmoid, z), from_z)
    agree(from_a, from_z)


@proves("eq-tanh-slope", r"\tanh'(z) = \frac{4}{(e^{z} + e^{-z})^2} = 1 - a^2")
def test_slope_of_tanh() -> None:
    def from_z(z: float) -> float:
        return 4 / (math.exp(z) + math.exp(-z)) ** 2

    agree(lambda z: slope(activations.tanh, z), from_z)
    agree(lambda z: 1 - value(activations.tanh, z) ** 2, from_z)


@proves("eq-relu-slope", r"\mathrm{relu}'(z) = [\, z > 0 \,] = [\, a > 0 \,]")
def test_slope_of_the_relu() -> None:
    for at in (*SUMS, 0.0):
        assert slope(activations.relu, at) == int(at > 0)
        assert slope(activations.relu, at) == int(value(activations.relu, at) > 0)


@proves(
    "eq-leaky-relu-slope",
    r"\mathrm{leaky}'(z) = \begin{cases} 1 & \text{if } a > 0 \\ s & \text{else} \end{cases}",
)
@pytest.mark.parametrize("s", [0.0, 0.01, 0.2])
def test_slope_of_the_leaky_relu(s: float) -> None:
    f = activations.LeakyReLU(negative_slope=s)
    for at in (*SUMS, 0.0):
        assert slope(f, at) == (1 if value(f, at) > 0 else s)
    for at in SUMS[1:-1]:
        h = 1e-5
        assert (value(f, at + h) - value(f, at - h)) / (2 * h) == pytest.approx(slope(f, at))


@proves(
    "eq-elu-slope",
    r"\mathrm{elu}'(z) = \begin{cases} 1 & \text{if } a > 0 \\ \gamma\, e^{z} = a + \gamma & "
    r"\text{else} \end{cases}",
)
@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_slope_of_the_elu(gamma: float) -> None:
    f = activations.ELU(alpha=gamma)
    agree(lambda z: slope(f, z), lambda z: 1 if value(f, z) > 0 else gamma * math.exp(z))
    agree(lambda z: slope(f, z), lambda z: 1 if value(f, z) > 0 else value(f, z) + gamma)


@proves("eq-softplus-slope", r"\mathrm{softplus}'(z) = \sigma(z) = 1 - e^{-a}")
def test_slope_of_the_softplus() -> None:
    agree(lambda z: slope(activations.softplus, z), lambda z: value(activations.sigmoid, z))
    agree(
        lambda z: slope(activations.softplus, z),
        lambda z: 1 - math.exp(-value(activations.softplus, z)),
    )


def softmax_read_literally(z: Array) -> Array:
    """Return eq-softmax, index by index."""
    n, k = z.shape
    return np.array(
        [
            [math.exp(z[i, j]) / sum(math.exp(z[i, m]) for m in range(k)) for j in range(k)]
            for i in range(n)
        ]
    )


@proves("eq-softmax", r"a_{ij} = \frac{e^{z_{ij}}}{\sum_{k} e^{z_{ik}}}")
def test_softmax(z: Array) -> None:
    np.testing.assert_allclose(activations.softmax(z), softmax_read_literally(z), rtol=1e-12)


@proves(
    "eq-softmax-shift",
    r"\frac{e^{z_{ij} + u}}{\sum_{k} e^{z_{ik} + u}} = \frac{e^{z_{ij}}}{\sum_{k} e^{z_{ik}}}",
)
@pytest.mark.parametrize("u", [-20.0, 1.0, 300.0])
def test_softmax_sees_differences_only(z: Array, u: float) -> None:
    np.testing.assert_allclose(softmax_read_literally(z + u), softmax_read_literally(z), rtol=1e-10)
    np.testing.assert_allclose(activations.softmax(z + u), activations.softmax(z), rtol=1e-10)


@proves(
    "eq-softmax-sigmoid",
    r"\frac{e^{z_{i1}}}{e^{z_{i1}} + e^{z_{i2}}} = \sigma(z_{i1} - z_{i2})",
)
def test_two_classes_are_a_sigmoid(z: Array) -> None:
    for z1, z2 in z[:, :2]:
        left = math.exp(z1) / (math.exp(z1) + math.exp(z2))
        assert value(activations.sigmoid, z1 - z2) == pytest.approx(left, rel=1e-12)
        assert activations.softmax(np.array([z1, z2]))[0] == pytest.approx(left, rel=1e-12)


def jacobian(a: Array) -> Array:
    """Return eq-softmax-jacobian for one row: row j is an output, column k a sum."""
    k = len(a)
    return np.array([[a[j] * (int(j == m) - a[m]) for m in range(k)] for j in range(k)])


@proves(
    "eq-softmax-jacobian",
    r"\frac{\partial a_{ij}}{\partial z_{ik}} = a_{ij}\, \bigl(\, [\, j = k \,] - a_{ik} \,\bigr)",
)
def test_slopes_of_the_softmax(z: Array) -> None:
    h = 1e-6
    for row in z:
        found = np.empty((4, 4))
        for k in range(4):
            push = h * np.eye(4)[k]
            found[:, k] = (activations.softmax(row + push) - activations.softmax(row - push)) / (
                2 * h
            )
        np.testing.assert_allclose(jacobian(activations.softmax(row)), found, atol=1e-9)


@proves(
    "eq-softmax-back",
    r"\frac{\partial C}{\partial z_{ij}} = a_{ij}\, \Bigl(\, \frac{\partial C}{\partial a_{ij}} - "
    r"\sum_{k} a_{ik}\, \frac{\partial C}{\partial a_{ik}} \Bigr)",
)
def test_the_way_back_through_a_softmax(z: Array, upstream: Array) -> None:
    a = activations.softmax(z)
    formula = np.array(
        [
            [
                a[i, j] * (upstream[i, j] - sum(a[i, k] * upstream[i, k] for k in range(4)))
                for j in range(4)
            ]
            for i in range(5)
        ]
    )
    np.testing.assert_allclose(activations.softmax.vjp(a, upstream), formula, rtol=1e-10)
    by_table = np.array([upstream[i] @ jacobian(a[i]) for i in range(5)])
    np.testing.assert_allclose(formula, by_table, rtol=1e-10)
    np.testing.assert_allclose(formula, measured(activations.softmax, z, upstream), atol=1e-8)


@proves(
    "eq-chain-of-slopes",
    r"\delta^1 = \delta^L \prod_{l=1}^{L-1} w^{l+1} f'(z^l)",
)
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus"])
def test_slopes_multiply_along_a_chain(name: str, rng: np.random.Generator) -> None:
    f = activations.get(name)
    depth = 6
    chain = Sequential([Input((1,))] + [Dense(1, name) for _ in range(depth)], dtype="float64")
    chain.set_weights([rng.normal(size=w.shape) for w in chain.get_weights()])
    chain.compile("sgd", "mse")
    x, y = np.array([[0.7]]), np.array([[0.3]])
    _, grad = chain.loss_and_grad(x, y)
    delta = grad[1::2]  # of a single sample, the gradient of a bias is the error
    weights = [layer.get_weights()[0][0, 0] for layer in chain.layers]
    sums, a = [], x
    for layer in chain.layers:
        sums.append(layer.preactivation(a)[0, 0])
        a = layer.forward(a)
    product = 1.0
    for step in range(depth - 1):  # layer l = step + 1 has place step in the lists
        product *= weights[step + 1] * slope(f, sums[step])
    assert delta[0] == pytest.approx(delta[-1] * product, rel=1e-10)
