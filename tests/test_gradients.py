"""The gradient check: right gradients pass, wrong ones are caught."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnbook import Input, Sequential, activations, layers, losses
from nnbook.checks import Array
from nnbook.gradcheck import gradient_error, numerical_gradient
from nnbook.layers import Dense
from nnbook.losses import BinaryCrossentropy, Loss, MeanSquaredError
from tests.benchmarks.measure import GRADIENT_BOUND
from tests.benchmarks.measure import gradient_error as gradient_error_of_the_document

NAMES = ("linear", "relu", "sigmoid", "tanh", "softmax", "leaky_relu", "elu", "softplus")
LOSSES = {
    "mse": MeanSquaredError(),
    "bce": BinaryCrossentropy(),
    "bce_from_logits": BinaryCrossentropy(from_logits=True),
    "bce_smoothed": BinaryCrossentropy(label_smoothing=0.2),
    "mae": losses.MeanAbsoluteError(),
    "huber": losses.Huber(0.4),
    "categorical": losses.CategoricalCrossentropy(),
    "categorical_from_logits": losses.CategoricalCrossentropy(from_logits=True),
    "categorical_smoothed": losses.CategoricalCrossentropy(label_smoothing=0.2),
    "sparse": losses.SparseCategoricalCrossentropy(),
    "sparse_from_logits": losses.SparseCategoricalCrossentropy(from_logits=True),
}
TWICE = {("sigmoid", "bce"), ("softmax", "categorical"), ("softmax", "sparse")}


def random_model(hidden: str, output: str, loss: Loss, width: int = 2) -> Sequential:
    """Return a 3-4-4-width network, the second kernel square, with random weights *and* biases."""
    model = Sequential(
        [
            Input(shape=(3,)),
            Dense(4, activation=hidden),
            Dense(4, activation=hidden),
            Dense(width, activation=output),
        ],
        dtype="float64",
    )
    model.compile("sgd", loss)
    rng = np.random.default_rng(3)
    model.theta[:] = rng.normal(0, 0.7, model.theta.size)
    model.theta[-width:] = rng.uniform(0.3, 0.7, width)  # not all outputs are clipped or dead
    return model


def random_data(width: int = 2) -> tuple[Array, Array]:
    rng = np.random.default_rng(4)
    return rng.normal(size=(7, 3)), rng.random((7, width))


def test_the_gradient_of_the_documents_model_is_right() -> None:
    assert gradient_error_of_the_document() < GRADIENT_BOUND


@pytest.mark.parametrize(
    ("hidden", "output", "loss"),
    [  # a sigmoid or softmax does not give logits, and the model says so
        names
        for names in itertools.product(NAMES, NAMES, LOSSES)
        if (names[1], names[2].removesuffix("_from_logits")) not in TWICE
        or not names[2].endswith("_from_logits")
    ],
)
def test_every_activation_with_every_loss_has_the_right_gradient(
    hidden: str, output: str, loss: str
) -> None:
    model = random_model(hidden, output, LOSSES[loss])
    x, y = random_data()
    if loss.startswith("categorical"):
        y /= y.sum(axis=1, keepdims=True)
        model.theta[-10:-2] *= 0.1  # the outputs are taken for probabilities, so above 0
        model.theta[-2:] += 1
    elif loss.startswith("sparse"):
        y = (np.arange(7) % 2).astype(np.float64)
    assert np.linalg.norm(model.loss_and_grad(x, y)[1]) > 1e-3  # there is something to check
    assert gradient_error(model, x, y) < GRADIENT_BOUND


@pytest.mark.parametrize("n", [1, 2, 9])
def test_the_gradient_is_right_for_a_batch_of_any_length(n: int) -> None:
    model = random_model("tanh", "sigmoid", BinaryCrossentropy())
    rng = np.random.default_rng(0)
    assert gradient_error(model, rng.normal(size=(n, 3)), rng.random((n, 2))) < GRADIENT_BOUND


# --- wrong on purpose -------------------------------------------------------------------------


def relu_mask_with_equal(self: Any, a: Array, grad: Array, out: Array | None = None) -> Array:
    return np.multiply(grad, a >= 0, out=out)


def delta_with_the_slope_once_more(
    self: Any, y_true: Array, y_pred: Array, activation: Any, out: Array | None = None
) -> Array:
    return (y_pred - y_true) / y_true.size * y_pred * (1 - y_pred)


def delta_without_the_mean(
    self: Any, y_true: Array, y_pred: Array, activation: Any, out: Array | None = None
) -> Array:
    return y_pred - y_true


def slope_of_sigmoid_forgotten(self: Any, a: Array, grad: Array, out: Array | None = None) -> Array:
    return grad.copy()


right_way = Dense.backward_delta


def kernel_not_transposed(self: Any, delta: Array, **options: Any) -> Array | None:
    result = right_way(self, delta, **options)
    square = self.kernel.shape[0] == self.kernel.shape[1]
    return np.matmul(delta, self.kernel) if square else result


def bias_averaged_twice(self: Any, delta: Array, **options: Any) -> Array | None:
    result = right_way(self, delta, **options)
    np.mean(delta, axis=0, out=self._grad_bias)
    return result


def bias_forgotten(self: Any, delta: Array, **options: Any) -> Array | None:
    result = right_way(self, delta, **options)
    self._grad_bias[:] = 0
    return result


WRONG: dict[str, tuple[type, str, Callable[..., Any]]] = {
    "relu mask >=": (activations.ReLU, "vjp", relu_mask_with_equal),
    "delta with an extra f'(z)": (
        losses.BinaryCrossentropy,
        "delta",
        delta_with_the_slope_once_more,
    ),
    "1/n forgotten": (losses.BinaryCrossentropy, "delta", delta_without_the_mean),
    "slope of the hidden layers forgotten": (activations.ReLU, "vjp", slope_of_sigmoid_forgotten),
    "kernel not transposed": (layers.Dense, "backward_delta", kernel_not_transposed),
    "bias gradient averaged twice": (layers.Dense, "backward_delta", bias_averaged_twice),
    "bias gradient forgotten": (layers.Dense, "backward_delta", bias_forgotten),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_the_check_catches(mistake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model("relu", "sigmoid", BinaryCrossentropy(), width=1)
    x, y = random_data(width=1)
    assert gradient_error(model, x, y) < GRADIENT_BOUND
    monkeypatch.setattr(*WRONG[mistake])
    assert gradient_error(model, x, y) > 1e-2


# --- the check itself -------------------------------------------------------------------------


def test_central_differences_of_a_known_function_put_theta_back_exactly() -> None:
    theta = np.array([0.3, -1.2, 2.0])
    kept = theta.copy()
    slope = numerical_gradient(lambda: float(np.sum(theta**3)), theta)
    np.testing.assert_allclose(slope, 3 * theta**2, rtol=1e-9)
    assert np.array_equal(theta, kept)


def test_theta_is_put_back_when_the_function_fails() -> None:
    theta = np.ones(3)

    def fail() -> float:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        numerical_gradient(fail, theta)
    assert theta.tolist() == [1, 1, 1]


def test_the_check_changes_neither_weights_nor_optimizer() -> None:
    model = random_model("tanh", "sigmoid", BinaryCrossentropy())
    model.fit(*random_data(), verbose=0)
    kept, steps = model.theta.copy(), model.optimizer.iterations
    gradient_error(model, *random_data())
    assert np.array_equal(model.theta, kept)
    assert model.optimizer.iterations == steps


def test_a_gradient_of_zero_is_compared_as_it_is() -> None:
    model = Sequential([Input(shape=(3,)), Dense(1)], dtype="float64")
    model.compile("sgd", "mse")
    model.theta[:] = 0
    assert gradient_error(model, random_data()[0], np.zeros((7, 1))) < GRADIENT_BOUND


# --- directions, and layers that draw -----------------------------------------------------------


def deep_model() -> Sequential:
    """A layer of every kind, with a regularizer, on images."""
    model = Sequential(
        [
            Input((2, 3)),
            layers.Flatten(),
            Dense(6, "tanh", kernel_regularizer="l1l2"),
            layers.Dropout(0.5),
            Dense(5, use_bias=False, kernel_regularizer="l2"),
            layers.Activation("softplus"),
            layers.Dropout(0.25, seed=1),
            Dense(3, "softmax"),
        ],
        seed=0,
        dtype="float64",
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


IMAGES = np.random.default_rng(5).normal(size=(9, 2, 3))
LABELS = np.arange(9) % 3


@pytest.mark.parametrize("directions", [None, 5])
def test_every_layer_together_has_the_right_gradient(directions: int | None) -> None:
    model = deep_model()
    assert gradient_error(model, IMAGES, LABELS, directions=directions) < GRADIENT_BOUND


@pytest.mark.parametrize("directions", [None, 5])
def test_a_mask_that_is_forgotten_on_the_way_back_is_caught(
    directions: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        layers.Dropout, "backward_delta", lambda self, delta, *, out, input_grad: delta.copy()
    )
    assert gradient_error(deep_model(), IMAGES, LABELS, directions=directions) > 0.01


def test_the_check_leaves_dropout_where_it_was() -> None:
    model, other = deep_model(), deep_model()
    before = model.theta.copy()
    gradient_error(model, IMAGES, LABELS)
    gradient_error(model, IMAGES, LABELS, directions=3)
    np.testing.assert_array_equal(model.theta, before)
    for one in (model, other):  # the next masks are those that come without a check
        one.fit(IMAGES, LABELS, verbose=0)
    np.testing.assert_array_equal(model.theta, other.theta)


def test_directions_of_a_known_slope() -> None:
    """The loss of a linear model by its bias alone: each direction measures ``grad · d``."""
    model = Sequential([Input((1,)), Dense(1)], dtype="float64")
    model.compile("sgd", "mse")
    model.theta[:] = 0.5, -2
    assert gradient_error(model, [[1.0], [3.0]], [1.0, 2.0], directions=2) < 1e-9
    with pytest.raises(ValueError, match="directions must be at least 1"):
        gradient_error(model, [[1.0]], [1.0], directions=0)
    np.testing.assert_array_equal(model.theta, [0.5, -2])
