"""Checks at the edge: what comes in from a reader is checked once, here, before anything changes.

Inside, the arrays are trusted, so that a training step spends no time on answered questions.
Each message follows Keras's way of saying it: what was expected, what came, and how to fix it.
A wrong value or shape is a ValueError, a wrong kind of thing a TypeError.
"""

import sys
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

_AT_ONCE = 2**16
_LEAST = -sys.float_info.max  # of the finite numbers

Array = NDArray[np.floating[Any]]
"""A real array of the model's dtype; batches are ``(n, features)``, one row a sample."""

Out = Array | None
"""Memory that a result is written to; None lets the function allocate it."""


def as_numbers(
    values: ArrayLike, what: str, dtype: DTypeLike | None = None
) -> Array:
    """Return ``values`` as a C-contiguous float array (``dtype``, or float32/float64 as it came).

    Raises:
        TypeError: the values are not real numbers (text, objects, complex).
        ValueError: rows of different length, no values at all, or NaN or infinity among them.
    """
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(
            f"{what} must be a rectangular array of numbers. Received rows of different shapes "
            f"({error}). Pad or drop rows so that all have the same length."
        ) from error
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{what} must hold real numbers. Received dtype {array.dtype}. "
            "Convert it first, for example with np.asarray(values, dtype='float32')."
        )
    if array.size == 0:
        raise ValueError(
            f"{what} is empty. Expected at least one sample. Received shape {array.shape}."
        )
    if dtype is None:
        dtype = array.dtype if array.dtype == np.float32 else np.float64
    # too large for float32 becomes inf, which is reported below
    with np.errstate(over="ignore"):
        numbers: Array = np.asarray(array, dtype, order="C")
    if not all_finite(numbers):
        wrong = ~np.isfinite(numbers)
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"{what} must be finite in {np.dtype(dtype)}. Received {array[where]} at index {where} "
            f"({int(wrong.sum())} such values). Remove or replace them, "
            "for example with x[np.isfinite(x).all(axis=1)]."
        )
    return numbers


def all_finite(numbers: Array) -> bool:
    """Whether there is neither NaN nor infinity; looks at some at a time, to save memory."""
    flat = numbers.reshape(-1)
    parts = (flat[i : i + _AT_ONCE] for i in range(0, flat.size, _AT_ONCE))
    return all(np.isfinite(part).all() for part in parts)


def as_batch(
    x: ArrayLike,
    width: int | None,
    who: str,
    dtype: DTypeLike | None,
    what: str = "x",
) -> Array:
    """Return ``x`` as a batch ``(n, width)``, or raise as `as_numbers` and for another shape."""
    batch = as_numbers(x, what, dtype)
    said = (
        f"{who} expected inputs of shape (n, {'features' if width is None else width}). "
        f"Received shape {batch.shape}."
    )
    if batch.ndim > 2:
        raise ValueError(
            f"{said} Use x.reshape(len(x), -1) to make one row of each sample."
        )
    if batch.ndim < 2:
        if width == 1 and batch.size != 1:
            raise ValueError(
                f"{said} Use x[:, None] for n samples of one feature."
            )
        raise ValueError(f"{said} Use x[None, :] for one sample.")
    if width not in (None, batch.shape[1]):
        raise ValueError(
            f"{said} Give the {width} features that the model was built for, or build a model with "
            f"Input(shape=({batch.shape[1]},))."
        )
    return batch


def as_samples(
    x: ArrayLike,
    shape: tuple[int, ...] | None,
    who: str,
    dtype: DTypeLike | None,
    what: str = "x",
) -> Array:
    """Return ``x`` as samples of any ``shape``, ``(n, ...)``, or raise as `as_batch`."""
    samples = as_numbers(x, what, dtype)
    if samples.ndim < 2 or shape not in (None, samples.shape[1:]):
        axes = ", ".join(map(str, ("n", *(shape or ("...",)))))
        raise ValueError(
            f"{who} expected inputs of shape ({axes}). Received shape {samples.shape}. "
            "Use x[None] for one sample."
        )
    return samples


def as_targets(
    y: ArrayLike, n: int, width: int, dtype: DTypeLike, what: str = "y"
) -> Array:
    """Return ``y`` as targets ``(n, width)``, one row a sample, or raise as `as_numbers`.

    Labels of shape ``(n,)`` against outputs ``(n, 1)`` become a column, as in Keras. Nothing else
    is reshaped and nothing broadcast: ``(n,)`` against ``(n, 1)`` would silently make ``(n, n)``.
    """
    targets = as_numbers(y, what, dtype)
    if targets.ndim == 0 or len(targets) != n:
        raise ValueError(
            f"{what} must have one row for each of the {n} samples. "
            f"Received shape {targets.shape}."
        )
    if targets.ndim == 1 and width == 1:
        targets = targets[:, None]
    if targets.shape != (n, width):
        raise ValueError(
            f"{what} must have the shape of the outputs, {(n, width)}. Received {targets.shape}. "
            f"Reshape {what}, or give the last layer as many units as {what} has columns."
        )
    return targets


def as_weights(
    weights: ArrayLike | None, n: int, what: str = "sample_weight"
) -> Out:
    """Return weights of ``n`` samples as float64 ``(n,)``; None, all the same, stays None."""
    if weights is None:
        return None
    w = as_numbers(weights, what, np.float64)
    if w.shape not in ((n,), (n, 1)):
        raise ValueError(
            f"{what} must hold one number a sample, shape ({n},). Received {w.shape}."
        )
    return w.reshape(n)


def same_shape(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Return the pair with equal shapes, a missing last axis of length one added as in Keras."""
    if y_true.shape == y_pred.shape:
        return y_true, y_pred
    if y_true.shape == (*y_pred.shape, 1):
        return y_true, y_pred[..., None]
    if y_pred.shape == (*y_true.shape, 1):
        return y_true[..., None], y_pred
    raise ValueError(
        "y_true and y_pred must have the same shape. "
        f"Received y_true {y_true.shape} and y_pred {y_pred.shape}. "
        "They are never broadcast: (n,) against (n, 1) would compare every pair."
    )


def one_label_each(y_true: Array, y_pred: Array) -> Array:
    """Return class numbers ``(n, 1)`` for outputs ``(n, k)``, from ``(n,)`` as well."""
    if y_true.shape == y_pred.shape[:-1]:
        y_true = y_true[..., None]
    if y_true.shape != (*y_pred.shape[:-1], 1):
        raise ValueError(
            "y_true must hold one class number a sample. "
            f"Received y_true {y_true.shape} and y_pred {y_pred.shape}."
        )
    return y_true


def integer(
    value: object, name: str, low: int, kind: str = "an integer"
) -> int:
    """Return ``value`` if it is an integer of at least ``low``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(
            f"{name} must be {kind}. Received {value!r} of type {type(value).__name__}."
        )
    if value < low:
        raise ValueError(f"{name} must be at least {low}. Received {value}.")
    return int(value)


def at_least_one(value: object, name: str) -> int:
    """Return ``value`` if it is an integer of at least 1."""
    return integer(value, name, 1, "an integer, at least 1")


def number(
    value: object, name: str, *, low: float = _LEAST, high: float = np.inf
) -> float:
    """Return ``value`` as a Python float, if it is a finite number in ``[low, high)``.

    A Python float on purpose: a NumPy float64 scalar would promote float32 arrays.
    """
    if isinstance(value, bool) or not isinstance(
        value, int | float | np.integer | np.floating
    ):
        raise TypeError(f"{name} must be a number. Received {value!r}.")
    if not low <= value < high:
        least = "" if low == _LEAST else f"at least {low} and "
        upper = "finite" if high == np.inf else f"below {high}"
        raise ValueError(f"{name} must be {least}{upper}. Received {value}.")
    return float(value)


def look_up(identifier: str, known: Mapping[str, Any], what: str) -> Any:
    """Return ``known[identifier]``; of an unknown name the message lists the known ones."""
    if identifier not in known:
        raise ValueError(
            f"Unknown {what} {identifier!r}. Known: {', '.join(sorted(known))}."
        )
    return known[identifier]


class Configured:
    """Something that is made of its settings, which are its attributes."""

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make one like it. Counterpart: Keras's ``get_config``."""
        return dict(vars(self))

    def __repr__(self) -> str:
        settings = (f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({', '.join(settings)})"


Kind = TypeVar("Kind")


def get(
    identifier: object,
    known: Mapping[str, Kind | type[Kind]],
    kind: type[Kind],
    what: str,
) -> Kind:
    """Return ``identifier`` itself if it is of the ``kind``, or the ``known`` one of that name."""
    if isinstance(identifier, kind):
        return identifier
    if isinstance(identifier, str):
        found = look_up(identifier, known, what)
        made: Kind = found() if isinstance(found, type) else found
        return made
    article = "an" if kind.__name__[0] in "AEIOU" else "a"
    raise TypeError(
        f"{what} must be a name or {article} {kind.__name__} of nnbook. "
        f"Received {identifier!r} of type {type(identifier).__name__}."
    )
