"""The bridge: a compiled model crosses to Keras and back and comes back the same."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnbook import Input, Sequential, keras_bridge, losses, metrics, optimizers, saving
from nnbook.layers import Activation, Dense, Dropout, Flatten
from nnbook.schedules import CosineDecay
from tests.keras_side import keras

COMPILED: list[dict[str, Any]] = [
    {"optimizer": optimizers.SGD(0.5, momentum=0.5), "loss": losses.Huber(0.25)},
    {"optimizer": optimizers.AdamW(clipvalue=0.5), "loss": "mae", "metrics": ["mse"]},
    {
        "optimizer": optimizers.RMSprop(CosineDecay(0.5, 10)),
        "loss": losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.25),
        "metrics": ["accuracy", metrics.AUC(20, name="area"), metrics.Precision(0.25)],
    },
    {"optimizer": optimizers.Adagrad(0.25), "loss": "bce", "metrics": [metrics.Recall()]},
]


def net(dtype: str = "float64") -> Sequential:
    layers = [Dense(4, "elu", kernel_regularizer="l2"), Dropout(0.5), Dense(3), Activation("tanh")]
    return Sequential([Input((2, 2)), Flatten(), *layers], name="net", seed=0, dtype=dtype)


@pytest.mark.parametrize("settings", COMPILED, ids=lambda s: type(s["optimizer"]).__name__)
def test_a_compiled_model_comes_back_the_same(settings: dict[str, Any]) -> None:
    model = net()
    model.compile(**settings)
    with keras_bridge.floatx("float64"):
        back = keras_bridge.from_keras(keras_bridge.to_keras(model), seed=0)
    assert back.get_config() == model.get_config()
    np.testing.assert_array_equal(back.theta, model.theta)
    for piece in ("optimizer", "loss"):
        assert saving.pack(getattr(back, piece)) == saving.pack(getattr(model, piece))
    assert list(back.metrics) == list(model.metrics)
    for name, metric in model.metrics.items():
        if isinstance(metric, metrics.NamedMetric):
            got = back.metrics[name]
            assert isinstance(got, metrics.NamedMetric)
            assert got.get_config() | {"name": name} == metric.get_config() | {"name": name}


def test_what_keras_alone_was_told_comes_over_and_trains_the_same() -> None:
    """Names, a function as the loss, an optimizer by name: all that people write."""
    x, y = np.random.default_rng(0).normal(size=(2, 20, 3))
    for optimizer, loss in (("sgd", "mse"), ("sgd", keras().losses.mean_squared_error)):
        with keras_bridge.floatx("float64"):
            twin = keras().Sequential([keras().Input((3,)), keras().layers.Dense(3)])
            twin.compile(optimizer, loss, metrics=["mae"])
            model = keras_bridge.from_keras(twin)
            ours = model.fit(x, y, epochs=3, shuffle=False, verbose=0).history
            theirs = twin.fit(x, y, epochs=3, shuffle=False, verbose=0).history
        assert keras_bridge.largest_difference(model, twin) < 1e-12
        assert set(ours) == set(theirs)
        np.testing.assert_allclose(ours["mae"], theirs["mae"], rtol=1e-6)


def test_a_model_that_is_not_compiled_comes_over_uncompiled() -> None:
    twin = keras().Sequential([keras().Input((3,)), keras().layers.Dense(3)])
    assert not keras_bridge.from_keras(twin).compiled


@pytest.mark.parametrize(
    ("compiled", "says"),
    [
        ({"loss": "mse", "loss_weights": [2.0]}, "nnbook has no loss_weights"),
        ({"loss": "mse", "weighted_metrics": ["mae"]}, "nnbook has no weighted_metrics"),
        ({"loss": "poisson"}, "Unknown loss 'poisson'"),
        ({"loss": "mse", "metrics": ["poisson"]}, "Unknown metric 'poisson'"),
    ],
)
def test_what_nnbook_does_not_have_stays_over_there(compiled: dict[str, Any], says: str) -> None:
    twin = keras().Sequential([keras().Input((3,)), keras().layers.Dense(3)])
    twin.compile("sgd", **compiled)
    with pytest.raises(ValueError, match=says):
        keras_bridge.from_keras(twin)


def test_only_the_known_messages_of_the_start_are_kept_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    known = "All before absl::InitializeLog() is called"
    text = f"import os\nos.write(2, b'{known}\\nSomething new\\n')\n"
    for name in ("keras", "tensorflow"):
        monkeypatch.setitem(sys.modules, name, sys)  # what is taken away comes back afterwards
        del sys.modules[name]
    (tmp_path / "keras.py").write_text("")
    (tmp_path / "tensorflow.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    assert keras_bridge.import_keras().__file__ == str(tmp_path / "keras.py")
    assert capfd.readouterr().err == "Something new\n"
