"""Data: small sets to learn with, and what has to be done to data before training.

Nothing is downloaded: the toy sets are drawn, the real ones come with scikit-learn, which is
imported only when one of them is asked for.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnbook.checks import Array, as_numbers, at_least_one, number

Labels = NDArray[np.int64]


class Dataset(NamedTuple):
    """Samples ``x (n, features)``, class numbers ``y (n,)`` from 0 on, and what both mean."""

    x: Array
    y: Labels
    feature_names: list[str]
    class_names: list[str]


def _bundled(name: str) -> Dataset:
    import sklearn.datasets

    found = getattr(sklearn.datasets, f"load_{name}")()
    return Dataset(
        np.array(found.data, np.float64),
        np.array(found.target, np.int64),
        [str(feature) for feature in found.feature_names],
        [str(label) for label in found.target_names],
    )


def load_breast_cancer() -> Dataset:
    """Return 569 tumours of 30 measurements; class 0 is malignant, 1 benign.

    Counterpart: ``sklearn.datasets.load_breast_cancer``.
    """
    return _bundled("breast_cancer")


def load_digits() -> Dataset:
    """Return 1797 handwritten digits of 8 x 8 pixels, each from 0 to 16, as rows of 64.

    Counterpart: ``sklearn.datasets.load_digits``.
    """
    return _bundled("digits")


def load_iris() -> Dataset:
    """Return 150 irises of 3 species, 4 measurements each, in centimetres.

    Counterpart: ``sklearn.datasets.load_iris``.
    """
    return _bundled("iris")


def load_wine() -> Dataset:
    """Return 178 wines of 3 growers, 13 measurements each.

    Counterpart: ``sklearn.datasets.load_wine``.
    """
    return _bundled("wine")


# --- toy sets in the plane: x (n, 2), y (n,); sample i is of class i mod the number of classes ----


def _labels(n: int, classes: int) -> Labels:
    return np.arange(at_least_one(n, "n")) % at_least_one(classes, "classes")


def _noisy(x: Array, noise: float, rng: np.random.Generator) -> Array:
    deviation = number(noise, "noise", low=0)
    return x + deviation * rng.standard_normal(x.shape)


def _on_circle(angle: Array, radius: Array) -> Array:
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points: Array = radius[:, None] * circle
    return points


def blobs(
    n: int = 200, classes: int = 3, noise: float = 0.5, seed: int = 0
) -> tuple[Array, Labels]:
    """Return round clouds, one a class, around the corners of a regular polygon at distance 2."""
    y, rng = _labels(n, classes), np.random.default_rng(seed)
    corners = _on_circle(2 * np.pi * y / classes, np.full(n, 2.0))
    return _noisy(corners, noise, rng), y


def xor(
    n: int = 200, noise: float = 0.0, seed: int = 0
) -> tuple[Array, Labels]:
    """Return points of the square from -1 to 1; class 1 where the two signs differ.

    No straight line parts the classes: a single neuron cannot learn them.
    """
    y, rng = _labels(n, 2), np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, 2))
    # the second sign follows from the first and the class
    x[:, 1] = np.abs(x[:, 1]) * np.where(y == 1, -1, 1) * np.sign(x[:, 0])
    return _noisy(x, noise, rng), y


def circles(
    n: int = 200, noise: float = 0.1, seed: int = 0
) -> tuple[Array, Labels]:
    """Return a circle of radius 1 (class 0) around one of radius 0.5 (class 1)."""
    y, rng = _labels(n, 2), np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, n)
    return _noisy(_on_circle(angle, 1 - y / 2), noise, rng), y


def moons(
    n: int = 200, noise: float = 0.1, seed: int = 0
) -> tuple[Array, Labels]:
    """Return two half circles that reach into each other."""
    y, rng = _labels(n, 2), np.random.default_rng(seed)
    x = _on_circle(rng.uniform(0, np.pi, n), np.ones(n))
    # class 1 hangs down, half a step to the right
    x = np.where(y[:, None] == 1, [1.0, 0.5] - x, x)
    return _noisy(x, noise, rng), y


def spirals(
    n: int = 200, classes: int = 2, noise: float = 0.05, seed: int = 0
) -> tuple[Array, Labels]:
    """Return one arm a class, each winding once around the centre."""
    y, rng = _labels(n, classes), np.random.default_rng(seed)
    turn = rng.uniform(0.1, 1, n)  # of the way from the centre to the end
    angle = 2 * np.pi * (turn + y / classes)
    return _noisy(_on_circle(angle, turn), noise, rng), y


# --- before training --------------------------------------------------------------------------


def train_test_split(
    x: ArrayLike, y: ArrayLike, test_size: float = 0.25, seed: int = 0
) -> tuple[Array, Array, Array, Array]:
    """Return ``x_train, x_test, y_train, y_test``: the samples shuffled and cut in two.

    Counterpart: ``sklearn.model_selection.train_test_split``, with another order.

    Args:
        x: samples, ``(n, ...)``.
        y: targets, one a sample.
        test_size: the share of samples for the test, above 0 and below 1; rounded up.
        seed: of the order.

    Raises:
        TypeError, ValueError: lengths that differ, or no samples left for one of the parts.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise ValueError(
            "x and y must have the same number of samples. "
            f"Received shapes {x.shape} and {y.shape}."
        )
    n = len(x)
    n_test = int(np.ceil(n * number(test_size, "test_size", low=0, high=1)))
    if n_test in (0, n):
        raise ValueError(
            f"test_size={test_size} leaves none of {n} samples to "
            f"{'train on' if n_test else 'test with'}. Use another share, or more samples."
        )
    order = np.random.default_rng(seed).permutation(n)
    test, train = order[:n_test], order[n_test:]
    return x[train], x[test], y[train], y[test]


def standardize(train: ArrayLike, *others: ArrayLike) -> tuple[Array, ...]:
    """Return ``(x - mean) / deviation``, column by column, of the training set and of others.

    Mean and deviation are those of the *training* set for all of them: a test set must not tell
    anything before the test. A column that never changes is only shifted.
    Derived: eq-standardize. Counterpart: ``sklearn.preprocessing.StandardScaler``.

    Raises:
        TypeError, ValueError: not finite numbers, or another number of columns.
    """
    x = as_numbers(train, "train")
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    # rounding leaves a trace of a deviation in a column that never changes
    constant = deviation <= 10 * np.finfo(x.dtype).eps * np.abs(mean)
    deviation = np.where(constant, 1, deviation)
    scaled = [x]
    for i, other in enumerate(others, start=2):
        more = as_numbers(other, f"array {i}")
        if more.shape[1:] != x.shape[1:]:
            raise ValueError(
                f"Array {i} must have the columns of the training set, {x.shape[1:]}. "
                f"Received shape {more.shape}."
            )
        scaled.append(more)
    return tuple((one - mean) / deviation for one in scaled)


def to_categorical(x: ArrayLike, num_classes: int | None = None) -> Array:
    """Return one-hot rows, ``(n, k)``: 1 at the class of each sample, 0 elsewhere.

    Counterpart: ``keras.utils.to_categorical`` (float64 as there).

    Args:
        x: class numbers ``(n,)`` or ``(n, 1)``.
        num_classes: ``k``; None: as many as are seen.

    Raises:
        TypeError, ValueError: not whole numbers from 0 to ``k - 1``.

    >>> to_categorical([2, 0])
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    classes = as_numbers(x, "x")
    if classes.shape not in ((classes.size,), (classes.size, 1)):
        raise ValueError(
            "x must hold one class number a sample, shape (n,) or (n, 1). "
            f"Received {classes.shape}."
        )
    seen = int(classes.max()) + 1
    k = (
        seen
        if num_classes is None
        else at_least_one(num_classes, "num_classes")
    )
    if (classes % 1 != 0).any() or classes.min() < 0 or seen > k:
        raise ValueError(
            f"x must hold whole numbers from 0 to {k - 1}. "
            f"Received {classes.min():g} to {classes.max():g}."
        )
    return np.eye(k)[classes.astype(np.intp).ravel()]
