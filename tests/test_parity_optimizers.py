"""Optimizers beside Keras: step by step on the same gradients, and in whole training runs.

Keras turns some settings into float32 even in a float64 model: ``ops.cast(0.9, "float64")`` is
0.8999999761581421, because TensorFlow makes a Python float a float32 tensor first. That happens to
SGD's momentum, to the powers of Adam's betas, to weight decay, to Adagrad's initial value and to
all numbers of a schedule; nnbook does not do it. Two proofs that nothing else differs: numbers that
float32 holds exactly (0.875, 1 - 2**-10), and NumPy float64 scalars, which TensorFlow leaves as
they are.
"""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnbook import Input, Sequential, keras_bridge, optimizers
from nnbook.checks import Array
from nnbook.layers import Dense
from nnbook.optimizers import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from nnbook.schedules import (
    CosineDecay,
    ExponentialDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
)
from tests.benchmarks.measure import document_data, document_model
from tests.keras_side import keras, summary

BETA = 1 - 2**-10  # like 0.875 and 2**-8, float32 holds it exactly
STEPS = 10
CASES: dict[str, tuple[type[Optimizer], dict[str, Any]]] = {
    "SGD": (SGD, {"learning_rate": 0.1}),
    "SGD, momentum": (SGD, {"learning_rate": 0.1, "momentum": 0.875}),
    "SGD, Nesterov": (SGD, {"learning_rate": 0.1, "momentum": 0.875, "nesterov": True}),
    "SGD, Nesterov without momentum": (SGD, {"nesterov": True}),
    "RMSprop": (RMSprop, {}),
    "RMSprop, all set": (RMSprop, {"learning_rate": 0.01, "rho": 0.7, "epsilon": 1e-3}),
    "RMSprop, momentum": (RMSprop, {"rho": 0.8, "momentum": 0.9}),
    "Adagrad": (Adagrad, {"initial_accumulator_value": 0.125}),
    "Adagrad, all set": (
        Adagrad,
        {"learning_rate": 0.3, "initial_accumulator_value": 0.75, "epsilon": 1e-2},
    ),
    "Adagrad from zero": (Adagrad, {"initial_accumulator_value": 0.0}),
    "Adam": (Adam, {"learning_rate": 0.02, "beta_1": 0.875, "beta_2": BETA}),
    "AdamW": (AdamW, {"weight_decay": 2**-8, "beta_1": 0.875, "beta_2": BETA}),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weight decay": {"weight_decay": 2**-4},
    "clipvalue": {"clipvalue": 0.7},
    "clipvalue 0, which is off": {"clipvalue": 0.0},
    "global_clipnorm": {"global_clipnorm": 1.3},
    "global_clipnorm, never reached": {"global_clipnorm": 1e6},
    "global_clipnorm 0, which is off": {"global_clipnorm": 0.0},
    "weight decay 0": {"weight_decay": 0.0},
    "weight decay and clipvalue": {"weight_decay": 2**-3, "clipvalue": 0.4},
    "weight decay and global_clipnorm": {"weight_decay": 2**-3, "global_clipnorm": 0.4},
    "a fall in steps": {"learning_rate": PiecewiseConstantDecay([2, 6], [0.5, 0.25, 0.125])},
    "a fall in steps, weight decay": {
        "learning_rate": PiecewiseConstantDecay([2, 6], [0.5, 0.25, 0.125]),
        "weight_decay": 2**-4,
    },
}
every_case = pytest.mark.parametrize("case", CASES)
every_kind = pytest.mark.parametrize("kind", [SGD, RMSprop, Adagrad, Adam, AdamW])
each_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])


def some_gradients(dtype: str = "float64") -> list[Array]:
    """Return gradients of a kernel ``(3, 2)`` and a bias ``(2,)``, flat, of several sizes."""
    rng = np.random.default_rng(5)
    sizes = 10.0 ** rng.uniform(-3, 1, STEPS)
    return [(size * rng.normal(size=8)).astype(dtype) for size in sizes]


def start(dtype: str = "float64") -> Array:
    return np.random.default_rng(6).normal(size=8).astype(dtype)


def in_keras(theirs: Any, theta: Array, gradients: list[Array]) -> tuple[list[Array], Any]:
    """Return the flat parameters after each of Keras's steps, and the optimizer."""
    variables = [keras().Variable(part) for part in (theta[:6].reshape(3, 2), theta[6:])]
    theirs.build(variables)
    path = []
    for grad in gradients:
        parts = [keras().ops.convert_to_tensor(g) for g in (grad[:6].reshape(3, 2), grad[6:])]
        theirs.apply(parts, variables)
        path.append(np.concatenate([np.asarray(v).ravel() for v in variables]))
    return path, theirs


def steps(optimizer: Optimizer, theta: Array, gradients: list[Array]) -> list[Array]:
    path = []
    for grad in gradients:
        optimizer.step(theta, grad)
        path.append(theta.copy())
    return path


# --- step by step -----------------------------------------------------------------------------


@pytest.mark.parametrize("option", OPTIONS)
@every_case
def test_ten_steps_beside_keras_in_float64(case: str, option: str) -> None:
    kind, settings = CASES[case]
    ours = kind(**settings | OPTIONS[option])
    with keras_bridge.floatx("float64"):
        theirs = keras_bridge._optimizer_to_keras(ours, keras())
        expected, theirs = in_keras(theirs, start(), some_gradients())
    assert type(theirs).__name__ == kind.__name__
    path = steps(ours, start(), some_gradients())
    np.testing.assert_allclose(path, expected, rtol=1e-12, atol=1e-13)
    count = sum(int(np.prod(v.shape)) for v in theirs.variables)
    size = sum(int(np.prod(v.shape)) * np.dtype(v.dtype).itemsize for v in theirs.variables)
    assert ours.memory() == (count, size)
    assert ours.iterations == int(theirs.iterations) == STEPS


@pytest.mark.parametrize("option", ["plain", "weight decay and global_clipnorm"])
@every_case
def test_ten_steps_beside_keras_in_float32(case: str, option: str) -> None:
    kind, settings = CASES[case]
    ours = kind(**settings | OPTIONS[option])
    theirs = keras_bridge._optimizer_to_keras(ours, keras())
    expected, theirs = in_keras(theirs, start("float32"), some_gradients("float32"))
    theta = start("float32")
    path = steps(ours, theta, some_gradients("float32"))
    assert theta.dtype == np.float32
    assert all(s.dtype == np.float32 for s in ours._state)
    np.testing.assert_allclose(path, expected, rtol=2e-5, atol=2e-6)
    size = sum(int(np.prod(v.shape)) * np.dtype(v.dtype).itemsize for v in theirs.variables)
    assert ours.memory()[1] == size


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (SGD, {"momentum": 0.9}),
        (SGD, {"momentum": 0.9, "nesterov": True}),
        (SGD, {"weight_decay": 0.004}),
        (Adagrad, {"learning_rate": 0.5, "initial_accumulator_value": 0.1}),
        (Adam, {"beta_1": 0.9, "beta_2": 0.999}),
        (AdamW, {"beta_1": 0.9, "beta_2": 0.999, "weight_decay": 0.004}),
        (SGD, {"learning_rate": ExponentialDecay(0.1, 3, 0.9)}),
        (Adam, {"beta_1": 0.9, "beta_2": 0.999, "learning_rate": CosineDecay(0.1, 7)}),
    ],
)
def test_only_the_rounding_to_float32_keeps_keras_away(
    kind: type[Optimizer], settings: dict[str, Any]
) -> None:
    def their_steps(number: Callable[[float], float]) -> list[Array]:
        def exact(value: Any) -> Any:
            if isinstance(value, LearningRateSchedule):
                their_kind = getattr(keras().optimizers.schedules, type(value).__name__)
                return their_kind(**{k: exact(v) for k, v in value.get_config().items()})
            return number(value) if type(value) is float else value

        same = getattr(keras().optimizers, kind.__name__)
        theirs = same(**{name: exact(value) for name, value in settings.items()})
        return in_keras(theirs, start(), some_gradients())[0]

    with keras_bridge.floatx("float64"):
        path = steps(kind(**settings), start(), some_gradients())
        np.testing.assert_allclose(path, their_steps(np.float64), rtol=1e-12, atol=1e-13)
        rounded = their_steps(float)  # as a reader would write it
    difference = np.abs(np.subtract(path, rounded)).max()
    assert 1e-12 < difference < 1e-5


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan, 1e30])
def test_a_norm_that_is_not_finite_shows_as_in_keras(bad: float) -> None:
    grad = np.array([0.5, bad, 1, 2, 3, 4, 5, 6], "float32")
    theirs = keras().optimizers.SGD(global_clipnorm=1.0)
    expected, _ = in_keras(theirs, start("float32"), [grad])
    with np.errstate(all="ignore"):
        path = steps(SGD(global_clipnorm=1.0), start("float32"), [grad])
    assert np.isnan(path).all()
    assert np.isnan(expected).all()


def test_a_zero_gradient_has_no_direction_and_is_not_scaled() -> None:
    theta = np.ones(3)
    SGD(global_clipnorm=1.0).step(theta, np.zeros(3))
    assert np.array_equal(theta, np.ones(3))


@each_dtype
@every_case
def test_options_work_in_place_and_only_read_the_gradient(case: str, dtype: str) -> None:
    kind, settings = CASES[case]
    for options in OPTIONS.values():
        optimizer = kind(**settings | options)
        theta, (grad, *_) = start(dtype), some_gradients(dtype)
        view, before, kept = theta[:3], theta[:3].copy(), grad.copy()
        optimizer.step(theta, grad)
        assert (view != before).all()
        assert theta.dtype == dtype
        assert np.array_equal(grad, kept)
        assert not any(np.shares_memory(s, grad) for s in optimizer._state)


def test_room_for_a_clipped_gradient_is_made_only_where_one_is_clipped() -> None:
    plain, clipped = Adam(), Adam(clipvalue=1.0)
    for optimizer in (plain, clipped):
        optimizer.build(np.zeros(4))
    assert not hasattr(plain, "_clipped")
    assert clipped._clipped.shape == (4,)


@pytest.mark.parametrize("how", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])  # noqa: S301
@every_case
def test_a_copy_goes_on_by_itself(case: str, how: Any) -> None:
    kind, settings = CASES[case]
    pair = kind(**settings, global_clipnorm=0.5), start()
    steps(*pair, some_gradients()[:4])
    optimizer, theta = how(pair)
    before = pair[1].copy()
    steps(optimizer, theta, some_gradients()[4:])
    assert np.array_equal(pair[1], before)
    steps(*pair, some_gradients()[4:])
    assert np.array_equal(theta, pair[1])
    assert not np.shares_memory(optimizer._clipped, pair[0]._clipped)


# --- whole training runs ----------------------------------------------------------------------


RUNS: dict[str, Callable[[], Optimizer]] = {
    "SGD, momentum, clipvalue": lambda: SGD(0.1, 0.875, clipvalue=0.01),
    "SGD, Nesterov": lambda: SGD(0.1, 0.875, nesterov=True),
    "SGD, a fall in steps": lambda: SGD(PiecewiseConstantDecay([40, 90], [0.5, 0.25, 0.125])),
    "RMSprop": RMSprop,
    "RMSprop, momentum": lambda: RMSprop(momentum=0.5, weight_decay=2**-6),
    "Adagrad": lambda: Adagrad(0.1, 0.125, global_clipnorm=0.1),
    "Adam, clipped, decaying": lambda: Adam(
        0.01, 0.875, BETA, weight_decay=2**-6, global_clipnorm=0.25
    ),
    "AdamW": lambda: AdamW(0.01, 2**-8, 0.875, BETA),
}


@pytest.mark.parametrize("labels", ["random", "learnable"])
@pytest.mark.parametrize("name", RUNS)
def test_training_of_the_documents_model_stays_beside_keras(name: str, labels: str) -> None:
    x, y = document_data(labels)
    with keras_bridge.floatx("float64"):
        model = document_model(RUNS[name]())
        before = model.theta.copy()
        twin = keras_bridge.to_keras(model)
        orders = keras_bridge.sample_orders(model, len(x), 5)
        theirs = keras_bridge.fit_in_orders(twin, x, y, orders, batch_size=32)
        ours = model.fit(x, y, batch_size=32, epochs=5, verbose=0).history
        assert list(ours) == list(theirs)
        for key in ours:
            np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-10, atol=1e-12)
        assert keras_bridge.largest_difference(model, twin) < 1e-11
    assert np.abs(model.theta - before).max() > 0.01


@pytest.mark.parametrize(
    "optimizer", ["rmsprop", "adagrad", "adamw", SGD(momentum=0.5), SGD(CosineDecay(0.1, 9))]
)
def test_the_summary_counts_the_optimizer_as_keras_does(
    optimizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = document_data()
    model = document_model(optimizer, dtype="float32")
    twin = keras_bridge.to_keras(model)
    model.fit(x[:32], y[:32], verbose=0)
    twin.fit(x[:32], y[:32], verbose=0)
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    assert lines[0].strip() == summary(twin, monkeypatch).strip()
    assert "Optimizer params" in lines[0]


def test_compile_takes_rmsprop_unless_told_as_in_keras() -> None:
    model = Sequential([Input(shape=(2,)), Dense(1)])
    model.compile(loss="mse")
    twin = keras().Sequential([keras().Input((2,)), keras().layers.Dense(1)])
    twin.compile(loss="mse")
    assert type(model.optimizer) is RMSprop
    assert type(twin.optimizer).__name__ == "RMSprop"
    optimizer = model.optimizer
    with pytest.raises(TypeError, match=r"compile needs a loss, .* Received None"):
        model.compile("sgd")
    assert model.optimizer is optimizer


# --- names, settings and errors ---------------------------------------------------------------


@every_kind
def test_names_and_defaults_are_those_of_keras(kind: Any) -> None:
    same = getattr(keras().optimizers, kind.__name__)
    theirs = same().get_config()
    for name, value in kind().get_config().items():
        rounded = np.float32(value) if name == "learning_rate" else value
        assert rounded == theirs[name], name
    for name in (kind.__name__, kind.__name__.lower(), kind.__name__.upper()):
        assert type(optimizers.get(name)) is kind
        assert isinstance(keras().optimizers.get(name), same)


@every_kind
def test_the_settings_make_the_same_optimizer_again(kind: Any) -> None:
    settings = {name: 2**-i for i, name in enumerate(kind().get_config(), start=1)}
    settings |= {"clipvalue": None}  # one clip at a time
    settings |= {"nesterov": True} if kind is SGD else {}
    optimizer = kind(**settings)
    assert optimizer.get_config() == settings
    assert all(getattr(optimizer, name) == value for name, value in settings.items())


@every_kind
@pytest.mark.parametrize("name", ["learning_rate", "weight_decay", "clipvalue", "global_clipnorm"])
def test_what_is_wrong_is_named(kind: Any, name: str) -> None:
    for bad, error in (
        (-0.5, ValueError),
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        ("0.1", TypeError),
        (True, TypeError),
    ):
        with pytest.raises(error, match=f"^{name} must be"):
            kind(**{name: bad})


@pytest.mark.parametrize(
    ("kind", "name", "bad"),
    [
        (SGD, "momentum", 1.0),
        (SGD, "momentum", -0.1),
        (RMSprop, "rho", 1.0),
        (RMSprop, "rho", -0.1),
        (RMSprop, "momentum", 1.0),
        (RMSprop, "momentum", -0.1),
        (RMSprop, "epsilon", -1e-7),
        (Adagrad, "initial_accumulator_value", -0.1),
        (Adagrad, "epsilon", -1e-7),
        (AdamW, "beta_1", 1.0),
        (AdamW, "beta_2", 1.0),
        (AdamW, "epsilon", -1e-7),
    ],
)
def test_a_setting_out_of_range_is_named(kind: Any, name: str, bad: float) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be at least 0 and .* Received {bad}"):
        kind(**{name: bad})
    with pytest.raises(TypeError, match=f"^{name} must be a number. Received None"):
        kind(**{name: None})


def test_adamw_without_decay_is_refused_as_in_keras() -> None:
    with pytest.raises(TypeError, match=r"weight_decay must be a number\. Received None"):
        AdamW(weight_decay=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="weight_decay"):
        keras().optimizers.AdamW(weight_decay=None)


def test_two_clips_at_once_are_refused_as_in_keras() -> None:
    for make in (SGD, keras().optimizers.SGD):
        with pytest.raises(ValueError, match=r"Only one of .*clipvalue.* can be set"):
            make(clipvalue=0.5, global_clipnorm=0.5)


@every_kind
@pytest.mark.parametrize(
    "name", ["clipnorm", "use_ema", "name", "amsgrad", "centered", "loss_scale_factor"]
)
def test_what_is_not_taught_is_refused_by_name(kind: Any, name: str) -> None:
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{name}'"):
        kind(**{name: 0.5})


# --- the bridge -------------------------------------------------------------------------------


@pytest.mark.parametrize("option", OPTIONS)
@every_case
def test_optimizers_cross_the_bridge_and_come_back(case: str, option: str) -> None:
    kind, settings = CASES[case]
    ours = kind(**settings | OPTIONS[option])
    with keras_bridge.floatx("float64"):
        back = keras_bridge._optimizer_from_keras(keras_bridge._optimizer_to_keras(ours, keras()))
    assert type(back) is kind
    one, other = ours.get_config(), back.get_config()
    rate, rate_back = one.pop("learning_rate"), other.pop("learning_rate")
    assert one == other
    if isinstance(rate, LearningRateSchedule):
        assert type(rate_back) is type(rate)
        assert rate_back.get_config() == rate.get_config()
    else:
        assert rate_back == rate


@pytest.mark.parametrize(
    "schedule",
    [
        ExponentialDecay(0.5, 10, 0.75, staircase=True),
        CosineDecay(0.5, 10, 0.25),
        CosineDecay(0.0, 10, 0.25, warmup_target=0.5, warmup_steps=4),
        PiecewiseConstantDecay([3], [0.5, 0.25]),
    ],
)
def test_schedules_cross_the_bridge_and_come_back(schedule: LearningRateSchedule) -> None:
    theirs = keras_bridge._optimizer_to_keras(SGD(schedule), keras())
    for step in (0, 1, 3, 4, 10, 25):
        assert schedule(step) == pytest.approx(float(theirs._learning_rate(step)), rel=1e-6)
    back = keras_bridge._optimizer_from_keras(theirs).get_config()["learning_rate"]
    assert type(back) is type(schedule)
    assert back.get_config() == schedule.get_config()


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("Adam", {"amsgrad": True}, "no amsgrad, so amsgrad=True cannot cross"),
        ("RMSprop", {"centered": True}, "no centered, so centered=True"),
        ("SGD", {"clipnorm": 1.0}, "no clipnorm, so clipnorm=1.0"),
        ("SGD", {"use_ema": True}, "no use_ema, so use_ema=True"),
    ],
)
def test_a_setting_that_nnbook_lacks_cannot_cross(
    name: str, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        keras_bridge._optimizer_from_keras(getattr(keras().optimizers, name)(**settings))


def test_a_kind_that_the_other_side_lacks_cannot_cross() -> None:
    with pytest.raises(TypeError, match=r"nnbook\.optimizers has no Adadelta"):
        keras_bridge._optimizer_from_keras(keras().optimizers.Adadelta())

    class Mine(SGD):
        pass

    with pytest.raises(TypeError, match="has no Mine, so it cannot cross the bridge"):
        keras_bridge._optimizer_to_keras(Mine(), keras())
