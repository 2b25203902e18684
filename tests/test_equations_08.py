"""The labelled formulas of chapter 8, each evaluated against nnbook.

The formula stands in the test as it stands on the page; the code under it is the formula read
literally. What it must equal is nnbook's gradient or a measured slope, never another formula.
"""

import math

import numpy as np
import pytest

from nnbook import Input, Sequential, gradcheck, initializers, losses
from nnbook.checks import Array
from nnbook.layers import Dense
from tests.network import deltas, forward
from tests.verify.equations import proves

N = 5  # samples


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


SLOPES = {
    "tanh": lambda z: 1 / np.cosh(z) ** 2,
    "sigmoid": lambda z: 0.25 / np.cosh(z / 2) ** 2,
    "relu": lambda z: (z > 0) * 1.0,
    "linear": lambda z: z * 0 + 1.0,
}


@pytest.fixture
def rng() -> np.random.Generator:
    """Return the same random numbers for every test."""
    return np.random.default_rng(8)


@pytest.fixture
def model(rng: np.random.Generator) -> Sequential:
    """Return a compiled 3-4-3-2 network with random weights and biases."""
    model = Sequential(
        [Input((3,)), Dense(4, "tanh"), Dense(3, "relu"), Dense(2, "sigmoid")], dtype="float64"
    )
    model.compile("sgd", "mse")
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


@pytest.fixture
def x(rng: np.random.Generator) -> Array:
    """Return the inputs of the samples."""
    return rng.normal(size=(N, 3))


@pytest.fixture
def y(rng: np.random.Generator) -> Array:
    """Return the targets of the samples."""
    return rng.random((N, 2))


def output_slope(a: Array, y: Array) -> Array:
    """Return dC/da at the output, by pushing each output."""
    pushed = a.copy()
    flat = gradcheck.numerical_gradient(
        lambda: losses.MeanSquaredError()(y, pushed), pushed.reshape(-1)
    )
    return flat.reshape(a.shape)


def gradients(model: Sequential, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
    """Return nnbook's slopes of all kernels and of all biases, from its flat gradient."""
    _, grad = model.loss_and_grad(x, y)
    shapes = [w.shape for w in model.get_weights()]
    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    parts = [p.reshape(s) for p, s in zip(np.split(grad, ends), shapes, strict=True)]
    return parts[::2], parts[1::2]


def one_neuron(w: float, b: float, x: float, y: float) -> tuple[float, Array]:
    """Return the loss and the gradient (dC/dw, dC/db) that nnbook finds for one sigmoid neuron."""
    model = Sequential([Input((1,)), Dense(1, "sigmoid")], dtype="float64")
    model.compile("sgd", "mse")
    model.set_weights([np.array([[w]]), np.array([b])])
    return model.loss_and_grad(np.array([[x]]), np.array([[y]]))


NEURONS = [(0.5, -1.0, 2.0, 1.0), (-0.3, 0.2, 1.5, 0.0), (1.1, 0.4, -0.7, 0.3)]


@proves("eq-squared-error", r"C = (a - y)^2")
def test_squared_error() -> None:
    for a, y in ((1.0, 2.0), (0.25, -3.0)):
        found = losses.MeanSquaredError()(np.array([[y]]), np.array([[a]]))
        assert found == pytest.approx((a - y) ** 2, rel=1e-14)


@proves(
    "eq-chain-one",
    r"\begin{aligned} \frac{dC}{dw} &= \frac{dC}{da} \cdot \frac{da}{dz} \cdot \frac{dz}{dw} \\ "
    r"&= 2\,(a - y) \cdot f'(z) \cdot x \end{aligned}",
)
@pytest.mark.parametrize(("w", "b", "x", "y"), NEURONS)
def test_chain_rule_of_one_neuron(w: float, b: float, x: float, y: float) -> None:
    z = w * x + b
    a = sigmoid(z)
    expected = 2 * (a - y) * SLOPES["sigmoid"](z) * x
    assert one_neuron(w, b, x, y)[1][0] == pytest.approx(expected, rel=1e-12)
    # each of the three factors is the slope of its own machine
    h = 1e-6
    dc_da = ((a + h - y) ** 2 - (a - h - y) ** 2) / (2 * h)
    da_dz = (sigmoid(z + h) - sigmoid(z - h)) / (2 * h)
    dz_dw = ((w + h) * x - (w - h) * x) / (2 * h)
    assert dc_da * da_dz * dz_dw == pytest.approx(expected, rel=1e-7)
    assert (dc_da, da_dz, dz_dw) == pytest.approx((2 * (a - y), SLOPES["sigmoid"](z), x), rel=1e-7)


@proves(
    "eq-delta-one",
    r"\begin{aligned} \delta &= \frac{dC}{dz} = \frac{dC}{da}\, f'(z) , \\ "
    r"\frac{dC}{dw} &= \delta\, x , \qquad \frac{dC}{db} = \delta \end{aligned}",
)
@pytest.mark.parametrize(("w", "b", "x", "y"), NEURONS)
def test_error_of_one_neuron(w: float, b: float, x: float, y: float) -> None:
    z = w * x + b
    delta = 2 * (sigmoid(z) - y) * SLOPES["sigmoid"](z)
    measured = ((sigmoid(z + 1e-5) - y) ** 2 - (sigmoid(z - 1e-5) - y) ** 2) / 2e-5
    assert delta == pytest.approx(measured, rel=1e-7)
    np.testing.assert_allclose(one_neuron(w, b, x, y)[1], [delta * x, delta], rtol=1e-12)


@proves("eq-chain-two", r"\delta^1 = \delta^2 \; w^2 \, f'(z^1)")
def test_error_of_the_first_of_two() -> None:
    model = Sequential([Input((1,)), Dense(1, "tanh"), Dense(1, "sigmoid")], dtype="float64")
    model.compile("sgd", "mse")
    for numbers in ((0.5, -1.0, 8.0, -4.0), (0.3, 0.1, -1.2, 0.4)):
        w1, b1, w2, b2 = numbers
        model.set_weights([np.array([[w1]]), np.array([b1]), np.array([[w2]]), np.array([b2])])
        _, grad = model.loss_and_grad(np.array([[2.0]]), np.array([[1.0]]))
        delta_1, delta_2 = grad[1], grad[3]  # the slopes of the biases
        assert delta_1 == pytest.approx(delta_2 * w2 / np.cosh(w1 * 2 + b1) ** 2, rel=1e-12)


@proves("eq-chain-fork", r"\frac{\partial C}{\partial a} = \sum_{k} w_k\, \delta_k")
def test_blame_from_several_neurons(rng: np.random.Generator) -> None:
    model = Sequential([Input((1,)), Dense(4, "sigmoid")], dtype="float64")
    model.compile("sgd", "mse")
    kernel, bias, y = rng.normal(size=(1, 4)), rng.normal(size=4), rng.random((1, 4))
    model.set_weights([kernel, bias])
    a = np.array([0.7])

    def loss() -> float:
        return float(((model.layers[0].forward(a[None, :]) - y) ** 2).mean())

    delta = model.loss_and_grad(a[None, :], y)[1][4:]  # the slopes of the biases
    expected = sum(kernel[0, k] * delta[k] for k in range(4))
    assert gradcheck.numerical_gradient(loss, a)[0] == pytest.approx(expected, rel=1e-7)
    handed = model.layers[0].backward_delta(delta[None, :])
    assert handed is not None
    assert handed[0, 0] == pytest.approx(expected, rel=1e-12)


@proves("eq-mean-loss", r"C = \frac{1}{n} \sum_{i=1}^{n} C_i")
def test_the_loss_is_a_mean(model: Sequential, x: Array, y: Array) -> None:
    each = [model.loss_and_grad(x[i : i + 1], y[i : i + 1]) for i in range(N)]
    loss, grad = model.loss_and_grad(x, y)
    assert loss == pytest.approx(sum(one for one, _ in each) / N, rel=1e-12)
    np.testing.assert_allclose(grad, sum(g for _, g in each) / N, rtol=1e-10, atol=1e-15)


# ---- the four equations --------------------------------------------------------------------------


@proves(
    "eq-output-delta",
    r"\delta^L_{ij} = \frac{\partial C}{\partial a^L_{ij}} \, f'(z^L_{ij})",
)
def test_output_error(model: Sequential, x: Array, y: Array) -> None:
    zs, outputs = forward(model, x)
    slope = output_slope(outputs[-1], y)
    f = model.layers[-1].activation
    delta = losses.MeanSquaredError().delta(y, outputs[-1], f)
    measured = deltas(model, x, y)[-1]
    for i, j in np.ndindex(delta.shape):
        expected = slope[i, j] * SLOPES["sigmoid"](zs[-1][i, j])
        assert delta[i, j] == pytest.approx(expected, rel=1e-6)
        assert measured[i, j] == pytest.approx(expected, rel=1e-6)


@proves(
    "eq-hidden-delta",
    r"\delta^l_{ij} = f'(z^l_{ij}) \sum_{k=1}^{n_{l+1}} w^{l+1}_{jk}\, \delta^{l+1}_{ik}",
)
def test_hidden_error(model: Sequential, x: Array, y: Array) -> None:
    errors, (zs, outputs) = deltas(model, x, y), forward(model, x)
    for place in (1, 2):
        layer, following = model.layers[place - 1], model.layers[place]
        kernel = following.get_weights()[0]
        slope = SLOPES[layer.activation.name](zs[place])
        following.forward(outputs[place])
        handed = following.backward_delta(errors[place + 1])
        assert handed is not None
        ours = layer.activation.vjp(outputs[place], handed)
        for i, j in np.ndindex(slope.shape):
            back = sum(kernel[j, k] * errors[place + 1][i, k] for k in range(kernel.shape[1]))
            expected = slope[i, j] * back
            assert errors[place][i, j] == pytest.approx(expected, rel=1e-5, abs=1e-10)
            assert ours[i, j] == pytest.approx(expected, rel=1e-10, abs=1e-15)


@proves(
    "eq-weight-gradient",
    r"\frac{\partial C}{\partial w^l_{kj}} = \sum_{i=1}^{n} a^{l-1}_{ik}\, \delta^l_{ij}",
)
def test_slope_of_a_weight(model: Sequential, x: Array, y: Array) -> None:
    outputs, errors = forward(model, x)[1], deltas(model, x, y)
    for place, found in enumerate(gradients(model, x, y)[0], 1):
        for k, j in np.ndindex(found.shape):
            expected = sum(outputs[place - 1][i, k] * errors[place][i, j] for i in range(N))
            assert found[k, j] == pytest.approx(expected, rel=1e-5, abs=1e-10)


@proves("eq-bias-gradient", r"\frac{\partial C}{\partial b^l_j} = \sum_{i=1}^{n} \delta^l_{ij}")
def test_slope_of_a_bias(model: Sequential, x: Array, y: Array) -> None:
    errors = deltas(model, x, y)
    for place, found in enumerate(gradients(model, x, y)[1], 1):
        for j in range(len(found)):
            expected = sum(errors[place][i, j] for i in range(N))
            assert found[j] == pytest.approx(expected, rel=1e-5, abs=1e-10)


@proves("eq-output-delta-matrix", r"\delta^L = \frac{\partial C}{\partial a^L} \odot f'(z^L)")
def test_output_error_as_a_matrix(model: Sequential, x: Array, y: Array) -> None:
    zs, outputs = forward(model, x)
    expected = output_slope(outputs[-1], y) * SLOPES["sigmoid"](zs[-1])
    found = losses.MeanSquaredError().delta(y, outputs[-1], model.layers[-1].activation)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@proves(
    "eq-hidden-delta-matrix",
    r"\delta^l = \bigl(\delta^{l+1} (W^{l+1})^\top\bigr) \odot f'(z^l)",
)
def test_hidden_error_as_a_matrix(model: Sequential, x: Array, y: Array) -> None:
    errors, (zs, _) = deltas(model, x, y), forward(model, x)
    for place in (1, 2):
        kernel = model.layers[place].get_weights()[0]
        slope = SLOPES[model.layers[place - 1].activation.name](zs[place])
        expected = (errors[place + 1] @ kernel.T) * slope
        np.testing.assert_allclose(errors[place], expected, rtol=1e-5, atol=1e-10)


@proves(
    "eq-weight-gradient-matrix",
    r"\frac{\partial C}{\partial W^l} = (a^{l-1})^\top \, \delta^l",
)
def test_slopes_of_weights_as_a_matrix(model: Sequential, x: Array, y: Array) -> None:
    outputs, errors = forward(model, x)[1], deltas(model, x, y)
    for place, found in enumerate(gradients(model, x, y)[0], 1):
        expected = outputs[place - 1].T @ errors[place]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-10)


@proves(
    "eq-bias-gradient-matrix",
    r"\frac{\partial C}{\partial b^l} = \mathbf{1}^\top \delta^l",
)
def test_slopes_of_biases_as_a_matrix(model: Sequential, x: Array, y: Array) -> None:
    errors = deltas(model, x, y)
    for place, found in enumerate(gradients(model, x, y)[1], 1):
        expected = np.ones((N, 1)).T @ errors[place]
        np.testing.assert_allclose(found, expected[0], rtol=1e-5, atol=1e-10)


# ---- the judge -----------------------------------------------------------------------------------


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
    "eq-forward-difference",
    r"\frac{\partial C}{\partial w} \approx \frac{C(w + h) - C(w)}{h}",
)
def test_one_sided_difference(model: Sequential, x: Array, y: Array) -> None:
    _, grad = model.loss_and_grad(x, y)
    place = int(np.argmax(np.abs(grad)))
    here = model.theta[place]

    def loss(w: float) -> float:
        model.theta[place] = w
        return model.loss_and_grad(x, y)[0]

    one, both = [], []
    for h in (1e-3, 1e-4):
        one.append(abs((loss(here + h) - loss(here)) / h - grad[place]))
        both.append(abs((loss(here + h) - loss(here - h)) / (2 * h) - grad[place]))
    # h ten times smaller: the error of one side falls tenfold, that of both a hundredfold
    assert one[0] / one[1] == pytest.approx(10, rel=0.1)
    assert both[0] / both[1] == pytest.approx(100, rel=0.1)


@proves(
    "eq-check-error",
    r"\text{error} \approx \frac{h^2}{6}\, |C'''(w)| + \frac{u}{h}\, |C(w)|",
)
def test_error_of_the_central_difference() -> None:
    # C(w) = e^w: all derivatives are C itself
    ws = np.linspace(-1, 1, 201)
    u = float(np.finfo(float).eps) / 2
    for h in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-9, 1e-11):
        theta = ws.copy()
        each = [
            gradcheck.numerical_gradient(lambda one=one: math.exp(one[0]), one, h)[0]  # type: ignore[misc]
            for one in theta.reshape(-1, 1)
        ]
        found = float(np.median(np.abs(np.array(each) - np.exp(ws))))
        expected = float(np.median(h**2 / 6 * np.exp(ws) + u / h * np.exp(ws)))
        if h > 1e-4:  # where the first part rules, the formula is exact to its next term
            assert found == pytest.approx(expected, rel=0.01), h
        assert expected / 6 < found < 2 * expected, h


@proves(
    "eq-directional-difference",
    r"\nabla C \cdot d \approx \frac{C(\theta + h\, d) - C(\theta - h\, d)}{2h}",
)
def test_slope_along_a_direction(
    model: Sequential, x: Array, y: Array, rng: np.random.Generator
) -> None:
    _, grad = model.loss_and_grad(x, y)
    theta, h = model.theta.copy(), 1e-5
    for _ in range(3):
        d = rng.standard_normal(theta.size)
        d /= np.linalg.norm(d)
        model.theta[:] = theta + h * d
        above = model.loss_and_grad(x, y)[0]
        model.theta[:] = theta - h * d
        below = model.loss_and_grad(x, y)[0]
        model.theta[:] = theta
        assert sum(grad * d) == pytest.approx((above - below) / (2 * h), rel=1e-6)
    assert gradcheck.gradient_error(model, x, y, h, directions=3) < 1e-7


# ---- depth ---------------------------------------------------------------------------------------


@proves(
    "eq-delta-growth",
    r"\frac{\overline{(\delta^{l})^2}}{\overline{(\delta^{l+1})^2}} \approx "
    r"n_{l+1} \, \mathrm{Var}(w^{l+1}) \; \overline{f'(z^l)^2}",
)
@pytest.mark.parametrize(
    ("bend", "start"),
    [
        ("sigmoid", initializers.GlorotUniform()),
        ("tanh", initializers.RandomNormal(stddev=0.03)),
        ("relu", initializers.HeNormal()),
    ],
)
def test_growth_of_errors(
    bend: str, start: initializers.Initializer, rng: np.random.Generator
) -> None:
    width, n = 300, 100
    first = Dense(width, bend, kernel_initializer=start)
    second = Dense(width // 2, bend, kernel_initializer=start)
    model = Sequential([Input((width,)), first, second], seed=8, dtype="float64")
    assert model.built
    a = first.forward(rng.standard_normal((n, width)))
    second.forward(a)
    above = rng.standard_normal((n, width // 2))
    handed = second.backward_delta(above)
    assert handed is not None
    delta = first.activation.vjp(a, handed)
    slope = first.activation.vjp(a, np.ones_like(a))
    found = (delta**2).mean() / (above**2).mean()
    expected = (width // 2) * second.get_weights()[0].var() * (slope**2).mean()
    assert found == pytest.approx(expected, rel=0.05)
