"""The labelled formula of chapter 6, evaluated against nnbook's own arrays.

The formula stands in the test as it stands on the page; the code under it is the formula read
literally.
"""

import numpy as np
import pytest

from nnbook import Input, Sequential
from nnbook.checks import Array
from nnbook.layers import Dense
from tests.verify.equations import proves


def kernels() -> list[Array]:
    """Return the kernels of a model of unequal widths: views into its theta."""
    model = Sequential([Input((3,)), Dense(5), Dense(2)], seed=6, dtype="float64")
    return [layer.params["kernel"] for layer in model.layers]


def entry_at(array: Array, place: int) -> float:
    """Return the number that lies so many bytes after the start of the array."""
    base = array
    while isinstance(base.base, np.ndarray):
        base = base.base
    raw = base.reshape(-1).view(np.uint8)
    address = array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    return float(raw[address + place : address + place + 8].copy().view(np.float64)[0])


@proves("eq-memory-place", r"p_{ik} = i\, r + k\, c")
@pytest.mark.parametrize("transposed", [False, True])
def test_where_an_entry_lies(transposed: bool) -> None:
    for kernel in kernels():
        array = kernel.T if transposed else kernel
        r, c = array.strides
        assert r != c
        for i in range(array.shape[0]):
            for k in range(array.shape[1]):
                p = i * r + k * c
                assert entry_at(array, p) == array[i, k]
