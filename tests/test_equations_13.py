"""The labelled formulas of chapter 13, each evaluated against nnbook.

The formula stands in the test as it stands on the page; the code under it is the formula read
literally, with none of nnbook's short cuts.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from nnbook import Input, Sequential, gradcheck
from nnbook.layers import Dense
from nnbook.optimizers import SGD
from tests.verify.equations import proves

CURVATURES = [(1.0, 1.0), (1.0, 100.0), (2.0, 50.0)]


@proves("eq-network-formula", r"\hat y = f^2\bigl( f^1( x\, W^1 + b^1 )\, W^2 + b^2 \bigr)")
@pytest.mark.parametrize(
    ("names", "f1", "f2"),
    [
        (("tanh", "linear"), math.tanh, lambda z: z),
        (("relu", "sigmoid"), lambda z: max(z, 0.0), lambda z: 1 / (1 + math.exp(-z))),
    ],
)
def test_a_network_is_one_formula(
    names: tuple[str, str], f1: Callable[[float], float], f2: Callable[[float], float]
) -> None:
    rng = np.random.default_rng(13)
    model = Sequential(
        [Input((3,)), Dense(5, activation=names[0]), Dense(2, activation=names[1])],
        dtype="float64",
    )
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    w1, b1, w2, b2 = model.get_weights()
    x = rng.normal(size=(4, 3))
    answers = model.predict(x, verbose=0)
    for i in range(4):
        hidden = [f1(sum(x[i, k] * w1[k, j] for k in range(3)) + b1[j]) for j in range(5)]
        for j in range(2):
            y = f2(sum(hidden[k] * w2[k, j] for k in range(5)) + b2[j])
            assert answers[i, j] == pytest.approx(y, rel=1e-12)


@proves(
    "eq-valley",
    r"C(\theta) = \tfrac{1}{2} \left( K_1\, \theta_1^2 + K_2\, \theta_2^2 \right)",
)
@pytest.mark.parametrize("k", CURVATURES)
def test_curvature_is_the_slope_of_the_slope(k: tuple[float, float]) -> None:
    theta = np.array([0.7, -0.4])
    slopes = gradcheck.numerical_gradient(
        lambda: 0.5 * (k[0] * theta[0] ** 2 + k[1] * theta[1] ** 2), theta
    )
    # a slope that grows by K for each unit of the way from the lowest point, where it is 0
    np.testing.assert_allclose(slopes, [k[0] * 0.7, k[1] * -0.4], rtol=1e-7)


@proves("eq-valley-step", r"\theta_j \leftarrow (1 - \alpha\, K_j)\, \theta_j")
@pytest.mark.parametrize("k", CURVATURES)
@pytest.mark.parametrize("alpha", [0.01, 0.03])
def test_a_step_of_sgd_in_a_valley(k: tuple[float, float], alpha: float) -> None:
    theta = np.array([0.7, -0.4])
    expected = theta.copy()
    sgd = SGD(alpha)
    for _ in range(5):
        here = theta.copy()
        slope = gradcheck.numerical_gradient(  # measured, not from the formula
            lambda: 0.5 * (k[0] * here[0] ** 2 + k[1] * here[1] ** 2),  # noqa: B023 (called now)
            here,
        )
        sgd.step(theta, slope)
        expected = np.array([(1 - alpha * k[j]) * expected[j] for j in (0, 1)])
        np.testing.assert_allclose(theta, expected, rtol=1e-6, atol=1e-9)
