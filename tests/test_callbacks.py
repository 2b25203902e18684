"""Callbacks beside Keras's: driven by the same logs, they must stop, restore and reduce alike."""

from __future__ import annotations

import math
import re
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbook import Input, Sequential, callbacks, metrics
from nnbook.callbacks import (
    Callback,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    Logs,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from nnbook.keras_bridge import fit_in_orders, floatx, sample_orders, to_keras
from nnbook.layers import Dense
from nnbook.models import load_model
from nnbook.optimizers import SGD
from nnbook.schedules import ExponentialDecay
from tests.benchmarks.measure import document_data, document_model
from tests.keras_side import keras

# Keras 3.15 reads its own variables in a way that NumPy 2 warns of
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

EPOCHS = 12
quick = settings(max_examples=60, deadline=None)
# eighths: no rounding decides a comparison; values repeat often
eighths = st.integers(0, 16).map(lambda i: i / 8)
curves = st.lists(eighths, min_size=1, max_size=EPOCHS)
monitors = st.sampled_from(["val_loss", "loss", "accuracy", "val_accuracy"])
modes = st.sampled_from(["auto", "min", "max"])


class Stand:
    """What a callback sees of a model: a weight that counts the epochs, and an optimizer."""

    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer
        self.stop_training = False
        self.weight = -1
        accuracy = keras().metrics.BinaryAccuracy(name="accuracy")
        self.metrics = [keras().src.trainers.compile_utils.CompileMetrics([accuracy], None)]
        self.metrics[0].build(np.zeros((1, 1)), np.zeros((1, 1)))

    def get_weights(self) -> list[int]:
        return [self.weight]

    def set_weights(self, weights: list[int]) -> None:
        (self.weight,) = weights


def drive(callback: Any, stand: Stand, curve: list[Logs], *, theirs: bool) -> list[float]:
    """Call a callback as ``fit`` would; return the learning rate of each epoch that was run."""
    rates: list[float] = []
    if theirs:
        callback.set_model(stand)
    else:
        callback.model = stand
    callback.on_train_begin()
    for epoch, logs in enumerate(curve):
        callback.on_epoch_begin(epoch)
        rates.append(float(np.asarray(stand.optimizer.learning_rate)))
        stand.weight = epoch
        logs = dict(logs)
        callback.on_epoch_end(epoch, logs)
        if stand.stop_training:
            break
    callback.on_train_end()
    return [*rates, float(np.asarray(stand.optimizer.learning_rate))]


def both(make: Callable[[Any], Any], curve: list[Logs], rate: float = 0.5) -> tuple[Any, ...]:
    """Drive both callbacks; return the two, their models and their learning rates."""
    ours, theirs = make(callbacks), make(keras().callbacks)
    model, twin = Stand(SGD(rate)), Stand(keras().optimizers.SGD(rate))
    rates = drive(ours, model, curve, theirs=False)
    their_rates = drive(theirs, twin, curve, theirs=True)
    assert rates == pytest.approx(their_rates, rel=1e-6)
    assert model.stop_training == twin.stop_training
    assert model.weight == twin.weight
    return ours, theirs, model, twin


# --- early stopping ---------------------------------------------------------------------------


@quick
@given(
    curves,
    monitors,
    modes,
    st.sampled_from([0, 0.125, 0.25, 0.5]),
    st.integers(0, 4),
    st.none() | eighths,
    st.booleans(),
    st.integers(0, 4),
)
def test_early_stopping(
    curve: list[float],
    monitor: str,
    mode: str,
    min_delta: float,
    patience: int,
    baseline: float | None,
    restore: bool,
    start: int,
) -> None:
    def make(module: Any) -> Any:
        return module.EarlyStopping(
            monitor,
            min_delta,
            patience,
            mode=mode,
            baseline=baseline,
            restore_best_weights=restore,
            start_from_epoch=start,
        )

    ours, theirs, *_ = both(make, [{monitor: value} for value in curve])
    for name in ("best", "best_epoch", "stopped_epoch", "wait"):
        assert getattr(ours, name) == getattr(theirs, name), name


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", [0, 2])
def test_early_stopping_on_what_is_no_number(value: float, at: int) -> None:
    curve = [1.0, 0.5, 0.75, 0.25, 0.125, 0.5]
    curve[at] = value
    both(
        lambda module: module.EarlyStopping("loss", patience=2, restore_best_weights=True),
        [{"loss": x} for x in curve],
    )


def test_a_callback_starts_anew_with_each_training() -> None:
    callback = EarlyStopping("loss", restore_best_weights=True)
    for first in (1.0, 9.0):
        stand = Stand(SGD())
        drive(callback, stand, [{"loss": first}, {"loss": first + 1}], theirs=False)
        assert stand.stop_training
        assert callback.best == first
        assert stand.weight == 0


def test_early_stopping_in_fit_beside_keras() -> None:
    x, y = document_data("learnable")
    x, y, validation = x[:300], y[:300], (x[900:], y[900:])

    def make(module: Any) -> Any:
        return module.EarlyStopping(
            "val_accuracy", min_delta=0.01, patience=3, restore_best_weights=True
        )

    with floatx("float64"):
        model = document_model(SGD(1.0))
        twin = to_keras(model)
        settings: dict[str, Any] = {"batch_size": 32, "validation_data": validation}
        settings |= {"epochs": 40, "shuffle": False, "verbose": 0}
        ours, theirs = make(callbacks), make(keras().callbacks)
        history = model.fit(x, y, callbacks=ours, **settings)
        their_history = twin.fit(x, y, callbacks=[theirs], **settings)
    assert history.epoch == their_history.epoch
    assert 3 < len(history.epoch) < 40
    assert ours.best_epoch == theirs.best_epoch
    weights = zip(model.get_weights(), twin.get_weights(), strict=True)
    assert all(np.allclose(a, b, rtol=0, atol=1e-10) for a, b in weights)
    best = model.evaluate(*validation, verbose=0, return_dict=True)
    assert isinstance(best, dict)
    assert best["accuracy"] == history.history["val_accuracy"][ours.best_epoch]


@pytest.mark.parametrize("name", ["loss", *metrics._KNOWN])
def test_the_direction_of_a_metric_is_that_of_keras(name: str) -> None:
    sign = -1
    if name != "loss":
        known = "BinaryAccuracy" if name in ("acc", "accuracy") else name
        sign = 1 if keras().metrics.get(known)._direction == "up" else -1
    for monitor in (name, f"val_{name}", f"{name}_1", f"val_{name}_12"):
        assert EarlyStopping(monitor)._sign == ReduceLROnPlateau(monitor)._sign == sign
    assert EarlyStopping(name, mode="max")._sign == 1
    assert EarlyStopping(name, mode="min")._sign == -1


# --- the learning rate ------------------------------------------------------------------------


@quick
@given(
    curves,
    monitors,
    modes,
    st.sampled_from([0.0, 0.25, 0.5]),
    st.integers(0, 3),
    st.sampled_from([0, 0.125, 0.5]),
    st.integers(0, 3),
    st.sampled_from([0.0, 0.125, 0.2, 0.5, 1.0]),
)
def test_reduce_lr_on_plateau(
    curve: list[float],
    monitor: str,
    mode: str,
    factor: float,
    patience: int,
    min_delta: float,
    cooldown: int,
    min_lr: float,
) -> None:
    def make(module: Any) -> Any:
        return module.ReduceLROnPlateau(
            monitor,
            factor,
            patience,
            mode=mode,
            min_delta=min_delta,
            cooldown=cooldown,
            min_lr=min_lr,
        )

    ours, theirs, *_ = both(make, [{monitor: value} for value in curve])
    for name in ("best", "wait", "cooldown_counter"):
        assert getattr(ours, name) == getattr(theirs, name), name


def test_defaults_of_the_plateau_are_those_of_keras() -> None:
    curve = [{"val_loss": 1.0 - 5e-5 * (epoch == 3)} for epoch in range(25)]
    ours, theirs, *_ = both(lambda module: module.ReduceLROnPlateau(), curve)
    for name in ("monitor", "factor", "patience", "mode", "cooldown", "min_lr"):
        assert getattr(ours, name) == getattr(theirs, name)
    ours, theirs = EarlyStopping(), keras().callbacks.EarlyStopping()
    for name in ("monitor", "min_delta", "patience", "mode", "baseline", "start_from_epoch"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.restore_best_weights is theirs.restore_best_weights is False


def test_learning_rate_scheduler() -> None:
    def make(module: Any) -> Any:
        return module.LearningRateScheduler(lambda epoch, rate: rate * 0.5 if epoch > 1 else 0.25)

    *_, model, _ = both(make, [{"loss": 1.0}] * 5)
    assert model.optimizer.learning_rate == 0.25 / 8


@pytest.mark.parametrize("kind", ["LearningRateScheduler", "ReduceLROnPlateau"])
def test_the_rates_of_fit_are_in_the_history_as_in_keras(kind: str) -> None:
    x, y = document_data()

    def make(module: Any) -> Any:
        if kind == "ReduceLROnPlateau":
            return module.ReduceLROnPlateau("loss", 0.5, 1, min_delta=1.0)
        return module.LearningRateScheduler(lambda epoch, rate: rate / (epoch + 1))

    fit: dict[str, Any] = {"batch_size": 100, "epochs": 4, "shuffle": False, "verbose": 0}
    with floatx("float64"):
        model = document_model(SGD(0.5))
        twin = to_keras(model)
        ours = model.fit(x, y, callbacks=[make(callbacks)], validation_split=0.1, **fit).history
        theirs = twin.fit(
            x, y, callbacks=[make(keras().callbacks)], validation_split=0.1, **fit
        ).history
    assert list(ours) == list(theirs)
    assert list(ours)[-1] == "learning_rate"
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-10, atol=1e-12)
    assert len(set(ours["learning_rate"])) > 2


@pytest.mark.parametrize(
    "callback", [ReduceLROnPlateau("loss"), LearningRateScheduler(lambda epoch, rate: rate)]
)
def test_a_schedule_leaves_no_rate_to_set(callback: Callback) -> None:
    x, y = document_data()
    model = document_model(SGD(ExponentialDecay(0.1, 10, 0.5)))
    before = model.theta.copy()
    says = f"{type(callback).__name__} sets the learning rate, but that of this optimizer follows "
    with pytest.raises(TypeError, match=f"^{says}its ExponentialDecay. Use one of the two.$"):
        model.fit(x, y, verbose=0, callbacks=[callback])
    assert np.array_equal(model.theta, before)


def test_a_schedule_and_a_fit_run_beside_keras() -> None:
    x, y = document_data("learnable")
    with floatx("float64"):
        model = document_model(SGD(ExponentialDecay(0.5, 32, 0.5, staircase=True)))
        twin = to_keras(model)
        orders = sample_orders(model, len(x), 3)
        fit_in_orders(twin, x, y, orders, batch_size=32)
        model.fit(x, y, batch_size=32, epochs=3, verbose=0)
        rate = float(np.asarray(twin.optimizer.learning_rate))
    assert model.optimizer.learning_rate == rate == 0.5 * 0.5**3
    weights = zip(model.get_weights(), twin.get_weights(), strict=True)
    assert all(np.allclose(a, b, rtol=0, atol=1e-12) for a, b in weights)


def test_what_the_scheduler_is_given_must_be_a_rate() -> None:
    x, y = document_data()
    for returned, error in ((None, TypeError), (-0.1, ValueError), (math.nan, ValueError)):
        model = document_model(SGD(0.5))
        schedule: Any = LearningRateScheduler(lambda epoch, rate, r=returned: r)  # type: ignore[misc]
        with pytest.raises(error, match="learning_rate must be"):
            model.fit(x, y, verbose=0, callbacks=[schedule])
        assert model.optimizer.learning_rate == 0.5


# --- the others -------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_terminate_on_nan(loss: float, capsys: pytest.CaptureFixture[str]) -> None:
    stand = Stand(SGD())
    drive(TerminateOnNaN(), stand, [{"loss": 1.0}, {"loss": loss}, {"loss": 1.0}], theirs=False)
    assert stand.stop_training
    assert stand.weight == 1
    assert capsys.readouterr().out == f"Epoch 2: the loss is {loss}, terminating training\n"
    with pytest.raises(RuntimeError, match=f"^Epoch 1: the loss is {loss}. Try a smaller"):
        drive(TerminateOnNaN(raise_error=True), Stand(SGD()), [{"loss": loss}], theirs=False)


def test_terminate_on_nan_ends_a_fit_that_diverges(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = document_data()
    model = Sequential([Input(shape=(8,)), Dense(4), Dense(1)], seed=0)
    model.compile(SGD(1e6), "mse")
    history = model.fit(x, y, epochs=9, verbose=0, callbacks=TerminateOnNaN())
    assert 1 <= len(history.epoch) < 9
    assert not math.isfinite(history.history["loss"][-1])
    assert "terminating training" in capsys.readouterr().out
    calm = Sequential([Input(shape=(8,)), Dense(1)], seed=0)
    calm.compile(SGD(0.01), "mse")
    assert len(calm.fit(x, y, epochs=2, verbose=0, callbacks=TerminateOnNaN()).epoch) == 2


def test_lambda_callback_calls_as_keras_calls() -> None:
    x, y = document_data()
    calls: dict[str, list[Any]] = {"ours": [], "theirs": []}

    def make(module: Any, whose: str) -> Any:
        def note(name: str) -> Callable[..., None]:
            def call(*arguments: Any, **named: Any) -> None:
                *counts, logs = (*arguments, *named.values())
                keys = [] if name == "on_train_batch_end" else list(logs)
                calls[whose].append((name, counts, len(arguments), list(named), keys))

            return call

        names = ("on_epoch_begin", "on_epoch_end", "on_train_begin", "on_train_end")
        functions = {name: note(name) for name in (*names, "on_train_batch_end")}
        return module.LambdaCallback(**functions)

    fit: dict[str, Any] = {"batch_size": 400, "epochs": 2, "verbose": 0}
    model = document_model(dtype="float32")
    to_keras(model).fit(x, y, callbacks=[make(keras().callbacks, "theirs")], **fit)
    model.fit(x, y, callbacks=[make(callbacks, "ours")], **fit)
    assert calls["ours"] == calls["theirs"]
    assert len(calls["ours"]) == 1 + 2 * (1 + 3 + 1) + 1


def test_lambda_callback_calls_only_what_it_was_given() -> None:
    seen: list[Any] = []
    callback = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append((epoch, logs["loss"])))
    drive(callback, Stand(SGD()), [{"loss": 1.0}, {"loss": 0.5}], theirs=False)
    callback.on_train_batch_end(0)
    assert seen == [(0, 1.0), (1, 0.5)]


def test_the_batches_logs_of_a_lambda_callback_are_empty() -> None:
    logs_seen: list[Logs] = []
    callback = LambdaCallback(on_train_batch_end=lambda batch, logs: logs_seen.append(logs))
    callback.on_train_batch_end(3)
    assert logs_seen == [{}]


# --- what is wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["EarlyStopping", "ReduceLROnPlateau"])
def test_a_number_that_is_not_measured_is_warned_of_as_in_keras(kind: str) -> None:
    known = {"accuracy": 0.5, "loss": 0.25}
    for module, theirs in ((callbacks, False), (keras().callbacks, True)):
        stand = Stand(keras().optimizers.SGD(0.5) if theirs else SGD(0.5))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            drive(getattr(module, kind)(patience=0), stand, [known, known, known], theirs=theirs)
        caught = [warning for warning in caught if warning.category is UserWarning]
        assert len(caught) == 3
        assert not stand.stop_training
        text = str(caught[0].message)
        for part in ("val_loss", *known):
            assert part in text
    says = f"{kind} watches 'val_loss', which this training does not measure, so it does nothing."
    with pytest.warns(UserWarning, match=re.escape(f"{says} Known: accuracy, loss")):
        drive(getattr(callbacks, kind)(), Stand(SGD()), [known], theirs=False)


class Named:
    """Return a callback made by name, without its types, so that it can be made wrongly."""

    def __getattr__(self, name: str) -> Any:
        return getattr(callbacks, name)


make = Named()


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (
            lambda: make.EarlyStopping("area"),
            ValueError,
            "EarlyStopping cannot tell whether 'area'",
        ),
        (
            lambda: make.ReduceLROnPlateau("val_area"),
            ValueError,
            "ReduceLROnPlateau cannot tell whether 'val_area' should become larger or smaller. "
            "Say so: mode='max' or mode='min'.",
        ),
        (lambda: make.EarlyStopping(3), TypeError, "monitor must be a name such as 'val_loss'"),
        (lambda: make.EarlyStopping(mode="up"), ValueError, "mode must be 'auto', 'min' or 'max'"),
        (lambda: make.EarlyStopping(patience=-1), ValueError, "patience must be at least 0"),
        (lambda: make.EarlyStopping(patience=1.5), TypeError, "patience must be an integer"),
        (lambda: make.EarlyStopping(patience=True), TypeError, "patience must be a number"),
        (lambda: make.EarlyStopping(min_delta="1"), TypeError, "min_delta must be a number"),
        (lambda: make.EarlyStopping(min_delta=-1), ValueError, "min_delta must be at least 0"),
        (lambda: make.EarlyStopping(baseline="low"), TypeError, "baseline must be a number"),
        (lambda: make.EarlyStopping(baseline=math.inf), ValueError, "baseline must be finite"),
        (lambda: make.EarlyStopping(start_from_epoch=-1), ValueError, "start_from_epoch must be"),
        (lambda: make.EarlyStopping(verbose=1), TypeError, "argument 'verbose'"),
        (lambda: make.ReduceLROnPlateau(factor=1.0), ValueError, "factor must be at least 0 and"),
        (lambda: make.ReduceLROnPlateau(cooldown=-1), ValueError, "cooldown must be at least 0"),
        (lambda: make.ReduceLROnPlateau(min_lr=-1), ValueError, "min_lr must be at least 0"),
        (lambda: make.LearningRateScheduler(0.1), TypeError, "schedule must be a function of"),
        (lambda: make.LambdaCallback("print"), TypeError, "on_epoch_begin must be a function"),
        (lambda: make.LambdaCallback(on_batch_end=print), TypeError, "argument 'on_batch_end'"),
    ],
)
def test_what_is_wrong_is_named(wrong: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=re.escape(says)):
        wrong()


def test_a_name_of_unknown_direction_does_with_a_mode() -> None:
    for mode, best in (("max", 0.75), ("min", 0.5)):
        callback = EarlyStopping("area", mode=mode)
        drive(callback, Stand(SGD()), [{"area": 0.5}, {"area": 0.75}], theirs=False)
        assert callback.best == best


# --- ModelCheckpoint --------------------------------------------------------------------------


class Saved(Stand):
    """Notes to which file it would have been saved, and when."""

    def __init__(self) -> None:
        super().__init__(SGD(0.5))
        self.files: list[tuple[int, str]] = []

    def save(self, path: Any, overwrite: bool = True) -> None:
        self.files.append((self.weight, Path(path).stem))


@quick
@given(
    values=curves,
    monitor=monitors,
    mode=modes,
    best_only=st.booleans(),
    threshold=st.none() | eighths,
)
def test_model_checkpoint_saves_the_epochs_that_keras_saves(
    values: list[float], monitor: str, mode: str, best_only: bool, threshold: float | None
) -> None:
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, end in ((ModelCheckpoint, "npz"), (keras().callbacks.ModelCheckpoint, "keras")):
            stand = Saved()
            checkpoint = kind(
                f"{folder}/{{epoch:02d}}-{{{monitor}:.3f}}.{end}",
                monitor,
                save_best_only=best_only,
                mode=mode,
                initial_value_threshold=threshold,
            )
            logs = [{monitor: value} for value in values]
            for _ in range(2):  # the best is remembered from one training to the next
                drive(checkpoint, stand, logs, theirs=end == "keras")
            found.append(stand.files)
    assert found[0] == found[1]
    assert best_only or len(found[0]) == 2 * len(values)


def test_model_checkpoint_keeps_the_best_model_of_a_fit(tmp_path: Path) -> None:
    x, y = document_data()
    model = document_model()
    path = tmp_path / "new" / "best.npz"
    checkpoint = ModelCheckpoint(path, "loss", save_best_only=True)
    weights: list[Any] = []
    keep = LambdaCallback(on_epoch_end=lambda epoch, logs: weights.append(model.theta.copy()))
    # a rate that grows until the loss does
    grow = LearningRateScheduler(lambda epoch, rate: [0.01, 0.01, 30.0, 30.0][epoch])
    history = model.fit(x, y, epochs=4, verbose=0, callbacks=[grow, keep, checkpoint]).history
    best = int(np.argmin(history["loss"]))
    assert 0 < best < 3, "the curve must turn for this test to tell anything"
    np.testing.assert_array_equal(load_model(path).theta, weights[best])
    assert [file.name for file in path.parent.iterdir()] == ["best.npz"]


def test_model_checkpoint_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"filepath must end in '.npz'. Received 'm.keras'"):
        ModelCheckpoint("m.keras")
    with pytest.raises(ValueError, match="cannot tell whether 'speed'"):
        ModelCheckpoint("m.npz", "speed")
    with pytest.raises(TypeError, match="initial_value_threshold must be a number"):
        ModelCheckpoint("m.npz", initial_value_threshold="low")  # type: ignore[arg-type]
    stand = Saved()
    checkpoint = ModelCheckpoint(tmp_path / "m.npz", save_best_only=True)
    with pytest.warns(UserWarning, match="watches 'val_loss'.*so it saves every epoch"):
        drive(checkpoint, stand, [{"loss": 1.0}], theirs=False)
    assert len(stand.files) == 1  # as in Keras
