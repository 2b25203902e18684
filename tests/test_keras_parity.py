"""nnbook against Keras: values, gradients, whole training runs, texts, and the bridge."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest

import nnbook
from nnbook import Input, Sequential, activations, keras_bridge, losses, metrics
from nnbook.checks import Array
from nnbook.layers import Dense
from nnbook.losses import BinaryCrossentropy, Loss, MeanSquaredError
from nnbook.optimizers import SGD, Adam
from tests import keras_side
from tests.benchmarks.measure import (
    LOGS_BOUND,
    RACES,
    Race,
    document_data,
    document_model,
    randomize,
    run,
)
from tests.keras_side import keras, value_and_gradient

ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh", "softmax")
LOSSES: dict[str, Loss] = {
    "mse": MeanSquaredError(),
    "bce": BinaryCrossentropy(),
    "bce_from_logits": BinaryCrossentropy(from_logits=True),
}
DTYPES = ("float32", "float64")
each_dtype = pytest.mark.parametrize("dtype", DTYPES)


def tolerance(dtype: str) -> float:
    return 8 * float(np.finfo(dtype).eps)


def some_z(dtype: str, extremes: bool = False) -> Array:
    """Return pre-activations: zero and moderate ones, or those where formulas usually break."""
    if extremes:
        return np.array([[-1e30, 1e30], [-200, 200], [-90, 90], [-40, -17], [17, 40]], dtype)
    z = np.random.default_rng(0).normal(0, 3, (6, 2)).astype(dtype)
    z[0] = 0
    return z


def keras_loss(name: str) -> Any:
    if name == "mse":
        return keras().losses.MeanSquaredError()
    return keras().losses.BinaryCrossentropy(from_logits=name == "bce_from_logits")


# --- values and gradients ---------------------------------------------------------------------


@pytest.mark.parametrize("extremes", [False, True])
@pytest.mark.parametrize("name", ACTIVATIONS)
@each_dtype
def test_activation(name: str, dtype: str, extremes: bool) -> None:
    z = some_z(dtype, extremes)
    weights = np.random.default_rng(1).normal(size=z.shape).astype(dtype)
    theirs = getattr(keras().activations, name)
    value, gradient = value_and_gradient(lambda z, w: theirs(z) * w, z, weights)
    f = activations.get(name)
    a = f(z)
    near = tolerance(dtype)
    # where Keras loses digits of 1 - a, both slopes are 0 to that precision
    np.testing.assert_allclose(a * weights, value, rtol=near, atol=near if extremes else 1e-37)
    np.testing.assert_allclose(f.vjp(a, weights), gradient, rtol=10 * near, atol=near)


@pytest.mark.parametrize("name", LOSSES)
@each_dtype
def test_loss(name: str, dtype: str) -> None:
    y = np.random.default_rng(2).random((6, 2)).astype(dtype)
    a = some_z(dtype)
    if name == "bce":
        a = activations.sigmoid(a)
    with keras_bridge.floatx(dtype):
        theirs = keras_loss(name)
        value, gradient = value_and_gradient(lambda a, y: theirs(y, a), a, y)
    assert LOSSES[name](y, a) == pytest.approx(float(value), rel=tolerance(dtype))
    np.testing.assert_allclose(
        LOSSES[name].grad(y, a), gradient, rtol=20 * tolerance(dtype), atol=tolerance(dtype)
    )


@pytest.mark.parametrize("name", ["bce", "bce_from_logits"])
@each_dtype
def test_crossentropy_at_the_extremes(name: str, dtype: str) -> None:
    a = np.array([[0.0], [1.0], [1e-9], [1.0], [0.0]], dtype)
    y = np.array([[0.0], [1.0], [1.0], [0.0], [1.0]], dtype)
    if name == "bce_from_logits":
        a = np.array([[-1e30], [1e30], [-200.0], [200.0], [-90.0]], dtype)
    with keras_bridge.floatx(dtype):
        theirs = keras_loss(name)
        value, gradient = value_and_gradient(lambda a, y: theirs(y, a), a, y)
    assert LOSSES[name](y, a) == pytest.approx(float(value), rel=1e-6)
    np.testing.assert_allclose(LOSSES[name].grad(y, a), gradient, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("name", LOSSES)
def test_loss_of_flat_labels(name: str) -> None:
    y = np.random.default_rng(2).random(6).astype("float32")
    a = activations.sigmoid(some_z("float32"))[:, :1]
    assert LOSSES[name](y, a) == pytest.approx(float(keras_loss(name)(y, a)), rel=1e-6)


# Left out, because Keras does not compute what was asked for: after a sigmoid it ignores
# from_logits (and warns), after a softmax it takes the pre-activations for those of a sigmoid.
# nnbook obeys, and test_gradients.py checks its gradient there too.
PAIRS = [
    (output, name)
    for output in ACTIVATIONS
    for name in LOSSES
    if (output, name)
    not in {("sigmoid", "bce_from_logits"), ("softmax", "bce"), ("softmax", "bce_from_logits")}
]


@pytest.mark.parametrize(("output", "name"), PAIRS)
def test_the_whole_gradient_of_a_network(output: str, name: str) -> None:
    x = np.random.default_rng(3).normal(size=(7, 3))
    y = np.random.default_rng(4).random((7, 2))
    with keras_bridge.floatx("float64"):
        model = randomize(
            Sequential(
                [Input(shape=(3,)), Dense(4, activation="tanh"), Dense(2, activation=output)],
                dtype="float64",
            )
        )
        model.theta[-2:] = 0.5  # so that not all outputs are clipped or dead
        model.compile("sgd", LOSSES[name])
        twin = keras_bridge.to_keras(model)
        loss, grad = model.loss_and_grad(x, y)
        twin.optimizer.learning_rate = 1.0
        history = twin.fit(x, y, batch_size=7, verbose=0).history
    assert loss == pytest.approx(history["loss"][0], rel=1e-13)
    assert np.abs(grad).max() > 1e-3
    moved = np.concatenate([w.ravel() for w in twin.get_weights()])
    np.testing.assert_allclose(model.theta - moved, grad, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", ["accuracy", "acc"])
def test_accuracy(name: str) -> None:
    rng = np.random.default_rng(0)
    half = np.full((4, 1), 0.5)
    for y, a in (
        (rng.integers(0, 2, (50, 1)), rng.random((50, 1))),
        (rng.random((50, 1)), rng.random((50, 1))),
        (np.array([[0], [1], [0], [0]]), half),
        (np.eye(3)[rng.integers(0, 3, 50)], rng.random((50, 3))),
    ):
        kind = "BinaryAccuracy" if a.shape[1] == 1 else "CategoricalAccuracy"
        theirs = getattr(keras().metrics, kind)()
        theirs.update_state(y, a)
        assert metrics.get(name)[name](y.astype(float), a) == pytest.approx(
            float(theirs.result()), abs=1e-7
        )


# --- training ---------------------------------------------------------------------------------


@pytest.mark.parametrize("race", RACES, ids=lambda race: race.name)
def test_training_of_the_documents_model_stays_beside_keras(race: Race) -> None:
    weights, logs = run(race)
    assert weights < race.bound
    assert logs < LOGS_BOUND


def test_a_short_last_batch_validation_evaluate_and_predict_agree() -> None:
    x, y = document_data("learnable")
    x, y = x[:101], y[:101]
    with keras_bridge.floatx("float64"):
        model = document_model(SGD(0.5))
        twin = keras_bridge.to_keras(model)
        orders = keras_bridge.sample_orders(model, 90, 4)
        theirs = keras_bridge.fit_in_orders(
            twin, x[:90], y[:90], orders, batch_size=32, validation_data=(x[90:], y[90:])
        )
        ours = model.fit(x, y, 32, epochs=4, validation_split=0.1, verbose=0).history
        assert list(ours) == list(theirs) == ["accuracy", "loss", "val_accuracy", "val_loss"]
        for key in ours:
            np.testing.assert_allclose(ours[key], theirs[key], rtol=0, atol=1e-12)
        assert len(set(ours["accuracy"] + ours["val_accuracy"])) > 1
        assert keras_bridge.largest_difference(model, twin) < 1e-12
        assert model.evaluate(x, y, verbose=0) == pytest.approx(
            twin.evaluate(x, y, verbose=0), abs=1e-12
        )
        by_name = model.evaluate(x, y, verbose=0, return_dict=True)
        theirs_by_name = twin.evaluate(x, y, verbose=0, return_dict=True)
        assert isinstance(by_name, dict)
        assert list(by_name) == list(theirs_by_name)
        np.testing.assert_allclose(
            model.predict(x, verbose=0), twin.predict(x, verbose=0), rtol=1e-13
        )


def test_validation_split_takes_the_part_that_keras_takes() -> None:
    x, y = document_data("learnable")
    for n, split in ((101, 0.1), (10, 0.33), (1000, 0.15)):
        with keras_bridge.floatx("float64"):
            model = document_model(SGD(0.5))
            twin = keras_bridge.to_keras(model)
            settings: dict[str, Any] = {"validation_split": split, "shuffle": False, "verbose": 0}
            ours = model.fit(x[:n], y[:n], **settings).history
            theirs = twin.fit(x[:n], y[:n], **settings).history
        assert list(ours) == list(theirs)
        for key in ours:
            np.testing.assert_allclose(ours[key], theirs[key], atol=1e-12)
        assert keras_bridge.largest_difference(model, twin) < 1e-12


def test_flat_labels_train_as_in_keras() -> None:
    x, y = document_data("learnable")
    with keras_bridge.floatx("float64"):
        model = document_model(SGD(0.5))
        twin = keras_bridge.to_keras(model)
        ours = model.fit(x, y[:, 0], shuffle=False, verbose=0).history
        theirs = twin.fit(x, y[:, 0], batch_size=32, shuffle=False, verbose=0).history
        assert keras_bridge.largest_difference(model, twin) < 1e-12
    for key in theirs:
        np.testing.assert_allclose(ours[key], theirs[key], atol=1e-12)


def test_float32_training_agrees_to_float32() -> None:
    x, y = document_data("learnable")
    model = document_model(SGD(0.1), dtype="float32")
    twin = keras_bridge.to_keras(model)
    orders = keras_bridge.sample_orders(model, len(x), 3)
    theirs = keras_bridge.fit_in_orders(twin, x, y, orders, batch_size=32)
    ours = model.fit(x, y, epochs=3, verbose=0).history
    assert keras_bridge.largest_difference(model, twin) < 1e-5
    for key in theirs:
        np.testing.assert_allclose(ours[key], theirs[key], atol=1e-5)


def test_saturated_outputs_train_as_in_keras() -> None:
    """The loss there comes from the pre-activations, as Keras recovers them from a sigmoid."""
    x, y = document_data("learnable")
    with keras_bridge.floatx("float64"):
        model = randomize(document_model(SGD(0.1)))
        model.theta *= 100
        twin = keras_bridge.to_keras(model)
        assert model.predict(x, verbose=0).min() < 1e-16
        ours = model.evaluate(x, y, verbose=0)
        assert ours == pytest.approx(twin.evaluate(x, y, verbose=0), rel=1e-12)
        model.fit(x, y, shuffle=False, verbose=0)
        twin.fit(x, y, batch_size=32, shuffle=False, verbose=0)
        assert keras_bridge.largest_difference(model, twin) < 1e-10


# --- texts ------------------------------------------------------------------------------------


def network(side: Any, units: tuple[int, int], build: bool, names: tuple[str, str]) -> Any:
    """Return the same network, written with Keras's or with nnbook's names."""
    layers = side.layers
    first = [side.Input(shape=(8,))] if build else []
    rest = [layers.Dense(u, activation="relu", name=n) for u, n in zip(units, names, strict=True)]
    return side.Sequential([*first, *rest], name="net")


@pytest.mark.parametrize("state", ["unbuilt", "built", "compiled", "trained"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize(
    ("units", "names"),
    [
        ((10, 1), ("dense", "dense_1")),
        ((3000, 2000), ("a_rather_long_name", "of_two")),
    ],
)
def test_summary_is_keras_text(
    state: str,
    optimizer: str,
    units: tuple[int, int],
    names: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts = []
    for side in (nnbook, keras()):
        model = network(side, units, build=state != "unbuilt", names=names)
        if state in ("compiled", "trained"):
            model.compile(optimizer, "mse")
        if state == "trained":
            model.fit(np.zeros((1, 8)), np.zeros((1, units[1])), verbose=0)
        if side is nnbook:
            told: list[str] = []
            model.summary(print_fn=told.append)
            texts.append("\n".join(told))
        else:
            texts.append(keras_side.summary(model, monkeypatch))
    ours, theirs = texts
    assert [line.rstrip() for line in ours.splitlines()] == [
        line.rstrip() for line in theirs.rstrip("\n").splitlines()
    ]


@pytest.mark.parametrize("epochs", [1, 2])
def test_what_verbose_2_prints_is_keras_text(
    epochs: int, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = document_data()
    model = document_model(SGD())
    with keras_bridge.floatx("float64"):
        twin = keras_bridge.to_keras(model)
        printed = []
        for one in (model, twin):
            one.fit(x, y, batch_size=32, epochs=epochs, shuffle=False, verbose=2)
            one.evaluate(x, y, batch_size=32, verbose=2)
            one.predict(x, batch_size=32, verbose=2)
            out, _ = capfd.readouterr()
            printed.append(re.sub(r"\d+s - \d+(s|ms|us)/step", "TIME", out))
    assert printed[0] == printed[1]
    assert printed[0].count("TIME") == epochs + 2


def test_the_warning_for_input_dim_is_keras_text() -> None:
    texts = []
    for dense in (Dense, keras().layers.Dense):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            dense(10, input_dim=8, activation="relu")
        assert [w.category for w in caught] == [UserWarning]
        texts.append(str(caught[0].message))
    assert texts[0] == texts[1]


# --- the bridge -------------------------------------------------------------------------------


def test_the_bridge_carries_layers_weights_and_settings_both_ways() -> None:
    one: Any
    model = randomize(document_model(Adam(0.01, 0.8, 0.99, 1e-5), dtype="float32"))
    twin = keras_bridge.to_keras(model)
    back = keras_bridge.from_keras(twin)
    assert keras_bridge.largest_difference(model, twin) == 0
    assert np.array_equal(back.theta, model.theta)
    assert back.dtype == model.dtype
    for one in (twin, back):
        assert [layer.name for layer in one.layers] == ["dense", "dense_1"]
        assert [layer.units for layer in one.layers] == [10, 1]
    assert [layer.activation.name for layer in back.layers] == ["relu", "sigmoid"]
    settings = twin.optimizer.get_config()
    for name, value in (("beta_1", 0.8), ("beta_2", 0.99), ("epsilon", 1e-5)):
        assert settings[name] == value
    assert settings["learning_rate"] == pytest.approx(0.01)
    assert isinstance(twin.loss, keras().losses.BinaryCrossentropy)
    x, _ = document_data()
    np.testing.assert_allclose(
        back.predict(x, verbose=0), twin.predict(x, verbose=0), rtol=1e-5, atol=1e-7
    )


def test_the_bridge_copies_and_does_not_share() -> None:
    model = document_model(dtype="float32")
    twin = keras_bridge.to_keras(model)
    model.theta += 1
    assert keras_bridge.largest_difference(model, twin) == pytest.approx(1, rel=1e-6)


def test_the_bridge_carries_from_logits_and_mse() -> None:
    for name, loss in LOSSES.items():
        model = Sequential([Input(shape=(2,)), Dense(1)])
        model.compile("sgd", loss)
        twin = keras_bridge.to_keras(model)
        assert type(twin.loss).__name__ == type(loss).__name__
        assert twin.loss.get_config().get("from_logits", False) is (name == "bce_from_logits")
        assert isinstance(twin.optimizer, keras().optimizers.SGD)


def test_floatx_is_put_back_also_after_an_error() -> None:
    def fail() -> None:
        with keras_bridge.floatx("float64"):
            assert keras().config.floatx() == "float64"
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert keras().config.floatx() == "float32"


def test_sample_orders_are_those_of_the_next_fit_and_draw_nothing() -> None:
    model = document_model(SGD())
    state = model._shuffle.bit_generator.state
    orders = keras_bridge.sample_orders(model, 1000, 2)
    assert model._shuffle.bit_generator.state == state
    x, y = document_data()
    other = document_model(SGD())
    for order in orders:
        other.fit(x[order], y[order], shuffle=False, verbose=0)
    model.fit(x, y, epochs=2, verbose=0)
    assert np.array_equal(model.theta, other.theta)


def test_what_cannot_cross_the_bridge_is_refused() -> None:
    with pytest.raises(RuntimeError, match="no weights to copy yet"):
        keras_bridge.to_keras(Sequential([Dense(1)]))
    with pytest.raises(ValueError, match=r"Keras works in float32.*floatx\('float64'\)"):
        keras_bridge.to_keras(document_model(dtype="float64"))
    twin = keras().Sequential([keras().Input((4,)), keras().layers.BatchNormalization()])
    with pytest.raises(TypeError, match="Only Dense, Activation, Dropout and Flatten"):
        keras_bridge.from_keras(twin)
    twin = keras().Sequential([keras().Input((4,)), keras().layers.Dense(1, activation="gelu")])
    with pytest.raises(ValueError, match=r"Unknown activation 'gelu'. Known: elu"):
        keras_bridge.from_keras(twin)


def test_losses_have_keras_names() -> None:
    for name in ("mse", "mean_squared_error", "bce", "binary_crossentropy"):
        theirs = keras().losses.get(name)
        y, a = np.array([[0.2], [0.9]]), np.array([[0.4], [0.7]])
        assert losses.get(name)(y, a) == pytest.approx(float(np.mean(theirs(y, a))), rel=1e-6)
