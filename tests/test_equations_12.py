"""The labelled formulas of chapter 12, each evaluated against nnbook.

Where the chapter builds a tool of its own (the forty lines that differentiate, saliency,
permutation importance), the test runs the very cell that the page shows.
"""

from __future__ import annotations

import ast
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from nnbook import Input, Sequential, gradcheck, optimizers
from nnbook.checks import Array
from nnbook.layers import Dense
from tests.verify.equations import proves
from tests.verify.notebooks import ROOT, read_notebook

CHAPTER = ROOT / "notebooks" / "12_outlook.ipynb"


def source(name: str) -> str:
    """Return the code of a cell of the chapter."""
    cells = {cell.id: cell.source for cell in read_notebook(CHAPTER).cells}
    return str(cells[name])


def functions(name: str, *wanted: str) -> dict[str, Any]:
    """Return functions and classes as a cell of the chapter defines them; the rest is not run."""
    module = ast.parse(source(name))
    module.body = [node for node in module.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    space: dict[str, Any] = {"np": np}
    exec(compile(module, name, "exec"), space)  # noqa: S102 (our own page)
    assert all(one in space for one in wanted)
    return space


@pytest.fixture
def rng() -> np.random.Generator:
    """Return the same random numbers for every test."""
    return np.random.default_rng(12)


def binary(features: int = 4) -> Sequential:
    """Return a network with one sigmoid output, compiled, in float64."""
    hidden, output = Dense(5, "tanh"), Dense(1, "sigmoid")
    model = Sequential([Input((features,)), hidden, output], seed=12, dtype="float64")
    model.compile(optimizers.SGD(0.1), "binary_crossentropy")
    return model


@proves("eq-flops", r"F = 2 n \Bigl( 3 \sum_{l=1}^{L} n_{l-1} n_l - n_0 n_1 \Bigr)")
@pytest.mark.parametrize("n", [1, 7])
@pytest.mark.parametrize("sizes", [(4, 2), (4, 5, 2), (3, 6, 5, 2), (2, 3, 4, 5, 6)])
def test_operations_of_a_step(
    n: int, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Count what nnbook multiplies while it goes forward and back."""
    layers = [Dense(units, "relu") for units in sizes[1:]]
    model = Sequential([Input((sizes[0],)), *layers], seed=0)
    model.compile("sgd", "mse")
    matmul, counted = np.matmul, []

    def counting(a: Array, b: Array, **settings: Any) -> Array:
        counted.append(2 * a.shape[0] * a.shape[1] * b.shape[1])
        product: Array = matmul(a, b, **settings)
        return product

    monkeypatch.setattr(np, "matmul", counting)
    model.loss_and_grad(np.ones((n, sizes[0])), np.ones((n, sizes[-1])))
    total = 0
    for layer in range(1, len(sizes)):
        total += sizes[layer - 1] * sizes[layer]
    formula = 2 * n * (3 * total - sizes[0] * sizes[1])
    assert sum(counted) == formula
    assert functions("cost-naive", "flops")["flops"](n, sizes) == formula


@proves("eq-shards", r"\nabla C = \sum_{r=1}^{R} \frac{N_r}{n}\, \nabla C_r")
@pytest.mark.parametrize("sizes", [(12,), (6, 6), (1, 2, 9), (5, 4, 2, 1)])
def test_gradients_of_shards(sizes: tuple[int, ...], rng: np.random.Generator) -> None:
    model, n = binary(), sum(sizes)
    x, y = rng.normal(size=(n, 4)), rng.integers(0, 2, (n, 1)).astype(float)
    formula, start = np.zeros_like(model.theta), 0
    for size in sizes:
        stop = start + size
        formula += size / n * model.loss_and_grad(x[start:stop], y[start:stop])[1]
        start = stop
    np.testing.assert_allclose(formula, model.loss_and_grad(x, y)[1], atol=1e-14)


@proves(
    "eq-chain-autodiff",
    r"\frac{\partial C}{\partial v} = \sum_{u} \frac{\partial C}{\partial u}\, "
    r"\frac{\partial u}{\partial v}",
)
def test_the_gradient_is_added_over_all_uses(rng: np.random.Generator) -> None:
    """The forty lines against the sum, and against a model whose kernel is used once."""
    page = functions("autodiff-class", "Value", "as_value", "in_order")
    value, v0 = page["Value"], 0.7

    # v is used by u1 = v v (twice), u2 = 3 v and u3 = tanh v; C = u1 u2 + u3
    v = value(v0)
    u1, u2 = v * v, v * 3.0
    u3 = v.apply(np.tanh, lambda z: 1 - np.tanh(z) ** 2)
    (u1 * u2 + u3).backward()
    slopes_of_c = {"u1": 3 * v0, "u2": v0**2, "u3": 1.0}
    slopes_of_u = {"u1": 2 * v0, "u2": 3.0, "u3": 1 - np.tanh(v0) ** 2}
    formula = sum(slopes_of_c[u] * slopes_of_u[u] for u in slopes_of_u)
    assert float(v.grad) == pytest.approx(formula, rel=1e-12)
    assert float(u1.grad) == pytest.approx(slopes_of_c["u1"], rel=1e-12)

    model = Sequential([Input((3,)), Dense(4, "relu"), Dense(2)], seed=1, dtype="float64")
    model.compile("sgd", "mse")
    x, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
    w1, b1, w2, b2 = weights = [value(w) for w in model.get_weights()]
    net = functions("autodiff-nnbook", "relu", "squared_error")
    loss = net["squared_error"](net["relu"](value(x) @ w1 + b1) @ w2 + b2, y)
    loss.backward()
    ours, by_formulas = model.loss_and_grad(x, y)
    assert float(loss.data) == pytest.approx(ours, rel=1e-12)
    found = np.concatenate([w.grad.ravel() for w in weights])
    np.testing.assert_allclose(found, by_formulas, atol=1e-14)


def test_the_forty_lines_are_about_forty() -> None:
    lines = source("autodiff-class").splitlines()
    assert 36 <= sum(bool(line.strip()) for line in lines) <= 48


@proves("eq-saliency", r"S_{ik} = \left|\, \frac{\partial \hat y_i}{\partial x_{ik}} \,\right|")
def test_saliency(rng: np.random.Generator) -> None:
    model, x = binary(), rng.normal(size=(6, 4))
    found = functions("box-nnbook", "saliency")["saliency"](model, x)
    moved = x.copy()
    for i in range(6):
        slopes = gradcheck.numerical_gradient(
            lambda i=i: float(model.predict(moved, verbose=0)[i, 0]),  # type: ignore[misc]
            moved.reshape(-1),
        ).reshape(6, 4)
        np.testing.assert_allclose(found[i], np.abs(slopes[i]), atol=1e-9)
        assert np.all(slopes[np.arange(6) != i] == 0)  # no sample moves another's output


@proves("eq-permutation-importance", r"I_k = \frac{1}{T} \sum_{t=1}^{T} E_{kt} - E")
@pytest.mark.parametrize("k", range(3))
def test_permutation_importance(k: int, rng: np.random.Generator) -> None:
    """Over *all* orders of five samples the mean is known: each value meets each sample equally."""
    model, x = binary(3), rng.normal(size=(5, 3))
    model.set_weights([2 * w for w in model.get_weights()])
    y = np.array([1, 0, 1, 0, 1])

    def predict(x: Array) -> Array:
        return model.predict(x, verbose=0)

    def error(x: Array, y: Array) -> float:
        wrong = 0
        for row, truth in zip(x, y, strict=True):
            wrong += (predict(row[None])[0, 0] > 0.5) != truth
        return wrong / len(x)

    orders = [np.array(order) for order in permutations(range(5))]
    found = functions("box-importance-nnbook", "importance")["importance"](
        predict, x, y, [k], orders
    )
    formula = 0.0
    for order in orders:
        shuffled = x.copy()
        for i in range(5):
            shuffled[i, k] = x[order[i], k]
        formula += error(shuffled, y) / len(orders)
    formula -= error(x, y)
    assert found == pytest.approx(formula, abs=1e-12)

    pairs = 0.0
    for i in range(5):
        for other in range(5):
            row = x[i].copy()
            row[k] = x[other, k]
            pairs += error(row[None], y[i : i + 1]) / 25
    assert found == pytest.approx(pairs - error(x, y), abs=1e-12)


@proves("eq-training-memory", r"B = 4\, b\, |\theta|")
@pytest.mark.parametrize(("dtype", "b"), [("float32", 4), ("float64", 8)])
def test_memory_of_training(dtype: str, b: int) -> None:
    model = Sequential([Input((7,)), Dense(5), Dense(3)], dtype=dtype, seed=0)
    model.compile("adam", "mse")
    model.fit(np.ones((4, 7)), np.ones((4, 3)), verbose=0)
    kept = [model.theta, model.grad, *model.optimizer.memories().values()]
    assert sum(array.nbytes for array in kept) == 4 * b * (7 * 5 + 5 + 5 * 3 + 3)


@proves("eq-half", r"|\, \mathrm{half}(w) - w \,| \le 2^{-11}\, |w|")
def test_rounding_to_half(rng: np.random.Generator) -> None:
    model = Sequential([Input((300,)), Dense(200)], dtype="float64", seed=0)
    small, large = np.finfo(np.float16).smallest_normal, np.finfo(np.float16).max
    spread = np.exp(rng.uniform(np.log(float(small)), np.log(float(large)), 50_000))
    for w in (model.theta, spread, -spread):
        w = w[np.abs(w) >= small]
        off = np.abs(w.astype(np.float16).astype(float) - w)
        assert np.all(off <= 2**-11 * np.abs(w))
        assert (off / np.abs(w)).max() > 2**-11 * 0.99  # and no better bound holds


@proves("eq-loss-scaling", r"\nabla C = \frac{1}{\lambda}\, \nabla (\lambda C)")
@pytest.mark.parametrize("scale", [0.5, 1024.0, 3.7e6])
def test_loss_scaling(scale: float, rng: np.random.Generator) -> None:
    model = binary()
    x, y = rng.normal(size=(8, 4)), rng.integers(0, 2, (8, 1)).astype(float)
    loss, gradient = model.loss_and_grad(x, y)
    larger, scaled = model.loss_and_grad(x, y, sample_weight=np.full(8, scale))
    assert larger == pytest.approx(scale * loss, rel=1e-12)
    np.testing.assert_allclose(scaled / scale, gradient, rtol=1e-10, atol=1e-15)
