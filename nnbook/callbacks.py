"""Callbacks: code that `Sequential.fit` calls while it trains.

Counterpart: ``keras.callbacks``.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnbook.models import Sequential

Logs = dict[str, float]
"""What an epoch measured: "accuracy", "loss", and with validation "val_accuracy", "val_loss"."""


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


def format_logs(logs: Logs) -> str:
    """Return ``" - accuracy: 0.9750 - loss: 0.0812"``, digits as in Keras."""
    return "".join(
        f" - {key}: {value:.4f}"
        if abs(value) > 1e-3
        else f" - {key}: {value:.4e}"
        for key, value in logs.items()
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
            each = seconds / self.steps
            unit = (
                f"{each:.0f}s"
                if each >= 1
                else (
                    f"{each * 1e3:.0f}ms"
                    if each >= 1e-3
                    else f"{each * 1e6:.0f}us"
                )
            )
            print(
                f"{self.steps}/{self.steps} - {seconds:.0f}s - {unit}/step{text}"
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
