"""Optimizers: the update rules, number by number, and what they remember."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nnbook import optimizers
from nnbook.checks import Array
from nnbook.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from nnbook.schedules import ExponentialDecay
from tests.memory import peak

both = pytest.mark.parametrize("make", [SGD, Adam])


def gradients(steps: int, dtype: str = "float64") -> list[Array]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=3).astype(dtype) for _ in range(steps)]


def test_sgd_is_theta_minus_alpha_grad() -> None:
    theta, optimizer = np.array([1.0, -2.0, 3.0]), SGD(learning_rate=0.5)
    optimizer.step(theta, np.array([0.2, 0.4, -1.0]))
    np.testing.assert_allclose(theta, [0.9, -2.2, 3.5], rtol=1e-15)


def test_adam_is_the_rule_written_out_number_by_number() -> None:
    alpha, beta_1, beta_2, epsilon = 0.02, 0.8, 0.9, 1e-3
    theta = np.array([1.0, -2.0, 3.0])
    expected = theta.tolist()
    m, v = [0.0] * 3, [0.0] * 3
    optimizer = Adam(alpha, beta_1, beta_2, epsilon)
    for t, grad in enumerate(gradients(20), start=1):
        optimizer.step(theta, grad)
        for i, g in enumerate(map(float, grad)):
            m[i] = beta_1 * m[i] + (1 - beta_1) * g
            v[i] = beta_2 * v[i] + (1 - beta_2) * g**2
            alpha_t = alpha * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
            expected[i] -= alpha_t * m[i] / (math.sqrt(v[i]) + epsilon)
        np.testing.assert_allclose(theta, expected, rtol=1e-12)


def test_adam_of_float32_computes_in_float32_alone() -> None:
    rng = np.random.default_rng(0)
    theta = rng.normal(size=200).astype("float32")
    expected, m, v = theta.copy(), np.zeros_like(theta), np.zeros_like(theta)
    optimizer, one = Adam(0.02), np.float32
    for t in range(1, 6):
        grad = rng.normal(size=200).astype("float32")
        optimizer.step(theta, grad)
        m += (grad - m) * one(1 - 0.9)
        v += (grad * grad - v) * one(1 - 0.999)
        alpha_t = one(0.02 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t))
        expected -= m / (np.sqrt(v) + one(1e-7)) * alpha_t
        assert np.array_equal(theta, expected)  # to the last bit


def test_the_first_step_of_adam_is_alpha_whatever_the_size_of_the_gradient() -> None:
    theta = np.zeros(3)
    Adam(learning_rate=0.1).step(theta, np.array([1e-2, -1.0, 1e4]))
    np.testing.assert_allclose(theta, [-0.1, 0.1, -0.1], rtol=1e-3)


@both
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_step_works_in_place_and_only_reads_the_gradient(
    make: type[SGD | Adam], dtype: str
) -> None:
    optimizer = make(learning_rate=np.float64(0.1))  # which must not promote float32
    theta: Array = np.ones(3, dtype)
    grad = gradients(1, dtype)[0]
    view, kept = theta[:2], grad.copy()
    optimizer.step(theta, grad)
    assert type(optimizer.learning_rate) is float
    assert theta.dtype == dtype
    assert (view != 1).all()
    assert np.array_equal(grad, kept)


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(weight_decay=0.1),
        SGD(momentum=0.9),
        SGD(momentum=0.9, nesterov=True),
        SGD(clipvalue=0.1),
        SGD(global_clipnorm=0.1),
        RMSprop(momentum=0.9),
        Adagrad(),
        Adam(),
        AdamW(),
    ],
    ids=repr,
)
def test_a_step_takes_no_memory(optimizer: Optimizer) -> None:
    theta, grad = np.ones(10_000), np.full(10_000, 0.2)
    assert peak(lambda: optimizer.step(theta, grad)) < theta.nbytes / 10


@both
def test_the_learning_rate_may_change_between_steps(make: type[SGD | Adam]) -> None:
    theta, optimizer = np.ones(3), make(learning_rate=0.1)
    optimizer.step(theta, np.ones(3))
    before = theta.copy()
    optimizer.learning_rate = 0.0
    optimizer.step(theta, np.ones(3))
    assert np.array_equal(theta, before)
    assert optimizer.iterations == 2


def test_a_second_build_keeps_what_is_remembered() -> None:
    once, twice = Adam(), Adam()
    a, b = np.ones(3), np.ones(3)
    for grad in gradients(5):
        once.step(a, grad)
        twice.build(b)
        twice.step(b, grad)
    assert np.array_equal(a, b)


def test_memory_counts_as_keras_does() -> None:
    for optimizer, dtype, expected in (
        (SGD(), np.float32, (2, 12)),
        (Adam(), np.float32, (2 + 6, 12 + 24)),
        (Adam(), np.float64, (2 + 6, 16 + 48)),
    ):
        assert optimizer.memory() == (0, 0)
        optimizer.build(np.zeros(3, dtype))
        assert optimizer.memory() == expected
        assert [m.shape for m in optimizer.memories().values()] == [(3,)] * len(
            optimizer.memories()
        )
    follows = SGD(ExponentialDecay(0.1, 10, 0.5), momentum=0.9)  # its rate is no variable
    follows.build(np.zeros(3, np.float32))
    assert follows.memory() == (1 + 3, 8 + 12)
    assert list(follows.memories()) == ["optimizer_0"]


def test_defaults_are_those_of_keras() -> None:
    adam = Adam()
    assert (adam.learning_rate, adam.beta_1, adam.beta_2, adam.epsilon) == (1e-3, 0.9, 0.999, 1e-7)
    assert SGD().learning_rate == 0.01


def test_get_takes_names_and_optimizers() -> None:
    assert type(optimizers.get("sgd")) is type(optimizers.get("SGD")) is SGD
    assert type(optimizers.get("adam")) is type(optimizers.get("Adam")) is Adam
    assert optimizers.get("adam") is not optimizers.get("adam")
    mine = SGD()
    assert optimizers.get(mine) is mine


def test_the_base_optimizer_leaves_the_step_to_others() -> None:
    with pytest.raises(NotImplementedError):
        Optimizer(0.1).step(np.ones(1), np.ones(1))
