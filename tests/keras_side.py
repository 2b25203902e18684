"""The other side of the comparison: Keras, imported late and quietly, and what tests ask of it."""

from __future__ import annotations

import functools
import shutil
from typing import Any

import numpy as np
import pytest

from nnbook.checks import Array
from nnbook.keras_bridge import import_keras


@functools.cache
def keras() -> Any:
    """The module ``keras``; the first call takes some seconds."""
    return import_keras()


def value_and_gradient(f: Any, at: Array, *constants: Array) -> tuple[Array, Array]:
    """Return ``f(variable, *constants)`` and the gradient of its sum, from ``tf.GradientTape``."""
    keras()
    import tensorflow as tf

    with tf.GradientTape() as tape:
        variable = tf.Variable(at)
        value = f(variable, *(tf.constant(c) for c in constants))
        total = tf.reduce_sum(value)
    return np.asarray(value), np.asarray(tape.gradient(total, variable))


def summary(twin: Any, monkeypatch: pytest.MonkeyPatch, columns: int = 80) -> str:
    """Return what Keras's ``summary`` prints in a terminal of so many columns, without trailers."""
    lines: list[str] = []
    monkeypatch.setenv("COLUMNS", str(columns))
    assert shutil.get_terminal_size().columns == columns
    twin.summary(print_fn=lambda text, line_break=True: lines.append(str(text)))
    return "\n".join(lines)
