"""Losses: values, slopes, the canonical pair, memory, and calm at the extremes."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nnbook import activations, losses
from nnbook.checks import Array
from nnbook.losses import BinaryCrossentropy, Loss, MeanSquaredError

MSE, BCE, LOGITS = MeanSquaredError(), BinaryCrossentropy(), BinaryCrossentropy(from_logits=True)
each = pytest.mark.parametrize("loss", [MSE, BCE, LOGITS], ids=["mse", "bce", "bce_from_logits"])


def pair(loss: Loss, dtype: str = "float64") -> tuple[Array, Array]:
    """Return labels between 0 and 1, and outputs of the kind that the loss expects."""
    rng = np.random.default_rng(0)
    y_pred = rng.normal(0, 2, (6, 2)) if loss is LOGITS else rng.uniform(0.02, 0.98, (6, 2))
    return rng.random((6, 2)).astype(dtype), y_pred.astype(dtype)


def by_definition(loss: Loss, y: float, a: float) -> float:
    """Return the loss of one output, as a textbook has it."""
    if loss is MSE:
        return (a - y) ** 2
    if loss is LOGITS:
        a = 1 / (1 + math.exp(-a))
    return -(y * math.log(a) + (1 - y) * math.log(1 - a))


@each
def test_value_is_the_mean_of_the_definition(loss: Loss) -> None:
    y, a = pair(loss)
    single = [by_definition(loss, float(y[i]), float(a[i])) for i in np.ndindex(y.shape)]
    assert loss(y, a) == pytest.approx(math.fsum(single) / y.size, rel=1e-14)
    np.testing.assert_allclose(loss.pointwise(y, a).ravel(), single, rtol=1e-13)


@each
def test_grad_is_the_measured_slope(loss: Loss) -> None:
    y, a = pair(loss)
    h = 1e-6
    measured = np.empty_like(a)
    for i in np.ndindex(a.shape):
        step = np.zeros_like(a)
        step[i] = h
        measured[i] = (loss(y, a + step) - loss(y, a - step)) / (2 * h)
    np.testing.assert_allclose(loss.grad(y, a), measured, rtol=1e-6, atol=1e-9)


def test_grad_is_zero_where_a_probability_is_clipped() -> None:
    y, a = np.array([[1.0], [0.0], [1.0]]), np.array([[0.0], [1.0], [0.5]])
    expected = np.array([[0.0], [0.0], [-2 / 3]])
    np.testing.assert_allclose(BCE.grad(y, a), expected, rtol=1e-12)


@each
def test_labels_without_the_last_axis_count_as_a_column(loss: Loss) -> None:
    y, a = (values[:, :1] for values in pair(loss))
    assert loss(y[:, 0], a) == loss(y, a[:, 0]) == loss(y, a)
    assert np.array_equal(loss.grad(y[:, 0], a), loss.grad(y, a))
    assert np.array_equal(loss.grad(y, a[:, 0]), loss.grad(y, a))
    for f in (activations.tanh, activations.sigmoid):
        assert np.array_equal(loss.delta(y, a[:, 0], f), loss.delta(y, a, f))


@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("smoothing", [0, 0.1])
def test_flat_outputs_of_one_class_count_as_a_column(from_logits: bool, smoothing: float) -> None:
    loss = losses.CategoricalCrossentropy(from_logits, smoothing)
    y, a = np.ones((4, 1)), np.array([[0.1], [0.2], [0.9], [0.4]])
    assert loss(y, a[:, 0]) == loss(y[:, 0], a) == loss(y, a) < 1e-6
    for f in (activations.linear, activations.softmax):
        column = loss.grad(y, a), loss.delta(y, a, f)
        for flat in (y, a[:, 0]), (y[:, 0], a):
            assert np.array_equal(loss.grad(*flat), column[0])
            assert np.array_equal(loss.delta(*flat, f), column[1])


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("float64", 1e-13)])
def test_sigmoid_with_bce_has_the_delta_of_the_book(dtype: str, rtol: float) -> None:
    y, z = pair(LOGITS, dtype)
    a = activations.sigmoid(z)
    assert np.array_equal(BCE.delta(y, a, activations.sigmoid), (a - y) * (1 / y.size))
    np.testing.assert_allclose(BCE.delta(y, a, activations.sigmoid), LOGITS.grad(y, z), rtol=rtol)


@pytest.mark.parametrize("how", [copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))])  # noqa: S301
def test_a_copied_sigmoid_is_still_the_canonical_partner_of_bce(how: object) -> None:
    assert callable(how)
    z, y = np.array([[100.0]]), np.array([[0.0]])
    sigmoid = how(activations.sigmoid)
    assert BCE.delta(y, sigmoid(z), sigmoid).tolist() == [[1.0]]
    assert BCE.value(y, z, sigmoid) == 100


def test_delta_of_the_canonical_pair_survives_saturation() -> None:
    y = np.array([[0.0], [1.0]])
    a = activations.sigmoid(np.array([[100.0], [-100.0]]))
    assert BCE.delta(y, a, activations.sigmoid).tolist() == [[0.5], [-0.5]]
    assert MSE.delta(y, a, activations.sigmoid) == pytest.approx(0, abs=1e-40)  # learns nothing


@each
@pytest.mark.parametrize("name", ["linear", "relu", "sigmoid", "tanh", "softmax"])
def test_delta_is_the_chain_rule(loss: Loss, name: str) -> None:
    f = activations.get(name)
    y, z = pair(LOGITS)
    a = f(z)
    expected = f.vjp(a, loss.grad(y, a))
    np.testing.assert_allclose(loss.delta(y, a, f), expected, rtol=1e-12, atol=1e-17)


@each
@pytest.mark.parametrize("name", ["linear", "relu", "sigmoid", "tanh", "softmax"])
def test_value_from_z_is_the_value_of_the_outputs(loss: Loss, name: str) -> None:
    f = activations.get(name)
    y, z = pair(LOGITS)
    assert loss.value(y, z, f) == pytest.approx(loss(y, f(z)), rel=1e-13)
    weights = np.arange(1.0, 7.0)
    assert loss.value(y, z, f, weights) == pytest.approx(loss(y, f(z), weights), rel=1e-13)


def test_value_from_z_is_exact_where_the_outputs_are_rounded() -> None:
    y, z = np.array([[0.0]], np.float32), np.array([[100.0]], np.float32)
    assert BCE.value(y, z, activations.sigmoid) == LOGITS(y, z) == 100
    assert BCE(y, activations.sigmoid(z)) < 17  # the clipped one cannot know


@each
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_out_receives_the_same_numbers_and_inputs_stay(loss: Loss, dtype: str) -> None:
    y, a = pair(loss, dtype)
    kept = y.copy(), a.copy()
    sigmoid = activations.sigmoid
    fresh = loss.grad(y, a), loss.delta(y, sigmoid(a), sigmoid)
    out = np.full_like(a, np.nan)
    assert loss.grad(y, a, out=out) is out
    assert np.array_equal(out, fresh[0])
    assert loss.delta(y, sigmoid(a), sigmoid, out=out) is out
    assert np.array_equal(out, fresh[1])
    assert fresh[0].dtype == fresh[1].dtype == dtype
    loss(y, a)
    assert np.array_equal(y, kept[0])
    assert np.array_equal(a, kept[1])


@given(
    arrays(np.float32, (4, 1), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)),
    arrays(np.float32, (4, 1), elements=st.floats(0, 1, width=32)),
)
def test_no_finite_float32_logit_makes_crossentropy_overflow_or_warn(z: Array, y: Array) -> None:
    a = activations.sigmoid(z)
    for value in (BCE(y, a), LOGITS(y, z), BCE.value(y, z, activations.sigmoid)):
        assert math.isfinite(value)
        assert value >= 0
    for slope in (BCE.grad(y, a), LOGITS.grad(y, z), BCE.delta(y, a, activations.sigmoid)):
        assert np.isfinite(slope).all()


def test_the_largest_float32_logits_together_do_not_overflow() -> None:
    z = np.full((8, 1), np.finfo(np.float32).max)
    assert math.isfinite(LOGITS(np.zeros((8, 1), np.float32), z))


@given(arrays(np.float64, (5, 1), elements=st.floats(0.01, 0.99)))
def test_no_output_has_a_smaller_crossentropy_than_the_label_itself(y: Array) -> None:
    floor = BCE(y, y)
    for a in (0.1, 0.5, 0.9):
        assert BCE(y, np.full_like(y, a)) >= floor - 1e-12
    assert np.abs(BCE.grad(y, y)).max() < 1e-12


def test_the_output_one_half_costs_ln_2_whatever_the_labels() -> None:
    y = np.random.default_rng(0).random((1000, 1))
    assert BCE(y, np.full_like(y, 0.5)) == pytest.approx(math.log(2), rel=1e-14)


def test_get_takes_names_and_losses() -> None:
    for name in ("mse", "mean_squared_error", "MeanSquaredError"):
        assert type(losses.get(name)) is MeanSquaredError
    for name in ("bce", "binary_crossentropy", "BinaryCrossentropy"):
        found = losses.get(name)
        assert isinstance(found, BinaryCrossentropy)
        assert not found.from_logits
    assert losses.get(LOGITS) is LOGITS


@pytest.mark.parametrize("name", ["mse", "mae", "huber", "bce", "categorical_crossentropy"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_targets_are_checked_and_of_the_models_dtype(name: str, dtype: str) -> None:
    targets = losses.get(name).targets([1, 1], 2, 1, dtype)
    assert (targets.shape, targets.dtype) == ((2, 1), np.dtype(dtype))
    if name == "categorical_crossentropy":
        assert losses.get(name).compared([1, 1], np.ones((2, 1), dtype)).dtype == dtype
    sparse = losses.SparseCategoricalCrossentropy().targets([1, 0, 2], 3, 3, dtype)
    assert (sparse.shape, sparse.dtype) == ((3, 1), np.dtype(dtype))


def test_the_loss_of_one_sample_of_float32_logits_may_exceed_float32() -> None:
    loss, z = losses.CategoricalCrossentropy(from_logits=True), np.full((1, 3), -3e38, np.float32)
    z[0, 0] = 3e38  # the difference counts as far as float32 goes, for each of the others
    y = np.array([[0, 0.50025, 0.50025]], np.float32)  # which sum to 1, nearly
    assert loss(y, z) == pytest.approx(1.0005 * float(np.finfo(np.float32).max), rel=1e-6)


@pytest.mark.parametrize("a", [[[0.0, 0.0]], [[1.0, -1.0]]], ids=["zeros", "opposites"])
def test_outputs_that_sum_to_0_are_no_shares_and_nobody_warns(a: list[list[float]]) -> None:
    loss, y = losses.CategoricalCrossentropy(), np.array([[1.0, 0.0]])
    loss(y, a)
    assert np.isnan(loss.grad(y, np.array(a))).all()


def test_many_float32_losses_may_exceed_float32_together() -> None:
    zeros, large = np.zeros((8, 1), np.float32), np.full((8, 1), 3e38, np.float32)
    assert losses.MeanAbsoluteError()(zeros, large) == pytest.approx(3e38)
    assert MSE(zeros, np.full((8, 1), 1.5e19, np.float32)) == pytest.approx(2.25e38)
    assert losses.mean(large, np.ones(8)) == pytest.approx(3e38)
