"""The labelled formulas of chapter 5, each evaluated against nnbook.

The formula stands in the test as it stands on the page; the code under it is the formula read
literally, index by index.
"""

from collections.abc import Callable

import numpy as np
import pytest

from nnbook import Input, Sequential, gradcheck, optimizers
from nnbook.checks import Array
from nnbook.layers import Dense
from tests.verify.equations import proves

ALPHA = 0.03
SEVEN = 7  # samples


@pytest.fixture
def x() -> Array:
    """Return seven inputs."""
    return np.random.default_rng(5).normal(1.0, 1.5, size=SEVEN)


@pytest.fixture
def y() -> Array:
    """Return seven targets that no line meets."""
    return np.random.default_rng(6).normal(size=SEVEN)


def line(
    x: Array, y: Array, theta: list[float], alpha: float = ALPHA
) -> tuple[Sequential, Array, Array]:
    """Return nnbook's network of one linear neuron, without a bias for one parameter."""
    model = Sequential([Input(shape=(1,)), Dense(1, use_bias=len(theta) == 2)], dtype="float64")
    model.compile(optimizers.SGD(alpha), "mse")
    model.theta[:] = theta
    return model, x[:, None], y[:, None]


def loss(x: Array, y: Array, theta: list[float]) -> float:
    """Return nnbook's loss of the network."""
    model, inputs, targets = line(x, y, theta)
    return model.loss_and_grad(inputs, targets)[0]


def grad(x: Array, y: Array, theta: list[float]) -> Array:
    """Return nnbook's gradient of the network."""
    model, inputs, targets = line(x, y, theta)
    return model.loss_and_grad(inputs, targets)[1].copy()


def trained(x: Array, y: Array, theta: list[float], alpha: float, steps: int) -> Array:
    """Return nnbook's parameters after some full steps."""
    model, inputs, targets = line(x, y, theta, alpha)
    model.fit(inputs, targets, batch_size=len(inputs), epochs=steps, verbose=0)
    return model.theta.copy()


def felt(f: Callable[[Array], float], at: list[float]) -> Array:
    """Return central differences: no formula."""
    theta = np.array(at)
    return gradcheck.numerical_gradient(lambda: f(theta), theta)


@proves(
    "eq-one-weight-loss",
    r"C(w) = \frac{1}{n} \sum_{i=1}^{n} (w\, x_i - y_i)^2",
)
def test_loss_of_one_weight(x: Array, y: Array) -> None:
    for w in (-1.0, 0.3, 2.0):
        total = 0.0
        for i in range(SEVEN):
            total += (w * x[i] - y[i]) ** 2
        assert 1 / SEVEN * total == pytest.approx(loss(x, y, [w]), rel=1e-12)


@proves(
    "eq-one-weight-slope",
    r"C'(w) = \frac{2}{n} \sum_{i=1}^{n} (w\, x_i - y_i)\, x_i",
)
def test_slope_of_one_weight(x: Array, y: Array) -> None:
    for w in (-1.0, 0.3, 2.0):
        total = 0.0
        for i in range(SEVEN):
            total += (w * x[i] - y[i]) * x[i]
        slope = 2 / SEVEN * total
        assert slope == pytest.approx(grad(x, y, [w])[0], rel=1e-12)
        assert slope == pytest.approx(felt(lambda t: loss(x, y, [t[0]]), [w])[0], rel=1e-6)


@proves("eq-descent-1d", r"w \leftarrow w - \alpha\, C'(w)")
def test_descent_of_one_weight(x: Array, y: Array) -> None:
    w = 1.5
    for steps in range(1, 5):
        w = w - ALPHA * grad(x, y, [w])[0]
        assert w == pytest.approx(trained(x, y, [1.5], ALPHA, steps)[0], rel=1e-12)


def curvature(x: Array) -> float:
    """Return ``K`` as its formula says."""
    total = 0.0
    for i in range(SEVEN):
        total += x[i] ** 2
    return float(2 / SEVEN * total)


@proves("eq-curvature", r"K = \frac{2}{n} \sum_{i=1}^{n} x_i^2")
def test_curvature_is_the_slope_of_the_slope(x: Array, y: Array) -> None:
    for w in (-1.0, 2.0):
        assert curvature(x) == pytest.approx(grad(x, y, [w + 1])[0] - grad(x, y, [w])[0], rel=1e-12)


@proves("eq-descent-shrink", r"w_{\text{new}} - w^* = (1 - \alpha K)\,(w - w^*)")
def test_a_step_multiplies_the_distance(x: Array, y: Array) -> None:
    best = sum(x * y) / sum(x * x)
    assert grad(x, y, [best])[0] == pytest.approx(0, abs=1e-12)
    for alpha in (0.01, 0.2, 1.0):
        new = trained(x, y, [1.5], alpha, 1)[0]
        assert new - best == pytest.approx((1 - alpha * curvature(x)) * (1.5 - best), rel=1e-9)


@proves("eq-descent-range", r"0 < \alpha < \frac{2}{K}")
def test_just_these_rates_lead_to_the_bottom(x: Array, y: Array) -> None:
    best, k = sum(x * y) / sum(x * x), curvature(x)
    for alpha in (0.001 / k, 0.5 / k, 1 / k, 1.9 / k, 1.999 / k, 2.001 / k, 2.1 / k, 5 / k):
        nearer = abs(trained(x, y, [1.5], alpha, 20)[0] - best) < abs(1.5 - best)
        assert nearer == (0 < alpha < 2 / k), alpha * k


@proves("eq-tangent", r"C(w + s) \approx C(w) + C'(w)\, s")
def test_the_tangent_is_right_nearby(x: Array, y: Array) -> None:
    w, gaps = 1.5, []
    for s in (1e-2, 5e-3):
        promised = loss(x, y, [w]) + grad(x, y, [w])[0] * s
        gaps.append(loss(x, y, [w + s]) - promised)
        assert abs(gaps[-1]) < 0.1 * abs(grad(x, y, [w])[0] * s)
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=1e-6)


@proves(
    "eq-gradient",
    r"\nabla C = \left( \frac{\partial C}{\partial w},\; \frac{\partial C}{\partial b} \right)",
)
def test_gradient_holds_the_slope_along_each_parameter(x: Array, y: Array) -> None:
    w, b = 0.4, -1.2
    along_w = felt(lambda t: loss(x, y, [t[0], b]), [w])[0]
    along_b = felt(lambda t: loss(x, y, [w, t[0]]), [b])[0]
    assert grad(x, y, [w, b]) == pytest.approx([along_w, along_b], rel=1e-6)


@proves(
    "eq-line-gradient",
    r"""\begin{aligned}
    \frac{\partial C}{\partial w} &= \frac{2}{n} \sum_{i=1}^{n} (w\, x_i + b - y_i)\, x_i \\
    \frac{\partial C}{\partial b} &= \frac{2}{n} \sum_{i=1}^{n} (w\, x_i + b - y_i)
    \end{aligned}""",
)
def test_gradient_of_a_line(x: Array, y: Array) -> None:
    w, b = 0.4, -1.2
    along_w = along_b = 0.0
    for i in range(SEVEN):
        along_w += 2 / SEVEN * (w * x[i] + b - y[i]) * x[i]
        along_b += 2 / SEVEN * (w * x[i] + b - y[i])
    assert [along_w, along_b] == pytest.approx(grad(x, y, [w, b]), rel=1e-12)


@proves(
    "eq-direction",
    r"\nabla C \cdot u = \frac{\partial C}{\partial w}\, u_1 + \frac{\partial C}{\partial b}\, u_2",
)
def test_slope_in_a_direction(x: Array, y: Array) -> None:
    here = np.array([0.4, -1.2])
    g = grad(x, y, list(here))
    slopes = []
    for angle in np.linspace(0, 2 * np.pi, 37):
        u = np.array([np.cos(angle), np.sin(angle)])
        slopes.append(g[0] * u[0] + g[1] * u[1])
        along = felt(lambda t, u=u: loss(x, y, list(here + t[0] * u)), [0.0])[0]  # type: ignore[misc]
        assert slopes[-1] == pytest.approx(along, rel=1e-6, abs=1e-7)
    # the gradient itself is steepest
    assert max(slopes) <= np.linalg.norm(g)
    assert g @ (g / np.linalg.norm(g)) == pytest.approx(np.linalg.norm(g))


@proves("eq-sgd", r"\theta \leftarrow \theta - \alpha\, \nabla C(\theta)")
def test_gradient_descent(x: Array, y: Array) -> None:
    """Of a line, and of a network with a hidden layer."""
    theta = [1.5, -0.5]
    for steps in range(1, 5):
        g = grad(x, y, theta)
        theta = [theta[p] - ALPHA * g[p] for p in range(2)]
        assert theta == pytest.approx(trained(x, y, [1.5, -0.5], ALPHA, steps), rel=1e-12)
    model = Sequential([Input(shape=(1,)), Dense(3, "tanh"), Dense(1)], seed=5, dtype="float64")
    model.compile(optimizers.SGD(ALPHA), "mse")
    for _ in range(3):
        before = model.theta.copy()
        g = model.loss_and_grad(x[:, None], y[:, None])[1].copy()
        model.fit(x[:, None], y[:, None], batch_size=SEVEN, epochs=1, verbose=0)
        assert model.theta == pytest.approx(before - ALPHA * g, rel=1e-12)


@proves(
    "eq-tangent-plane",
    r"C(\theta + s) \approx C(\theta) + \nabla C(\theta) \cdot s",
)
def test_the_tangent_plane_is_right_nearby(x: Array, y: Array) -> None:
    theta, gaps = np.array([0.4, -1.2]), []
    for share in (1.0, 0.5):
        s = share * np.array([1e-2, -2e-2])
        promised = loss(x, y, list(theta)) + grad(x, y, list(theta)) @ s
        gaps.append(loss(x, y, list(theta + s)) - promised)
        assert abs(gaps[-1]) < 0.1 * abs(grad(x, y, list(theta)) @ s)
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=1e-6)


def curvatures(x: Array) -> Array:
    """Return the curvature in many directions: the slope of the slope, as nnbook's gradient has it.

    A step of length one in a parabola changes the slope by the curvature.
    """
    zero = np.zeros(SEVEN)
    found = []
    for angle in np.linspace(0, np.pi, 20_001):
        u = [float(np.cos(angle)), float(np.sin(angle))]
        e = u[0] * x + u[1] - zero
        found.append(2 * np.mean(e**2))
    return np.array(found)


@proves("eq-condition", r"\kappa = \frac{K_{\max}}{K_{\min}}")
def test_condition_number(x: Array, y: Array) -> None:
    every = curvatures(x)
    u = [float(np.cos(0.7)), float(np.sin(0.7))]
    slope = grad(x, y, u) @ u - grad(x, y, [0.0, 0.0]) @ u
    assert slope == pytest.approx(np.interp(0.7, np.linspace(0, np.pi, 20_001), every), rel=1e-6)
    table = np.array([grad(x, y, [1, 0]), grad(x, y, [0, 1])]) - grad(x, y, [0, 0])
    assert every.max() / every.min() == pytest.approx(np.linalg.cond(table), rel=1e-5)


@proves("eq-ravine-factor", r"\rho = \frac{\kappa - 1}{\kappa + 1}")
def test_what_a_step_keeps_in_a_ravine(x: Array, y: Array) -> None:
    every = curvatures(x)
    kappa = every.max() / every.min()
    rho = (kappa - 1) / (kappa + 1)
    best = np.polyfit(x, y, 1)

    def kept(alpha: float) -> float:
        """Return the share of the distance that the slowest direction keeps, a step, in the end."""
        away = [
            np.linalg.norm(trained(x, y, [1.5, -0.5], alpha, steps) - best) for steps in (30, 31)
        ]
        return float(away[1] / away[0])

    alpha = 2 / (every.max() + every.min())
    assert kept(alpha) == pytest.approx(rho, rel=1e-4)
    assert kept(0.9 * alpha) > rho
    assert kept(1.05 * alpha) > rho
