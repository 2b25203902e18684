"""The activations and losses beside Keras and calculus: values, gradients, training, bad labels.

TensorFlow computes in float64 here, so the tolerance is 1e-12 but for two places, where it is the
one that rounds: ``tf.nn.leaky_relu`` takes its slope as a float32, and ``tf.nn.elu`` computes
``exp(z) - 1``, which loses digits of small ``z`` (hence an absolute tolerance as well). Subnormal
numbers are not drawn: TensorFlow takes them for 0, nnbook does not.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nnbook import Input, Sequential, activations, keras_bridge, losses
from nnbook.activations import ELU, Activation, LeakyReLU
from nnbook.checks import Array
from nnbook.layers import Dense
from nnbook.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Huber,
    Loss,
    MeanAbsoluteError,
    SparseCategoricalCrossentropy,
)
from nnbook.optimizers import SGD
from tests.keras_side import keras, value_and_gradient
from tests.test_errors import check, state

NEAR = 1e-12
SLOPE = float(np.float32(0.2))  # the slope that tf.nn.leaky_relu really uses

ACTIVATIONS: tuple[Activation, ...] = (
    LeakyReLU(SLOPE),
    LeakyReLU(0.25),
    activations.elu,
    ELU(0.3),
    activations.softplus,
)
LOSSES: tuple[Loss, ...] = (
    MeanAbsoluteError(),
    Huber(),
    Huber(0.3),
    BinaryCrossentropy(label_smoothing=0.2),
    BinaryCrossentropy(from_logits=True, label_smoothing=0.2),
    CategoricalCrossentropy(),
    CategoricalCrossentropy(label_smoothing=0.1),
    CategoricalCrossentropy(from_logits=True),
    CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
    SparseCategoricalCrossentropy(),
    SparseCategoricalCrossentropy(from_logits=True),
)


def name(piece: Any) -> str:
    return f"{type(piece).__name__}{piece.get_config()}"


each_activation = pytest.mark.parametrize("f", ACTIVATIONS, ids=name)
each_loss = pytest.mark.parametrize("loss", LOSSES, ids=name)
any_z = arrays(
    np.float64,
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    elements=st.floats(-50, 50, allow_subnormal=False)
    | st.sampled_from([0.0, -0.0, 1e-30, -1e-30, 1e4, -1e4, 1e30, -1e30]),
)


@st.composite
def labels_and_outputs(draw: Any, loss: Loss) -> tuple[Array, Array]:
    """Return targets and outputs of the kind that the loss expects, of one sample or more."""
    classes = isinstance(loss, CategoricalCrossentropy)
    # Keras warns of one class, though what it computes is right
    shape = draw(st.tuples(st.integers(1, 4), st.integers(2 if classes else 1, 4)))
    probabilities = not loss.get_config().get("from_logits", True)
    elements = st.floats(-8, 8, allow_subnormal=False) | st.sampled_from([0.0, 1e4, -1e4])
    if probabilities:
        elements = st.floats(0.001, 1) | st.sampled_from([1e-9, 0.5, 1.0])
    a = draw(arrays(np.float64, shape, elements=elements))
    if isinstance(loss, SparseCategoricalCrossentropy):
        y = draw(arrays(np.int64, (shape[0], 1), elements=st.integers(0, shape[1] - 1)))
        return y.astype(float), a
    y = draw(arrays(np.float64, shape, elements=st.floats(0, 1, allow_subnormal=False)))
    if classes:
        y += 0.01
        y /= y.sum(axis=1, keepdims=True)
    return y, a


def twin_of(loss: Loss) -> Any:
    return keras_bridge._loss_to_keras(loss, keras())


# --- activations ------------------------------------------------------------------------------


@each_activation
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_activation(f: Activation, data: Any) -> None:
    z = data.draw(any_z)
    weights = np.linspace(-2, 3, z.size).reshape(z.shape)
    theirs = functools.partial(getattr(keras().activations, f.name), **f.get_config())
    value, gradient = value_and_gradient(lambda z, w: theirs(z) * w, z, weights)
    a = f(z)
    np.testing.assert_allclose(a * weights, value, rtol=NEAR, atol=1e-15)
    np.testing.assert_allclose(f.vjp(a, weights), gradient, rtol=NEAR, atol=3e-15)


def test_the_defaults_are_those_of_keras() -> None:
    z = np.linspace(-3, 3, 13)
    for f in (activations.leaky_relu, activations.elu, activations.softplus):
        theirs = np.asarray(keras().activations.get(f.name)(z))
        np.testing.assert_allclose(activations.get(f.name)(z), theirs, rtol=2e-8)


@each_activation
def test_float32_from_the_smallest_to_1e30(f: Activation) -> None:
    ends = [1e30, -1e30, 1e-30, -1e-30, 1e-45, -1e-45, 1e4, -1e4, 0.0]
    z = np.array([ends], np.float32)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        a = f(z)
        slope = f.vjp(a, np.ones_like(a))
    assert np.isfinite(a).all()
    assert a.dtype == slope.dtype == np.float32
    assert ((slope >= 0) & (slope <= 1)).all()


# --- losses -----------------------------------------------------------------------------------


@each_loss
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_loss(loss: Loss, data: Any) -> None:
    y, a = data.draw(labels_and_outputs(loss))
    with keras_bridge.floatx("float64"):
        theirs = twin_of(loss)
        value, gradient = value_and_gradient(lambda a, y: theirs(y, a), a, y)
    assert loss(y, a) == pytest.approx(float(value), rel=NEAR, abs=1e-15)
    terms = 1.0
    if type(loss) is CategoricalCrossentropy and not loss.from_logits:
        # the gradient is a difference of terms as large as y / p / sum(a)
        total = a.sum(axis=1, keepdims=True)
        terms = max(1, float(np.max(1 / np.clip(a / total, 1e-7, 1) / total)))
    np.testing.assert_allclose(loss.grad(y, a), gradient, rtol=NEAR, atol=1e-14 * terms)


@pytest.mark.parametrize("kind", ["mae", "MAE", "huber", "Huber", "categorical_crossentropy"])
def test_names_are_those_of_keras(kind: str) -> None:
    y, a = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[0.3, 2.9], [0.2, 0.4]])
    theirs = np.mean(keras().losses.get(kind)(y, a))
    assert losses.get(kind)(y, a) == pytest.approx(float(theirs), rel=1e-6)


@pytest.mark.parametrize("y", [[1, 0], [[1], [0]]])
def test_sparse_labels_are_flat_or_a_column(y: Any) -> None:
    a = np.array([[0.3, 2.9], [0.2, 0.4]])
    loss = losses.get("sparse_categorical_crossentropy")
    theirs = keras().losses.SparseCategoricalCrossentropy()
    assert loss(y, a) == pytest.approx(float(theirs(np.array(y), a)), rel=1e-6)
    rows, column = np.array(y, float), np.array([[1.0], [0.0]])
    assert np.array_equal(loss.grad(rows, a), loss.grad(column, a))


@each_loss
def test_delta_and_value_are_those_of_the_chain_rule(loss: Loss) -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(5, 3))
    y = rng.dirichlet(np.ones(3), 5)
    if isinstance(loss, SparseCategoricalCrossentropy):
        y = rng.integers(0, 3, (5, 1)).astype(float)
    for output in ("softmax", "sigmoid", "softplus"):
        f = activations.get(output)
        a = f(z)
        expected = f.vjp(a, loss.grad(y, a))
        out = np.full_like(a, np.nan)
        kept = y.copy(), a.copy()
        assert loss.delta(y, a, f, out=out) is out
        np.testing.assert_allclose(out, expected, rtol=1e-11, atol=1e-16)
        assert loss.value(y, z, f) == pytest.approx(loss(y, a), rel=NEAR)
        assert np.array_equal(y, kept[0])
        assert np.array_equal(a, kept[1])
        assert loss.grad(y, a, out=out) is out
        assert np.array_equal(out, loss.grad(y, a))


def test_the_canonical_pair_is_exact_where_the_outputs_are_rounded() -> None:
    z = np.array([[1e4, -1e4], [-1e4, 1e4]], np.float32)
    f = activations.softmax
    for loss, y in (
        (CategoricalCrossentropy(), np.eye(2, dtype=np.float32)[[1, 1]]),
        (SparseCategoricalCrossentropy(), np.ones((2, 1), np.float32)),
    ):
        delta = loss.delta(y, f(z), f)
        assert delta.tolist() == [[0.5, -0.5], [0, 0]]
        assert delta.dtype == np.float32
        assert loss.value(y, z, f) == 1e4
        assert loss(y, f(z)) < 17  # the clipped one cannot know


@given(
    arrays(np.float32, (3, 4), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)),
    st.lists(st.integers(0, 3), min_size=3, max_size=3),
)
def test_no_finite_float32_logit_makes_crossentropy_overflow_or_warn(z: Array, y: Any) -> None:
    f, rows = activations.softmax, np.eye(4, dtype=np.float32)[y]
    labels = np.array(y, np.float32)[:, None]
    for loss, target in (
        (CategoricalCrossentropy(), rows),
        (CategoricalCrossentropy(label_smoothing=0.3), rows),
        (SparseCategoricalCrossentropy(), labels),
    ):
        logits = type(loss)(from_logits=True)
        for value in (loss(target, f(z)), loss.value(target, z, f), logits(target, z)):
            assert 0 <= value < np.inf
        for slope in (loss.delta(target, f(z), f), loss.grad(target, f(z)), logits.grad(target, z)):
            assert np.isfinite(slope).all()


def test_the_two_ends_of_float32_as_logits() -> None:
    """Their difference is beyond float32: 0 times infinity would be nan."""
    end = np.finfo(np.float32).max
    z = np.array([[-end, end]], np.float32)
    for y, expected in (([[0.0, 1.0]], 0), ([[1.0, 0.0]], float(end))):
        assert CategoricalCrossentropy(from_logits=True)(y, z) == expected


def test_errors_of_1e30_in_float32_do_not_overflow_mae_and_huber() -> None:
    y, a = np.zeros((2, 1), np.float32), np.array([[1e30], [-1e30]], np.float32)
    assert MeanAbsoluteError()(y, a) == pytest.approx(1e30, rel=1e-6)
    assert Huber(0.5)(y, a) == pytest.approx(5e29, rel=1e-6)
    assert Huber(0.5).grad(y, a).tolist() == [[0.25], [-0.25]]


def test_one_class_costs_nothing() -> None:
    z = np.array([[3.0], [-2.0]])
    for loss, y in (
        (CategoricalCrossentropy(), [[1], [1]]),
        (SparseCategoricalCrossentropy(), [0, 0]),
    ):
        assert loss(y, activations.softmax(z)) == pytest.approx(0, abs=2e-7)
        value = loss.value(np.array(y, float).reshape(2, 1), z, activations.softmax)
        assert str(value) == "0.0"  # not -0.0, which fit would print


def test_outputs_that_sum_to_zero_give_nan_as_in_keras_and_no_warning() -> None:
    y, a = np.array([[1.0, 0.0]]), np.zeros((1, 2))
    assert np.isnan(CategoricalCrossentropy()(y, a))
    assert np.isnan(float(keras().losses.CategoricalCrossentropy()(y, a)))
    assert np.isnan(CategoricalCrossentropy().grad(y, a)).all()


# --- training and the bridge ------------------------------------------------------------------


def classifier(loss: Loss | str, output: Any = "softmax", dtype: str = "float64") -> Sequential:
    model = Sequential(
        [Input(shape=(4,)), Dense(6, activation="elu"), Dense(3, activation=output)],
        seed=1,
        dtype=dtype,
    )
    model.compile(SGD(0.5), loss, metrics=["accuracy"])
    return model


def three_classes() -> tuple[Array, Any]:
    x = np.random.default_rng(0).normal(size=(150, 4))
    return x, np.argmax(x[:, :3], axis=1)


@pytest.mark.parametrize(
    ("loss", "output"),
    [
        (CategoricalCrossentropy(), "softmax"),
        (CategoricalCrossentropy(label_smoothing=0.1), "softmax"),
        (CategoricalCrossentropy(from_logits=True), None),
        (SparseCategoricalCrossentropy(), "softmax"),
        (SparseCategoricalCrossentropy(from_logits=True), None),
        (Huber(0.4), None),
        (MeanAbsoluteError(), "softplus"),
        (BinaryCrossentropy(label_smoothing=0.1), "sigmoid"),
    ],
    ids=lambda value: name(value) if isinstance(value, Loss) else str(value),
)
def test_ten_epochs_beside_keras(loss: Loss, output: Any) -> None:
    x, labels = three_classes()
    y: Any = np.eye(3)[labels]
    if isinstance(loss, SparseCategoricalCrossentropy):
        y = labels
    with keras_bridge.floatx("float64"):
        model = classifier(loss, output)
        twin = keras_bridge.to_keras(model)
        orders = keras_bridge.sample_orders(model, 120, 10)
        theirs = keras_bridge.fit_in_orders(
            twin, x[:120], y[:120], orders, batch_size=32, validation_data=(x[120:], y[120:])
        )
        ours = model.fit(x, y, 32, 10, validation_split=0.2, verbose=0).history
        assert list(ours) == list(theirs)
        for key in ours:
            np.testing.assert_allclose(ours[key], theirs[key], rtol=0, atol=NEAR)
        assert keras_bridge.largest_difference(model, twin) < NEAR
    assert ours["loss"][-1] < 0.95 * ours["loss"][0]


@each_loss
def test_the_bridge_carries_losses_both_ways(loss: Loss) -> None:
    back = keras_bridge._loss_from_keras(twin_of(loss))
    assert type(back) is type(loss)
    assert back.get_config() == loss.get_config()


def test_the_bridge_refuses_a_loss_or_setting_that_nnbook_does_not_have() -> None:
    with pytest.raises(TypeError, match=r"nnbook.losses has no Hinge"):
        keras_bridge._loss_from_keras(keras().losses.Hinge())
    for theirs, says in (
        (keras().losses.SparseCategoricalCrossentropy(ignore_class=1), "no ignore_class"),
        (keras().losses.MeanAbsoluteError(reduction="sum"), "no reduction"),
    ):
        with pytest.raises(ValueError, match=says):
            keras_bridge._loss_from_keras(theirs)


def test_the_bridge_carries_slopes_both_ways() -> None:
    model = Sequential(
        [
            Input(shape=(4,)),
            Dense(3, activation=LeakyReLU(0.25)),
            Dense(3, activation="leaky_relu"),
            Dense(3, activation=ELU(0.5)),
        ]
    )
    twin = keras_bridge.to_keras(model)
    back = keras_bridge.from_keras(twin)
    for one, other in zip(model.layers, back.layers, strict=True):
        assert type(one.activation) is type(other.activation)
        assert one.activation.get_config() == other.activation.get_config()
    x = np.random.default_rng(0).normal(size=(5, 4))
    np.testing.assert_allclose(
        model.predict(x, verbose=0), twin.predict(x, verbose=0), rtol=1e-5, atol=1e-6
    )


# --- bad labels -------------------------------------------------------------------------------

SPARSE = (
    ([0, 1, 3, 5], ValueError, ("whole numbers from 0 to 2 in y", "Received 3 at index 2 (2 such")),
    ([0, -1, 1, 2], ValueError, ("from 0 to 2 in y", "Received -1 at index 1")),
    ([0, 0.5, 1, 2], ValueError, ("whole numbers", "Received 0.5 at index 1 (1 such")),
    ([0, np.nan, 1, 2], ValueError, ("y must be finite",)),
    (np.eye(4)[:, :3], ValueError, ("(4,) or (4, 1)", "shape (4, 3)", "CategoricalCrossentropy")),
    ([0, 1, 2], ValueError, ("one class number a sample in y", "Received shape (3,)")),
    (1, ValueError, ("Received shape ()",)),
    ([["a"]] * 4, TypeError, ("y must hold real numbers",)),
)
ROWS = (
    (np.eye(4)[:, :3], ValueError, ("each row of y to sum to 1", "Received 0 in row 3 (1 such")),
    ([[1, 1, 0]] * 4, ValueError, ("Received 2 in row 0 (4 such", "BinaryCrossentropy")),
    ([0, 1, 2, 0], ValueError, ("the shape of the outputs, (4, 3)", "Received (4,)")),
)


@pytest.mark.parametrize(
    ("loss", "y", "error", "says"),
    [
        *(("sparse_categorical_crossentropy", *case) for case in SPARSE),
        *(("categorical_crossentropy", *case) for case in ROWS),
    ],
)
def test_wrong_labels_change_nothing(
    loss: str, y: Any, error: type[Exception], says: tuple[str, ...]
) -> None:
    x = np.random.default_rng(0).normal(size=(4, 4))
    good = [0, 1, 2, 0] if loss.startswith("sparse") else np.eye(3)[[0, 1, 2, 0]]
    model = classifier(loss, dtype="float32")
    model.fit(x, good, verbose=0)
    for method in (
        lambda m: m.fit(x, y, verbose=0),
        lambda m: m.evaluate(x, y, verbose=0),
        lambda m: m.loss_and_grad(x, y),
    ):
        check(model, (method, error, says))
    with pytest.raises(error):
        losses.get(loss)(y, np.full((4, 3), 1 / 3))
    named = tuple(re.sub(r"\by\b", "validation y", part) for part in says)
    check(
        model,
        (lambda m: m.fit(x, good, validation_data=(x, y), verbose=0), error, named[:1]),
    )


def test_labels_of_another_shape_are_not_broadcast_by_hand() -> None:
    loss, a = SparseCategoricalCrossentropy(), np.full((4, 3), 1 / 3)
    for shape in ((4, 3), (3,), (1,), (1, 4), ()):
        for call in (loss.grad, lambda y, a: loss.delta(y, a, activations.softmax)):
            with pytest.raises(ValueError, match="one class number a sample"):
                call(np.zeros(shape), a)


@pytest.mark.parametrize("loss", [CategoricalCrossentropy, SparseCategoricalCrossentropy])
def test_logits_are_not_looked_for_behind_a_softmax(loss: Any) -> None:
    model = classifier(loss(from_logits=True))
    before = state(model)
    says = rf"{loss.__name__}\(from_logits=True\) expected outputs without.*those of a softmax"
    with pytest.raises(ValueError, match=says):
        model.fit(*three_classes(), verbose=0)
    assert state(model) == before


@pytest.mark.parametrize(
    ("make", "value", "error", "says"),
    [
        (Huber, -1.0, ValueError, "delta must be at least 0"),
        (Huber, None, TypeError, "delta must be a number"),
        *(
            (functools.partial(kind, False), wrong, error, "label_smoothing must be")
            for kind in (BinaryCrossentropy, CategoricalCrossentropy)
            for wrong, error in ((1.0, ValueError), (-0.1, ValueError), ("0.1", TypeError))
        ),
    ],
)
def test_wrong_arguments(make: Any, value: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make(value)
