"""Layers: ``z = x W + b``, then ``a = f(z)``.

A layer owns no memory of its own for weights: it is given *views* into the model's one flat vector
of parameters and one flat vector of gradients (`Layer.bind`). Going forward it keeps its input and
its output, because going back needs them. Matrices are multiplied by ``np.dot``, which takes less
time to begin than ``np.matmul``: with small batches that counts.

A setting of the wrong kind is refused with a TypeError, one out of range or an unknown name with
a ValueError.
Counterpart: ``keras.layers``. Sources: :cite:`goodfellow2016deep`, chapter 6;
:cite:`rumelhart1986backprop`.
"""

from __future__ import annotations  # numpy.random can wait

import inspect
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from nnbook import activations, initializers, regularizers
from nnbook.checks import (
    Array,
    Configured,
    Out,
    as_batch,
    as_samples,
    at_least_one,
    number,
)
from nnbook.initializers import Initializer, check_seed
from nnbook.regularizers import Regularizer

INPUT_DIM_WARNING = (
    "Do not pass an `input_shape`/`input_dim` argument to a layer. When using Sequential models, "
    "prefer using an `Input(shape)` object as the first layer in the model instead."
)


class Input:
    """The shape of one sample, as the first entry of a model: ``Input(shape=(8,))``.

    More than one axis, as an image of ``(8, 8)`` has, needs a `Flatten` next.
    Counterpart: ``keras.Input``.

    Raises:
        TypeError: ``shape`` is not a tuple of integers.
        ValueError: there is no axis, or one below 1.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        if not isinstance(shape, tuple | list):
            raise TypeError(
                f"Input expected a shape such as (8,). Received {shape!r}. "
                f"Use Input(shape=({shape},))."
            )
        if not shape:
            raise ValueError(
                "Input expected a shape of one axis, (features,), or more. Received ()."
            )
        what = "the number of features in Input's shape"
        self.shape = tuple(at_least_one(size, what) for size in shape)

    def __repr__(self) -> str:
        return f"<Input shape={self.shape}>"


class Layer(Configured):
    """One step of the network: a pre-activation ``z`` of the input, then ``a = f(z)``."""

    activation: activations.Activation = activations.linear
    input_dim: int | None = None
    kernel_regularizer: Regularizer | None = None

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        # by a model: its weights are a view into that model
        self.taken = False
        self.built = False  # whether it has its place in a model, and weights
        self.n_in: int | None = None
        self.params: Mapping[str, Array] = {}
        self.grads: Mapping[str, Array] = {}
        self.forget()

    def get_config(self) -> dict[str, Any]:
        names = inspect.signature(type(self)).parameters
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        kind = type(self).__name__
        return f"<{kind} name={self.name}, built={self.built}>"  # as in Keras

    @property
    def who(self) -> str:
        """Class and name as in ``Dense 'dense_1'``, for error messages."""
        kind = type(self).__name__
        return f"{kind} {self.name!r}" if self.name else kind

    def n_out(self, n_in: int) -> int:
        """Return the number of outputs per sample for ``n_in`` inputs per sample."""
        return n_in

    def build(self, n_in: int) -> int:
        """Remember the number of inputs; return the number of outputs. Draws no weights."""
        self.n_in = n_in
        return self.n_out(n_in)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the parameters by name, in the order of ``get_weights``."""
        return {}

    def initial(self, name: str, rng: np.random.Generator) -> Array:
        """Return the initial values of a parameter."""
        raise NotImplementedError

    def bind(
        self, params: Mapping[str, Array], grads: Mapping[str, Array]
    ) -> None:
        """Take views into the model's ``theta`` and ``grad`` as parameters and gradients."""
        self.params, self.grads = params, grads
        self.built = True
        self.forget()

    def forget(self) -> None:
        """Let go of the input and output of the last forward pass."""
        self._x: Any = None
        self._a: Any = None

    def get_weights(self) -> list[Array]:
        """Return copies of the parameters, in the order of `shapes`: kernel, then bias."""
        return [w.copy() for w in self.params.values()]

    def checked(self, x: Array) -> Array:
        """Return ``x`` as a batch for this layer, or say why it is none."""
        return as_batch(x, self.n_in, self.who, None)

    def preactivation(
        self, x: Array, *, training: bool = False, out: Out = None
    ) -> Array:
        """Return ``z``, shape ``(n, n_out)``, and remember what the way back needs."""
        raise NotImplementedError

    def forward(
        self, x: Array, *, training: bool = False, out: Out = None
    ) -> Array:
        """Return ``a = f(z)``, shape ``(n, n_out)``; written to ``out`` if given.

        Raises:
            RuntimeError: a `Dense` layer has no weights yet.
            TypeError, ValueError: ``x`` is not a batch that fits.
        """
        if out is None:
            # called by hand; a model passes checked arrays and its own memory
            x = self.checked(x)
        z = self.preactivation(x, training=training, out=out)
        self._a = a = self.activation(z, out=z)
        return a

    def backward(
        self, grad: Array, *, out: Out = None, input_grad: bool = True
    ) -> Out:
        """Return ``dC/dx`` from ``grad = dC/da`` and fill the gradient views (eq-hidden-delta).

        ``input_grad=False`` skips ``dC/dx`` and returns None: nobody needs it of the first layer.

        Derived: eq-hidden-delta, eq-hidden-delta-matrix.

        Raises:
            RuntimeError: there was no forward pass.
            ValueError: ``grad`` is not of ``a``'s shape.
        """
        if self._a is None:
            raise RuntimeError(
                f"{self.who}: backward came before forward. Call forward(x) first: "
                "the gradient is that of the last forward pass."
            )
        if grad.shape != self._a.shape:
            raise ValueError(
                f"{self.who} expected dC/da of the output's shape {self._a.shape}. "
                f"Received {grad.shape}."
            )
        grad = np.asarray(grad, self._a.dtype)  # np.dot needs one dtype
        delta = self.activation.vjp(self._a, grad)
        return self.backward_delta(delta, out=out, input_grad=input_grad)

    def backward_delta(
        self, delta: Array, *, out: Out = None, input_grad: bool = True
    ) -> Out:
        """As `backward`, but from ``delta = dC/dz``: the way in for the output layer."""
        raise NotImplementedError

    def penalty(self) -> float:
        """Return what the regularizer adds to the loss: 0 without one."""
        return 0.0

    def add_penalty_grad(self) -> None:
        """Add the slope of `penalty` to the gradient views, which `backward` has filled."""


class Dense(Layer):
    """A fully connected layer: ``a = f(x W + b)`` (eq-dense).

    Shapes: ``x (n, n_in)``, kernel ``W (n_in, units)``, bias ``b (units,)``, ``a (n, units)``.
    Back (eq-weight-gradient, eq-bias-gradient): ``dC/dW = xᵀ delta``, ``dC/db = sum of delta over
    the samples``, ``dC/dx = delta Wᵀ`` with ``delta = dC/dz``.
    Derived: eq-layer, eq-forward-matrix, eq-weight-gradient-matrix, eq-bias-gradient-matrix.
    Counterpart: ``keras.layers.Dense``.

    Args:
        units: number of neurons, that is of outputs per sample.
        activation: a name ("relu"), an activation of nnbook, or None for linear.
        use_bias: whether there is a bias ``b``; False leaves ``a = f(x W)``.
        kernel_initializer: where the kernel starts: a name or an initializer of nnbook.
        bias_initializer: where the bias starts.
        kernel_regularizer: what is added to the loss for the kernel: a name ("l2"), a regularizer
            of nnbook, or None.
        name: the layer's name; None lets the model choose ``dense``, ``dense_1``, ...
        input_dim: Keras's old way to give the number of features; warns as Keras does.

    Raises:
        TypeError, ValueError: ``units`` is not an integer of at least 1; ``use_bias`` is neither
            True nor False; unknown activation, initializer or regularizer.
    """

    def __init__(
        self,
        units: int,
        activation: str | activations.Activation | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        kernel_regularizer: str | Regularizer | None = None,
        *,
        name: str | None = None,
        input_dim: int | None = None,
    ) -> None:
        super().__init__(name)
        self.units = at_least_one(units, "units of Dense")
        self.activation = activations.get(activation)
        if not isinstance(use_bias, bool):
            raise TypeError(
                f"use_bias of Dense must be True or False. Received {use_bias!r}."
            )
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        if input_dim is not None:
            self.input_dim = at_least_one(input_dim, "input_dim of Dense")
            warnings.warn(INPUT_DIM_WARNING, stacklevel=2)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["input_dim"]  # the model's Input tells it
        return config

    def checked(self, x: Array) -> Array:
        if not self.built:
            raise RuntimeError(
                f"{self.who} has no weights yet. Put it into a model and build that: "
                "nnbook.Sequential([Input(shape=(features,)), layer])."
            )
        return as_batch(x, self.n_in, self.who, self.kernel.dtype)

    def n_out(self, n_in: int) -> int:
        return self.units

    def shapes(self) -> dict[str, tuple[int, ...]]:
        if self.n_in is None:
            raise RuntimeError(f"{self.who} has no shapes before it is built.")
        bias = {"bias": (self.units,)} if self.use_bias else {}
        return {"kernel": (self.n_in, self.units), **bias}

    def initial(self, name: str, rng: np.random.Generator) -> Array:
        initializer: Initializer = getattr(self, f"{name}_initializer")
        return initializer(self.shapes()[name], rng)

    def bind(
        self, params: Mapping[str, Array], grads: Mapping[str, Array]
    ) -> None:
        super().bind(params, grads)
        # the same views as attributes: a look-up by name in every step would cost time
        self.kernel, self._grad_kernel = params["kernel"], grads["kernel"]
        # without a bias, add zeros to every row and look at no gradient
        zeros = np.zeros(self.units, self.kernel.dtype)
        zeros.flags.writeable = False
        self.bias = params.get("bias", zeros)
        self._grad_bias = grads.get("bias", np.empty_like(zeros))

    def forget(self) -> None:
        super().forget()
        self._kept_ones = np.ones(0)

    def _ones(self, n: int) -> Array:
        """Return ``n`` ones, made anew only where there are too few."""
        if len(self._kept_ones) < n:
            self._kept_ones = np.ones(n, self.kernel.dtype)
        return self._kept_ones[:n]

    def preactivation(
        self, x: Array, *, training: bool = False, out: Out = None
    ) -> Array:
        self._x = x
        z = np.dot(x, self.kernel, out=out)  # (n, units)
        return np.add(z, self.bias, out=z)  # the bias is added to every row

    def backward_delta(
        self, delta: Array, *, out: Out = None, input_grad: bool = True
    ) -> Out:
        # both sum over the n samples; the input of a bias is always 1
        np.dot(self._x.T, delta, out=self._grad_kernel)  # (n_in, units)
        np.dot(self._ones(len(delta)), delta, out=self._grad_bias)  # (units,)
        if not input_grad:
            return None
        return np.dot(delta, self.kernel.T, out=out)  # (n, n_in)

    def penalty(self) -> float:
        regularizer = self.kernel_regularizer
        return regularizer(self.kernel) if regularizer else 0.0

    def add_penalty_grad(self) -> None:
        if self.kernel_regularizer:
            self._grad_kernel += self.kernel_regularizer.grad(self.kernel)


class _Unweighted(Layer):
    """A layer without parameters: ``z`` is a copy of ``x``, where it does not say otherwise."""

    def preactivation(
        self, x: Array, *, training: bool = False, out: Out = None
    ) -> Array:
        return np.positive(x, out=out)

    def backward_delta(
        self, delta: Array, *, out: Out = None, input_grad: bool = True
    ) -> Out:
        return np.positive(delta, out=out) if input_grad else None


class Activation(_Unweighted):
    """An activation as a layer of its own: ``a = f(x)``; back, ``dC/dx = dC/dz``.

    ``Dense(10)`` and ``Activation("softmax")`` are together ``Dense(10, activation="softmax")``.
    Counterpart: ``keras.layers.Activation``.

    Args:
        activation: a name ("relu"), an activation of nnbook, or None for linear.
        name: the layer's name; None lets the model choose ``activation``, ``activation_1``, ...
    """

    def __init__(
        self,
        activation: str | activations.Activation | None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name)
        self.activation = activations.get(activation)


class Flatten(_Unweighted):
    """Makes one row of each sample: ``(n, 8, 8)`` becomes ``(n, 64)``; back, the other way.

    It comes first in a model, or changes nothing. Counterpart: ``keras.layers.Flatten``.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name)

    def checked(self, x: Array) -> Array:
        return as_samples(x, None, self.who, None)

    def preactivation(
        self, x: Array, *, training: bool = False, out: Out = None
    ) -> Array:
        self._x = x
        return np.positive(x.reshape(len(x), -1), out=out)

    def backward_delta(
        self, delta: Array, *, out: Out = None, input_grad: bool = True
    ) -> Out:
        dx = super().backward_delta(delta, out=out, input_grad=input_grad)
        return None if dx is None else dx.reshape(self._x.shape)


class Dropout(_Unweighted):
    """In training, drops each input with probability ``rate``: ``a = x m / (1 - rate)``.

    The mask ``m`` is 0 or 1, drawn anew for each batch and each of its inputs; back,
    ``dC/dx = dC/da m / (1 - rate)`` with the same mask. The factor keeps the mean of ``a`` equal to
    ``x``, so that nothing has to be done out of training: there ``a = x``.
    The layer draws from a random stream of its own, which comes from the model's seed.
    Derived: eq-dropout, eq-dropout-back.
    Counterpart: ``keras.layers.Dropout`` (which also takes 1, to drop everything).
    Source: :cite:`srivastava2014dropout`.

    Args:
        rate: the share of inputs to drop, at least 0 and below 1.
        seed: an integer for the layer's own stream; None takes it from the model's seed.
        name: the layer's name; None lets the model choose ``dropout``, ``dropout_1``, ...

    Raises:
        TypeError, ValueError: ``rate`` is not a number in that range; ``seed`` not one of those.
    """

    def __init__(
        self, rate: float, *, seed: int | None = None, name: str | None = None
    ) -> None:
        super().__init__(name)
        self.rate = number(rate, "rate of Dropout", low=0, high=1)
        self.seed = check_seed(seed, "Dropout")
        self.rng = np.random.default_rng(self.seed)

    def forget(self) -> None:
        super().forget()
        self._mask: Any = None  # m / (1 - rate) of the last forward pass

    def preactivation(
        self, x: Array, *, training: bool = False, out: Out = None
    ) -> Array:
        self._mask = None
        if not training or self.rate == 0:
            return super().preactivation(x, out=out)
        kept = self.rng.random(x.shape) >= self.rate
        self._mask = np.multiply(kept, 1 / (1 - self.rate), dtype=x.dtype)
        z: Array = np.multiply(x, self._mask, out=out)
        return z

    def backward_delta(
        self, delta: Array, *, out: Out = None, input_grad: bool = True
    ) -> Out:
        if self._mask is None or not input_grad:
            return super().backward_delta(
                delta, out=out, input_grad=input_grad
            )
        dx: Array = np.multiply(delta, self._mask, out=out)
        return dx
