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

from nnbook import metrics
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
    \tilde x_{ik} = \frac{x_{ik} - \mu_k}{s_k} , \qquad
    \mu_k = \frac{1}{n} \sum_{i=1}^{n} x_{ik} , \qquad
    s_k = \sqrt{\frac{1}{n} \sum_{i=1}^{n} (x_{ik} - \mu_k)^2}
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
