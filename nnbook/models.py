"""Models: layers in a row, trained with back-propagation.

All parameters of a `Sequential` live in one flat vector ``theta`` and all gradients in one flat
vector ``grad``; each layer's kernel and bias are views into them. So an update is
``theta <- theta - alpha grad``, and a gradient check goes through ``theta`` number by number.

Counterpart: ``keras.Sequential``. Sources: :cite:`rumelhart1986backprop`,
:cite:`goodfellow2016deep`, chapters 6 and 8.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from nnbook import checks, losses, optimizers, saving
from nnbook import metrics as metrics_module
from nnbook.callbacks import Callback, History, Logs, Progress, ProgressLogger
from nnbook.checks import Array, at_least_one, integer
from nnbook.layers import Dense, Dropout, Flatten, Input, Layer
from nnbook.losses import Loss
from nnbook.metrics import NamedMetric
from nnbook.optimizers import Optimizer

# One seed gives independent streams of random numbers: a use must not shift another's numbers.
_WEIGHTS, _SHUFFLE, _DROPOUT = 0, 1, 2
# of inputs that are put in order together: they stay in the processor's cache
_NUMBERS_AT_ONCE = 2**16
_ROWS_AT_ONCE = 1024  # for evaluate and predict: enough for speed, little enough for memory

Measured = float | list[float] | dict[str, float]
"""The loss, or ``[loss, metrics...]``, or both by name."""

Samples = tuple[Array, Array, Array | None]
"""Inputs ``(n, features)``, targets ``(n, k)`` or ``(n, 1)``, and weights ``(n, 1)`` if any."""


class _Work:
    """Memory for one batch of ``n`` samples, so that a training step allocates next to nothing."""

    def __init__(self, layers: list[Layer], n: int, dtype: DTypeLike) -> None:
        *hidden, output = layers
        widths = [layer.n_in or 0 for layer in layers[1:]]
        a, dx = ([np.empty((n, k), dtype) for k in widths] for _ in range(2))
        # each hidden layer with room for its output; on the way back, each
        # layer with room for dC/dx, which nobody needs of the first
        self.forth = list(zip(hidden, a, strict=True))
        self.back = list(zip(layers, [None, *dx], strict=True))[-2::-1]
        self.dx = dx[-1] if dx else None
        self.delta = np.empty((n, output.n_out(output.n_in or 0)), dtype)


class Sequential:
    """A network of layers, each fed with the outputs of the one before.

    Counterpart: ``keras.Sequential``.

    Args:
        layers: the layers in order; an `Input` first tells the number of features. Without one the
            model is built by the first ``fit``, ``evaluate`` or ``predict``.
        name: shown by ``summary``.
        seed: makes everything random reproducible: initial weights and the order of the samples.
            None takes fresh randomness. Keras's way is ``keras.utils.set_random_seed``.
        dtype: "float32" as in Keras, or "float64", which every gradient check needs.

    Raises:
        TypeError, ValueError: an entry is not a layer, or is in use; unknown dtype; bad seed.
    """

    loss: Loss  # both from compile
    optimizer: Optimizer

    def __init__(
        self,
        layers: Sequence[Input | Layer] | None = None,
        *,
        name: str = "sequential",
        seed: int | None = None,
        dtype: DTypeLike = "float32",
    ) -> None:
        self.name = name
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(
                f"dtype must be 'float32' or 'float64'. Received {dtype!r}."
            )
        self._entropy = np.random.SeedSequence(seed).entropy
        self._shuffle = self._stream(_SHUFFLE)
        self.layers: list[Layer] = []
        self._regularized: list[Layer] = []  # those that add to the loss
        self.theta: Array = np.empty(0, self.dtype)
        self.grad: Array = np.empty(0, self.dtype)
        self.n_in: int | None = None  # numbers in one sample
        self.input_shape: tuple[int, ...] | None = None  # of one sample
        self.compiled = False
        self.metrics: dict[str, metrics_module.Metric] = {}
        self.history: History | None = None
        self.stop_training = False
        try:
            for layer in layers or []:
                self.add(layer)
        except (TypeError, ValueError):
            for added in self.layers:  # there is no model they belong to
                added.taken = False
            raise

    def _stream(self, *key: int) -> np.random.Generator:
        return np.random.default_rng(
            np.random.SeedSequence(self._entropy, spawn_key=key)
        )

    # --- building -----------------------------------------------------------------------------

    def add(self, layer: Input | Layer) -> None:
        """Append a layer. A model that is built stays built, and keeps its weights.

        Raises:
            TypeError: neither a layer nor an Input.
            ValueError: the layer is in a model already, its name is taken, Input is not first, or
                the layer has weights for another number of inputs.
        """
        if isinstance(layer, Input):
            if self.layers or self.n_in is not None:
                raise ValueError(
                    "Input must come first in a model, and only once."
                )
            self.input_shape, self.n_in = layer.shape, math.prod(layer.shape)
            return
        if not isinstance(layer, Layer):
            raise TypeError(
                "Sequential expected nnbook layers such as Dense(10). "
                f"Received {layer!r} of type {type(layer).__name__}."
            )
        if layer.taken:
            raise ValueError(
                f"{layer.who} belongs to a model already; its weights are a view into that model. "
                "Make a new layer."
            )
        names = [other.name for other in self.layers]
        if layer.name in names:
            raise ValueError(
                f"Layer names must differ. Received {layer.name!r} twice. "
                "Leave name=None to have one chosen."
            )
        if layer.name is None:
            layer.name = kind = type(layer).__name__.lower()
            i = 0
            while layer.name in names:
                i += 1
                layer.name = f"{kind}_{i}"
        if not self.layers and self.n_in is None and layer.input_dim:
            self.n_in, self.input_shape = layer.input_dim, (layer.input_dim,)
        self.layers.append(layer)
        if self.input_shape is not None:
            try:
                self.build((None, *self.input_shape))
            except ValueError:
                self.layers.pop()
                raise
        layer.taken = True

    def pop(self) -> Layer:
        """Remove the last layer and return it; all layers keep their weights.

        The model has other parameters then: compile it again before training goes on.

        Raises:
            RuntimeError: the model has no layers.
        """
        self._must_have_layers()
        layer = self.layers.pop()
        layer.taken = False
        if self.layers and self.input_shape is not None:
            self.build((None, *self.input_shape))
        elif not self.layers:
            self.theta = self.grad = np.empty(0, self.dtype)
            self._bind()
        return layer

    @property
    def built(self) -> bool:
        """Whether the weights exist."""
        layers = self.layers if self.n_in is not None else []
        return bool(layers) and all(layer.built for layer in layers)

    def build(self, input_shape: int | tuple[int | None, ...]) -> None:
        """Make the weights for ``input_shape`` = ``(None, features)`` or just ``features``.

        Layers that have weights keep them; new ones draw theirs from their own random stream, and
        so does each `Dropout` from its own.

        Raises:
            TypeError, ValueError: not a shape, or not the one the model or a layer has; then
                nothing has changed.
        """
        given = input_shape[1:] if isinstance(input_shape, tuple) else ()
        shape = tuple(
            at_least_one(n, "the number of features")
            for n in given or (input_shape,)
        )
        if not self.layers:
            raise ValueError(
                "A model without layers cannot be built. Add one: add(Dense(1))."
            )
        if self.input_shape not in (None, shape):
            raise ValueError(
                f"The model has inputs of {_per_sample(self.input_shape)}. "
                f"Received {_per_sample(shape)}. Make a new model."
            )
        if len(shape) > 1 and not isinstance(self.layers[0], Flatten):
            raise ValueError(
                f"{self._who} expected inputs of one axis, (n, features). Received samples of "
                f"shape {shape}. Put Flatten() first, which makes one row of each."
            )
        n_in = width = math.prod(shape)
        for layer in self.layers:
            if layer.built and layer.n_in != width:
                raise ValueError(
                    f"{layer.who} was built for {layer.n_in} inputs. Received {width}. "
                    "Make a new layer."
                )
            width = layer.n_out(width)
        self.n_in, self.input_shape = n_in, shape
        # a layer takes the stream of its place among its kind: one without
        # weights must not shift the numbers of those with weights
        initial, weighted, droppers = [np.empty(0, self.dtype)], 0, 0
        for layer in self.layers:
            n_in = layer.build(n_in)
            if names := layer.shapes():
                rng = self._stream(_WEIGHTS, weighted)
                initial += layer.params.values() or [
                    layer.initial(name, rng) for name in names
                ]
                weighted += 1
            if isinstance(layer, Dropout):
                if layer.seed is None and not layer.built:
                    layer.rng = self._stream(_DROPOUT, droppers)
                droppers += 1
        self.theta = np.concatenate([w.ravel() for w in initial]).astype(
            self.dtype
        )
        self.grad = np.zeros_like(self.theta)
        self._bind()

    def _bind(self) -> None:
        """Give each layer its views into ``theta`` and ``grad``."""
        start = 0
        for layer in self.layers:
            params, grads = {}, {}
            for name, shape in layer.shapes().items():
                stop = start + math.prod(shape)
                params[name] = self.theta[start:stop].reshape(shape)
                grads[name] = self.grad[start:stop].reshape(shape)
                start = stop
            layer.bind(params, grads)
        # so that a step asks only the layers that have a regularizer
        self._regularized = [
            layer for layer in self.layers if layer.kernel_regularizer
        ]

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.built:  # a copy's layers must see the copy's theta
            self._bind()

    def compile(
        self,
        optimizer: str | Optimizer = "rmsprop",
        loss: str | Loss | None = None,
        *,
        metrics: str | NamedMetric | Sequence[str | NamedMetric] | None = None,
    ) -> None:
        """Choose the optimizer, the loss and the metrics, by name or as objects.

        Raises:
            ValueError: unknown name (the known ones are listed).
            TypeError: other kinds, or no loss.
        """
        if loss is None:
            raise TypeError(
                "compile needs a loss, such as loss='mse'. Received None."
            )
        chosen = (
            optimizers.get(optimizer),
            losses.get(loss),
            metrics_module.get(metrics),
        )
        self.optimizer, self.loss, self.metrics = chosen
        self.compiled = True

    def get_config(self) -> dict[str, Any]:
        """Return the architecture, without weights and compile settings, as JSON can hold it.

        Counterpart: Keras's ``Sequential.get_config``.

        Raises:
            TypeError: a layer holds something that is not nnbook's.
        """
        return {
            "name": self.name,
            "dtype": self.dtype.name,
            "input_shape": self.input_shape and list(self.input_shape),
            "layers": saving.pack(self.layers),
        }

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], *, seed: int | None = None
    ) -> Sequential:
        """Return a model of that architecture with new random weights.

        Counterpart: Keras's ``Sequential.from_config``.

        Raises:
            TypeError, ValueError, KeyError: not what `get_config` returns.
        """
        shape = config["input_shape"]
        layers = [] if shape is None else [Input(tuple(shape))]
        layers += saving.unpack(list(config["layers"]))
        return cls(
            layers, name=config["name"], seed=seed, dtype=config["dtype"]
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write architecture, weights, compile settings and the optimizer's memory to one file.

        All of it or nothing: an older file of that name stays until the new one is whole.
        Counterpart: Keras's ``Model.save``. `load_model` reads it.

        Raises:
            RuntimeError: the model has no weights yet.
            TypeError: a layer, loss, metric or optimizer is not nnbook's.
            ValueError: ``path`` does not end in ``.npz``.
            OSError: it cannot be written.
        """
        if not self.built:
            raise RuntimeError(
                "The model has no weights to save yet. Start it with Input(shape=(features,))."
            )
        architecture: dict[str, Any] = {"model": self.get_config()}
        architecture["compile"] = architecture["iterations"] = None
        arrays = {"theta": self.theta}
        if self.compiled:
            architecture["compile"] = {
                "optimizer": saving.pack(self.optimizer),
                "loss": saving.pack(self.loss),
                "metrics": [
                    _pack_metric(*one) for one in self.metrics.items()
                ],
            }
            if self.optimizer.serves(self.theta):
                architecture["iterations"] = self.optimizer.iterations
                arrays |= self.optimizer.memories()
        saving.write(path, architecture, arrays)

    # --- the heart ----------------------------------------------------------------------------

    def _backpropagate(
        self,
        x: Array,
        y: Array,
        w: Array | None,
        work: _Work,
        z: Array,
        y_pred: Array,
    ) -> None:
        """Go forward through the layers and back; fill ``grad``, ``z`` and ``y_pred``."""
        output = self.layers[-1]
        f = output.activation
        # forward: eq-dense, layer by layer
        a = x
        for layer, out in work.forth:
            a = layer.forward(a, training=True, out=out)
        output.preactivation(a, training=True, out=z)
        f(z, out=y_pred)
        # back: eq-delta-output, then eq-hidden-delta from layer to layer
        delta = self.loss.delta(y, y_pred, f, out=work.delta)
        if w is not None:
            delta *= w
        grad = output.backward_delta(
            delta, out=work.dx, input_grad=bool(work.back)
        )
        for layer, dx in work.back:
            assert grad is not None
            delta = layer.activation.vjp(layer._a, grad, out=grad)
            grad = layer.backward_delta(
                delta, out=dx, input_grad=dx is not None
            )
        for layer in self._regularized:
            layer.add_penalty_grad()

    def _penalty(self) -> float:
        """Return what the regularizers add to the loss."""
        return sum(layer.penalty() for layer in self._regularized)

    def _loss(self, y: Array, z: Array, w: Array | None) -> float:
        """Return the mean loss of the outputs ``f(z)``, without penalties."""
        weights = None if w is None else w[:, 0]
        return self.loss.value(y, z, self.layers[-1].activation, weights)

    def loss_and_grad(
        self,
        x: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[float, Array]:
        """Return the mean loss over the samples and its gradient by ``theta``, ``(parameters,)``.

        As in training: the penalties of regularizers are added, and `Dropout` layers drop.
        The way back begins with eq-delta-output.
        Derived: eq-output-delta, eq-hidden-delta, eq-weight-gradient, eq-bias-gradient.
        Counterpart: a ``tf.GradientTape`` around the model and its loss.

        Raises:
            RuntimeError: not compiled.
            TypeError, ValueError: x or y do not fit.
        """
        self._must_be_compiled("loss_and_grad")
        samples = self._checked(x, y, sample_weight)
        return self._batch(*samples)[0], self.grad.copy()

    def _batch(
        self, x: Array, y: Array, w: Array | None
    ) -> tuple[float, Array]:
        """Fill ``grad`` for one batch of all samples; return its loss and its outputs."""
        x = self._rows(x)
        work = _Work(self.layers, len(x), self.dtype)
        z, y_pred = np.empty_like(work.delta), np.empty_like(work.delta)
        self._backpropagate(x, y, w, work, z, y_pred)
        return self._loss(y, z, w) + self._penalty(), y_pred

    # --- training and use ---------------------------------------------------------------------

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Callback | Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Sequence[ArrayLike] | None = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> History:
        """Train by mini-batch gradient descent; return the `History` of the epochs.

        Each epoch visits the samples in batches of ``batch_size`` (None: 32) and makes one update a
        batch. The loss and the metrics of an epoch are means over its samples, each taken when its
        batch was visited, as in Keras. The loss includes the penalties of regularizers.

        Args:
            x: inputs ``(n, features)``.
            y: targets of the outputs' shape; ``(n,)`` will do for one output.
            batch_size: samples per update, at least 1.
            epochs: how often all samples are visited, at least 1.
            verbose: 0 silent, 1 or "auto" a progress bar (from tqdm), 2 a line an epoch.
            callbacks: more `Callback` objects.
            validation_split: the share of samples, the *last* ones, kept back for validation.
            validation_data: ``(x, y)`` for validation, or with weights ``(x, y, w)``; wins over
                ``validation_split``.
            shuffle: whether each epoch visits the samples in a new order.
            class_weight: a weight for the samples of each class, ``{class: weight}``; 1 for others.
            sample_weight: a weight for each sample's loss, ``(n,)``; it does not weigh metrics.

        Raises:
            RuntimeError: not compiled.
            TypeError, ValueError: anything that does not fit; then nothing has changed.
        """
        self._must_be_compiled("fit")
        size = _batch_size(batch_size, 32)
        epochs, verbose = at_least_one(epochs, "epochs"), _verbosity(verbose)
        samples = self._checked(x, y, sample_weight, class_weight)
        validation = None
        if validation_data is not None:
            held_out = (
                list(validation_data)
                if isinstance(validation_data, tuple | list)
                else []
            )
            if len(held_out) not in (2, 3):
                raise ValueError(
                    "validation_data must be a pair (x, y), or (x, y, sample_weight)."
                )
            shape = samples[0].shape[1:]
            validation = self._checked(
                *held_out, what="validation ", shape=shape
            )
        elif checks.number(
            validation_split, "validation_split", low=0, high=1
        ):
            samples, validation = _split(samples, validation_split)
        given = (
            [callbacks] if isinstance(callbacks, Callback) else callbacks or []
        )
        for callback in given:
            if not isinstance(callback, Callback):
                raise TypeError(
                    f"callbacks must be nnbook callbacks. Received {callback!r}."
                )
        self.optimizer.check(self.theta)
        x, y, w = self._rows(samples[0]), *samples[1:]
        self.optimizer.build(self.theta)

        self.history, self.stop_training = History(), False
        # the history comes after those that add to it
        everyone = [
            *given,
            self.history,
            *([ProgressLogger(verbose)] if verbose else []),
        ]
        steps = math.ceil(len(x) / size)
        for callback in everyone:
            callback.model = self
            callback.params = {
                "epochs": epochs,
                "steps": steps,
                "verbose": verbose,
            }

        def tell(event: str, *about: Any) -> None:
            for callback in everyone:
                getattr(callback, event)(*about)

        try:
            # like Keras, training that diverges ends in a loss of inf or nan, not in warnings
            with np.errstate(over="ignore", invalid="ignore"):
                tell("on_train_begin")
                training = self._epochs(x, y, w, size, shuffle, everyone)
                for epoch in range(epochs):
                    tell("on_epoch_begin", epoch)
                    logs = next(training)
                    if validation is not None:
                        found = self._measure(*validation)
                        logs |= {f"val_{name}": found[name] for name in found}
                    tell("on_epoch_end", epoch, logs)
                    if self.stop_training:
                        break
                tell("on_train_end")
        finally:
            self._forget()
        return self.history

    def _epochs(
        self,
        x: Array,
        y: Array,
        w: Array | None,
        batch_size: int,
        shuffle: bool,
        callbacks: Sequence[Callback],
    ) -> Iterator[Logs]:
        """Train epoch by epoch, as long as one asks; yield what each has measured."""
        n, batch_size = len(x), min(batch_size, len(x))
        sizes = {batch_size, n % batch_size or batch_size}
        works = {size: _Work(self.layers, size, self.dtype) for size in sizes}
        k = works[batch_size].delta.shape[1]
        # samples are put in order and losses computed some batches at a time:
        # a gather for every batch takes longer, one for all takes memory
        numbers = batch_size * max(x.shape[1], k)  # of a batch
        at_once = batch_size * max(1, _NUMBERS_AT_ONCE // numbers)
        parts = [
            (some, _slices(len(x[some]), batch_size))
            for some in _slices(n, at_once)
        ]
        z = np.empty((min(at_once, n), k), self.dtype)
        y_pred = np.empty((n, k), self.dtype)
        # calls that would do nothing are left out of the loop over the batches
        after_batch = [
            callback.on_train_batch_end
            for callback in callbacks
            if type(callback).on_train_batch_end
            is not Callback.on_train_batch_end
        ]
        theta, grad, step = self.theta, self.grad, self.optimizer.step
        while True:
            y_epoch, w_epoch = y, w
            if shuffle:
                order = self._shuffle.permutation(n)
                y_epoch, w_epoch = y[order], _of(w, order)
            loss = penalty = 0.0
            batch = 0
            for some, batches in parts:
                xs = x.take(order[some], axis=0) if shuffle else x[some]
                ys, ws = y_epoch[some], _of(w_epoch, some)
                outputs = y_pred[some]
                for rows in batches:
                    xb, wb = xs[rows], _of(ws, rows)
                    work = works[len(xb)]
                    self._backpropagate(
                        xb, ys[rows], wb, work, z[rows], outputs[rows]
                    )
                    if self._regularized:
                        penalty += len(xb) / n * self._penalty()
                    step(theta, grad)
                    for call in after_batch:
                        call(batch)
                    batch += 1
                loss += len(xs) / n * self._loss(ys, z[: len(xs)], ws)
            yield self._logs(y_epoch, y_pred, loss + penalty)

    def train_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Measured:
        """Make one update on all samples of ``x``; return loss and metrics from before it.

        They come as in `evaluate`: the loss, or ``[loss, metrics...]``, or a dict.

        Raises:
            RuntimeError: not compiled.
            TypeError, ValueError: x or y do not fit.
        """
        self._must_be_compiled("train_on_batch")
        x, y, w = self._checked(x, y, sample_weight, class_weight)
        self.optimizer.check(self.theta)
        with np.errstate(over="ignore", invalid="ignore"):  # as in fit
            loss, y_pred = self._batch(x, y, w)
            self.optimizer.step(self.theta, self.grad)
        self._forget()
        return self._told(self._logs(y, y_pred, loss), return_dict)

    def evaluate(
        self,
        x: ArrayLike,
        y: ArrayLike,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: ArrayLike | None = None,
        *,
        return_dict: bool = False,
    ) -> Measured:
        """Return the loss, or ``[loss, metrics...]``, or a dict; nothing is changed.

        ``batch_size`` only sets how many rows are computed at a time (None: 1024).

        Raises:
            RuntimeError: not compiled.
            TypeError, ValueError: x or y do not fit.
        """
        self._must_be_compiled("evaluate")
        rows = _batch_size(batch_size, _ROWS_AT_ONCE)
        verbose = _verbosity(verbose)
        samples = self._checked(x, y, sample_weight)
        progress = Progress(math.ceil(len(samples[0]) / rows), verbose)
        logs = self._measure(*samples, rows, progress.update)
        progress.close(logs)
        return self._told(logs, return_dict)

    def predict(
        self,
        x: ArrayLike,
        batch_size: int | None = None,
        verbose: int | str = "auto",
    ) -> Array:
        """Return the outputs ``(n, k)`` for inputs ``(n, features)``; nothing is changed.

        Raises:
            TypeError, ValueError: x does not fit.
        """
        rows = _batch_size(batch_size, _ROWS_AT_ONCE)
        verbose = _verbosity(verbose)
        self._must_have_layers()
        x = self._rows(self._samples(x, "x", self.input_shape))
        progress = Progress(math.ceil(len(x) / rows), verbose)
        y_pred, _ = self._outputs(x, rows, progress.update)
        progress.close({})
        return y_pred

    def _measure(
        self,
        x: Array,
        y: Array,
        w: Array | None,
        rows: int = _ROWS_AT_ONCE,
        after_batch: Callable[[], None] = lambda: None,
    ) -> Logs:
        """Return loss and metrics of these samples."""
        y_pred, loss = self._outputs(self._rows(x), rows, after_batch, y, w)
        return self._logs(y, y_pred, loss + self._penalty())

    @np.errstate(over="ignore", invalid="ignore")  # as in fit
    def _outputs(
        self,
        x: Array,
        at_once: int,
        after_batch: Callable[[], None],
        y: Array | None = None,
        w: Array | None = None,
    ) -> tuple[Array, float]:
        """Return the outputs and, beside targets, the mean loss, some rows at a time."""
        *hidden, output = self.layers
        y_pred = np.empty((len(x), output.n_out(output.n_in or 0)), self.dtype)
        loss = 0.0
        for rows in _slices(len(x), at_once):
            a = x[rows]
            for layer in hidden:
                z = layer.preactivation(a)
                a = layer.activation(z, out=z)
            z = output.preactivation(a)
            if y is not None:
                loss += len(z) / len(x) * self._loss(y[rows], z, _of(w, rows))
            output.activation(z, out=y_pred[rows])
            after_batch()
        self._forget()
        return y_pred, loss

    @np.errstate(over="ignore", invalid="ignore")  # as in fit
    def _logs(self, y: Array, y_pred: Array, loss: float) -> Logs:
        """Return the loss and the metrics, sorted by name as in Keras."""
        logs = {"loss": loss}
        # of a model that has diverged there is nothing to measure
        alive = not self.metrics or checks.all_finite(y_pred)
        for name, metric in self.metrics.items():
            logs[name] = metric(y, y_pred) if alive else math.nan
        return dict(sorted(logs.items()))

    def _told(self, logs: Logs, return_dict: bool) -> Measured:
        if return_dict:
            return logs
        values = [logs[name] for name in ("loss", *self.metrics)]
        return values if self.metrics else values[0]

    def _forget(self) -> None:
        """Keep no buffer of the last pass alive."""
        for layer in self.layers:
            layer.forget()

    # --- weights ------------------------------------------------------------------------------

    def get_weights(self) -> list[Array]:
        """Return copies of all kernels and biases, in the order of the layers, as in Keras."""
        return [w for layer in self.layers for w in layer.get_weights()]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Copy values into all kernels and biases; the counterpart of `get_weights`.

        Raises:
            RuntimeError: the model has no weights yet.
            TypeError, ValueError: wrong number, shape or kind; then nothing has changed.
        """
        if not self.built:
            raise RuntimeError(
                "The model has no weights yet. Build it first: start with Input(shape=(features,)) "
                "or call build((None, features))."
            )
        mine = [w for layer in self.layers for w in layer.params.values()]
        shapes = [w.shape for w in mine]
        if len(weights) != len(shapes):
            raise ValueError(
                f"set_weights expected {len(shapes)} arrays of shapes {shapes}. "
                f"Received {len(weights)}."
            )
        new = []
        for i, (w, shape) in enumerate(zip(weights, shapes, strict=True)):
            new.append(checks.as_numbers(w, f"weights[{i}]", self.dtype))
            if new[i].shape != shape:
                raise ValueError(
                    f"set_weights expected shape {shape} for weights[{i}]. Received "
                    f"{new[i].shape}. All shapes in order: {shapes}."
                )
        for old, w in zip(mine, new, strict=True):
            old[:] = w

    def count_params(self) -> int:
        """Return the number of parameters, weights and biases together.

        Derived: eq-parameter-count.
        """
        return self.theta.size

    def summary(self, *, print_fn: Callable[[str], object] = print) -> None:
        """Print the layers, the shapes of their outputs and their parameters: Keras's table."""
        self._must_have_layers()
        rows = [("Layer (type)", "Output Shape", "Param #")]
        for layer in self.layers:
            width = None if layer.n_in is None else layer.n_out(layer.n_in)
            size = f"{sum(w.size for w in layer.params.values()):,}"
            if isinstance(layer, Dense) and not layer.built:
                size = "0 (unbuilt)"
            kind = f"{layer.name} ({type(layer).__name__})"
            rows.append((kind, f"(None, {width})" if width else "?", size))
        count, memory = self.optimizer.memory() if self.compiled else (0, 0)
        n, size_n = self.theta.size, self.theta.nbytes
        lines = [
            f'Model: "{self.name}"',
            _table(rows),
            f" Total params: {_size(n + count, size_n + memory)}",
            f" Trainable params: {_size(n, size_n)}",
            " Non-trainable params: 0 (0.00 B)",
            *([f" Optimizer params: {_size(count, memory)}"] if count else []),
        ]
        print_fn("\n".join(lines))

    # --- checks -------------------------------------------------------------------------------

    @property
    def _who(self) -> str:
        return self.layers[0].who

    def _must_have_layers(self) -> None:
        if not self.layers:
            raise RuntimeError(
                "The model has no layers. Add one first: add(Dense(1))."
            )

    def _must_be_compiled(self, call: str) -> None:
        self._must_have_layers()
        if not self.compiled:
            raise RuntimeError(
                f"Call compile before {call}: for example "
                "model.compile(optimizer='adam', loss='binary_crossentropy')."
            )
        self.loss.check_output(self.layers[-1].activation)

    def _samples(
        self, x: ArrayLike, what: str, shape: tuple[int, ...] | None
    ) -> Array:
        """Return x as samples of the ``shape`` that the first layer takes."""
        if isinstance(self.layers[0], Flatten):
            return checks.as_samples(x, shape, self._who, self.dtype, what)
        width = shape[0] if shape else None
        return checks.as_batch(x, width, self._who, self.dtype, what)

    def _checked(
        self,
        x: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | None = None,
        *,
        what: str = "",
        shape: tuple[int, ...] | None = None,
    ) -> Samples:
        """Return x, y and the weights; changes nothing, so it can come first."""
        x = self._samples(x, f"{what}x", self.input_shape or shape)
        n_out = math.prod(x.shape[1:])
        for layer in self.layers:
            n_out = layer.n_out(n_out)
        y = self.loss.targets(y, len(x), n_out, self.dtype, f"{what}y")
        for metric in self.metrics.values():
            # one that cannot compare such targets says so before training
            metric(y[:1], np.zeros((1, n_out), self.dtype))
        w = checks.as_weights(sample_weight, len(x), f"{what}sample_weight")
        if class_weight is not None:
            if w is not None:
                raise ValueError(
                    "Only one of class_weight and sample_weight can be given. Received both: "
                    "multiply them into one sample_weight."
                )
            w = _class_weights(y, class_weight)
        return x, y, None if w is None else w.astype(self.dtype)[:, None]

    def _rows(self, x: Array) -> Array:
        """Return one row a sample, for a model that is built for them if it was not."""
        if not self.built:
            self.build((None, *x.shape[1:]))
        return x.reshape(len(x), -1)


def load_model(path: str | os.PathLike[str]) -> Sequential:
    """Return the model of a file that `Sequential.save` has written, compiled if it was.

    The optimizer goes on where it stopped. Random streams (the order of samples, dropout) are new.
    Counterpart: ``keras.models.load_model``.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such file, is damaged, or comes from a later version.
    """
    architecture, arrays = saving.read(path)
    with saving.refusing(path):
        model = Sequential.from_config(architecture["model"])
        expected = {"theta": model.theta}
        if architecture["compile"] is not None:
            settings = architecture["compile"].items()
            model.compile(**{k: saving.unpack(v) for k, v in settings})
            steps = architecture["iterations"]
            if steps is not None:
                model.optimizer.build(model.theta)
                model.optimizer.iterations = integer(steps, "iterations", 0)
                expected |= model.optimizer.memories()
        found = {name: (a.shape, a.dtype) for name, a in arrays.items()}
        wanted = {name: (a.shape, a.dtype) for name, a in expected.items()}
        if found != wanted:
            raise ValueError(f"expected arrays {wanted}, received {found}")
        for name, array in expected.items():
            array[:] = arrays[name]
    return model


def _pack_metric(name: str, metric: metrics_module.Metric) -> Any:
    """Return a metric as JSON can hold it, under the name that the history has for it."""
    if not isinstance(metric, NamedMetric):
        return name  # "accuracy", whose kind the shapes decide
    packed = saving.pack(metric)
    return packed | {"config": packed["config"] | {"name": name}}


def _slices(n: int, size: int) -> list[slice]:
    """Return the slices of ``n`` rows into parts of ``size`` rows; the last may be shorter."""
    return [slice(i, min(i + size, n)) for i in range(0, n, size)]


def _of(w: Array | None, rows: Any) -> Array | None:
    """Return the weights of these rows, if there are weights."""
    return None if w is None else w[rows]


def _split(samples: Samples, share: float) -> tuple[Samples, Samples]:
    """Return the samples without the last ``share`` of them, and those."""
    x, y, w = samples
    split = math.floor(len(x) * (1 - share))
    if split in (0, len(x)):
        raise ValueError(
            f"validation_split={share} leaves none of {len(x)} samples to "
            f"{'validate' if split else 'train'} on. Use another, or give validation_data."
        )
    first, last = slice(split), slice(split, None)
    return (x[first], y[first], _of(w, first)), (
        x[last],
        y[last],
        _of(w, last),
    )


def _class_weights(y: Array, class_weight: Mapping[int, float]) -> Array:
    """Return the weight of each sample's class, 1 where there is none."""
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"class_weight must be a dict such as {{0: 1.0, 1: 5.0}}. Received {class_weight!r}."
        )
    weights = {
        key: checks.number(w, f"class_weight[{key}]", low=0)
        for key, w in class_weight.items()
    }
    classes = np.argmax(y, axis=1) if y.shape[1] > 1 else np.round(y[:, 0])
    return np.array([weights.get(int(c), 1.0) for c in classes])


def _per_sample(shape: tuple[int, ...] | None) -> str:
    return (
        f"shape {shape}"
        if shape is None or len(shape) > 1
        else f"{shape[0]} features"
    )


def _batch_size(given: int | None, default: int) -> int:
    return default if given is None else at_least_one(given, "batch_size")


def _verbosity(verbose: int | str) -> int:
    if verbose == "auto":
        return 1
    if verbose not in (0, 1, 2):
        raise ValueError(
            f"verbose must be 0, 1, 2 or 'auto'. Received {verbose!r}."
        )
    return int(verbose)


def _table(rows: list[tuple[str, str, str]]) -> str:
    """Return Keras's table of these rows, as wide as in a terminal of 80 columns."""
    widths = [
        max(w, *(len(row[i]) for row in rows))
        for i, w in enumerate((31, 22, 13))
    ]

    def rule(left: str, bar: str, middle: str, right: str) -> str:
        return (
            left + middle.join(bar * (width + 2) for width in widths) + right
        )

    def cells(edge: str, row: tuple[str, str, str]) -> str:
        a, b, c = widths
        return f"{edge} {row[0]:<{a}} {edge} {row[1]:<{b}} {edge} {row[2]:>{c}} {edge}"

    header, *rest = rows
    body = f"\n{rule(*'├─┼┤')}\n".join(cells("│", row) for row in rest)
    lines = [
        rule(*"┏━┳┓"),
        cells("┃", header),
        rule(*"┡━╇┩"),
        body,
        rule(*"└─┴┘"),
    ]
    return "\n".join(lines)


def _size(count: int, memory: float) -> str:
    """Return a number of parameters with their memory in a unit that suits."""
    units = iter(("B", "KB", "MB", "GB"))
    unit = next(units)
    while memory >= 1024:
        memory, unit = memory / 1024, next(units, "TB")
    return f"{count:,} ({memory:.2f} {unit})"
