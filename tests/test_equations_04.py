"""The labelled formulas of chapter 4, each evaluated against nnbook.

The formula stands in the test as it stands on the page; the code under it is the formula read
literally, index by index, with none of nnbook's short cuts.
"""

import math

import numpy as np
import pytest

from nnbook import activations, gradcheck, losses
from nnbook.activations import Activation
from nnbook.checks import Array
from nnbook.losses import Loss
from tests.verify.equations import proves

N = 6


@pytest.fixture
def rng() -> np.random.Generator:
    """Return the same random numbers for every test."""
    return np.random.default_rng(4)


@pytest.fixture
def y(rng: np.random.Generator) -> Array:
    """Return six targets."""
    return rng.normal(size=N) * 3


@pytest.fixture
def a(rng: np.random.Generator, y: Array) -> Array:
    """Return six outputs: near and far, on both sides."""
    away: Array = np.array([0.0, 0.3, -0.9, 1.7, -2.5, 6.0])
    return y + away


@pytest.fixture
def z(rng: np.random.Generator) -> Array:
    """Return six rows of three logits."""
    return rng.normal(size=(N, 3)) * 2


@pytest.fixture
def classes(rng: np.random.Generator) -> Array:
    """Return six class numbers."""
    return rng.integers(0, 3, N).astype(float)


def softmax(row: Array) -> list[float]:
    """Return the probabilities of one row of logits."""
    total = sum(math.exp(one) for one in row)
    return [math.exp(one) / total for one in row]


def measured(loss: Loss, y: Array, at: Array, f: Activation = activations.linear) -> Array:
    """Return the slope of ``loss(y, f(at))``, by pushing each entry: no formula."""
    at = at.copy()
    slope = gradcheck.numerical_gradient(lambda: loss(y, f(at)), at.reshape(-1))
    return slope.reshape(at.shape)


@proves("eq-mse", r"C = \frac{1}{n} \sum_{i=1}^{n} (\hat y_i - y_i)^2")
def test_squared_error(y: Array, a: Array) -> None:
    expected = sum((a[i] - y[i]) ** 2 for i in range(N)) / N
    assert losses.MeanSquaredError()(y, a) == pytest.approx(expected, rel=1e-12)
    # with several outputs the mean goes over all of them
    assert losses.MeanSquaredError()(y.reshape(3, 2), a.reshape(3, 2)) == pytest.approx(expected)


@proves("eq-mae", r"C = \frac{1}{n} \sum_{i=1}^{n} |\hat y_i - y_i|")
def test_absolute_error(y: Array, a: Array) -> None:
    expected = sum(abs(a[i] - y[i]) for i in range(N)) / N
    assert losses.MeanAbsoluteError()(y, a) == pytest.approx(expected, rel=1e-12)


@proves(
    "eq-huber",
    r"C = \frac{1}{n} \sum_{i=1}^{n} \begin{cases} \frac12 e_i^2 & \text{if } |e_i| \le d \\ "
    r"d\,|e_i| - \frac12 d^2 & \text{else} \end{cases}",
)
@pytest.mark.parametrize("d", [0.5, 1.0, 2.0])
def test_huber(y: Array, a: Array, d: float) -> None:
    total = 0.0
    for i in range(N):
        e = a[i] - y[i]
        total += e**2 / 2 if abs(e) <= d else d * abs(e) - d**2 / 2
    assert losses.Huber(d)(y, a) == pytest.approx(total / N, rel=1e-12)


@proves(
    "eq-bce",
    r"\begin{aligned} C = -\frac{1}{n} \sum_{i=1}^{n} \bigl[\, & y_i \ln \hat y_i \\ "
    r"& + (1 - y_i) \ln (1 - \hat y_i) \,\bigr] \end{aligned}",
)
def test_binary(rng: np.random.Generator) -> None:
    truth, guess = rng.random(N), rng.uniform(0.05, 0.95, N)  # soft labels
    total = sum(
        truth[i] * math.log(guess[i]) + (1 - truth[i]) * math.log(1 - guess[i]) for i in range(N)
    )
    assert losses.BinaryCrossentropy()(truth, guess) == pytest.approx(-total / N, rel=1e-12)


@proves(
    "eq-cce",
    r"C = -\frac{1}{n} \sum_{i=1}^{n} \sum_{j=1}^{n_L} y_{ij} \ln \hat y_{ij}",
)
def test_categorical(rng: np.random.Generator, z: Array) -> None:
    guess = np.array([softmax(row) for row in z])
    truth = np.array([softmax(row) for row in rng.normal(size=(N, 3))])  # soft labels
    total = sum(truth[i, j] * math.log(guess[i, j]) for i, j in np.ndindex(N, 3))
    assert losses.CategoricalCrossentropy()(truth, guess) == pytest.approx(-total / N, rel=1e-12)


@proves("eq-sparse-cce", r"C = -\frac{1}{n} \sum_{i=1}^{n} \ln \hat y_{i c_i}")
def test_sparse(z: Array, classes: Array) -> None:
    guess = np.array([softmax(row) for row in z])
    expected = -sum(math.log(guess[i, int(classes[i])]) for i in range(N)) / N
    assert losses.SparseCategoricalCrossentropy()(classes, guess) == pytest.approx(expected)
    one_hot = np.eye(3)[classes.astype(int)]
    assert losses.CategoricalCrossentropy()(one_hot, guess) == pytest.approx(expected)


def slope_of_constant(loss: Loss, y: Array, theta: Array) -> float:
    """Return the slope of the loss of giving ``theta[0]`` to every sample."""
    slope = gradcheck.numerical_gradient(lambda: loss(y, np.full(N, theta[0])), theta)
    return float(slope[0])


@proves(
    "eq-mean-is-best",
    r"\frac{\mathrm{d} C}{\mathrm{d} \hat y} = \frac{2}{n} \sum_{i=1}^{n} (\hat y - y_i) = "
    r"2\,(\hat y - \bar y)",
)
def test_the_mean_is_best(y: Array) -> None:
    mse = losses.MeanSquaredError()
    for guess in (-3.0, 0.4, 5.0):
        theta = np.array([guess])
        slope = slope_of_constant(mse, y, theta)
        assert slope == pytest.approx(2 / N * sum(guess - y[i] for i in range(N)), rel=1e-6)
        assert slope == pytest.approx(2 * (guess - sum(y) / N), rel=1e-6)
        same = np.full(N, guess)  # moving all outputs together adds up their slopes
        assert mse.grad(y, same).sum() == pytest.approx(slope, rel=1e-6)


def coin(y: float, share: float) -> float:
    probability: float = share**y * (1 - share) ** (1 - y)
    return probability


@proves("eq-coin", r"p(y \mid \hat y) = \hat y^{\,y}\, (1 - \hat y)^{1 - y}")
def test_coin() -> None:
    bce = losses.BinaryCrossentropy()
    for share in (0.1, 0.5, 0.75):
        assert coin(1, share) == share
        assert coin(0, share) == 1 - share
        for y in (0.0, 1.0):
            expected = math.exp(-bce([y], [share]))
            assert coin(y, share) == pytest.approx(expected, rel=1e-12)


@proves("eq-likelihood", r"P = \prod_{i=1}^{n} p(y_i \mid \hat y_i)")
def test_likelihood(rng: np.random.Generator) -> None:
    truth, guess = rng.integers(0, 2, N).astype(float), rng.uniform(0.1, 0.9, N)
    product = 1.0
    for i in range(N):
        product *= coin(truth[i], guess[i])
    # all tosses come out so: add up the probabilities of all 2^n series
    everything = sum(
        math.prod(coin(side, p) for side, p in zip(series, guess, strict=True))
        for series in np.ndindex(*[2] * N)
    )
    assert everything == pytest.approx(1, rel=1e-12)
    bce = losses.BinaryCrossentropy()
    assert product == pytest.approx(math.exp(-N * bce(truth, guess)), rel=1e-12)


@proves(
    "eq-nll",
    r"C = -\frac{1}{n} \ln P = -\frac{1}{n} \sum_{i=1}^{n} \ln p(y_i \mid \hat y_i)",
)
def test_negative_log_likelihood(rng: np.random.Generator) -> None:
    truth, guess = rng.integers(0, 2, N).astype(float), rng.uniform(0.1, 0.9, N)
    product = math.prod(coin(truth[i], guess[i]) for i in range(N))
    surprises = -sum(math.log(coin(truth[i], guess[i])) for i in range(N)) / N
    bce = losses.BinaryCrossentropy()(truth, guess)
    assert bce == pytest.approx(-math.log(product) / N, rel=1e-12)
    assert bce == pytest.approx(surprises, rel=1e-12)


def normal(y: float, guess: float, s: float) -> float:
    return math.exp(-((guess - y) ** 2) / (2 * s**2)) / (s * math.sqrt(2 * math.pi))


def laplace(y: float, guess: float, s: float) -> float:
    return math.exp(-abs(guess - y) / s) / (2 * s)


def spread_of(density: Array, e: Array) -> tuple[float, float, float]:
    """Return the integral of a density, its mean squared and its mean absolute error."""
    step = float(e[1] - e[0])
    return (
        float(density.sum() * step),
        float((density * e**2).sum() * step),
        float((density * np.abs(e)).sum() * step),
    )


@proves(
    "eq-normal",
    r"p(y \mid \hat y) = \frac{1}{s \sqrt{2 \pi}}\, e^{-(\hat y - y)^2 / (2 s^2)}",
)
@pytest.mark.parametrize("s", [0.7, 1.0, 2.5])
def test_normal(s: float) -> None:
    e = np.linspace(-60, 60, 60_001)
    total, squared, _ = spread_of(np.array([normal(one, 0, s) for one in e]), e)
    assert total == pytest.approx(1, rel=1e-6)
    assert squared == pytest.approx(s**2, rel=1e-6)  # s is the standard deviation


@proves(
    "eq-normal-surprise",
    r"-\ln p = \frac{(\hat y - y)^2}{2 s^2} + \ln \bigl( s \sqrt{2 \pi} \bigr)",
)
@pytest.mark.parametrize("s", [0.7, 1.0, 2.5])
def test_normal_errors_give_the_squared_loss(y: Array, a: Array, s: float) -> None:
    surprise = sum(-math.log(normal(y[i], a[i], s)) for i in range(N)) / N
    rest = math.log(s * math.sqrt(2 * math.pi))
    mse = losses.MeanSquaredError()(y, a)
    assert surprise == pytest.approx(mse / (2 * s**2) + rest, rel=1e-12)


@proves("eq-laplace", r"p(y \mid \hat y) = \frac{1}{2 s}\, e^{-|\hat y - y| / s}")
@pytest.mark.parametrize("s", [0.7, 1.0, 2.5])
def test_laplace(s: float) -> None:
    e = np.linspace(-60, 60, 60_001)
    total, _, absolute = spread_of(np.array([laplace(one, 0, s) for one in e]), e)
    assert total == pytest.approx(1, rel=1e-4)
    assert absolute == pytest.approx(s, rel=1e-4)  # s is the mean absolute error


@proves(
    "eq-laplace-surprise",
    r"-\ln p = \frac{|\hat y - y|}{s} + \ln (2 s)",
)
@pytest.mark.parametrize("s", [0.7, 1.0, 2.5])
def test_laplace_errors_give_the_absolute_loss(y: Array, a: Array, s: float) -> None:
    surprise = sum(-math.log(laplace(y[i], a[i], s)) for i in range(N)) / N
    mae = losses.MeanAbsoluteError()(y, a)
    assert surprise == pytest.approx(mae / s + math.log(2 * s), rel=1e-12)


@proves(
    "eq-bce-logits",
    r"\begin{aligned} C = \frac{1}{n} \sum_{i=1}^{n} \Bigl[ & \max(z_i, 0) - z_i y_i \\ "
    r"& + \ln \bigl( 1 + e^{-|z_i|} \bigr) \Bigr] \end{aligned}",
)
def test_binary_from_logits(rng: np.random.Generator) -> None:
    z = np.array([-700.0, -3.0, -0.2, 0.0, 1.5, 700.0])
    loss = losses.BinaryCrossentropy(from_logits=True)
    for truth in (np.zeros(N), np.ones(N), rng.random(N)):
        expected = 0.0
        for i in range(N):
            expected += max(z[i], 0) - z[i] * truth[i] + math.log(1 + math.exp(-abs(z[i])))
        assert loss(truth, z) == pytest.approx(expected / N, rel=1e-12)
        middle = slice(1, 5)  # where the probability keeps its digits
        through = losses.BinaryCrossentropy()(truth[middle], activations.sigmoid(z[middle]))
        assert loss(truth[middle], z[middle]) == pytest.approx(through, rel=1e-12)


@proves(
    "eq-sparse-logits",
    r"C = \frac{1}{n} \sum_{i=1}^{n} \Bigl[ \ln \Bigl( \sum_{k=1}^{n_L} e^{z_{ik}} \Bigr) "
    r"- z_{i c_i} \Bigr]",
)
def test_sparse_from_logits(z: Array, classes: Array) -> None:
    expected = 0.0
    for i in range(N):
        expected += math.log(sum(math.exp(z[i, k]) for k in range(3))) - z[i, int(classes[i])]
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    assert loss(classes, z) == pytest.approx(expected / N, rel=1e-12)
    # adding the same number to all logits of a row changes nothing
    shifted = z + np.arange(N)[:, None] * 1000.0
    assert loss(classes, shifted) == pytest.approx(expected / N, rel=1e-9)


@proves(
    "eq-loss-slopes",
    r"\frac{\partial C}{\partial \hat y_i} = \frac{1}{n} \begin{cases} 2\, e_i & \text{MSE} \\ "
    r"\operatorname{sign}(e_i) & \text{MAE} \\ \operatorname{clip}(e_i) & \text{Huber} \\ "
    r"e_i / (\hat y_i (1 - \hat y_i)) & \text{BCE} \end{cases}",
)
def test_slopes_by_the_output(rng: np.random.Generator, y: Array, a: Array) -> None:
    d, smooth = 0.5, slice(1, N)  # the first output is exactly right: MAE has a corner there
    share, label = rng.uniform(0.1, 0.9, N), rng.random(N)
    cases: list[tuple[Loss, Array, Array, list[float]]] = [
        (losses.MeanSquaredError(), y, a, [2 / N * (a[i] - y[i]) for i in range(N)]),
        (
            losses.MeanAbsoluteError(),
            y,
            a,
            [0.0] + [math.copysign(1 / N, a[i] - y[i]) for i in range(1, N)],
        ),
        (losses.Huber(d), y, a, [max(-d, min(a[i] - y[i], d)) / N for i in range(N)]),
        (
            losses.BinaryCrossentropy(),
            label,
            share,
            [(share[i] - label[i]) / (share[i] * (1 - share[i])) / N for i in range(N)],
        ),
    ]
    for loss, truth, out, expected in cases:
        np.testing.assert_allclose(loss.grad(truth, out), expected, rtol=1e-12)
        np.testing.assert_allclose(measured(loss, truth, out)[smooth], expected[smooth], rtol=1e-6)


@proves(
    "eq-mse-sigmoid",
    r"\frac{\partial C}{\partial z_i} = \frac{2}{n} (\hat y_i - y_i)\, \hat y_i (1 - \hat y_i)",
)
def test_squared_error_behind_a_sigmoid(rng: np.random.Generator) -> None:
    z, y = rng.normal(size=(N, 1)) * 3, rng.random((N, 1))
    mse, sigmoid = losses.MeanSquaredError(), activations.sigmoid
    a = sigmoid(z)
    expected = [[2 / N * (a[i, 0] - y[i, 0]) * a[i, 0] * (1 - a[i, 0])] for i in range(N)]
    np.testing.assert_allclose(mse.delta(y, a, sigmoid), expected, rtol=1e-12)
    np.testing.assert_allclose(measured(mse, y, z, sigmoid), expected, rtol=1e-6, atol=1e-10)


@proves(
    "eq-canonical",
    r"\frac{\partial C}{\partial z_{ij}} = \frac{\hat y_{ij} - y_{ij}}{n}",
)
@pytest.mark.parametrize(
    ("loss", "f", "factor"),  # the factor undoes means that the formula does not take
    [
        (losses.MeanSquaredError(), activations.linear, 3 / 2),
        (losses.BinaryCrossentropy(), activations.sigmoid, 3),
        (losses.CategoricalCrossentropy(), activations.softmax, 1),
    ],
    ids=["squared", "binary", "categorical"],
)
def test_canonical_pairs(loss: Loss, f: Activation, factor: float, z: Array) -> None:
    y = np.eye(3)[[0, 2, 1, 1, 0, 2]]
    a = f(z)
    expected = np.array([[(a[i, j] - y[i, j]) / N for j in range(3)] for i in range(N)])
    np.testing.assert_allclose(factor * loss.delta(y, a, f), expected, rtol=1e-12)
    np.testing.assert_allclose(factor * measured(loss, y, z, f), expected, rtol=1e-5, atol=1e-9)


@proves("eq-smoothing", r"\tilde y_{ij} = (1 - u)\, y_{ij} + \frac{u}{n_L}")
@pytest.mark.parametrize("u", [0.0, 0.1, 0.5])
def test_label_smoothing(u: float, z: Array) -> None:
    y = np.eye(3)[[0, 2, 1, 1, 0, 2]]
    smoothed = np.array([[(1 - u) * y[i, j] + u / 3 for j in range(3)] for i in range(N)])
    guess = np.array([softmax(row) for row in z])
    plain = losses.CategoricalCrossentropy()
    smooth = losses.CategoricalCrossentropy(label_smoothing=u)
    assert smooth(y, guess) == pytest.approx(plain(smoothed, guess), rel=1e-12)
    # a single sigmoid: two classes
    label, share = np.array([0.0, 1.0]), np.array([0.3, 0.6])
    by_hand = np.array([(1 - u) * one + u / 2 for one in label])
    binary = losses.BinaryCrossentropy(label_smoothing=u)
    assert binary(label, share) == pytest.approx(losses.BinaryCrossentropy()(by_hand, share))


@proves("eq-weighted-loss", r"C = \frac{1}{n} \sum_{i=1}^{n} \omega_i\, C_i")
def test_weights(rng: np.random.Generator, y: Array, a: Array) -> None:
    omega = rng.uniform(0, 3, N)
    for loss in (losses.MeanSquaredError(), losses.MeanAbsoluteError(), losses.Huber()):
        expected = sum(omega[i] * loss(y[i : i + 1], a[i : i + 1]) for i in range(N)) / N
        assert loss(y, a, omega) == pytest.approx(expected, rel=1e-12)
