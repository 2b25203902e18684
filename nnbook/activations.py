"""Activations: the bend in each neuron.

An activation ``f`` turns the pre-activations ``z`` of a layer into its outputs ``a = f(z)``. Going
back, it turns ``dC/da`` into ``dC/dz``; `Activation.vjp` computes that from the *output* ``a``, so
that nothing but the output has to be kept.

A setting of the wrong kind is refused with a TypeError, one out of range or an unknown name with
a ValueError.
Counterpart: ``keras.activations``. Sources: :cite:`goodfellow2016deep`, section 6.3.
"""

import numpy as np

from nnbook import checks
from nnbook.checks import Array, Configured, Out, number

# as arrays, because Python's numbers would be converted at every call; of
# float32, because that changes the dtype of neither float32 nor float64
_ZERO, _ONE = np.zeros((), np.float32), np.ones((), np.float32)


class Activation(Configured):
    """A function of the pre-activations, without parameters and without state."""

    name: str

    def __call__(self, z: Array, out: Out = None) -> Array:
        """Return ``a = f(z)``, shape of ``z``; written to ``out`` (which may be ``z``) if given."""
        raise NotImplementedError

    def vjp(self, a: Array, grad: Array, out: Out = None) -> Array:
        """Return ``dC/dz`` from ``grad = dC/da`` and the output ``a``; all of one shape.

        The name says vector-Jacobian product: row by row, ``dC/dz = dC/da · da/dz``. ``out`` may be
        ``grad``.
        Derived: eq-activation-back.
        """
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<activation {self.name}>"


class Linear(Activation):
    """``f(z) = z``, ``f'(z) = 1``. Counterpart: ``keras.activations.linear``."""

    name = "linear"

    def __call__(self, z: Array, out: Out = None) -> Array:
        return np.positive(z, out=out) if out is not z else z

    def vjp(self, a: Array, grad: Array, out: Out = None) -> Array:
        return np.positive(grad, out=out) if out is not grad else grad


class ReLU(Activation):
    """``f(z) = max(z, 0)``, ``f'(z) = 1 if z > 0 else 0`` (eq-relu).

    At ``z = 0`` there is no derivative; like Keras we take 0. So the mask must be ``a > 0``:
    with ``a >= 0`` it would be 1 everywhere, because a ReLU output is never negative.
    Derived: eq-relu-slope. Counterpart: ``keras.activations.relu``.
    """

    name = "relu"

    def __call__(self, z: Array, out: Out = None) -> Array:
        return np.maximum(z, _ZERO, out=out)

    def vjp(self, a: Array, grad: Array, out: Out = None) -> Array:
        # the sign of a is 1 or 0, and a float: a > 0 would first be converted
        return np.multiply(grad, np.sign(a), out=out)


class Sigmoid(Activation):
    """``f(z) = 1 / (1 + exp(-z))``, ``f'(z) = a (1 - a)`` (eq-sigmoid).

    Where ``exp(-z)`` exceeds the dtype it is infinite, and the fraction 0, which is right.
    Derived: eq-sigmoid-slope. Counterpart: ``keras.activations.sigmoid``.
    """

    name = "sigmoid"

    @np.errstate(over="ignore")
    def __call__(self, z: Array, out: Out = None) -> Array:
        a = np.negative(z, out=out)
        np.exp(a, out=a)
        a += _ONE
        return np.reciprocal(a, out=a)

    def vjp(self, a: Array, grad: Array, out: Out = None) -> Array:
        return np.multiply(grad, a * (1 - a), out=out)


class Tanh(Activation):
    """``f(z) = tanh(z)``, ``f'(z) = 1 - a²``. Counterpart: ``keras.activations.tanh``.

    Derived: eq-tanh, eq-tanh-slope.
    """

    name = "tanh"

    def __call__(self, z: Array, out: Out = None) -> Array:
        return np.tanh(z, out=out)

    def vjp(self, a: Array, grad: Array, out: Out = None) -> Array:
        return np.multiply(grad, 1 - a * a, out=out)


class Softmax(Activation):
    """``f(z)_j = exp(z_j) / sum_k exp(z_k)`` along the last axis.

    The largest ``z`` of a row is subtracted first, which changes nothing but keeps ``exp`` from
    overflowing. Here each output depends on every input of its row, so the way back is
    ``dC/dz_j = a_j (dC/da_j - sum_k a_k dC/da_k)``. Counterpart: ``keras.activations.softmax``.
    Derived: eq-softmax, eq-softmax-back.
    """

    name = "softmax"

    @np.errstate(over="ignore")
    def __call__(self, z: Array, out: Out = None) -> Array:
        # one class a row: along columns NumPy finds a maximum much faster
        e = z.T.copy()
        # a difference beyond the dtype is -inf, and exp gives 0
        e -= np.maximum.reduce(e)
        np.exp(e, out=e)
        a = np.empty_like(z) if out is None else out
        np.divide(e, np.add.reduce(e), out=a.T)
        return a

    def vjp(self, a: Array, grad: Array, out: Out = None) -> Array:
        mean: Array = np.sum(a * grad, axis=-1, keepdims=True)
        dz: Array = np.subtract(grad, mean, out=out)
        np.multiply(a, dz, out=dz)
        return dz


class LeakyReLU(Activation):
    """``f(z) = z if z > 0 else s z``, ``f'(z) = 1 if a > 0 else s``, slope ``0 <= s < 1``.

    A ReLU that still learns where ``z < 0``. As there, the slope at 0 is the one below.
    Derived: eq-leaky-relu, eq-leaky-relu-slope. Counterpart: ``keras.activations.leaky_relu``.
    """

    name = "leaky_relu"

    def __init__(self, negative_slope: float = 0.2) -> None:
        self.negative_slope = number(
            negative_slope, "negative_slope", low=0, high=1
        )

    def __call__(self, z: Array, out: Out = None) -> Array:
        a: Array = np.maximum(z, self.negative_slope * z, out=out)
        return a

    def vjp(self, a: Array, grad: Array, out: Out = None) -> Array:
        slope = np.where(a > 0, 1, np.full_like(a, self.negative_slope))
        return np.multiply(grad, slope, out=out)


class ELU(Activation):
    """``f(z) = z if z > 0 else alpha (exp(z) - 1)``, ``f'(z) = 1 if a > 0 else a + alpha``.

    ``alpha`` is a finite number of at least 0. Counterpart: ``keras.activations.elu``.
    Derived: eq-elu, eq-elu-slope.
    """

    name = "elu"

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = number(alpha, "alpha", low=0)

    def __call__(self, z: Array, out: Out = None) -> Array:
        # exp(z) - 1 of the part below 0, which cannot overflow; 0 elsewhere
        below: Array = self.alpha * np.expm1(np.minimum(z, 0))
        out = np.maximum(z, 0, out=out)
        return np.add(out, below, out=out)

    def vjp(self, a: Array, grad: Array, out: Out = None) -> Array:
        slope = np.where(a > 0, 1, a + self.alpha)
        return np.multiply(grad, slope, out=out)


class Softplus(Activation):
    """``f(z) = ln(1 + exp(z))``, ``f'(z) = sigmoid(z) = 1 - exp(-a)``: a smooth ReLU.

    Computed as ``ln(exp(z) + exp(0))`` by `numpy.logaddexp`, which never overflows.
    Derived: eq-softplus, eq-softplus-slope. Counterpart: ``keras.activations.softplus``.
    """

    name = "softplus"

    def __call__(self, z: Array, out: Out = None) -> Array:
        return np.logaddexp(z, 0, out=out)

    def vjp(self, a: Array, grad: Array, out: Out = None) -> Array:
        return np.multiply(grad, -np.expm1(-a), out=out)


linear, relu, sigmoid = Linear(), ReLU(), Sigmoid()
tanh, softmax = Tanh(), Softmax()
leaky_relu, elu, softplus = LeakyReLU(), ELU(), Softplus()

_KNOWN = {
    f.name: f
    for f in (linear, relu, sigmoid, tanh, softmax, leaky_relu, elu, softplus)
}


def get(identifier: str | Activation | None) -> Activation:
    """Return an activation from its name or itself; None means linear, as in Keras."""
    if identifier is None:
        return linear
    return checks.get(identifier, _KNOWN, Activation, "activation")
