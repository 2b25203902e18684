"""Callbacks: code that `Sequential.fit` calls while it trains.

A setting of the wrong kind is refused with a TypeError, one out of range or an unknown name with
a ValueError.
Counterpart: ``keras.callbacks``.
"""

from __future__ import annotations

import importlib.util
import math
import os
import re
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnbook.checks import Array, number

if TYPE_CHECKING:
    from nnbook.models import Sequential

Logs = dict[str, float]
"""What an epoch measured, by name, such as "loss", and with validation "val_loss"."""


class Callback:
    """Do-nothing methods, to be overridden; ``self.model`` and ``self.params`` are set by ``fit``.

    Counterpart: ``keras.callbacks.Callback``.
    """

    model: Sequential
    params: dict[str, Any]

    def on_train_begin(self) -> None:
        """Called once, before the first epoch."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Called before each epoch; ``epoch`` counts from 0."""

    def on_train_batch_end(self, batch: int) -> None:
        """Called after each update; ``batch`` counts from 0 within the epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Called after each epoch with what it measured."""

    def on_train_end(self) -> None:
        """Called once, after the last epoch."""


class History(Callback):
    """What ``fit`` returns: ``history["loss"]`` is the list of the epochs' losses, and so on.

    Counterpart: ``keras.callbacks.History``.
    """

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self.epoch.append(epoch)
        for key, value in logs.items():
            self.history.setdefault(key, []).append(value)


# what is better when it is larger, and what when it is smaller, of any spelling
_UP = r"acc|(binary|(sparse)?categorical)?accuracy|auc|precision|recall"
_DOWN = r"loss|mae|mse|mean(absolute|squared)error"


class _Monitor(Callback):
    """A callback that watches one number of the logs and knows when it has become better.

    Better is ``value + min_delta < best`` (mode "min") or ``value - min_delta > best`` ("max").
    """

    def __init__(
        self, monitor: str, mode: str, min_delta: float, patience: int = 0
    ) -> None:
        if not isinstance(monitor, str):
            raise TypeError(
                f"monitor must be a name such as 'val_loss'. Received {monitor!r}."
            )
        if mode not in ("auto", "min", "max"):
            raise ValueError(
                f"mode must be 'auto', 'min' or 'max'. Received {mode!r}."
            )
        name = re.sub(r"^val_|_\d+$", "", monitor).lower().replace("_", "")
        if mode == "auto" and not re.fullmatch(f"{_UP}|{_DOWN}", name):
            raise ValueError(
                f"{type(self).__name__} cannot tell whether {monitor!r} should become larger or "
                "smaller. Say so: mode='max' or mode='min'."
            )
        self.monitor, self.mode = monitor, mode
        self.patience = _count(patience, "patience")
        self.min_delta = number(min_delta, "min_delta", low=0)
        up = re.fullmatch(_UP, name) if mode == "auto" else mode == "max"
        self._sign = 1 if up else -1
        self.best: float | None = None
        self.wait = 0  # epochs since the last that was better

    def on_train_begin(self) -> None:
        self.best, self.wait = None, 0

    def _value(
        self, logs: Logs, instead: str = "does nothing"
    ) -> float | None:
        if self.monitor not in logs:
            warnings.warn(
                f"{type(self).__name__} watches {self.monitor!r}, which this training does not "
                f"measure, so it {instead}. Known: {', '.join(logs)}.",
                stacklevel=3,
            )
        return logs.get(self.monitor)

    def _better(self, value: float, than: float | None) -> bool:
        sign = self._sign
        return than is None or sign * value - self.min_delta > sign * than


class EarlyStopping(_Monitor):
    """Stop when ``monitor`` has not become better for ``patience`` epochs.

    Derived: eq-best-epoch.
    Counterpart: ``keras.callbacks.EarlyStopping``, which compares in float32.

    Args:
        monitor: what to watch: "loss", "val_loss", "accuracy", ...
        min_delta: by how much a value must be better to count.
        patience: how many epochs in a row may bring nothing better, before training stops.
        mode: "min", "max", or "auto": the direction is known from the name.
        baseline: as long as no epoch is better than this, the waiting goes on.
        restore_best_weights: whether to end with the weights of the best epoch, not of the last.
        start_from_epoch: the first epoch that is watched.

    A setting of the wrong kind or range, or "auto" and an unknown name, is refused.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        *,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta, patience)
        self.baseline = _optional(baseline, "baseline")
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = _count(start_from_epoch, "start_from_epoch")

    def on_train_begin(self) -> None:
        super().on_train_begin()
        self.best_epoch, self.stopped_epoch = 0, 0
        self.best_weights: list[Array] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        value = self._value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        better = self._better(value, self.best)
        if better:
            self.best, self.best_epoch = value, epoch
            if self.baseline is None or self._better(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
        if self.restore_best_weights and better:
            self.best_weights = self.model.get_weights()

    def on_train_end(self) -> None:
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)


class ModelCheckpoint(_Monitor):
    """Save the model at the end of each epoch, or of each that is better than all before.

    Better than all before also means: in earlier calls of ``fit``.
    Counterpart: ``keras.callbacks.ModelCheckpoint``, which compares in float32.

    Args:
        filepath: a name that ends in ``.npz``, in which ``{epoch:02d}`` and ``{val_loss:.2f}``, or
            any other name of the history, are filled in. Missing folders are made.
        monitor: what to watch: "loss", "val_loss", "accuracy", ...
        save_best_only: whether to save only when ``monitor`` has become better.
        mode: "min", "max", or "auto": the direction is known from the name.
        initial_value_threshold: the first epoch must be better than this.

    Raises:
        TypeError, ValueError: a setting of the wrong kind or range; "auto" and an unknown name. In
            ``fit``, what `Sequential.save` raises, and KeyError for a name that is not in the logs.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        *,
        save_best_only: bool = False,
        mode: str = "auto",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, 0)
        self.filepath = os.fspath(filepath)
        if not self.filepath.endswith(".npz"):
            raise ValueError(
                f"filepath must end in '.npz'. Received {self.filepath!r}."
            )
        self.save_best_only = save_best_only
        self.best = _optional(
            initial_value_threshold, "initial_value_threshold"
        )

    def on_train_begin(self) -> None:
        """Keep what was best before."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if self.save_best_only:
            value = self._value(logs, "saves every epoch")
            if value is not None:
                if not self._better(value, self.best):
                    return
                self.best = value
        path = Path(self.filepath.format(epoch=epoch + 1, **logs))
        path.parent.mkdir(parents=True, exist_ok=True)
        self.model.save(path)


class ReduceLROnPlateau(_Monitor):
    """Multiply the learning rate by ``factor`` when ``monitor`` has not become better for a while.

    The history gets the learning rate of each epoch under "learning_rate".
    Counterpart: ``keras.callbacks.ReduceLROnPlateau``, which compares in float32.

    Args:
        monitor: what to watch: "loss", "val_loss", "accuracy", ...
        factor: below 1.
        patience: how many epochs in a row may bring nothing better, before the rate is reduced.
        mode: "min", "max", or "auto": the direction is known from the name.
        min_delta: by how much a value must be better to count.
        cooldown: how many epochs to wait after a reduction, before counting begins again.
        min_lr: the rate is not reduced below this.

    Raises:
        TypeError, ValueError: a setting of the wrong kind or range; "auto" and an unknown name. In
            ``fit`` TypeError: the learning rate follows a schedule.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        *,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta, patience)
        self.factor = number(factor, "factor", low=0, high=1)
        self.cooldown = _count(cooldown, "cooldown")
        self.min_lr = number(min_lr, "min_lr", low=0)

    def on_train_begin(self) -> None:
        super().on_train_begin()
        _needs_a_number(self)
        self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        optimizer = self.model.optimizer
        logs["learning_rate"] = optimizer.learning_rate
        value = self._value(logs)
        if value is None:
            return
        if self.cooldown_counter:
            self.cooldown_counter -= 1
        if self._better(value, self.best):
            self.best, self.wait = value, 0
        elif not self.cooldown_counter:
            self.wait += 1
            rate = optimizer.learning_rate
            if self.wait >= self.patience and rate > self.min_lr:
                optimizer.learning_rate = max(rate * self.factor, self.min_lr)
                self.cooldown_counter, self.wait = self.cooldown, 0


class LearningRateScheduler(Callback):
    """Before each epoch, set the learning rate to ``schedule(epoch, learning_rate)``.

    The history gets the learning rate of each epoch under "learning_rate".
    Counterpart: ``keras.callbacks.LearningRateScheduler``.

    Args:
        schedule: a function of the epoch, from 0 on, and of the rate so far, to the new rate.

    Raises:
        TypeError: ``schedule`` cannot be called; in ``fit``, it returns no number, or the learning
            rate of the optimizer already follows a schedule of its own.
    """

    def __init__(self, schedule: Callable[[int, float], float]) -> None:
        if not callable(schedule):
            raise TypeError(
                "schedule must be a function of the epoch and the learning rate. "
                f"Received {schedule!r}."
            )
        self.schedule = schedule

    def on_train_begin(self) -> None:
        _needs_a_number(self)

    def on_epoch_begin(self, epoch: int) -> None:
        optimizer = self.model.optimizer
        optimizer.learning_rate = self.schedule(epoch, optimizer.learning_rate)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        logs["learning_rate"] = self.model.optimizer.learning_rate


class TerminateOnNaN(Callback):
    """Stop after an epoch whose loss is NaN or infinite.

    Keras looks at the loss of each batch; nnbook computes the loss once an epoch, and so stops at
    its end. Counterpart: ``keras.callbacks.TerminateOnNaN``.

    Args:
        raise_error: whether to raise a RuntimeError, instead of a line of text and a normal end.
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if math.isfinite(logs["loss"]):
            return
        text = f"Epoch {epoch + 1}: the loss is {logs['loss']}"
        if self.raise_error:
            raise RuntimeError(
                f"{text}. Try a smaller learning rate, or clip the gradient."
            )
        print(f"{text}, terminating training")
        self.model.stop_training = True


class LambdaCallback(Callback):
    """A callback made of functions, called as Keras calls them.

    ``on_epoch_begin(epoch, logs)``, ``on_epoch_end(epoch, logs)``, ``on_train_begin(logs)``,
    ``on_train_end(logs)``, ``on_train_batch_end(batch, logs=logs)``. The logs of an epoch's end are
    passed on to the end of the training; all others are empty, also those of a batch, because
    nnbook computes the loss once an epoch. Counterpart: ``keras.callbacks.LambdaCallback``.

    Raises:
        TypeError: one of them cannot be called.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[[int, Logs], object] | None = None,
        on_epoch_end: Callable[[int, Logs], object] | None = None,
        on_train_begin: Callable[[Logs], object] | None = None,
        on_train_end: Callable[[Logs], object] | None = None,
        *,
        on_train_batch_end: Callable[..., object] | None = None,
    ) -> None:
        given = {
            name: call
            for name, call in locals().items()
            if name.startswith("on_") and call is not None
        }
        for name, call in given.items():
            if not callable(call):
                raise TypeError(
                    f"{name} must be a function. Received {call!r}."
                )
        self._calls: dict[str, Callable[..., object]] = given
        self._logs: Logs = {}

    def _call(self, name: str, *arguments: Any, **named: Any) -> None:
        if name in self._calls:
            self._calls[name](*arguments, **named)

    def on_train_begin(self) -> None:
        self._logs = {}
        self._call("on_train_begin", {})

    def on_epoch_begin(self, epoch: int) -> None:
        self._call("on_epoch_begin", epoch, {})

    def on_train_batch_end(self, batch: int) -> None:
        self._call("on_train_batch_end", batch, logs={})

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self._logs = logs
        self._call("on_epoch_end", epoch, logs)

    def on_train_end(self) -> None:
        self._call("on_train_end", self._logs)


def _count(value: object, name: str) -> int:
    """Return ``value`` if it is an integer of at least 0."""
    count = number(value, name, low=0)
    if not count.is_integer():
        raise TypeError(f"{name} must be an integer. Received {value!r}.")
    return int(count)


def _optional(value: float | None, name: str) -> float | None:
    return None if value is None else number(value, name)


def _needs_a_number(callback: Callback) -> None:
    rate = callback.model.optimizer.get_config()["learning_rate"]
    if not isinstance(rate, float):
        raise TypeError(
            f"{type(callback).__name__} sets the learning rate, but that of this optimizer "
            f"follows its {type(rate).__name__}. Use one of the two."
        )


def format_logs(logs: Logs) -> str:
    """Return ``" - accuracy: 0.9750 - loss: 0.0812"``, digits as in Keras."""
    digits = {
        name: ".4f" if abs(value) > 1e-3 else ".4e"
        for name, value in logs.items()
    }
    return "".join(
        f" - {name}: {logs[name]:{form}}" for name, form in digits.items()
    )


class Progress:
    """The progress of one pass over the batches, as Keras's ``verbose`` 0, 1 or 2 asks for it.

    0: nothing. 1: a bar, drawn by tqdm where that is installed; a plain line where it is not.
    2: a plain line at the end. All of it goes to stdout.
    """

    def __init__(self, steps: int, verbose: int) -> None:
        self.steps = steps
        self.started = time.perf_counter()
        self.bar: Any = None
        self.plain = verbose > 0
        if verbose == 1 and importlib.util.find_spec("tqdm") is not None:
            from tqdm import tqdm

            self.bar = tqdm(
                total=steps, file=sys.stdout, unit="step", dynamic_ncols=True
            )
            self.plain = False

    def update(self) -> None:
        """Count one batch."""
        if self.bar is not None:
            self.bar.update(1)

    def close(self, logs: Logs) -> None:
        """Show what the pass measured."""
        text = format_logs(logs)
        if self.bar is not None:
            self.bar.set_postfix_str(text.removeprefix(" - "), refresh=True)
            self.bar.close()
        elif self.plain:
            seconds = time.perf_counter() - self.started
            each, unit = seconds / self.steps, "s"
            for smaller in ("ms", "us"):
                if each < 1:
                    each, unit = each * 1000, smaller
            print(
                f"{self.steps}/{self.steps} - {seconds:.0f}s - {each:.0f}{unit}/step{text}"
            )


class ProgressLogger(Callback):
    """``Epoch 1/10`` and a `Progress` for each epoch of ``fit``.

    Counterpart: ``keras.callbacks.ProgbarLogger``.
    """

    def __init__(self, verbose: int) -> None:
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int) -> None:
        if self.params["epochs"] > 1:
            print(f"Epoch {epoch + 1}/{self.params['epochs']}")
        self.progress = Progress(self.params["steps"], self.verbose)

    def on_train_batch_end(self, batch: int) -> None:
        self.progress.update()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self.progress.close(logs)
