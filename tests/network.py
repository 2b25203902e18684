"""What happens inside a network, found without nnbook's way back: sums, outputs and errors."""

from __future__ import annotations

import numpy as np

from nnbook import Sequential, gradcheck
from nnbook.checks import Array


def forward(model: Sequential, x: Array) -> tuple[list[Array], list[Array]]:
    """Return the sums z and the outputs a of all layers, computed with eq-dense, a[0] = x."""
    zs: list[Array] = [np.empty(0)]
    outputs = [x]
    for layer in model.layers:
        kernel, bias = layer.get_weights()
        a = outputs[-1]
        z = np.array(
            [
                [
                    sum(a[i, k] * kernel[k, j] for k in range(kernel.shape[0])) + bias[j]
                    for j in range(kernel.shape[1])
                ]
                for i in range(len(a))
            ]
        )
        zs.append(z)
        outputs.append(layer.activation(z))
    return zs, outputs


def deltas(model: Sequential, x: Array, y: Array) -> list[Array]:
    """Return the errors of all layers, by pushing each z and watching the loss: no formula."""
    zs, _ = forward(model, x)
    found: list[Array] = [np.empty(0)]
    for place in range(1, len(zs)):
        z = zs[place].copy()

        def loss(z: Array = z, place: int = place) -> float:
            a = model.layers[place - 1].activation(z)
            for layer in model.layers[place:]:
                a = layer.forward(a)
            return model.loss(y, a)

        flat = z.reshape(-1)
        found.append(gradcheck.numerical_gradient(loss, flat).reshape(z.shape))
    return found
