"""Activations: values, slopes, dtypes, memory, and calm at the extremes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nnbook import activations
from nnbook.activations import Activation
from nnbook.checks import Array

ALL = (
    activations.linear,
    activations.relu,
    activations.sigmoid,
    activations.tanh,
    activations.softmax,
    activations.leaky_relu,
    activations.elu,
    activations.softplus,
)
each = pytest.mark.parametrize("f", ALL, ids=lambda f: f.name)
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
any_float32 = arrays(
    np.float32, (3, 4), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)
)


def some_z(dtype: str = "float64") -> Array:
    """Return moderate pre-activations, among them an exact zero."""
    z: Array = np.random.default_rng(0).normal(0, 2, (5, 3)).astype(dtype)
    z[0, 0] = 0
    return z


def by_definition(name: str, row: list[float]) -> list[float]:
    """Return ``f`` of one row, number by number, as a textbook has it."""
    if name == "softmax":
        total = math.fsum(math.exp(z) for z in row)
        return [math.exp(z) / total for z in row]
    known: dict[str, Callable[[float], float]] = {
        "linear": lambda z: z,
        "relu": lambda z: z if z > 0 else 0.0,
        "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
        "tanh": lambda z: (math.exp(z) - math.exp(-z)) / (math.exp(z) + math.exp(-z)),
        "leaky_relu": lambda z: z if z > 0 else 0.2 * z,
        "elu": lambda z: z if z > 0 else math.expm1(z),
        "softplus": lambda z: math.log1p(math.exp(z)),
    }
    return [known[name](z) for z in row]


@each
def test_values_are_those_of_the_definition(f: Activation) -> None:
    z = some_z()
    np.testing.assert_allclose(
        f(z), [by_definition(f.name, row.tolist()) for row in z], rtol=1e-14, atol=0
    )


@each
def test_vjp_is_the_measured_slope(f: Activation) -> None:
    z, grad, h = some_z(), np.random.default_rng(1).normal(size=(5, 3)), 1e-5
    z[0, 0] = 0.3  # ReLU and leaky ReLU have no slope at 0; that case has its own test
    measured = np.empty_like(z)
    for i in np.ndindex(z.shape):
        step = np.zeros_like(z)
        step[i] = h
        measured[i] = np.sum(grad * (f(z + step) - f(z - step))) / (2 * h)
    np.testing.assert_allclose(f.vjp(f(z), grad), measured, rtol=1e-8, atol=1e-9)


def test_relu_has_slope_zero_at_zero_and_below() -> None:
    a = activations.relu(np.array([[-1.0, 0.0, 2.0]]))
    assert activations.relu.vjp(a, np.full((1, 3), 5.0)).tolist() == [[0.0, 0.0, 5.0]]


def test_the_slope_at_zero_of_leaky_relu_and_elu_is_the_one_below() -> None:
    z, grad = np.array([[-2.0, 0.0, 2.0]]), np.full((1, 3), 4.0)
    for f, slopes in (
        (activations.leaky_relu, [0.2, 0.2, 1]),
        (activations.LeakyReLU(0.0), [0, 0, 1]),
        (activations.ELU(2.0), [2 * math.exp(-2), 2, 1]),
    ):
        np.testing.assert_allclose(f.vjp(f(z), grad), [[4 * s for s in slopes]], rtol=1e-14)


def test_softplus_keeps_its_digits_in_the_far_tail() -> None:
    z = np.array([-30.0, -300.0, -700.0])
    a = activations.softplus(z)
    np.testing.assert_allclose(a, np.exp(z), rtol=1e-12)
    np.testing.assert_allclose(activations.softplus.vjp(a, np.ones(3)), np.exp(z), rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "value", "error", "says"),
    [
        (activations.LeakyReLU, 1.0, ValueError, "negative_slope must be at least 0 and below 1"),
        (activations.LeakyReLU, -0.1, ValueError, "negative_slope must be at least 0"),
        (activations.LeakyReLU, "0.1", TypeError, "negative_slope must be a number"),
        (activations.ELU, -1.0, ValueError, "alpha must be at least 0 and finite"),
        (activations.ELU, None, TypeError, "alpha must be a number"),
    ],
)
def test_wrong_slopes(make: Any, value: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make(value)


@each
@each_dtype
def test_dtype_is_kept(f: Activation, dtype: str) -> None:
    a = f(some_z(dtype))
    assert a.dtype == dtype
    assert f.vjp(a, np.ones_like(a)).dtype == dtype


@each
@each_dtype
def test_out_receives_the_same_numbers_also_in_place(f: Activation, dtype: str) -> None:
    z, grad = some_z(dtype), some_z(dtype)[::-1].copy()
    a, dz = f(z), f.vjp(f(z), grad)
    for out in (np.full_like(z, np.nan), z.copy()):
        source = z if np.isnan(out).any() else out
        assert f(source, out=out) is out
        assert np.array_equal(out, a)
    for out in (np.full_like(z, np.nan), grad.copy()):
        source = grad if np.isnan(out).any() else out
        assert f.vjp(a, source, out=out) is out
        assert np.array_equal(out, dz)


@each
def test_without_out_nothing_given_is_changed_or_returned(f: Activation) -> None:
    z, grad = some_z(), np.ones((5, 3))
    a = f(z)
    before = z.copy(), a.copy(), grad.copy()
    dz = f.vjp(a, grad)
    for given_array, kept in zip((z, a, grad), before, strict=True):
        assert np.array_equal(given_array, kept)
    assert not np.shares_memory(a, z)
    assert not np.shares_memory(dz, grad)
    assert not np.shares_memory(dz, a)


@given(any_float32)
def test_no_finite_float32_input_warns_or_leaves_the_range(z: Array) -> None:
    for f in ALL:  # pytest turns a RuntimeWarning into an error
        assert np.isfinite(f(z)).all()
        slope = f.vjp(f(z), np.ones_like(z))
        assert np.isfinite(slope).all()
    for f in (activations.sigmoid, activations.softmax):
        assert ((f(z) >= 0) & (f(z) <= 1)).all()
    np.testing.assert_allclose(activations.softmax(z).sum(axis=-1), 1, rtol=1e-6)


def test_the_two_ends_of_float32_are_no_problem() -> None:
    end = np.finfo(np.float32).max
    z = np.array([[-end, end]], np.float32)
    assert activations.sigmoid(z).tolist() == [[0, 1]]
    assert activations.softmax(z).tolist() == [[0, 1]]
    assert activations.tanh(z).tolist() == [[-1, 1]]


def test_sigmoid_keeps_its_digits_in_the_far_tail() -> None:
    z = np.array([-30.0, -300.0, -700.0])
    np.testing.assert_allclose(activations.sigmoid(z), np.exp(z), rtol=1e-12)


@given(arrays(np.float64, (2, 4), elements=st.floats(-50, 50)), st.floats(-50, 50))
def test_softmax_does_not_change_when_a_number_is_added_to_a_row(z: Array, shift: float) -> None:
    np.testing.assert_allclose(
        activations.softmax(z + shift), activations.softmax(z), rtol=1e-12, atol=0
    )


def test_softmax_of_two_is_the_sigmoid_of_the_difference() -> None:
    z = some_z()[:, :2]
    np.testing.assert_allclose(
        activations.softmax(z)[:, 0], activations.sigmoid(z[:, 0] - z[:, 1]), rtol=1e-14
    )


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 4, 3)])
def test_softmax_goes_along_the_last_axis_of_however_many(shape: tuple[int, ...]) -> None:
    z = np.random.default_rng(2).normal(size=shape)
    grad = np.random.default_rng(3).normal(size=shape)
    a, dz = activations.softmax(z), activations.softmax.vjp(activations.softmax(z), grad)
    assert a.shape == dz.shape == shape
    for i in np.ndindex(shape[:-1]):
        np.testing.assert_allclose(a[i], by_definition("softmax", z[i].tolist()), rtol=1e-14)
        np.testing.assert_allclose(dz[i], a[i] * (grad[i] - a[i] @ grad[i]), rtol=1e-12)


def test_the_settings_have_keras_defaults() -> None:
    assert activations.LeakyReLU().negative_slope == 0.2
    assert activations.ELU().alpha == 1
    assert repr(activations.ELU(0.5)) == "<activation elu>"
    assert activations.ELU(0.5).get_config() == {"alpha": 0.5}


def test_get_takes_names_activations_and_none() -> None:
    assert [activations.get(f.name) for f in ALL] == list(ALL)
    assert activations.get(activations.tanh) is activations.tanh
    assert activations.get(None) is activations.linear


def test_repr_names_the_activation() -> None:
    assert repr(activations.relu) == "<activation relu>"
