"""The labelled formulas of chapter 11, each evaluated against nnbook, NumPy or scikit-learn.

The formula stands in the test as it stands on the page; the code under it is the formula read
literally, index by index.
"""

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_score, recall_score
from sklearn.preprocessing import StandardScaler

from nnbook import Input, Sequential, metrics
from nnbook.callbacks import EarlyStopping
from nnbook.layers import Dense, Dropout
from nnbook.optimizers import SGD
from nnbook.regularizers import L2
from tests.verify.equations import proves

TAU = 0.5

Labels = NDArray[np.int_]
Floats = NDArray[np.float64]


@pytest.fixture
def rng() -> np.random.Generator:
    """Return the same random numbers for every test."""
    return np.random.default_rng(11)


@pytest.fixture
def y(rng: np.random.Generator) -> Labels:
    """Return labels of both classes, not equally many."""
    return (rng.random(60) < 0.3).astype(int)


@pytest.fixture
def y_pred(rng: np.random.Generator, y: Labels) -> Floats:
    """Return outputs that lean to the labels and make both kinds of mistakes."""
    return np.asarray(np.clip(0.2 + 0.4 * y + rng.uniform(-0.3, 0.4, y.size), 0, 1))


def answers(y_pred: Floats, tau: float) -> list[int]:
    """Return the answers by eq-threshold."""
    return [1 if p > tau else 0 for p in y_pred]


def counts(y: Labels, y_pred: Floats, tau: float = TAU) -> list[list[int]]:
    """Return the table of eq-confusion, `M[c][d]`."""
    c_hat = answers(y_pred, tau)
    return [
        [sum((y[i] == c) * (c_hat[i] == d) for i in range(len(y))) for d in (0, 1)] for c in (0, 1)
    ]


@proves(
    "eq-standardize",
    r"""
    \begin{aligned}
    \tilde x_{ik} &= \frac{x_{ik} - \mu_k}{s_k} \\
    \mu_k &= \frac{1}{n} \sum_{i=1}^{n} x_{ik} \\
    s_k &= \sqrt{\frac{1}{n} \sum_{i=1}^{n} (x_{ik} - \mu_k)^2}
    \end{aligned}
    """,
)
def test_standardize(rng: np.random.Generator) -> None:
    """The loops agree with NumPy and scikit-learn, on the fitted samples and on others."""
    x = rng.normal([3.0, -200.0, 0.05], [2.0, 50.0, 0.01], size=(20, 3))
    other = rng.normal(size=(4, 3))
    n, features = x.shape
    mu = [sum(x[i, k] for i in range(n)) / n for k in range(features)]
    s = [math.sqrt(sum((x[i, k] - mu[k]) ** 2 for i in range(n)) / n) for k in range(features)]
    scaler = StandardScaler().fit(x)
    for rows in (x, other):
        scaled = [[(row[k] - mu[k]) / s[k] for k in range(features)] for row in rows]
        np.testing.assert_allclose((rows - x.mean(axis=0)) / x.std(axis=0), scaled, rtol=1e-12)
        np.testing.assert_allclose(scaler.transform(rows), scaled, rtol=1e-12)
    assert np.ptp(s) > 1  # else a formula without s would pass


@proves("eq-threshold", r"\hat c_i = [\, \hat y_i > \tau \,]")
def test_threshold(y: Labels, y_pred: Floats) -> None:
    """The answers at one half are those that nnbook's accuracy counts; exactly one half is a 0."""
    y_pred[0] = TAU
    c_hat = answers(y_pred, TAU)
    assert c_hat[0] == 0
    right = sum(c == truth for c, truth in zip(c_hat, y, strict=True))
    assert metrics.accuracy(y, y_pred) == pytest.approx(right / len(y), abs=1e-15)
    assert sum(answers(y_pred, 0.1)) > sum(c_hat) > sum(answers(y_pred, 0.9))


@proves("eq-confusion", r"M_{cd} = \sum_{i=1}^{n} [\, y_i = c \,] \, [\, \hat c_i = d \,]")
@pytest.mark.parametrize("tau", [0.2, 0.5, 0.7])
def test_confusion(y: Labels, y_pred: Floats, tau: float) -> None:
    """The table is scikit-learn's, truth down and answer across."""
    table = counts(y, y_pred, tau)
    np.testing.assert_array_equal(table, confusion_matrix(y, y_pred > tau))
    assert table[0][1] != table[1][0]  # else a table the wrong way round would pass


@proves("eq-accuracy-counts", r"\mathrm{accuracy} = \frac{M_{00} + M_{11}}{n}")
def test_accuracy_counts(y: Labels, y_pred: Floats) -> None:
    """The counts give nnbook's accuracy."""
    table = counts(y, y_pred)
    accuracy = (table[0][0] + table[1][1]) / len(y)
    assert metrics.accuracy(y, y_pred) == pytest.approx(accuracy, abs=1e-15)
    assert 0 < accuracy < 1


@proves("eq-recall", r"\mathrm{recall} = \frac{M_{11}}{M_{10} + M_{11}}")
def test_recall(y: Labels, y_pred: Floats) -> None:
    """The counts give scikit-learn's recall, and another number than the precision."""
    table = counts(y, y_pred)
    recall = table[1][1] / (table[1][0] + table[1][1])
    assert recall_score(y, y_pred > TAU) == pytest.approx(recall, abs=1e-15)
    assert recall != pytest.approx(precision_score(y, y_pred > TAU), abs=1e-3)


@proves("eq-precision", r"\mathrm{precision} = \frac{M_{11}}{M_{01} + M_{11}}")
def test_precision(y: Labels, y_pred: Floats) -> None:
    """The counts give scikit-learn's precision."""
    table = counts(y, y_pred)
    precision = table[1][1] / (table[0][1] + table[1][1])
    assert precision_score(y, y_pred > TAU) == pytest.approx(precision, abs=1e-15)
    assert 0 < precision < 1


@proves("eq-cost", r"K = r\, M_{10} + M_{01}")
def test_cost(y: Labels, y_pred: Floats) -> None:
    """The cost is what the patients pay one by one: r for each miss, one for each false alarm."""
    r = 10
    table = counts(y, y_pred)
    assert table[1][0] > 0
    assert table[0][1] > 0
    answer = (y_pred > TAU).astype(int)
    each = np.where(answer < y, r, np.where(answer > y, 1, 0))
    assert r * table[1][0] + table[0][1] == each.sum()


@proves("eq-plausible", r"|q - p| \le 1.96 \sqrt{\frac{p\,(1 - p)}{n}}")
@pytest.mark.parametrize(("right", "n"), [(109, 114), (42, 42), (0, 30), (7, 20)])
def test_plausible(right: int, n: int) -> None:
    """The plausible shares lie between the roots of the squared formula: Wilson's interval."""
    grid = np.linspace(0, 1, 100_001)
    q = right / n
    fits = [p for p in grid if abs(q - p) <= 1.96 * math.sqrt(p * (1 - p) / n)]
    extra = 1.96**2 / n  # (q - p)² <= extra p (1 - p), sorted by powers of p:
    ends = np.roots([1 + extra, -(2 * q + extra), q**2]).real
    assert [min(fits), max(fits)] == pytest.approx(sorted(ends), abs=2e-5)


def test_plausible_holds_what_it_promises(rng: np.random.Generator) -> None:
    """Of many test sets drawn with a known share, about 95 in 100 call that share plausible."""
    n, p = 114, 0.9
    q = rng.binomial(n, p, 20_000) / n
    covered = np.abs(q - p) <= 1.96 * math.sqrt(p * (1 - p) / n)
    assert covered.mean() == pytest.approx(0.95, abs=0.02)


LAMBDA = 0.03


def two_layers(regularizer: L2 | None) -> Sequential:
    """Return a network of fixed weights, with biases that are not zero."""
    model = Sequential(
        [
            Input((3,)),
            Dense(4, activation="tanh", kernel_regularizer=regularizer),
            Dense(2, activation="softmax", kernel_regularizer=regularizer),
        ],
        seed=3,
        dtype="float64",
    )
    model.compile(SGD(0.1), "sparse_categorical_crossentropy")
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    return model


@pytest.fixture
def batch(rng: np.random.Generator) -> tuple[Floats, Labels]:
    """Return eight samples of three features and their class, 0 or 1."""
    return rng.normal(size=(8, 3)), rng.integers(0, 2, 8)


@proves("eq-argmax", r"\hat c_i = \operatorname{arg\,max}_{j} \hat y_{ij}")
def test_argmax(rng: np.random.Generator) -> None:
    """The answers are those that nnbook's accuracy and confusion matrix count."""
    y_pred = rng.random((40, 10))
    y = rng.integers(0, 10, 40)
    c_hat = []
    for row in y_pred:
        j = 0
        for other in range(1, 10):
            if row[other] > row[j]:
                j = other
        c_hat.append(j)
    y[:9] = c_hat[:9]  # some are right
    share = sum(c == truth for c, truth in zip(c_hat, y, strict=True)) / 40
    accuracy = metrics.SparseCategoricalAccuracy()
    assert accuracy(y, y_pred) == pytest.approx(share, abs=1e-15)
    table = metrics.confusion_matrix(y, y_pred, num_classes=10)
    np.testing.assert_array_equal(table, confusion_matrix(y, c_hat, labels=range(10)))


@proves(
    "eq-l2",
    r"""
    C_\lambda = C + \lambda \sum_{l=1}^{L} \sum_{k=1}^{n_{l-1}} \sum_{j=1}^{n_l} (w^l_{kj})^2
    """,
)
def test_l2(batch: tuple[Floats, Labels]) -> None:
    """The loss with the price is nnbook's; the biases cost nothing."""
    bare, priced = two_layers(None), two_layers(L2(LAMBDA))
    loss, _ = bare.loss_and_grad(*batch)
    kernels = bare.get_weights()[::2]
    price = sum(w[k, j] ** 2 for w in kernels for k in range(w.shape[0]) for j in range(w.shape[1]))
    expected = loss + LAMBDA * price
    assert priced.loss_and_grad(*batch)[0] == pytest.approx(expected, rel=1e-13)
    assert LAMBDA * price > 0.1 * loss  # else a formula without the price would pass


@proves(
    "eq-l2-slope",
    r"""
    \frac{\partial C_\lambda}{\partial w^l_{kj}} =
    \frac{\partial C}{\partial w^l_{kj}} + 2 \lambda\, w^l_{kj}
    """,
)
def test_l2_slope(batch: tuple[Floats, Labels]) -> None:
    """The step that nnbook makes is the one of these slopes."""
    bare, priced = two_layers(None), two_layers(L2(LAMBDA))
    weights = bare.get_weights()
    bare.loss_and_grad(*batch)
    expected = []
    start = 0
    for w in weights:
        slope = bare.grad[start : start + w.size].reshape(w.shape).copy()
        start += w.size
        if w.ndim == 2:
            for k in range(w.shape[0]):
                for j in range(w.shape[1]):
                    slope[k, j] += 2 * LAMBDA * w[k, j]
        expected.append(w - 0.1 * slope)
    priced.train_on_batch(*batch)
    for after, by_formula in zip(priced.get_weights(), expected, strict=True):
        np.testing.assert_allclose(after, by_formula, rtol=1e-12)


def masked(values: Floats, m: NDArray[np.bool_], rho: float) -> Floats:
    """Return `m / (1 - rho)` times the values, number by number."""
    out = np.zeros_like(values)
    for i, j in np.ndindex(*values.shape):
        out[i, j] = m[i, j] / (1 - rho) * values[i, j]
    return out


def mask_of(rate: float, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the mask that a dropout layer of seed 7 draws: ones show it."""
    shown = Dropout(rate, seed=7).forward(np.ones(shape), training=True)
    return np.asarray(shown != 0)


@proves("eq-dropout", r"\tilde a_{ij} = \frac{m_{ij}}{1 - \rho}\, a_{ij}")
@pytest.mark.parametrize("rate", [0.2, 0.5, 0.8])
def test_dropout(rng: np.random.Generator, rate: float) -> None:
    """Forward: the mask and the factor; the share that stays is one minus the rate."""
    a = rng.normal(size=(50, 40))
    m = mask_of(rate, a.shape)
    np.testing.assert_allclose(
        Dropout(rate, seed=7).forward(a, training=True), masked(a, m, rate), rtol=1e-14
    )
    assert m.mean() == pytest.approx(1 - rate, abs=0.05)
    np.testing.assert_array_equal(Dropout(rate, seed=7).forward(a, training=False), a)


@proves(
    "eq-dropout-back",
    r"""
    \frac{\partial C}{\partial a_{ij}} =
    \frac{m_{ij}}{1 - \rho}\, \frac{\partial C}{\partial \tilde a_{ij}}
    """,
)
@pytest.mark.parametrize("rate", [0.2, 0.5, 0.8])
def test_dropout_back(rng: np.random.Generator, rate: float) -> None:
    """Back: the same mask and the same factor as forward."""
    a, grad = rng.normal(size=(2, 6, 5))
    layer = Dropout(rate, seed=7)
    layer.forward(a, training=True)
    expected = masked(grad, mask_of(rate, a.shape), rate)
    found = layer.backward(grad)
    assert found is not None
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@proves("eq-best-epoch", r"e^* = \operatorname{arg\,min}_{e} C^{\mathrm{val}}_e")
def test_best_epoch(batch: tuple[Floats, Labels], rng: np.random.Generator) -> None:
    """With patience enough, nnbook ends with the weights of the epoch of the lowest loss."""
    model = two_layers(None)
    model.compile(SGD(3.0), "sparse_categorical_crossentropy")  # so large that the loss jumps
    validation = rng.normal(size=(8, 3)), rng.integers(0, 2, 8)
    stopping = EarlyStopping(patience=30, restore_best_weights=True)
    log = model.fit(
        *batch, epochs=30, validation_data=validation, callbacks=[stopping], verbose=0
    ).history["val_loss"]
    best = 0
    for e in range(len(log)):
        if log[e] < log[best]:
            best = e
    assert stopping.best_epoch == best
    assert model.evaluate(*validation, verbose=0) == pytest.approx(log[best], rel=1e-12)
    assert len(log) == 30
    assert log[-1] > log[best]  # else the last epoch would pass, too
