"""The gradient check: the test that tells a right gradient from a wrong one.

A wrong backward pass raises no error and often even trains. But the loss itself can be trusted, and
its slope along one parameter can be measured: move that parameter a little to both sides and look.

Source: :cite:`goodfellow2016deep`, section 11.5.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from nnbook.checks import Array, at_least_one, number
from nnbook.layers import Dropout
from nnbook.models import Sequential


def numerical_gradient(
    f: Callable[[], float], theta: Array, h: float = 1e-5
) -> Array:
    """Return the central differences of ``f()`` by each entry of ``theta`` (eq-central-difference).

    ``dC/dw ~ (C(w + h) - C(w - h)) / 2h`` for each entry ``w``, with an error of order ``h²``.

    Args:
        f: returns the loss for the present values of ``theta``.
        theta: parameters ``(p,)``, float64, moved in place one by one and put back exactly.
        h: how far to move; 1e-5 balances the error of order h² against rounding.

    Raises:
        ValueError: ``theta`` is float32, where the difference is mostly rounding; ``h`` is not
            above 0.
    """
    _check(theta, h)
    slope = np.empty_like(theta)
    for i in range(theta.size):
        here = theta[i]
        try:
            theta[i] = here + h
            above = f()
            theta[i] = here - h
            below = f()
        finally:
            theta[i] = here
        slope[i] = (above - below) / (2 * h)
    return slope


def gradient_error(
    model: Sequential,
    x: ArrayLike,
    y: ArrayLike,
    h: float = 1e-5,
    *,
    directions: int | None = None,
    seed: int = 0,
) -> float:
    """Return ``|grad - numerical| / |grad|``: the gradient's error, relative to its size.

    Below 1e-6 the backward pass is right; a wrong factor gives about 1. Neither model nor optimizer
    is changed. A ReLU whose pre-activation is within ``h`` of its kink can spoil the check of a
    right gradient: use other random weights. `Dropout` layers drop the same in all evaluations.

    Derived: eq-directional-difference.

    Args:
        model: compiled, float64.
        x: inputs.
        y: targets.
        h: how far to move, as in `numerical_gradient`.
        directions: None measures the slope along every parameter, at two losses each. A number
            measures it along so many random directions ``d`` instead, and compares
            ``grad · d``, which is enough for a large model.
        seed: of the random directions.

    Raises:
        RuntimeError: the model is not compiled.
        TypeError, ValueError: x or y do not fit, or the model is float32.
    """
    _check(model.theta, h)  # before loss_and_grad changes model.grad
    droppers = [one for one in model.layers if isinstance(one, Dropout)]
    streams = [one.rng.bit_generator.state for one in droppers]

    def restore() -> None:
        for one, state in zip(droppers, streams, strict=True):
            one.rng.bit_generator.state = state

    def loss_and_grad() -> tuple[float, Array]:
        restore()
        return model.loss_and_grad(x, y)

    _, grad = loss_and_grad()
    theta, here = model.theta, model.theta.copy()
    try:
        if directions is None:
            measured = numerical_gradient(lambda: loss_and_grad()[0], theta, h)
        else:
            rng = np.random.default_rng(seed)
            shape = at_least_one(directions, "directions"), theta.size
            d = rng.standard_normal(shape)
            d /= np.linalg.norm(d, axis=1, keepdims=True)
            # the slopes along d are those by t of theta + t d, at t = 0
            t = np.zeros(len(d))

            def loss_at_t() -> float:
                theta[:] = here + t @ d
                return loss_and_grad()[0]

            measured = numerical_gradient(loss_at_t, t, h)
            grad = d @ grad
    finally:
        theta[:] = here
        restore()
    size = float(np.linalg.norm(grad))
    error = float(np.linalg.norm(grad - measured))
    return error / size if size else error


def _check(theta: Array, h: float) -> None:
    if theta.dtype != np.float64:
        raise ValueError(
            f"A gradient check needs float64. Received {theta.dtype}, where the difference of two "
            "losses is mostly rounding. Build the model with Sequential(..., dtype='float64')."
        )
    if number(h, "h", low=0) == 0:
        raise ValueError("h must be above 0. Received 0.")
