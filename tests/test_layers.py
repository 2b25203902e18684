"""Layers: forward, backward, views into the model's vectors, memory, names."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable

import numpy as np
import pytest

from nnbook import Input, Sequential
from nnbook.checks import Array
from nnbook.layers import Activation, Dense, Dropout, Flatten, Layer
from tests.memory import peak


def dense(activation: str = "tanh", dtype: str = "float64") -> tuple[Dense, Sequential]:
    """Return a layer of 3 inputs and 2 outputs with random kernel and bias, and its model."""
    layer = Dense(2, activation=activation)
    model = Sequential([Input(shape=(3,)), layer], dtype=dtype)
    model.theta[:] = np.random.default_rng(0).normal(size=8)
    return layer, model


def batch(n: int = 4, dtype: str = "float64", seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(size=(n, 3)).astype(dtype)


def test_forward_is_the_formula_index_by_index() -> None:
    layer, _ = dense()
    x = batch()
    a = layer.forward(x)
    assert a.shape == (4, 2)
    for row in range(4):
        for j in range(2):
            z = sum(x[row, i] * layer.kernel[i, j] for i in range(3)) + layer.bias[j]
            assert a[row, j] == pytest.approx(math.tanh(z), rel=1e-13)


def test_backward_is_the_formula_index_by_index() -> None:
    layer, _ = dense()
    x, grad = batch(), batch(seed=2)[:, :2].copy()
    a = layer.forward(x)
    delta = grad * (1 - a**2)
    grad_x = layer.backward(grad)
    assert grad_x is not None
    for i in range(3):
        for j in range(2):
            expected = sum(x[row, i] * delta[row, j] for row in range(4))
            assert layer.grads["kernel"][i, j] == pytest.approx(expected, rel=1e-12)
    for j in range(2):
        assert layer.grads["bias"][j] == pytest.approx(sum(delta[:, j]), rel=1e-12)
    for row in range(4):
        for i in range(3):
            expected = sum(delta[row, j] * layer.kernel[i, j] for j in range(2))
            assert grad_x[row, i] == pytest.approx(expected, rel=1e-12)


def test_backward_is_that_of_the_last_forward() -> None:
    layer, _ = dense()
    layer.forward(batch(7))
    layer.forward(batch(4))
    layer.backward(np.ones((4, 2)))
    last = layer.grads["kernel"].copy()
    layer.forward(batch(4))
    layer.backward(np.ones((4, 2)))
    assert np.array_equal(layer.grads["kernel"], last)


def test_backward_can_skip_the_input_gradient_and_nothing_else() -> None:
    layer, model = dense()
    layer.forward(batch())
    layer.backward(np.ones((4, 2)))
    full = model.grad.copy()
    model.grad[:] = np.nan
    assert layer.backward(np.ones((4, 2)), input_grad=False) is None
    assert np.array_equal(model.grad, full)


@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh", "softmax"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_out_receives_the_same_numbers(activation: str, dtype: str) -> None:
    layer, _ = dense(activation, dtype)
    x, grad = batch(dtype=dtype), np.ones((4, 2), dtype)
    fresh = layer.forward(x)
    fresh_grad = layer.backward(grad)
    assert fresh_grad is not None
    assert fresh.dtype == fresh_grad.dtype == dtype
    out, out_grad = np.full((4, 2), np.nan, dtype), np.full((4, 3), np.nan, dtype)
    assert layer.forward(x, out=out) is out
    assert layer.backward(grad, out=out_grad) is out_grad
    assert np.array_equal(out, fresh)
    assert np.array_equal(out_grad, fresh_grad)


@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh", "softmax"])
def test_inputs_stay_and_earlier_results_are_never_overwritten(activation: str) -> None:
    layer, _ = dense(activation)
    x, grad = batch(), batch(seed=2)[:, :2].copy()
    given = x.copy(), grad.copy()
    a = layer.forward(x)
    grad_x = layer.backward(grad)
    assert grad_x is not None
    results = a.copy(), grad_x.copy()
    layer.forward(batch(seed=3))
    layer.backward(np.ones((4, 2)))
    assert np.array_equal(x, given[0])
    assert np.array_equal(grad, given[1])
    assert np.array_equal(a, results[0])
    assert np.array_equal(grad_x, results[1])


def test_forward_takes_lists_and_integers() -> None:
    layer, _ = dense(dtype="float32")
    a = layer.forward([[1, 2, 3]])  # type: ignore[arg-type]
    assert a.dtype == np.float32
    assert np.array_equal(a, layer.forward(np.array([[1.0, 2.0, 3.0]])))


def test_kernel_and_bias_are_views_into_theta_and_grad() -> None:
    layer, model = dense()
    assert layer.kernel.ravel().tolist() + layer.bias.tolist() == model.theta.tolist()
    model.theta[:] = range(8)
    assert layer.kernel.tolist() == [[0, 1], [2, 3], [4, 5]]
    layer.bias[1] = -1
    assert model.theta[7] == -1
    layer.forward(batch())
    layer.backward(np.ones((4, 2)))
    assert np.array_equal(model.grad[:6].reshape(3, 2), layer.grads["kernel"])
    assert np.array_equal(model.grad[6:], layer.grads["bias"])


def test_get_weights_are_copies() -> None:
    layer, model = dense()
    kernel, bias = layer.get_weights()
    before = model.theta.copy()
    kernel += 1
    bias += 1
    assert np.array_equal(model.theta, before)


def test_initial_weights_are_glorot_uniform_and_biases_zero() -> None:
    model = Sequential([Input(shape=(300,)), Dense(200)], seed=0, dtype="float64")
    kernel, bias = model.get_weights()
    r = math.sqrt(6 / 500)
    assert np.abs(kernel).max() <= r
    assert np.abs(kernel).max() > 0.999 * r
    assert kernel.mean() == pytest.approx(0, abs=r / 100)
    assert kernel.std() == pytest.approx(r / math.sqrt(3), rel=0.01)
    assert not bias.any()


def test_build_tells_shapes_and_draws_no_weights() -> None:
    layer = Dense(10)
    assert layer.build(8) == 10
    assert layer.shapes() == {"kernel": (8, 10), "bias": (10,)}
    assert not layer.params


def test_input_dim_builds_the_model_and_warns_at_the_readers_line() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        layer = Dense(10, input_dim=8)
    assert [(w.category, w.filename) for w in caught] == [(UserWarning, __file__)]
    model = Sequential()
    model.add(layer)
    assert model.built
    assert layer.kernel.shape == (8, 10)


def test_the_warning_of_input_dim_is_keras_word_by_word() -> None:
    says = (
        "Do not pass an `input_shape`/`input_dim` argument to a layer. When using Sequential "
        "models, prefer using an `Input(shape)` object as the first layer in the model instead."
    )
    with pytest.warns(UserWarning, match=f"^{re.escape(says)}$"):
        Dense(1, input_dim=3)


KINDS: list[Callable[[], Layer]] = [
    lambda: Dense(3, "tanh"),
    lambda: Activation("tanh"),
    lambda: Flatten(),
    lambda: Dropout(0.5, seed=0),
]
each_kind = pytest.mark.parametrize("make", KINDS, ids=["dense", "activation", "flatten", "drop"])


@each_kind
def test_the_way_in_for_the_output_layer_gives_dx_unless_told_otherwise(
    make: Callable[[], Layer],
) -> None:
    model = Sequential([Input((3,)), make()], dtype="float64")
    (layer,) = model.layers
    x, delta = batch(), batch(seed=5)
    assert np.array_equal(layer.preactivation(x), layer.preactivation(x, training=False))
    a = layer.forward(x, training=True)
    dx = layer.backward_delta(delta)
    assert dx is not None
    assert dx.shape == x.shape
    model.grad[:] = 0
    assert layer.backward_delta(delta, input_grad=False) is None
    assert layer.backward(delta, input_grad=False) is None
    assert (model.grad != 0).all()
    again = layer.backward_delta(delta, input_grad=True)
    assert again is not None
    assert np.array_equal(again, dx)
    assert a.shape == (4, 3)


@each_kind
def test_out_is_filled_and_returned_both_ways(make: Callable[[], Layer]) -> None:
    model, twin = (Sequential([Input((3,)), make()], seed=0, dtype="float64") for _ in range(2))
    x, grad = batch(), batch(seed=5)
    out, out_grad = np.full((4, 3), np.nan), np.full((4, 3), np.nan)
    assert model.layers[0].forward(x, training=True, out=out) is out
    assert np.array_equal(out, twin.layers[0].forward(x, training=True))
    dx = model.layers[0].backward(grad, out=out_grad)
    assert dx is not None
    assert np.shares_memory(dx, out_grad)
    assert np.array_equal(out_grad, np.asarray(twin.layers[0].backward(grad)))


@each_kind
def test_without_a_regularizer_nothing_is_added(make: Callable[[], Layer]) -> None:
    model = Sequential([Input((3,)), make()])
    assert model.layers[0].penalty() == 0
    before = model.grad.copy()
    model.layers[0].add_penalty_grad()
    assert np.array_equal(model.grad, before)


def test_a_layer_without_bias_has_zeros_that_cannot_be_written() -> None:
    model = Sequential([Input((3,)), Dense(2, use_bias=False)])
    (layer,) = model.layers
    assert isinstance(layer, Dense)
    assert layer.bias.tolist() == [0, 0]
    assert layer.bias.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        layer.bias[0] = 1


def test_the_way_back_takes_no_memory_without_a_bias_either() -> None:
    layer = Dense(50_000, use_bias=False)
    Sequential([Input((1,)), layer], dtype="float64")
    delta = np.ones((2, layer.units))
    layer.forward(np.ones((2, 1)))
    assert peak(lambda: layer.backward_delta(delta, input_grad=False)) < layer.units


def test_ones_are_made_anew_only_where_there_are_too_few() -> None:
    layer = dense()[0]
    kept = layer._ones(4)
    assert np.shares_memory(kept, layer._ones(4))
    assert np.shares_memory(kept, layer._ones(2))
    assert layer._ones(5).tolist() == [1.0] * 5


def test_names_and_reprs_say_what_it_is() -> None:
    layer = Dense(10, activation="relu", name="hidden")
    assert layer.who == "Dense 'hidden'"
    assert Dense(10).who == "Dense"
    assert repr(layer) == "<Dense name=hidden, built=False>"
    assert repr(Input(shape=(8,))) == "<Input shape=(8,)>"
    assert Dense(1).activation.name == "linear"


def test_the_base_layer_leaves_its_work_to_others() -> None:
    layer = Layer()
    assert layer.n_out(3) == 3
    calls: list[Callable[[], object]] = [
        lambda: layer.preactivation(batch()),
        lambda: layer.backward_delta(batch()),
        lambda: layer.initial("kernel", np.random.default_rng()),
    ]
    for call in calls:
        with pytest.raises(NotImplementedError):
            call()


def test_a_gradient_of_another_dtype_is_taken_by_hand() -> None:
    model = Sequential([Input((3,)), Dense(4, "relu")], seed=0)
    layer = model.layers[0]
    layer.forward(batch())
    back = layer.backward(np.ones((4, 4)))
    assert back is not None
    assert back.dtype == model.grad.dtype == np.float32
    layer.forward(batch())
    same = layer.backward(np.ones((4, 4), np.float32))
    assert same is not None
    assert np.array_equal(back, same)
