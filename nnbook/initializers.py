"""Initializers: where training starts.

Weights start random, so that the neurons of a layer can become different; biases start at zero.
Counterpart: ``keras.initializers``.
"""

import math

import numpy as np

from nnbook.checks import Array


def glorot_uniform(shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Draw weights ``w ~ U(-r, r)`` with ``r = sqrt(6 / (n_in + n_out))``, float64 of ``shape``.

    The range keeps the size of signals and gradients about equal from layer to layer.
    Counterpart: ``keras.initializers.GlorotUniform``. Source: :cite:`glorot2010difficulty`.
    """
    n_in, n_out = shape
    r = math.sqrt(6 / (n_in + n_out))
    return rng.uniform(-r, r, shape)
