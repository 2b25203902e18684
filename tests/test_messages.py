"""What the library says when something does not fit: every message, word by word.

The texts are a part of the interface: what was expected, what came, and what to do. They stand in
``messages.txt``, under the calls that bring them about, where they can be read as a whole. That a
failed call changes nothing is in `tests/test_errors.py`.

``python -m tests.test_messages`` writes the texts afresh: then read what moved.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# ruff: noqa: F401 (messages.txt needs these)
from nnbook import Input, Sequential, activations, callbacks, losses, metrics, optimizers
from nnbook.layers import Activation, Dense, Dropout, Flatten
from nnbook.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Huber,
    SparseCategoricalCrossentropy,
)
from nnbook.metrics import AUC, Precision, confusion_matrix
from nnbook.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop
from nnbook.schedules import ExponentialDecay

X, Y = np.zeros((6, 3)), np.zeros((6, 1))
IMAGES = np.zeros((6, 2, 2))


def net(*layers: Any, loss: Any = "mse", **compiled: Any) -> Sequential:
    """Return a model of three features that is ready to train."""
    model = Sequential([Input((3,)), *(layers or (Dense(1, name="last"),))], seed=0)
    model.compile("sgd", loss, **compiled)
    return model


def forwarded(layer: Any) -> Any:
    """Return a layer that has just gone forward."""
    net(layer).layers[0].forward(X)
    return layer


def serving() -> SGD:
    """Return an optimizer that has a model of two parameters."""
    optimizer = SGD()
    optimizer.build(np.zeros(2))
    return optimizer


def follows_a_schedule() -> SGD:
    return SGD(ExponentialDecay(0.1, 10, 0.5))


def set_rate(optimizer: Any, value: Any) -> None:
    optimizer.learning_rate = value


def add(model: Sequential, *layers: Any) -> None:
    for layer in layers:
        model.add(layer)


def fit(model: Sequential, **named: Any) -> None:
    model.fit(X, Y, verbose=0, **named)


TEXTS = Path(__file__).with_name("messages.txt")
CASE = re.compile(r"^(?P<call>[^#\s].*)\n(?P<said>    .*)$", re.MULTILINE)


def said_by(call: str) -> str:
    """Return the error of a call, as a traceback ends."""
    try:
        eval(call)  # noqa: S307 (the calls of our own file)
    except (OSError, RuntimeError, TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError(f"{call} is no error")


@pytest.mark.parametrize(
    ("call", "said"),
    [(match["call"], match["said"]) for match in CASE.finditer(TEXTS.read_text(encoding="utf-8"))],
)
def test_what_is_said(call: str, said: str) -> None:
    assert said_by(call) == said.strip()


def test_the_calls_differ_and_none_is_left_out() -> None:
    text = TEXTS.read_text(encoding="utf-8")
    calls = [match["call"] for match in CASE.finditer(text)]
    assert len(calls) == len(set(calls)) == len(re.findall(r"(?m)^[^#\s]", text))


if __name__ == "__main__":
    new = CASE.sub(
        lambda match: f"{match['call']}\n    {said_by(match['call'])}",
        TEXTS.read_text(encoding="utf-8"),
    )
    TEXTS.write_text(new, encoding="utf-8")
