"""Initializers: Keras's ranges and deviations, never exceeded; streams, seeds, names, errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from nnbook import Input, Sequential, initializers
from nnbook.checks import Array
from nnbook.initializers import (
    Constant,
    GlorotUniform,
    HeNormal,
    Initializer,
    Ones,
    RandomNormal,
    RandomUniform,
    Zeros,
    truncated_normal,
)
from nnbook.layers import Dense
from tests.keras_side import keras

SCALED = [f"{who}_{how}" for who in ("glorot", "he", "lecun") for how in ("uniform", "normal")]
NAMES = ["zeros", "ones", "constant", "random_normal", "random_uniform", *SCALED]
SHAPES: list[tuple[int, ...]] = [(1, 1), (8, 10), (10, 1), (784, 128), (3, 5000), (7,)]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- against Keras ----------------------------------------------------------------------------


class Recorder:
    """Stands for both a NumPy generator and Keras's module ``random``; keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: dict[str, float] = {}

    def make_default_seed(self) -> int:
        return 1

    def uniform(self, *args: Any, minval: float = 0, maxval: float = 0, **_: Any) -> Array:
        if len(args) == 3:  # NumPy's (low, high, size)
            minval, maxval = args[:2]
        self.asked |= {"minval": minval, "maxval": maxval}
        return np.zeros(1)

    def normal(self, *args: Any, mean: float = 0, stddev: float = 0, **_: Any) -> Array:
        if len(args) == 3:
            mean, stddev = args[:2]
        self.asked |= {"mean": mean, "stddev": stddev}
        return np.zeros(1)

    def truncated_normal(self, *_: Any, mean: float, stddev: float, **__: Any) -> Array:
        self.asked |= {"mean": mean, "stddev": stddev}
        return np.zeros(1)

    def standard_normal(self, shape: Any) -> Array:
        return np.ones(shape)  # so that the values are one deviation of the uncut normal


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [n for n in NAMES if "_" in n])
def test_ranges_and_deviations_are_keras(
    name: str, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from keras.src.initializers import random_initializers

    theirs, ours = Recorder(), Recorder()
    monkeypatch.setattr(random_initializers, "random", theirs)
    keras().initializers.get(name)(shape)
    values = initializers.get(name)(shape, ours)  # type: ignore[arg-type]
    if not ours.asked:  # from standard_normal
        assert values.shape == shape
        ours.asked = {"mean": 0, "stddev": float(values.flat[0])}
    assert ours.asked.keys() == theirs.asked.keys()
    for key, value in ours.asked.items():
        assert value == pytest.approx(theirs.asked[key], rel=4e-16, abs=0)


@pytest.mark.parametrize("name", NAMES)
def test_names_and_defaults_are_keras(name: str) -> None:
    kind = "".join(part.capitalize() for part in name.split("_"))
    theirs = getattr(keras().initializers, kind)()
    if name != "constant":  # Keras knows this name, but fails to make one from it
        assert type(keras().initializers.get(name)) is type(theirs)
    for identifier in (name, kind):
        ours = initializers.get(identifier)
        assert type(ours).__name__ == kind
        config = theirs.get_config()
        assert ours.get_config() == {key: config[key] for key in ours.get_config()}
        # what is left over is not taught here, and not in use there
        assert all(config[key] is None for key in config.keys() - ours.get_config().keys())


@pytest.mark.parametrize("name", [n for n in NAMES if "_" in n])
def test_draws_are_distributed_as_keras(name: str) -> None:
    """Quantiles of 120,000 draws each; their standard error is below 0.013 deviations."""
    shape = (400, 300)
    keras().utils.set_random_seed(0)
    theirs = np.asarray(keras().initializers.get(name)(shape))
    ours = initializers.get(name)(shape, rng())
    at = (0.005, 0.05, 0.25, 0.5, 0.75, 0.95, 0.995)
    difference = np.quantile(ours, at) - np.quantile(theirs, at)
    assert np.abs(difference).max() < 0.06 * theirs.std()


# --- bounds and moments -----------------------------------------------------------------------


def variance(name: str, n_in: int, n_out: int) -> float:
    """Return the variance that the name promises."""
    return {
        "glorot": 2 / (n_in + n_out),
        "he": 2 / n_in,
        "lecun": 1 / n_in,
    }[name.split("_")[0]]


@pytest.mark.parametrize("name", SCALED)
def test_variance_is_the_promised_one_and_bounds_are_never_exceeded(name: str) -> None:
    """With n draws the mean errs by sigma / sqrt(n), the variance by at most sqrt(2 / n)."""
    n_in, n_out = 500, 300
    n = n_in * n_out
    w = initializers.get(name)((n_in, n_out), rng(1))
    sigma = math.sqrt(variance(name, n_in, n_out))
    assert w.mean() == pytest.approx(0, abs=5 * sigma / math.sqrt(n))
    assert w.var() == pytest.approx(sigma**2, rel=5 * math.sqrt(2 / n))
    bound = sigma * (math.sqrt(3) if "uniform" in name else 2 / 0.87962566103423978)
    assert 0.999 * bound < w.max() <= bound
    assert -bound <= w.min() < -0.999 * bound


def test_the_deviation_of_a_cut_normal_is_the_integral() -> None:
    """``1 - 2 * 2 phi(2) / (Phi(2) - Phi(-2))`` is the variance of a normal cut at 2."""
    phi = math.exp(-2) / math.sqrt(2 * math.pi)
    inside = math.erf(math.sqrt(2))
    stddev = math.sqrt(1 - 4 * phi / inside)
    assert stddev == pytest.approx(initializers.STDDEV_OF_TRUNCATED, rel=1e-14)


def test_what_is_cut_is_drawn_again_and_the_rest_is_kept() -> None:
    plain, cut = rng(2).standard_normal((50, 40)), truncated_normal(1, (50, 40), rng(2))
    near = np.abs(plain) <= 2
    assert 0.03 < 1 - near.mean() < 0.06
    np.testing.assert_allclose(cut[near] * initializers.STDDEV_OF_TRUNCATED, plain[near])
    assert len(np.unique(cut)) == cut.size


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", SHAPES)
def test_values_are_float64_of_the_shape(name: str, shape: tuple[int, ...]) -> None:
    w = initializers.get(name)(shape, rng())
    assert w.shape == shape
    assert w.dtype == np.float64
    assert np.isfinite(w).all()


def test_plain_ones_do_what_they_say() -> None:
    assert not Zeros()((2, 3), rng()).any()
    assert (Ones()((2, 3), rng()) == 1).all()
    assert (Constant(-2.5)((2, 3), rng()) == -2.5).all()
    w = RandomNormal(3, 0.5)((300, 300), rng())
    assert w.mean() == pytest.approx(3, abs=5 * 0.5 / 300)
    assert w.std() == pytest.approx(0.5, rel=5 / 300)
    w = RandomUniform(2, 3)((300, 300), rng())
    assert 2 <= w.min() < 2.001
    assert 2.999 < w.max() <= 3


# --- streams ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in NAMES if "_" in n])
def test_a_seed_gives_a_stream_of_its_own(name: str) -> None:
    kind: Any = type(initializers.get(name))
    stream = rng(5)
    before = repr(stream.bit_generator.state)
    one = kind(seed=1)
    assert one.get_config()["seed"] == 1
    first = one((4, 3), stream)
    assert repr(stream.bit_generator.state) == before
    assert np.array_equal(one((4, 3), rng(6)), first)
    assert not np.array_equal(kind(seed=2)((4, 3), stream), first)
    unseeded = kind()
    assert not np.array_equal(unseeded((4, 3), stream), unseeded((4, 3), stream))
    assert np.array_equal(unseeded((4, 3), rng(7)), kind()((4, 3), rng(7)))


def test_a_layer_starts_where_its_initializers_say() -> None:
    model = Sequential(
        [
            Input(shape=(3,)),
            Dense(4, kernel_initializer=HeNormal(seed=9), bias_initializer="ones"),
            Dense(2, kernel_initializer="zeros", bias_initializer=Constant(0.5)),
            Dense(2, kernel_initializer=HeNormal(seed=9)),
        ],
        seed=0,
        dtype="float64",
    )
    weights = model.get_weights()
    assert np.array_equal(weights[0], HeNormal(seed=9)((3, 4), rng()))
    assert weights[1].tolist() == [1] * 4
    assert weights[2].tolist() == [[0, 0]] * 4
    assert weights[3].tolist() == [0.5, 0.5]


def test_the_initializer_of_one_layer_leaves_the_others_alone() -> None:
    def weights(kernel: str, bias: str) -> list[Array]:
        return Sequential(
            [
                Input(shape=(3,)),
                Dense(4, kernel_initializer=kernel, bias_initializer=bias),
                Dense(2, bias_initializer="random_normal"),
            ],
            seed=3,
        ).get_weights()

    one, other = weights("glorot_uniform", "zeros"), weights("he_normal", "random_uniform")
    assert not np.array_equal(one[0], other[0])
    assert other[1].any()
    assert np.array_equal(one[2], other[2])
    assert np.array_equal(one[3], other[3])


# --- names, texts, errors ---------------------------------------------------------------------


def test_an_initializer_is_itself_and_says_what_it_is() -> None:
    one = GlorotUniform(seed=4)
    assert initializers.get(one) is one
    assert repr(one) == "GlorotUniform(seed=4)"
    assert repr(RandomNormal()) == "RandomNormal(seed=None, mean=0.0, stddev=0.05)"
    assert repr(Zeros()) == "Zeros()"
    with pytest.raises(NotImplementedError):
        Initializer()((2, 2), rng())
    with pytest.raises(NotImplementedError):
        initializers._Random()((2, 2), rng())


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: initializers.get("glorot"), ValueError, "Unknown initializer 'glorot'. Known: Const"),
    (lambda: initializers.get(Zeros), TypeError, "must be a name or an Initializer of nnbook"),  # type: ignore[arg-type]
    (lambda: Dense(2, kernel_initializer="he"), ValueError, "Unknown initializer 'he'"),
    (lambda: Dense(2, bias_initializer=0), TypeError, "Received 0 of type int"),  # type: ignore[arg-type]
    (lambda: Constant(math.inf), ValueError, "value of Constant must be finite. Received inf"),
    (lambda: Constant(-math.inf), ValueError, "value of Constant must be finite. Received -inf"),
    (lambda: Constant("1"), TypeError, "value of Constant must be a number. Received '1'"),  # type: ignore[arg-type]
    (lambda: RandomNormal(math.nan), ValueError, "mean of RandomNormal .* Received nan"),
    (lambda: RandomNormal(0, -1), ValueError, "stddev of RandomNormal .* at least 0 .* -1"),
    (lambda: RandomUniform(-math.inf), ValueError, "minval of RandomUniform .* Received -inf"),
    (lambda: RandomUniform(1, 0.5), ValueError, "maxval of RandomUniform .* at least 1.0 .* 0.5"),
    (lambda: HeNormal(seed=-1), ValueError, "seed of HeNormal must be at least 0. Received -1"),
    (lambda: HeNormal(seed=1.5), TypeError, "seed of HeNormal must be an integer or None.*1.5"),  # type: ignore[arg-type]
    (lambda: HeNormal(seed=True), TypeError, "Received True of type bool"),
]


@pytest.mark.parametrize(("call", "error", "says"), ERRORS)
def test_errors_say_what_to_do(call: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()
