"""Data: real sets are scikit-learn's, toy sets as described, and scaling leaks nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.datasets
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from nnbook import data
from tests.keras_side import keras

RNG = np.random.default_rng(0)
TOYS: dict[str, tuple[Callable[..., Any], int]] = {
    "blobs": (data.blobs, 3),
    "xor": (data.xor, 2),
    "circles": (data.circles, 2),
    "moons": (data.moons, 2),
    "spirals": (data.spirals, 2),
}


@pytest.mark.parametrize("name", ["breast_cancer", "digits", "iris", "wine"])
def test_real_sets_are_those_of_scikit_learn_and_copies(name: str) -> None:
    theirs = getattr(sklearn.datasets, f"load_{name}")()
    load = getattr(data, f"load_{name}")
    ours = load()
    np.testing.assert_array_equal(ours.x, theirs.data)
    np.testing.assert_array_equal(ours.y, theirs.target)
    assert ours.feature_names == [str(one) for one in theirs.feature_names]
    assert ours.class_names == [str(one) for one in theirs.target_names]
    assert len(ours.feature_names) == ours.x.shape[1]
    ours.x[:] = 0
    assert load().x.any()


def test_the_docstrings_say_what_the_sets_are() -> None:
    cancer = data.load_breast_cancer()
    assert cancer.x.shape == (569, 30)
    assert cancer.class_names == ["malignant", "benign"]
    digits = data.load_digits()
    assert digits.x.shape == (1797, 64)
    assert (digits.x.min(), digits.x.max()) == (0, 16)
    assert (data.load_iris().x.shape, data.load_wine().x.shape) == ((150, 4), (178, 13))


@pytest.mark.parametrize("name", TOYS)
def test_toy_sets_are_balanced_and_seeded(name: str) -> None:
    make, classes = TOYS[name]
    x, y = make(n=7 * classes, seed=3)
    assert x.shape == (7 * classes, 2)
    assert np.bincount(y).tolist() == [7] * classes
    np.testing.assert_array_equal(make(n=7 * classes, seed=3)[0], x)
    assert (make(n=7 * classes, seed=4)[0] != x).any()
    with pytest.raises(ValueError, match="n must be at least 1"):
        make(n=0)
    with pytest.raises(ValueError, match="noise must be at least 0"):
        make(noise=-1)


@pytest.mark.parametrize("name", TOYS)
def test_a_line_parts_the_blobs_alone_and_neighbours_part_all(name: str) -> None:
    make, _ = TOYS[name]
    x, y = make(n=600)
    line = LogisticRegression().fit(x, y).score(x, y)
    near = KNeighborsClassifier(5).fit(*make(n=600, seed=1)).score(x, y)
    assert near > 0.95
    if name == "blobs":
        assert line > 0.99
    else:
        assert line < 0.9


def test_toy_sets_without_noise_lie_where_they_should() -> None:
    x, y = data.blobs(6, classes=3, noise=0)
    assert len(np.unique(x.round(9), axis=0)) == 3
    x, y = data.xor()
    np.testing.assert_array_equal(x[:, 0] * x[:, 1] < 0, y == 1)
    assert np.abs(x).max() <= 1
    x, y = data.circles(noise=0)
    np.testing.assert_allclose(np.hypot(*x.T), np.where(y == 1, 0.5, 1))
    x, y = data.moons(noise=0)
    np.testing.assert_allclose(np.hypot(*x[y == 0].T), 1)
    np.testing.assert_allclose(np.hypot(*(x[y == 1] - [1, 0.5]).T), 1)
    assert x[y == 0, 1].min() >= 0
    assert x[y == 1, 1].max() <= 0.5
    x, y = data.spirals(400, classes=3, noise=0)
    radius = np.hypot(*x.T)
    turn = (np.arctan2(x[:, 1], x[:, 0]) / (2 * np.pi) - y / 3 - radius) % 1
    np.testing.assert_allclose(np.minimum(turn, 1 - turn), 0, atol=1e-12)


def test_a_split_parts_the_samples_and_keeps_the_pairs() -> None:
    x, y = np.arange(22).reshape(11, 2), np.arange(11)
    x_train, x_test, y_train, y_test = data.train_test_split(x, y, seed=1)
    assert len(x_test) == len(y_test) == 3  # rounded up
    assert sorted([*y_train, *y_test]) == list(range(11))
    np.testing.assert_array_equal(x_train[:, 0], 2 * y_train)
    np.testing.assert_array_equal(x_test[:, 0], 2 * y_test)
    assert (data.train_test_split(x, y, seed=2)[3] != y_test).any()
    for share in (0.0, 0.99):
        with pytest.raises(ValueError, match=f"test_size={share} leaves none of 11 samples"):
            data.train_test_split(x, y, share)
    with pytest.raises(ValueError, match=r"same number of samples. Received shapes \(11, 2\)"):
        data.train_test_split(x, y[:5])
    with pytest.raises(ValueError, match="test_size must be at least 0 and below 1"):
        data.train_test_split(x, y, 1.5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_scaling_is_that_of_scikit_learn_and_of_the_training_set_alone(dtype: str) -> None:
    train, test = RNG.normal(3, 2, (30, 4)).astype(dtype), RNG.normal(9, 5, (8, 4)).astype(dtype)
    train[:, 1] = 0.1  # never changes
    scaler = StandardScaler().fit(train)
    rtol = 1e-4 if dtype == "float32" else 1e-12
    ours = data.standardize(train, test)
    for got, given in zip(ours, (train, test), strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, scaler.transform(given), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(ours[0].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_array_equal(data.standardize(train, test * 100)[0], ours[0])
    with pytest.raises(ValueError, match=r"Array 2 must have the columns .*\(4,\)"):
        data.standardize(train, test[:, :3])


@pytest.mark.parametrize("k", [None, 5])
def test_one_hot_rows_are_those_of_keras(k: int | None) -> None:
    for classes in ([2, 0, 3, 0], [[1], [2]], [0]):
        theirs = keras().utils.to_categorical(classes, k)
        ours = data.to_categorical(classes, k)
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


@pytest.mark.parametrize(
    ("classes", "k", "says"),
    [
        ([0, 3], 3, r"from 0 to 2. Received 0 to 3"),
        ([-1, 1], None, r"from 0 to 1. Received -1 to 1"),
        ([0.5, 1], None, "must hold whole numbers"),
        ([[0, 1]], None, r"shape \(n,\) or \(n, 1\). Received \(1, 2\)"),
        ([0], 0, "must be at least 1"),
    ],
)
def test_what_is_no_class_is_refused(classes: Any, k: int | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        data.to_categorical(classes, k)
