"""Regularizers: value, slope, and what they do to a model, beside Keras."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from nnbook import Input, Sequential, keras_bridge, regularizers
from nnbook.checks import Array
from nnbook.gradcheck import gradient_error
from nnbook.layers import Activation, Dense
from nnbook.optimizers import SGD
from nnbook.regularizers import L1, L1L2, L2, Regularizer
from tests.benchmarks.measure import randomize
from tests.keras_side import keras, value_and_gradient

# sums of powers of 2: Keras rounds factors to float32, which holds these exactly
ALL: list[Regularizer] = [L1(0.0078125), L2(0.015625), L2(0.3125), L1L2(0.25, 0.125), L1L2()]
each = pytest.mark.parametrize("ours", ALL, ids=repr)


def twin_of(ours: Any) -> Any:
    return getattr(keras().regularizers, type(ours).__name__)(**ours.get_config())


def weights(dtype: str = "float64") -> Array:
    w = np.random.default_rng(0).normal(size=(5, 4)).astype(dtype)
    w[0] = 0
    return w


# --- values and slopes ------------------------------------------------------------------------


@each
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_value_and_slope_are_keras(ours: Regularizer, dtype: str) -> None:
    w = weights(dtype)
    value, slope = (
        value_and_gradient(twin_of(ours), w)
        if ours.get_config()
        != {
            "l1": 0.0,
            "l2": 0.0,
        }
        else (np.zeros(()), np.zeros_like(w))
    )
    near = 8 * float(np.finfo(dtype).eps)
    assert ours(w) == pytest.approx(float(value), rel=near)
    assert type(ours(w)) is float
    got = ours.grad(w)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, slope, rtol=near, atol=0)
    assert np.array_equal(w, weights(dtype))


def test_values_by_hand() -> None:
    w = np.array([[1.0, -2.0], [0.0, 3.0]])
    assert L1(0.5)(w) == 3
    assert L2(0.5)(w) == 7
    assert L1L2(0.5, 0.25)(w) == 6.5
    assert L1(0.5).grad(w).tolist() == [[0.5, -0.5], [0, 0.5]]
    assert L2(0.5).grad(w).tolist() == [[1, -2], [0, 3]]
    assert L1L2(0.5, 0.25).grad(w).tolist() == [[1, -1.5], [0, 2]]


def test_large_float32_weights_do_not_overflow() -> None:
    w = np.full((2, 2), 1e30, "float32")
    assert L2(1)(w) == pytest.approx(4e60)
    assert L1(1)(np.full((2, 2), 3e38, "float32")) == pytest.approx(1.2e39)


@pytest.mark.parametrize("name", ["l1", "l2", "l1l2", "L1", "L2", "L1L2"])
def test_names_and_defaults_are_keras(name: str) -> None:
    ours = regularizers.get(name)
    theirs = keras().regularizers.get(name)
    assert ours is not None
    assert type(ours).__name__ == type(theirs).__name__
    assert ours.get_config() == pytest.approx(theirs.get_config(), rel=1e-7)


@pytest.mark.parametrize("ours", [L1(), L2(), L1L2(0.01), L1L2(l2=0.01)], ids=repr)
def test_keras_rounds_the_factors_to_float32_and_we_do_not(ours: Regularizer) -> None:
    w = weights()
    with keras_bridge.floatx("float64"):
        value, _ = value_and_gradient(twin_of(ours), w)
    factor = float(np.float32(0.01)) / 0.01
    assert abs(factor - 1) > 1e-8
    assert ours(w) * factor == pytest.approx(float(value), rel=1e-14)


def test_keras_does_not_know_l1_l2_either() -> None:
    with pytest.raises(ValueError, match="Could not interpret regularizer identifier: l1_l2"):
        keras().regularizers.get("l1_l2")
    with pytest.raises(ValueError, match=r"Unknown regularizer 'l1_l2'. Known: L1, L1L2, L2, l1"):
        regularizers.get("l1_l2")


# --- in a model -------------------------------------------------------------------------------


def model_with(
    first: str | Regularizer | None, second: str | Regularizer | None = None, **named: Any
) -> Sequential:
    model = Sequential(
        [
            Input(shape=(3,)),
            Dense(5, activation="tanh", kernel_regularizer=first, **named),
            Dense(2, kernel_regularizer=second),
            Activation("sigmoid"),
        ],
        seed=0,
        dtype="float64",
    )
    model.compile(SGD(0.3), "binary_crossentropy", metrics=["accuracy"])
    return model


def data(n: int = 70) -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 3))
    return x, (x[:, :2] + 0.1 * rng.normal(size=(n, 2)) > 0).astype(float)


@each
@pytest.mark.parametrize("use_bias", [True, False])
def test_training_stays_beside_keras(ours: Regularizer, use_bias: bool) -> None:
    """With a short last batch, which weighs less in the epoch's loss, and validation."""
    x, y = data()
    with keras_bridge.floatx("float64"):
        model = randomize(model_with(ours, L2(0.0625), use_bias=use_bias))
        twin = keras_bridge.to_keras(model)
        orders = keras_bridge.sample_orders(model, 60, 4)
        theirs = keras_bridge.fit_in_orders(
            twin, x[:60], y[:60], orders, batch_size=25, validation_data=(x[60:], y[60:])
        )
        start = model.evaluate(x, y, verbose=0)
        here = model.fit(
            x[:60], y[:60], 25, epochs=4, verbose=0, validation_data=(x[60:], y[60:])
        ).history
        assert list(here) == list(theirs)
        for key in here:
            np.testing.assert_allclose(here[key], theirs[key], rtol=1e-12, atol=0)
        assert keras_bridge.largest_difference(model, twin) < 1e-12
        end = model.evaluate(x, y, verbose=0)
        assert end != start
        assert end == pytest.approx(twin.evaluate(x, y, verbose=0), rel=1e-12)


def test_train_on_batch_is_keras() -> None:
    x, y = data()
    with keras_bridge.floatx("float64"):
        model = model_with(L1L2(0.0625, 0.125), L2(0.25))
        twin = keras_bridge.to_keras(model)
        for start in (0, 10, 20):
            part = slice(start, start + 10)
            ours = model.train_on_batch(x[part], y[part])
            assert ours == pytest.approx(twin.train_on_batch(x[part], y[part]), rel=1e-12)
        assert keras_bridge.largest_difference(model, twin) < 1e-12
        by_name = model.train_on_batch(x, y, return_dict=True)
        assert by_name == pytest.approx(twin.train_on_batch(x, y, return_dict=True), rel=1e-12)


@each
def test_the_gradient_is_that_of_the_loss_with_its_penalty(ours: Regularizer) -> None:
    model = randomize(model_with(ours, L2(0.2)))
    assert gradient_error(model, *data(7)) < 1e-7


def test_the_penalty_is_added_to_the_loss_and_its_slope_to_the_gradient() -> None:
    x, y = data(6)
    plain, priced = randomize(model_with(None)), randomize(model_with("l2", L1(0.5)))
    kernels = [w for w in plain.get_weights() if w.ndim == 2]
    loss, grad = plain.loss_and_grad(x, y)
    with_penalty, with_slope = priced.loss_and_grad(x, y)
    penalty = 0.01 * np.sum(kernels[0] ** 2) + 0.5 * np.sum(np.abs(kernels[1]))
    assert with_penalty - loss == pytest.approx(penalty, rel=1e-13)
    slope = [0.02 * kernels[0].ravel(), np.zeros(5), 0.5 * np.sign(kernels[1]).ravel(), np.zeros(2)]
    np.testing.assert_allclose(with_slope - grad, np.concatenate(slope), atol=1e-15)
    assert [layer.penalty() for layer in plain.layers] == [0, 0, 0]


def test_without_regularizers_a_step_asks_nobody() -> None:
    assert model_with(None)._regularized == []
    model = model_with("l1", None)
    assert model._regularized == [model.layers[0]]
    assert copy.deepcopy(model)._regularized != model._regularized


def test_a_copy_pays_for_its_own_weights() -> None:
    x, y = data()
    model = model_with("l2", "l1")
    twin = copy.deepcopy(model)
    model.theta += 1
    before = twin.evaluate(x, y, verbose=0)
    twin.theta *= 2
    assert twin.evaluate(x, y, verbose=0) != before
    assert twin.fit(x, y, epochs=2, verbose=0).history["loss"][1] < 2


def test_weights_get_smaller_and_with_l1_nearly_zero() -> None:
    x, y = data()
    sizes = {}
    for name, ours in {"none": None, "l1": L1(0.05), "l2": L2(0.05)}.items():
        model = model_with(ours)
        model.fit(x, y, epochs=100, verbose=0)
        sizes[name] = np.abs(model.get_weights()[0])
    assert sizes["l1"].mean() < sizes["none"].mean()
    assert sizes["l2"].mean() < sizes["none"].mean()
    assert np.median(sizes["l1"]) < 0.2 * np.median(sizes["none"])
    assert np.median(sizes["l1"]) < np.median(sizes["l2"])


# --- the bridge, texts, errors ----------------------------------------------------------------


@each
def test_the_bridge_carries_regularizers_both_ways(ours: Regularizer) -> None:
    with keras_bridge.floatx("float64"):
        twin = keras_bridge.to_keras(model_with(ours))
        assert twin.layers[0].kernel_regularizer.get_config() == ours.get_config()
        assert twin.layers[1].kernel_regularizer is None
        back = keras_bridge.from_keras(twin)
    assert repr(back.layers[0].kernel_regularizer) == repr(ours)
    assert back.layers[1].kernel_regularizer is None


def test_a_regularizer_is_itself_and_says_what_it_is() -> None:
    one = L1L2(0.1, 0.2)
    assert regularizers.get(one) is one
    assert regularizers.get(None) is None
    assert repr(one) == "L1L2(l1=0.1, l2=0.2)"
    for call in (Regularizer(), Regularizer().grad):
        with pytest.raises(NotImplementedError):
            call(weights())


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: Dense(2, kernel_regularizer="l3"), ValueError, "Unknown regularizer 'l3'. Known: L1"),
    (lambda: regularizers.get(0.01), TypeError, "must be a name or a Reg.* 0.01 of type float"),  # type: ignore[arg-type]
    (lambda: L1(-1), ValueError, "l1 must be at least 0 and finite. Received -1"),
    (lambda: L2(float("inf")), ValueError, "l2 must be at least 0 and finite. Received inf"),
    (lambda: L1L2(l2=float("nan")), ValueError, "l2 must be .* Received nan"),
    (lambda: L1L2(l1="0.1"), TypeError, "l1 must be a number. Received '0.1'"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("call", "error", "says"), ERRORS)
def test_errors_say_what_to_do(call: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()
