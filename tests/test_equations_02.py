"""The labelled formulas of chapter 2, each evaluated against nnbook.

The formula stands in the test as it stands on the page; the code under it is the formula read
literally, index by index, with none of nnbook's short cuts.
"""

import math

import numpy as np
import pytest

from nnbook import Input, Sequential, activations, gradcheck
from nnbook.checks import Array
from nnbook.layers import Dense
from tests.verify.equations import proves

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


@pytest.fixture
def rng() -> np.random.Generator:
    """Return the same random numbers for every test."""
    return np.random.default_rng(2)


def dense(w: Array, b: Array, activation: str | None = None) -> Sequential:
    """Return one layer with these weights ``(n_in, units)`` and biases ``(units,)``."""
    model = Sequential([Input((len(w),)), Dense(len(b), activation)], dtype="float64")
    model.set_weights([w, b])
    return model


def outputs(model: Sequential, x: Array) -> Array:
    return model.predict(x, verbose=0)


def step(z: float) -> int:
    """Compute eq-step, read literally."""
    return 1 if z > 0 else 0


@proves("eq-neuron", r"z = \sum_{k=1}^{n_0} x_k\, w_k + b , \qquad a = f(z)")
def test_a_neuron(rng: np.random.Generator) -> None:
    for n_0 in (1, 2, 7):
        x, w, b = rng.normal(size=n_0), rng.normal(size=n_0), float(rng.normal())
        z = 0.0
        for k in range(1, n_0 + 1):
            z += x[k - 1] * w[k - 1]
        z += b
        for f, value in (("linear", z), ("tanh", math.tanh(z)), ("relu", max(z, 0.0))):
            got = outputs(dense(w[:, None], np.array([b]), f), x[None, :])
            assert got.shape == (1, 1)
            assert got[0, 0] == pytest.approx(value, rel=1e-12)


@proves(
    "eq-step",
    r"\mathrm{step}(z) = \begin{cases} 1 & \text{if } z > 0 \\ 0 & \text{otherwise} \end{cases}",
)
def test_the_step_is_a_sigmoid_above_one_half() -> None:
    """Which is how nnbook's accuracy decides; and a steep sigmoid comes close to the step."""
    z = np.array([-30.0, -0.5, -1e-6, 0.0, 1e-6, 0.5, 30.0])
    expected = [step(value) for value in z]
    assert expected == [0, 0, 0, 0, 1, 1, 1]
    np.testing.assert_array_equal((activations.sigmoid(z) > 0.5).astype(int), expected)
    away = z != 0
    steep = activations.sigmoid(1e8 * z[away])
    np.testing.assert_allclose(steep, np.array(expected)[away], atol=1e-12)


@proves("eq-decision-line", r"w_1 x_1 + w_2 x_2 + b = 0")
def test_the_neuron_changes_its_mind_on_the_line(rng: np.random.Generator) -> None:
    for _ in range(20):
        w, b = rng.normal(size=2), float(rng.normal())
        t = rng.normal(size=50)
        on_line = np.column_stack([t, -(w[0] * t + b) / w[1]])  # solved for the second input
        model = dense(w[:, None], np.array([b]), "sigmoid")
        np.testing.assert_allclose(outputs(model, on_line), 0.5, atol=1e-9)
        aside = on_line + 1e-3 * w  # in the direction of the weights
        assert (outputs(model, aside) > 0.5).all()
        assert (outputs(model, on_line - 1e-3 * w) < 0.5).all()


@proves("eq-line-distance", r"d = \frac{|b|}{\sqrt{w_1^2 + w_2^2}}")
def test_distance_of_the_line_from_the_origin(rng: np.random.Generator) -> None:
    """On a smaller circle the neuron never changes its mind, on a larger one it does."""
    angle = np.linspace(0, 2 * np.pi, 3601)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    for _ in range(20):
        w, b = rng.normal(size=2), float(rng.normal())
        d = abs(b) / math.sqrt(w[0] ** 2 + w[1] ** 2)
        model = dense(w[:, None], np.array([b]))
        inside = outputs(model, 0.999 * d * circle) > 0
        outside = outputs(model, 1.001 * d * circle) > 0
        assert len(np.unique(inside)) == 1
        assert len(np.unique(outside)) == 2


@proves(
    "eq-perceptron",
    r"\begin{aligned} w_k &\leftarrow w_k + (y - a)\, x_k \\ "
    r"b &\leftarrow b + (y - a) \end{aligned}",
)
def test_the_perceptron_rule_is_a_step_of_descent(rng: np.random.Generator) -> None:
    """nnbook's layer, told the error ``a - y``, has the negative of the correction as gradient."""
    model = dense(rng.normal(size=(3, 1)), rng.normal(size=1))
    layer = model.layers[0]
    corrected = 0
    for _ in range(40):
        x, y = rng.normal(size=3), int(rng.integers(2))
        w, b = (part.ravel().copy() for part in layer.get_weights())
        a = step(sum(x[k] * w[k] for k in range(3)) + b[0])
        expected = [w[k] + (y - a) * x[k] for k in range(3)] + [b[0] + (y - a)]
        z = layer.forward(x[None, :])
        assert step(z[0, 0]) == a
        layer.backward(np.array([[float(a - y)]]))
        model.set_weights(
            [
                layer.get_weights()[0] - layer.grads["kernel"],
                layer.get_weights()[1] - layer.grads["bias"],
            ]
        )
        np.testing.assert_allclose(model.theta, expected, rtol=1e-12)
        corrected += a != y
    assert 5 < corrected < 35


@proves(
    "eq-xor-conditions",
    r"\begin{aligned} b &\le 0 & &\text{both down: no} \\ "
    r"w_2 + b &> 0 & &\text{second up: yes} \\ "
    r"w_1 + b &> 0 & &\text{first up: yes} \\ "
    r"w_1 + w_2 + b &\le 0 & &\text{both up: no} \end{aligned}",
)
def test_conditions_for_xor(rng: np.random.Generator) -> None:
    """Each says when nnbook's neuron is right at its corner; three can hold, all four never."""
    most, right = 0, [0, 1, 1, 0]
    for _ in range(3000):
        w, b = rng.normal(size=2), float(rng.normal())
        conditions = [b <= 0, w[1] + b > 0, w[0] + b > 0, w[0] + w[1] + b <= 0]
        z = outputs(dense(w[:, None], np.array([b])), CORNERS)[:, 0]
        assert [step(value) == y for value, y in zip(z, right, strict=True)] == conditions
        most = max(most, sum(conditions))
    assert most == 3


@proves(
    "eq-xor-sums",
    r"\begin{aligned} &(w_1 + b) + (w_2 + b) \\ "
    r"&\quad = b + (w_1 + w_2 + b) \end{aligned}",
)
def test_the_sums_at_opposite_corners_agree(rng: np.random.Generator) -> None:
    w, b = rng.normal(size=(2, 100)), rng.normal(size=100)
    z = outputs(dense(w, b), CORNERS)  # a hundred neurons at once
    np.testing.assert_allclose(z[1], w[1] + b, rtol=1e-12)
    np.testing.assert_allclose(z[2], w[0] + b, rtol=1e-12)
    np.testing.assert_allclose(z[2] + z[1], z[0] + z[3], atol=1e-12)
    np.testing.assert_allclose((w[0] + b) + (w[1] + b), b + (w[0] + w[1] + b), atol=1e-12)


@proves("eq-matrix-product", r"(x W)_{ij} = \sum_{k=1}^{n_0} x_{ik}\, w_{kj}")
def test_matrix_product(rng: np.random.Generator) -> None:
    x, w = rng.normal(size=(5, 4)), rng.normal(size=(4, 3))
    got = outputs(dense(w, np.zeros(3)), x)
    assert got.shape == (5, 3)
    for i, j in np.ndindex(5, 3):
        assert got[i, j] == pytest.approx(sum(x[i, k] * w[k, j] for k in range(4)), rel=1e-12)


@proves("eq-layer", r"z = x W + b , \qquad a = f(z)")
def test_a_layer(rng: np.random.Generator) -> None:
    x, w, b = rng.normal(size=(5, 4)), rng.normal(size=(4, 3)), rng.normal(size=3)
    z = np.empty((5, 3))
    for i, j in np.ndindex(5, 3):
        z[i, j] = sum(x[i, k] * w[k, j] for k in range(4)) + b[j]
    np.testing.assert_allclose(outputs(dense(w, b), x), z, rtol=1e-12)
    np.testing.assert_allclose(outputs(dense(w, b, "tanh"), x), np.tanh(z), rtol=1e-12)
    np.testing.assert_allclose(outputs(dense(w, b, "sigmoid"), x), 1 / (1 + np.exp(-z)), rtol=1e-12)


@proves("eq-parameter-count", r"|\theta| = \sum_{l=1}^{L} (n_{l-1} + 1)\, n_l")
@pytest.mark.parametrize("n", [[2, 1], [4, 8, 6, 3], [4, 26, 3], [4, 8, 8, 8, 3], [1, 1, 1]])
def test_number_of_parameters(n: list[int]) -> None:
    model = Sequential([Input((n[0],)), *(Dense(units) for units in n[1:])])
    last = len(n) - 1  # L
    expected = sum((n[place - 1] + 1) * n[place] for place in range(1, last + 1))
    assert model.theta.size == model.count_params() == expected
    assert sum(w.size for w in model.get_weights()) == expected


@proves(
    "eq-weight-slope",
    r"\frac{\partial z}{\partial w_k} = x_k , \qquad \frac{\partial z}{\partial b} = 1",
)
def test_slope_of_the_sum_along_a_weight(rng: np.random.Generator) -> None:
    x = rng.normal(size=(1, 4))
    model = dense(rng.normal(size=(4, 1)), rng.normal(size=1))
    measured = gradcheck.numerical_gradient(lambda: float(outputs(model, x)[0, 0]), model.theta)
    expected = [x[0, k] for k in range(4)] + [1.0]
    np.testing.assert_allclose(measured, expected, rtol=1e-8)
    layer = model.layers[0]
    layer.forward(x)
    layer.backward(np.ones((1, 1)))
    np.testing.assert_allclose(layer.grads["kernel"][:, 0], expected[:-1], rtol=1e-12)
    np.testing.assert_allclose(layer.grads["bias"], expected[-1:], rtol=1e-12)
