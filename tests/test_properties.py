"""What must hold for any input: properties of layers, losses, optimizers; and extremes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbook import Input, Sequential, activations, losses, metrics, optimizers
from nnbook.checks import Array
from nnbook.layers import Activation, Dense, Dropout, Flatten, Layer
from tests.keras_side import keras

quick = settings(max_examples=25, deadline=None, derandomize=True)
sizes = st.integers(1, 6)
seeds = st.integers(0, 2**16)
NAMES = sorted(activations._KNOWN)
LOSSES = ("mse", "mae", "huber", "bce", "categorical_crossentropy")
LAYERS: dict[str, Callable[[], Layer]] = {
    **{f"Dense {f}": lambda f=f: Dense(3, f) for f in NAMES},  # type: ignore[misc]
    **{f"Activation {f}": lambda f=f: Activation(f) for f in NAMES},  # type: ignore[misc]
    "Dense without bias": lambda: Dense(2, "tanh", use_bias=False),
    "Flatten": Flatten,
    "Dropout": lambda: Dropout(0.5),
}
OPTIMIZERS: dict[str, Callable[[], optimizers.Optimizer]] = {
    "SGD": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.5),
    "Nesterov": lambda: optimizers.SGD(0.1, momentum=0.5, nesterov=True),
    "RMSprop": lambda: optimizers.RMSprop(0.1, momentum=0.5),
    "Adagrad": lambda: optimizers.Adagrad(0.1),
    "Adam": lambda: optimizers.Adam(0.1),
    "AdamW": lambda: optimizers.AdamW(0.1, weight_decay=0.5),
    "clipvalue": lambda: optimizers.Adam(0.1, clipvalue=0.5),
}


def placed(layer: Layer, n_in: int, seed: int, dtype: str = "float64") -> Layer:
    """Return the layer with weights and biases drawn at random."""
    model = Sequential([Input((n_in,)), layer], seed=seed, dtype=dtype)
    model.theta[:] = np.random.default_rng(seed).normal(size=model.theta.size)
    return layer


# --- layers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LAYERS)
@quick
@given(n=sizes, n_in=sizes, seed=seeds)
def test_backward_is_the_adjoint_of_the_derivative_of_forward(
    kind: str, n: int, n_in: int, seed: int
) -> None:
    """For all directions ``u`` and ``v``: ``<J u, v> = <u, Jᵀ v>``, J by central differences."""
    rng = np.random.default_rng(seed)
    layer = placed(LAYERS[kind](), n_in, seed)
    x, u = rng.normal(size=(2, n, n_in))
    u /= np.linalg.norm(u)
    h = 1e-6
    z = layer.preactivation(x)
    moved = layer.preactivation(x + 2 * h * u) - layer.preactivation(x - 2 * h * u)
    if (np.abs(z) <= np.abs(moved)).any():
        return  # a kink of a ReLU lies between
    ahead, behind = layer.forward(x + h * u), layer.forward(x - h * u)
    v = rng.normal(size=ahead.shape)
    layer.forward(x)
    back = layer.backward(v)
    assert back is not None
    along = float(np.sum((ahead - behind) / (2 * h) * v))
    assert along == pytest.approx(float(np.sum(u * back)), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("kind", LAYERS)
@quick
@given(n=sizes, n_in=sizes, seed=seeds)
def test_samples_do_not_see_each_other(kind: str, n: int, n_in: int, seed: int) -> None:
    """Other rows, or rows in another order, change nothing but the order."""
    rng = np.random.default_rng(seed)
    layer = placed(LAYERS[kind](), n_in, seed)
    x, order = rng.normal(size=(n, n_in)), rng.permutation(n)
    a = layer.forward(x)
    v = rng.normal(size=a.shape)
    dx = layer.backward(v)
    assert dx is not None
    grads = [g.copy() for g in layer.grads.values()]
    np.testing.assert_allclose(layer.forward(x[order]), a[order], rtol=1e-13, atol=1e-15)
    back = layer.backward(v[order])
    assert back is not None
    np.testing.assert_allclose(back, dx[order], rtol=1e-13, atol=1e-15)
    for now, before in zip(layer.grads.values(), grads, strict=True):
        np.testing.assert_allclose(now, before, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer.forward(x[:1]), a[:1], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", LAYERS)
def test_the_dtype_goes_through(kind: str, dtype: str) -> None:
    layer = placed(LAYERS[kind](), 3, 0, dtype)
    a = layer.forward(np.ones((2, 3), dtype))
    dx = layer.backward(np.ones_like(a))
    assert dx is not None
    assert a.dtype == dx.dtype == dtype
    assert all(g.dtype == dtype for g in layer.grads.values())


# --- losses and models ------------------------------------------------------------------------


def net(loss: str, n_in: int = 3, k: int = 2, dtype: str = "float64", seed: int = 0) -> Sequential:
    last = {"bce": "sigmoid", "categorical_crossentropy": "softmax"}.get(loss, "linear")
    model = Sequential([Input((n_in,)), Dense(4, "tanh"), Dense(k, last)], seed=seed, dtype=dtype)
    model.compile("sgd", loss)
    return model


@pytest.mark.parametrize("loss", LOSSES)
@quick
@given(parts=st.lists(sizes, min_size=1, max_size=4), seed=seeds)
def test_the_gradient_of_a_batch_is_the_weighted_mean_of_its_parts(
    loss: str, parts: list[int], seed: int
) -> None:
    """This is why the work can be shared: shards summed by hand are the full batch."""
    rng = np.random.default_rng(seed)
    n = sum(parts)
    x, y = rng.normal(size=(n, 3)), np.eye(2)[rng.integers(0, 2, n)]
    w = rng.uniform(0, 2, n)
    model = net(loss)
    for weights in (None, w):
        value, grad = model.loss_and_grad(x, y, weights)
        stops = np.cumsum(parts)
        shards = [slice(stop - size, stop) for stop, size in zip(stops, parts, strict=True)]
        found = [
            model.loss_and_grad(x[s], y[s], None if weights is None else weights[s]) for s in shards
        ]
        shares = np.array(parts) / n
        assert sum(c * p for (c, _), p in zip(found, shares, strict=True)) == pytest.approx(
            value, rel=1e-12
        )
        total = np.sum([g * p for (_, g), p in zip(found, shares, strict=True)], axis=0)
        np.testing.assert_allclose(total, grad, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("loss", sorted({type(one()).__name__ for one in losses._KNOWN.values()}))
@quick
@given(n=sizes, k=sizes, seed=seeds)
def test_a_loss_does_not_depend_on_the_order_of_samples(
    loss: str, n: int, k: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    one = losses.get(loss)
    y: Any = np.eye(k)[rng.integers(0, k, n)]
    if loss.startswith("Sparse"):
        y = np.argmax(y, axis=1)
    a = rng.dirichlet(np.ones(k), n)
    order = rng.permutation(n)
    assert one(y, a) >= 0
    assert one(y[order], a[order]) == pytest.approx(one(y, a), rel=1e-12, abs=1e-15)
    np.testing.assert_allclose(
        one.grad(y[order], a[order]), one.grad(y, a)[order], rtol=1e-12, atol=1e-15
    )


def test_seeds_give_independent_weights_order_and_masks() -> None:
    """The weights of one layer do not move when another is added; two seeds share nothing."""
    small = Sequential([Input((3,)), Dense(4)], seed=5)
    large = Sequential([Input((3,)), Dense(4), Dropout(0.5), Dense(2)], seed=5)
    np.testing.assert_array_equal(small.get_weights()[0], large.get_weights()[0])
    one, other = (
        Sequential([Input((50,)), Dense(50)], seed=s).get_weights()[0].ravel() for s in (1, 2)
    )
    assert abs(np.corrcoef(one, other).item(1)) < 0.06  # three standard errors of 2500 numbers
    layers = [Dense(50), Dense(50)]
    Sequential([Input((50,)), *layers], seed=1)
    one, other = (layer.get_weights()[0].ravel() for layer in layers)
    assert abs(np.corrcoef(one, other).item(1)) < 0.06


# --- optimizers -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIMIZERS)
@quick
@given(n=sizes, steps=sizes, seed=seeds)
def test_a_parameters_way_does_not_depend_on_its_place(
    name: str, n: int, steps: int, seed: int
) -> None:
    """Permuted parameters take permuted ways; the gradient is only read; the dtype stays."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(n)
    for dtype in ("float32", "float64"):
        theta = rng.normal(size=n).astype(dtype)
        other = theta[order]
        one, two = OPTIMIZERS[name](), OPTIMIZERS[name]()
        for _ in range(steps):
            grad = rng.normal(size=n).astype(dtype)
            kept = grad.copy()
            one.step(theta, grad)
            two.step(other, grad[order])
            np.testing.assert_array_equal(grad, kept)
        np.testing.assert_allclose(other, theta[order], rtol=1e-6 if dtype == "float32" else 1e-13)
        assert theta.dtype == dtype


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_rule_goes_down_a_bowl(name: str) -> None:
    theta = np.array([1.0, -2.0])
    optimizer = OPTIMIZERS[name]()
    for _ in range(300):
        optimizer.step(theta, theta.copy())  # the slope of theta² / 2
    assert np.abs(theta).max() < 0.2 if name != "Adagrad" else np.abs(theta).max() < 1.5


# --- extremes ---------------------------------------------------------------------------------

EXTREMES = np.array([0, 1e-30, 1, 1e4, 1e15, 1e30], np.float32)
EXTREMES = np.concatenate([-EXTREMES[::-1], EXTREMES])


def strictly() -> Any:
    """NumPy errors are raised; only what rounds to nothing may do so."""
    return np.errstate(over="raise", divide="raise", invalid="raise", under="ignore")


@pytest.mark.parametrize("name", NAMES)
def test_activations_take_all_of_float32(name: str) -> None:
    f = activations.get(name)
    z = np.stack([EXTREMES, EXTREMES[::-1]])
    with strictly(), warnings.catch_warnings():
        warnings.simplefilter("error")
        a = f(z)
        dz = f.vjp(a, np.ones_like(a))
    assert np.isfinite(a).all()
    assert np.isfinite(dz).all()
    assert a.dtype == dz.dtype == np.float32


@pytest.mark.parametrize(
    ("loss", "last"),
    [
        (losses.BinaryCrossentropy(), "sigmoid"),
        (losses.BinaryCrossentropy(from_logits=True), "linear"),
        (losses.CategoricalCrossentropy(), "softmax"),
        (losses.CategoricalCrossentropy(from_logits=True), "linear"),
        (losses.MeanAbsoluteError(), "linear"),
        (losses.Huber(), "linear"),
    ],
    ids=lambda one: one if isinstance(one, str) else type(one).__name__,
)
@pytest.mark.parametrize("size", [1e-30, 1.0, 1e4, 1e30])
@pytest.mark.parametrize("k", [1, 3])
def test_losses_of_extreme_logits_are_finite(loss: Any, last: str, size: float, k: int) -> None:
    f = activations.get(last)
    z = np.array([[1, -1, 0], [-1, 1, 1], [0, 0, 0]], np.float32)[:, :k] * np.float32(size)
    y = np.eye(3, dtype=np.float32)[:, :k] if k == 3 else np.ones((3, 1), np.float32)
    with strictly():
        assert np.isfinite(loss.value(y, z, f))
        delta = loss.delta(y, f(z), f)
        loss_of_outputs = loss(y, f(z))
    assert np.isfinite(delta).all()
    assert np.isfinite(loss_of_outputs)


def test_squared_errors_beyond_float32_are_infinite_as_in_keras() -> None:
    """The square of 1e30 is no float32; Keras's loss is inf too, without a warning in training."""
    y, a = np.zeros((2, 1), np.float32), np.full((2, 1), 1e30, np.float32)
    assert float(keras().losses.MeanSquaredError()(y, a)) == np.inf
    model = Sequential([Input((1,)), Dense(1)])
    model.compile("sgd", "mse")
    model.set_weights([[[1e30]], [0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.evaluate([[1.0], [1.0]], y, verbose=0) == np.inf


@pytest.mark.parametrize("last", ["sigmoid", "softmax", "linear"])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("n", [1, 3])
def test_one_sample_one_unit_one_class_and_no_variance(last: str, scale: float, n: int) -> None:
    """A model of one of everything trains, and measures, or ends in nan as Keras does."""
    x = np.full((n, 1), scale, np.float32)
    y = np.ones((n, 1), np.float32)
    loss = {"sigmoid": "bce", "softmax": "categorical_crossentropy", "linear": "huber"}[last]
    model = Sequential([Input((1,)), Dense(1, last)], seed=0)
    chosen: list[Any] = ["accuracy", "mae", metrics.AUC(), metrics.Precision(), metrics.Recall()]
    model.compile(optimizers.Adam(0.1), loss, metrics=chosen)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = model.fit(x, y, epochs=3, verbose=0).history
        a = model.predict(x, verbose=0)
    assert a.shape == (n, 1)
    if scale <= 1:
        assert np.isfinite(a).all()
        assert all(np.isfinite(values).all() for values in history.values())


@pytest.mark.parametrize("name", ["accuracy", "mse", "mae", "AUC", "Precision", "Recall"])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_metrics_of_one_sample_and_of_one_class(name: str, label: float) -> None:
    (metric,) = metrics.get(name).values()
    y, a = np.array([[label]]), np.array([[0.25]])
    with strictly():
        value = metric(y, a)
    if name == "accuracy":
        theirs = keras().metrics.BinaryAccuracy()
    else:
        theirs = keras().metrics.get(type(metric).__name__)
    theirs.update_state(y, a)
    assert value == pytest.approx(float(theirs.result()), abs=1e-6)


def test_huge_inputs_are_named_where_float32_cannot_hold_them() -> None:
    model = net("mse", dtype="float32")
    big = np.array([[1e39, 0, 0]])
    with pytest.raises(ValueError, match=r"x must be finite in float32. Received 1e\+39 at index"):
        model.predict(big, verbose=0)
    values: Array = np.full((2, 3), 3e38, np.float32)
    assert model.predict(values, verbose=0).shape == (2, 2)
