"""The labelled formulas of chapter 10, each evaluated against nnbook.

The formula stands in the test as it stands on the page; the code under it is the formula read
literally, index by index, with none of nnbook's short cuts.
"""

import math

import numpy as np
import pytest

from nnbook import Input, Sequential, activations, gradcheck, losses, metrics, optimizers
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
    r"z^l_{ij} = \sum_{k=1}^{n_{l-1}} a^{l-1}_{ik}\, w^l_{kj} + b^l_j , "
    r"\qquad a^l_{ij} = f(z^l_{ij})",
)
def test_dense_is_the_sum_and_the_bend(model: Sequential, x: Array) -> None:
    zs, outputs = forward(model, x)
    a = x
    for layer, z, out in zip(model.layers, zs[1:], outputs[1:], strict=True):
        np.testing.assert_allclose(layer.preactivation(a), z, rtol=1e-12)
        a = layer.forward(a)
        np.testing.assert_allclose(a, out, rtol=1e-12)


@proves("eq-relu", r"\mathrm{relu}(z) = \max(z, 0)")
def test_relu() -> None:
    for z in (-2.0, -1e-30, 0.0, 1e-30, 3.5):
        assert activations.relu(np.array([z]))[0] == max(z, 0)


@proves("eq-sigmoid", r"\sigma(z) = \frac{1}{1 + e^{-z}}")
def test_sigmoid() -> None:
    for z in (-30.0, -1.0, 0.0, 0.5, 30.0):
        assert activations.sigmoid(np.array([z]))[0] == pytest.approx(
            1 / (1 + math.exp(-z)), rel=1e-14
        )


@proves(
    "eq-bce",
    r"C = -\frac{1}{n} \sum_{i=1}^{n} \bigl[\, y_i \ln \hat y_i + (1 - y_i) \ln (1 - \hat y_i) "
    r"\,\bigr]",
)
def test_binary_crossentropy(rng: np.random.Generator, y: Array) -> None:
    guess = rng.uniform(0.05, 0.95, size=(5, 1))
    total = sum(
        y[i, 0] * math.log(guess[i, 0]) + (1 - y[i, 0]) * math.log(1 - guess[i, 0])
        for i in range(5)
    )
    assert losses.BinaryCrossentropy()(y, guess) == pytest.approx(-total / 5, rel=1e-12)


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


@proves(
    "eq-adam",
    r"\begin{aligned} m &\leftarrow m + (1 - \beta_1)(g - m), \qquad "
    r"v \leftarrow v + (1 - \beta_2)(g^2 - v), \\ "
    r"\theta &\leftarrow \theta - \alpha\, \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}\, "
    r"\frac{m}{\sqrt{v} + \varepsilon} \end{aligned}",
)
def test_adam(rng: np.random.Generator) -> None:
    alpha, beta_1, beta_2, epsilon = 0.05, 0.8, 0.99, 1e-3
    optimizer = optimizers.Adam(alpha, beta_1, beta_2, epsilon)
    theta = rng.normal(size=4)
    expected, m, v = theta.copy(), np.zeros(4), np.zeros(4)
    for t in range(1, 8):
        g = rng.normal(size=4)
        optimizer.step(theta, g)
        m = m + (1 - beta_1) * (g - m)
        v = v + (1 - beta_2) * (g**2 - v)
        correction = math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        expected = expected - alpha * correction * m / (np.sqrt(v) + epsilon)
        np.testing.assert_allclose(theta, expected, rtol=1e-12)


@proves("eq-delta-output", r"\delta^L_{ij} = \frac{\hat y_{ij} - y_{ij}}{n}")
def test_error_at_the_output(model: Sequential, x: Array, y: Array) -> None:
    guess = forward(model, x)[1][-1]
    expected = (guess - y) / len(x)
    got = losses.BinaryCrossentropy().delta(y, guess, activations.sigmoid)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    np.testing.assert_allclose(deltas(model, x, y)[-1], expected, rtol=1e-6)


@proves(
    "eq-delta-hidden",
    r"\delta^l_{ik} = f'(z^l_{ik}) \sum_{j=1}^{n_{l+1}} w^{l+1}_{kj}\, \delta^{l+1}_{ij}",
)
def test_error_one_layer_back(model: Sequential, x: Array, y: Array) -> None:
    errors, (zs, outputs) = deltas(model, x, y), forward(model, x)
    slopes = {
        "tanh": lambda z: 1 / np.cosh(z) ** 2,
        "sigmoid": lambda z: 0.25 / np.cosh(z / 2) ** 2,
    }
    for place in (1, 2):  # the two hidden layers
        layer, following = model.layers[place - 1], model.layers[place]
        kernel = following.get_weights()[0]
        slope = slopes[layer.activation.name](zs[place])
        expected = np.empty_like(zs[place])
        for i, k in np.ndindex(expected.shape):
            back = sum(kernel[k, j] * errors[place + 1][i, j] for j in range(kernel.shape[1]))
            expected[i, k] = slope[i, k] * back
        np.testing.assert_allclose(expected, errors[place], rtol=1e-5, atol=1e-9)
        # nnbook in two halves: the layer above hands back dC/da, this one's bend makes it delta
        following.forward(outputs[place])
        handed_back = following.backward_delta(errors[place + 1])
        assert handed_back is not None
        np.testing.assert_allclose(
            layer.activation.vjp(outputs[place], handed_back), expected, rtol=1e-10
        )


@proves(
    "eq-backprop-weights",
    r"\frac{\partial C}{\partial w^l_{kj}} = \sum_{i=1}^{n} a^{l-1}_{ik}\, \delta^l_{ij}",
)
def test_gradient_of_a_weight(model: Sequential, x: Array, y: Array) -> None:
    outputs, errors = forward(model, x)[1], deltas(model, x, y)
    model.loss_and_grad(x, y)
    for place, layer in enumerate(model.layers, 1):
        for k, j in np.ndindex(layer.grads["kernel"].shape):
            expected = sum(outputs[place - 1][i, k] * errors[place][i, j] for i in range(5))
            assert layer.grads["kernel"][k, j] == pytest.approx(expected, rel=1e-5, abs=1e-9)


@proves("eq-backprop-bias", r"\frac{\partial C}{\partial b^l_j} = \sum_{i=1}^{n} \delta^l_{ij}")
def test_gradient_of_a_bias(model: Sequential, x: Array, y: Array) -> None:
    errors = deltas(model, x, y)
    model.loss_and_grad(x, y)
    for place, layer in enumerate(model.layers, 1):
        for j in range(len(layer.grads["bias"])):
            expected = sum(errors[place][i, j] for i in range(5))
            assert layer.grads["bias"][j] == pytest.approx(expected, rel=1e-5, abs=1e-9)


@proves(
    "eq-central-difference",
    r"\frac{\partial C}{\partial w} \approx \frac{C(w + h) - C(w - h)}{2h}",
)
def test_central_difference() -> None:
    theta, h = np.array([0.3, -1.2]), 1e-3

    def f() -> float:
        return float(np.exp(theta[0]) * theta[1] ** 3)

    def f_at(a: float, b: float) -> float:
        return math.exp(a) * b**3

    expected = [
        (f_at(0.3 + h, -1.2) - f_at(0.3 - h, -1.2)) / (2 * h),
        (f_at(0.3, -1.2 + h) - f_at(0.3, -1.2 - h)) / (2 * h),
    ]
    got = gradcheck.numerical_gradient(f, theta, h)
    np.testing.assert_allclose(got, expected, rtol=1e-9)
    true = [math.exp(0.3) * (-1.2) ** 3, math.exp(0.3) * 3 * 1.2**2]
    np.testing.assert_allclose(got, true, rtol=1e-5)
    np.testing.assert_array_equal(theta, [0.3, -1.2])


@proves(
    "eq-constant-loss",
    r"C(p) = -\bigl[\, \bar y \ln p + (1 - \bar y) \ln (1 - p) \,\bigr]",
)
def test_loss_of_a_constant_answer(y: Array) -> None:
    mean = float(y.mean())

    def constant(p: float) -> float:
        return losses.BinaryCrossentropy()(y, np.full_like(y, p))

    for p in (0.1, 0.5, 0.8):
        expected = -(mean * math.log(p) + (1 - mean) * math.log(1 - p))
        assert constant(p) == pytest.approx(expected, rel=1e-12)
    assert constant(mean) < min(constant(mean - 1e-3), constant(mean + 1e-3))


@proves("eq-entropy", r"H(y) = -\bigl[\, y \ln y + (1 - y) \ln (1 - y) \,\bigr]")
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
