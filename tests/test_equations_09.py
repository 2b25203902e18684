"""The labelled formulas of chapter 9, each evaluated against nnbook.

The formula stands in the test as it stands on the page; the code under it is the formula read
literally, number by number, with none of nnbook's short cuts.
"""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest

from nnbook import Input, Sequential, optimizers
from nnbook.checks import Array
from nnbook.layers import Dense
from nnbook.schedules import CosineDecay, ExponentialDecay, PiecewiseConstantDecay
from tests.verify.equations import proves

STEPS = 8
Rule = Callable[[int, float, float], float]  # parameter, its value, its gradient -> its new value


@pytest.fixture
def model() -> Sequential:
    """Return a compiled 3-4-1 network with random weights and biases."""
    model = Sequential(
        [Input((3,)), Dense(4, activation="tanh"), Dense(1, activation="sigmoid")], dtype="float64"
    )
    model.compile("sgd", "binary_crossentropy")
    rng = np.random.default_rng(9)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


@pytest.fixture
def samples() -> tuple[Array, Array]:
    """Return seven samples and their labels."""
    rng = np.random.default_rng(10)
    return rng.normal(size=(7, 3)), rng.random((7, 1))


def agree(optimizer: optimizers.Optimizer, rule: Rule) -> None:
    """Walk with nnbook and with a formula, on the same random gradients of several sizes."""
    rng = np.random.default_rng(11)
    theta = rng.normal(size=4)
    expected = [float(one) for one in theta]
    for _ in range(STEPS):
        g = rng.normal(size=4) * [0.01, 1, 1, 100]
        optimizer.step(theta, g)
        expected = [rule(p, expected[p], float(g[p])) for p in range(4)]
        np.testing.assert_allclose(theta, expected, rtol=1e-12)


@proves(
    "eq-batch-gradient",
    r"\nabla C_B = \sum_{k} \frac{\lvert B_k \rvert}{\lvert B \rvert}\, \nabla C_{B_k}",
)
@pytest.mark.parametrize("cuts", [(1,), (2, 3), (1, 2, 3, 4, 5, 6), (4,)])
def test_gradient_of_a_batch(
    model: Sequential, samples: tuple[Array, Array], cuts: tuple[int, ...]
) -> None:
    x, y = samples
    parts = list(itertools.pairwise((0, *cuts, len(x))))
    total = np.zeros(model.theta.size)
    for start, stop in parts:
        _, g = model.loss_and_grad(x[start:stop], y[start:stop])
        total = total + (stop - start) / len(x) * g
    np.testing.assert_allclose(model.loss_and_grad(x, y)[1], total, rtol=1e-10, atol=1e-15)


@proves(
    "eq-batch-noise",
    r"\overline{\lVert \nabla C_B - \nabla C \rVert^2} = \frac{s^2}{\lvert B \rvert} \cdot "
    r"\frac{N - \lvert B \rvert}{N - 1}",
)
@pytest.mark.parametrize("size", range(1, 8))
def test_noise_of_a_batch(model: Sequential, samples: tuple[Array, Array], size: int) -> None:
    x, y = samples
    whole = model.loss_and_grad(x, y)[1]

    def squared_distance(some: list[int]) -> float:
        return float(np.sum((model.loss_and_grad(x[some], y[some])[1] - whole) ** 2))

    n = len(x)
    s2 = sum(squared_distance([i]) for i in range(n)) / n
    # all batches that can be drawn, each once
    every = [squared_distance(list(some)) for some in itertools.combinations(range(n), size)]
    expected = s2 / size * (n - size) / (n - 1)
    assert sum(every) / len(every) == pytest.approx(expected, rel=1e-10, abs=1e-20)


@proves(
    "eq-momentum",
    r"\begin{aligned} v &\leftarrow \mu\, v - \alpha\, g \\ \theta &\leftarrow \theta + v "
    r"\end{aligned}",
)
@pytest.mark.parametrize("mu", [0.1, 0.9])
def test_momentum(mu: float) -> None:
    alpha, v = 0.05, [0.0] * 4

    def rule(p: int, theta: float, g: float) -> float:
        v[p] = mu * v[p] - alpha * g
        return theta + v[p]

    agree(optimizers.SGD(alpha, momentum=mu), rule)


@proves("eq-momentum-speed", r"v = -\frac{\alpha\, g}{1 - \mu}")
@pytest.mark.parametrize("mu", [0.5, 0.875, 0.95])
def test_speed_on_a_constant_slope(mu: float) -> None:
    alpha, g = 0.05, np.array([3.0, -0.2])
    optimizer, theta = optimizers.SGD(alpha, momentum=mu), np.zeros(2)
    for _ in range(1000):
        before = theta.copy()
        optimizer.step(theta, g)
    np.testing.assert_allclose(theta - before, -alpha * g / (1 - mu), rtol=1e-9)


@proves(
    "eq-nesterov",
    r"\begin{aligned} v &\leftarrow \mu\, v - \alpha\, g \\ \theta &\leftarrow \theta + \mu\, v - "
    r"\alpha\, g \end{aligned}",
)
@pytest.mark.parametrize("mu", [0.1, 0.9])
def test_nesterov(mu: float) -> None:
    alpha, v = 0.05, [0.0] * 4

    def rule(p: int, theta: float, g: float) -> float:
        v[p] = mu * v[p] - alpha * g
        return theta + mu * v[p] - alpha * g

    agree(optimizers.SGD(alpha, momentum=mu, nesterov=True), rule)


@proves(
    "eq-adagrad",
    r"\begin{aligned} v &\leftarrow v + g^2 \\ \theta &\leftarrow \theta - \alpha\, "
    r"\frac{g}{\sqrt{v + \varepsilon}} \end{aligned}",
)
def test_adagrad() -> None:
    alpha, beginning, epsilon = 0.05, 0.3, 1e-2
    v = [beginning] * 4

    def rule(p: int, theta: float, g: float) -> float:
        v[p] = v[p] + g**2
        return theta - alpha * g / math.sqrt(v[p] + epsilon)

    agree(optimizers.Adagrad(alpha, beginning, epsilon), rule)


@proves(
    "eq-rmsprop",
    r"\begin{aligned} v &\leftarrow \rho\, v + (1 - \rho)\, g^2 \\ \theta &\leftarrow \theta - "
    r"\alpha\, \frac{g}{\sqrt{v + \varepsilon}} \end{aligned}",
)
def test_rmsprop() -> None:
    alpha, rho, epsilon, v = 0.05, 0.8, 1e-2, [0.0] * 4

    def rule(p: int, theta: float, g: float) -> float:
        v[p] = rho * v[p] + (1 - rho) * g**2
        return theta - alpha * g / math.sqrt(v[p] + epsilon)

    agree(optimizers.RMSprop(alpha, rho, epsilon=epsilon), rule)


@proves(
    "eq-adam",
    r"\begin{aligned} m &\leftarrow m + (1 - \beta_1)(g - m) \\ "
    r"v &\leftarrow v + (1 - \beta_2)(g^2 - v) \\ "
    r"\theta &\leftarrow \theta - \alpha\, \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}\, "
    r"\frac{m}{\sqrt{v} + \varepsilon} \end{aligned}",
)
def test_adam() -> None:
    rng = np.random.default_rng(10)
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


@proves("eq-adam-start", r"m = (1 - \beta_1^t)\, g")
def test_means_on_a_constant_gradient() -> None:
    beta_1, beta_2, g = 0.8, 0.99, np.array([3.0, -0.2])
    optimizer, theta = optimizers.Adam(0.1, beta_1, beta_2), np.zeros(2)
    for t in range(1, STEPS):
        optimizer.step(theta, g)
        np.testing.assert_allclose(optimizer.m, (1 - beta_1**t) * g, rtol=1e-12)
        np.testing.assert_allclose(optimizer.v, (1 - beta_2**t) * g**2, rtol=1e-12)


@proves(
    "eq-adamw",
    r"\begin{aligned} \theta &\leftarrow \theta - \alpha\, \lambda\, \theta \\ "
    r"\theta &\leftarrow \theta - \alpha\, \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}\, "
    r"\frac{m}{\sqrt{v} + \varepsilon} \end{aligned}",
)
def test_adamw() -> None:
    alpha, decay, beta_1, beta_2, epsilon = 0.05, 0.3, 0.8, 0.99, 1e-3
    m, v, times = [0.0] * 4, [0.0] * 4, [0] * 4

    def rule(p: int, theta: float, g: float) -> float:
        times[p] += 1
        t = times[p]
        m[p] = m[p] + (1 - beta_1) * (g - m[p])
        v[p] = v[p] + (1 - beta_2) * (g**2 - v[p])
        theta = theta - alpha * decay * theta
        correction = math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        return theta - alpha * correction * m[p] / (math.sqrt(v[p]) + epsilon)

    agree(optimizers.AdamW(alpha, decay, beta_1, beta_2, epsilon), rule)


@proves("eq-exponential-decay", r"\alpha_t = \alpha_0\, r^{\,t / T}")
def test_exponential_decay() -> None:
    alpha, r, total = 0.3, 0.7, 40
    schedule = ExponentialDecay(alpha, total, r)
    for t in (0, 1, 39, 40, 41, 500):
        assert schedule(t) == pytest.approx(alpha * r ** (t / total), rel=1e-12)


@proves(
    "eq-cosine-decay",
    r"\alpha_t = \frac{\alpha_0}{2}\, \Bigl( 1 + \cos \frac{\pi\, \min(t, T)}{T} \Bigr)",
)
def test_cosine_decay() -> None:
    alpha, total = 0.3, 40
    schedule = CosineDecay(alpha, total)
    for t in (0, 1, 20, 39, 40, 41, 500):
        expected = alpha / 2 * (1 + math.cos(math.pi * min(t, total) / total))
        assert schedule(t) == pytest.approx(expected, rel=1e-12, abs=1e-15)


@proves(
    "eq-piecewise-decay",
    r"\alpha_t = \begin{cases} \alpha_0 & \text{if } t \le t_1 \\ \alpha_1 & \text{if } t_1 < t "
    r"\le t_2 \\ \alpha_2 & \text{else} \end{cases}",
)
def test_piecewise_decay() -> None:
    t_1, t_2, alphas = 5, 9, (0.5, 0.2, 0.1)
    schedule = PiecewiseConstantDecay([t_1, t_2], alphas)
    for t in range(15):
        expected = alphas[0] if t <= t_1 else alphas[1] if t_1 < t <= t_2 else alphas[2]
        assert schedule(t) == expected, t


@proves(
    "eq-decay-is-l2",
    r"\theta - \alpha\, (g + \lambda\, \theta) = (\theta - \alpha\, \lambda\, \theta) - \alpha\, g",
)
def test_decay_is_l2_for_sgd_and_not_for_adam() -> None:
    alpha, decay = 0.05, 0.3

    def apart(with_decay: optimizers.Optimizer, without: optimizers.Optimizer) -> float:
        rng = np.random.default_rng(12)
        left = rng.normal(size=4)
        right = left.copy()
        for _ in range(STEPS):
            g = rng.normal(size=4)
            without.step(left, g + decay * left)
            with_decay.step(right, g)
        return float(np.abs(left - right).max())

    assert apart(optimizers.SGD(alpha, weight_decay=decay), optimizers.SGD(alpha)) < 1e-14
    assert apart(optimizers.AdamW(alpha, decay), optimizers.Adam(alpha)) > 1e-3


@proves(
    "eq-clipnorm",
    r"g \leftarrow g\, \min\Bigl( 1,\ \frac{c}{\lVert g \rVert} \Bigr)",
)
@pytest.mark.parametrize("c", [0.3, 2.0, 100.0])
def test_clipping_by_norm(c: float) -> None:
    optimizer = optimizers.SGD(1.0, global_clipnorm=c)
    g, theta = np.array([0.5, -4.0, 3.0]), np.zeros(3)
    optimizer.step(theta, g)
    length = math.sqrt(sum(one**2 for one in g))
    np.testing.assert_allclose(-theta, [one * min(1, c / length) for one in g], rtol=1e-12)


@proves("eq-clipvalue", r"g \leftarrow \max\bigl( -c,\ \min(g, c) \bigr)")
@pytest.mark.parametrize("c", [0.3, 3.5, 100.0])
def test_clipping_by_value(c: float) -> None:
    optimizer = optimizers.SGD(1.0, clipvalue=c)
    g, theta = np.array([0.5, -4.0, 3.0]), np.zeros(3)
    optimizer.step(theta, g)
    np.testing.assert_allclose(-theta, [max(-c, min(one, c)) for one in g], rtol=1e-12)
