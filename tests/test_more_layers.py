"""Dense's options, Activation, Dropout, pop and train_on_batch: beside Keras and by the rules."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest

import nnbook
from nnbook import Input, Sequential, activations, keras_bridge
from nnbook.checks import Array
from nnbook.gradcheck import gradient_error, numerical_gradient
from nnbook.layers import Activation, Dense, Dropout, Layer
from nnbook.losses import MeanSquaredError
from nnbook.optimizers import SGD
from tests import keras_side
from tests.benchmarks.measure import randomize
from tests.keras_side import keras


def batch(n: int = 4, dtype: str = "float64", seed: int = 1, width: int = 3) -> Array:
    return np.random.default_rng(seed).normal(size=(n, width)).astype(dtype)


def net(*layers: Layer, optimizer: Any = "sgd", loss: Any = "mse", seed: int = 0) -> Sequential:
    model = randomize(Sequential([Input(shape=(3,)), *layers], seed=seed, dtype="float64"))
    model.compile(optimizer, loss)
    return model


def placed(layer: Layer, dtype: str = "float64") -> Layer:
    """Return the layer, in a model of three features."""
    Sequential([Input(shape=(3,)), layer], dtype=dtype, seed=5)
    return layer


# --- against Keras ----------------------------------------------------------------------------


def tape_gradients(twin: Any, x: Array, weights_of_outputs: Array) -> tuple[Array, Array, Array]:
    """Return Keras's outputs, and the gradient of their weighted sum by weights and by x."""
    import tensorflow as tf

    x = tf.Variable(x)
    with tf.GradientTape() as tape:
        a = twin(x, training=False)
        total = tf.reduce_sum(a * weights_of_outputs)
    by_weights, by_x = tape.gradient(total, [twin.trainable_weights, x])
    return np.asarray(a), np.concatenate([np.ravel(g) for g in by_weights]), np.asarray(by_x)


@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh", "softmax"])
@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("apart", [True, False])
def test_values_and_gradients_are_keras(activation: str, use_bias: bool, apart: bool) -> None:
    x, grad = batch(6), batch(6, seed=2)[:, :2].copy()
    layers: list[Layer] = [Dense(2, None if apart else activation, use_bias)]
    layers += [Activation(activation)] if apart else []
    with keras_bridge.floatx("float64"):
        model = net(Dropout(0.3), *layers)
        value, by_weights, by_x = tape_gradients(keras_bridge.to_keras(model), x, grad)
    a = x
    for layer in model.layers:
        a = layer.forward(a)
    back: Array | None = grad
    for layer in reversed(model.layers):
        assert back is not None
        back = layer.backward(back)
    assert model.count_params() == (8 if use_bias else 6)
    assert back is not None
    np.testing.assert_allclose(a, value, rtol=1e-14)
    np.testing.assert_allclose(model.grad, by_weights, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(back, by_x, rtol=1e-12, atol=1e-15)


def test_training_with_layers_of_all_kinds_stays_beside_keras() -> None:
    x = batch(50)
    y = (x[:, :1] > 0).astype(float)
    with keras_bridge.floatx("float64"):
        model = net(
            Activation("tanh"),
            Dense(5, use_bias=False),
            Dropout(0.0),
            Activation("relu"),
            Dense(1, bias_initializer="ones"),
            Activation("sigmoid"),
            optimizer=SGD(0.5),
            loss="binary_crossentropy",
        )
        twin = keras_bridge.to_keras(model)
        orders = keras_bridge.sample_orders(model, 50, 3)
        theirs = keras_bridge.fit_in_orders(twin, x, y, orders, batch_size=16)
        ours = model.fit(x, y, 16, epochs=3, verbose=0).history
        np.testing.assert_allclose(ours["loss"], theirs["loss"], rtol=1e-12)
        assert keras_bridge.largest_difference(model, twin) < 1e-12
        np.testing.assert_allclose(
            model.predict(x, verbose=0), twin.predict(x, verbose=0), rtol=1e-12
        )


def mixed(side: Any, build: bool) -> Any:
    layers = side.layers
    first = [side.Input(shape=(8,))] if build else []
    return side.Sequential(
        [
            *first,
            layers.Dense(4, use_bias=False, name="dense"),
            layers.Activation("relu", name="activation"),
            layers.Dropout(0.2, name="dropout"),
            layers.Dense(2, name="dense_1"),
        ],
        name="net",
    )


@pytest.mark.parametrize("state", ["unbuilt", "built", "compiled", "trained"])
def test_summary_is_keras_text(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    for side in (nnbook, keras()):
        model = mixed(side, state != "unbuilt")
        if state in ("compiled", "trained"):
            model.compile("adam", "mse")
        if state == "trained":
            model.fit(np.zeros((1, 8)), np.zeros((1, 2)), verbose=0)
        if side is nnbook:
            model.summary(print_fn=texts.append)
        else:
            texts.append(keras_side.summary(model, monkeypatch))
    ours, theirs = ([line.rstrip() for line in text.rstrip("\n").splitlines()] for text in texts)
    assert ours == theirs


def test_the_bridge_carries_all_layers_both_ways() -> None:
    with keras_bridge.floatx("float64"):
        model = net(
            Dense(4, "relu", use_bias=False, kernel_initializer="he_normal", name="one"),
            Dropout(0.25, seed=7),
            Activation("tanh"),
            Dense(2, bias_initializer="ones", kernel_regularizer="l2"),
        )
        model.layers[0].kernel_initializer.seed = 3  # type: ignore[attr-defined]
        twin = keras_bridge.to_keras(model)
        back = keras_bridge.from_keras(twin)
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    assert np.array_equal(back.theta, model.theta)
    for ours, theirs in zip(model.layers, back.layers, strict=True):
        assert repr(ours) == repr(theirs)
        for name in ("use_bias", "rate", "seed"):
            assert getattr(ours, name, None) == getattr(theirs, name, None)
        for name in ("kernel_initializer", "bias_initializer", "kernel_regularizer"):
            assert repr(getattr(ours, name, None)) == repr(getattr(theirs, name, None))
    assert (twin.layers[1].rate, twin.layers[1].seed) == (0.25, 7)
    assert twin.layers[0].kernel_initializer.get_config()["seed"] == 3
    assert twin.layers[0].bias is None


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda k: k.layers.Dense(1, bias_regularizer="l2"), "no bias_regularizer"),
        (lambda k: k.layers.Dense(1, activity_regularizer="l2"), "no activity_regularizer"),
        (lambda k: k.layers.Dense(1, kernel_constraint="max_norm"), "no kernel_constraint"),
        (lambda k: k.layers.Dense(1, bias_constraint="max_norm"), "no bias_constraint"),
        (lambda k: k.layers.Dropout(0.5, noise_shape=(1, 4)), "no noise_shape"),
        (lambda k: k.layers.Dense(1, kernel_initializer="orthogonal"), "initializer 'Orthogonal'"),
    ],
)
def test_what_is_not_taught_cannot_cross_the_bridge(make: Any, says: str) -> None:
    twin = keras().Sequential([keras().Input((4,)), make(keras())])
    with pytest.raises(ValueError, match=says):
        keras_bridge.from_keras(twin)


def test_a_foreign_layer_cannot_cross_the_bridge() -> None:
    model = Sequential([Input(shape=(3,)), Layer()])
    with pytest.raises(TypeError, match="Only Dense, Activation, Dropout and Flatten"):
        keras_bridge.to_keras(model)


# --- Dense without a bias ---------------------------------------------------------------------


def test_without_a_bias_there_is_none_to_train() -> None:
    dense = Dense(2, use_bias=False)
    model = net(dense)
    assert dense.shapes() == {"kernel": (3, 2)}
    assert [w.shape for w in model.get_weights()] == [(3, 2)]
    x = batch()
    assert np.array_equal(dense.forward(x), x @ dense.kernel)
    assert not dense.bias.any()
    with pytest.raises(ValueError, match="read-only"):
        dense.bias[:] = 1
    model.fit(x, batch(width=2), epochs=3, verbose=0)
    assert not dense.bias.any()
    assert gradient_error(net(Dense(2, "tanh", use_bias=False)), x, batch(width=2)) < 1e-8


# --- rules that hold for every layer ----------------------------------------------------------

KINDS: dict[str, Any] = {
    "activation": lambda: Activation("tanh"),
    "linear": lambda: Activation(None),
    "dropout": lambda: Dropout(0.4, seed=3),
    "no dropout": lambda: Dropout(0),
    "dense": lambda: Dense(3, use_bias=False),
}
each_kind = pytest.mark.parametrize("kind", KINDS)
when = pytest.mark.parametrize("training", [True, False])


@each_kind
@when
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_out_receives_the_same_numbers(kind: str, training: bool, dtype: str) -> None:
    layer = placed(KINDS[kind](), dtype)
    twin = copy.deepcopy(layer)
    x, grad = batch(dtype=dtype), batch(dtype=dtype, seed=2)
    fresh = layer.forward(x, training=training)
    back = layer.backward(grad)
    assert back is not None
    assert fresh.dtype == back.dtype == dtype
    out, out_back = np.full((4, 3), np.nan, dtype), np.full((4, 3), np.nan, dtype)
    assert twin.forward(x, training=training, out=out) is out
    assert twin.backward(grad, out=out_back) is out_back
    assert np.array_equal(out, fresh)
    assert np.array_equal(out_back, back)
    assert layer.backward(grad, input_grad=False) is None


@each_kind
@when
def test_inputs_stay_and_results_are_neither_shared_nor_overwritten(
    kind: str, training: bool
) -> None:
    layer = placed(KINDS[kind]())
    x, grad = batch(), batch(seed=2)
    given = x.copy(), grad.copy()
    a, back = layer.forward(x, training=training), layer.backward(grad)
    direct = layer.backward_delta(grad)
    z = layer.preactivation(x, training=training)
    assert back is not None
    assert direct is not None
    results = (a, back, direct, z)
    kept = [r.copy() for r in results]
    for one in results:
        for other in (x, grad, *results):
            assert one is other or not np.shares_memory(one, other)
    layer.forward(batch(seed=3), training=training)
    layer.backward(batch(seed=4))
    assert np.array_equal(x, given[0])
    assert np.array_equal(grad, given[1])
    for one, before in zip(results, kept, strict=True):
        assert np.array_equal(one, before)


@each_kind
def test_forget_lets_go_of_all_memory(kind: str) -> None:
    layer = placed(KINDS[kind]())
    layer.forward(batch(50), training=True)
    layer.forget()
    held = [v for v in vars(layer).values() if isinstance(v, np.ndarray) and len(v) == 50]
    assert held == []
    with pytest.raises(RuntimeError, match="backward came before forward"):
        layer.backward(batch(50))


@each_kind
def test_after_fit_no_layer_holds_its_buffers(kind: str) -> None:
    model = net(KINDS[kind](), Dense(1))
    model.fit(batch(50), batch(50, width=1), 50, verbose=0)
    model.train_on_batch(batch(50), batch(50, width=1))
    for layer in model.layers:
        for value in vars(layer).values():
            assert not (isinstance(value, np.ndarray) and len(value) == 50)


@each_kind
def test_a_layer_by_hand_takes_lists(kind: str) -> None:
    layer = placed(KINDS[kind]())
    a = layer.forward([[1, 2, 3]])  # type: ignore[arg-type]
    assert np.array_equal(a, layer.forward(np.array([[1.0, 2.0, 3.0]])))


# --- Activation -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["linear", "relu", "sigmoid", "tanh", "softmax"])
def test_dense_and_activation_apart_are_dense_with_it(name: str) -> None:
    x, y = batch(20), np.abs(batch(20, width=2, seed=5)) % 1
    together = net(Dense(4, name), Dense(2, name), loss="mse")
    apart = net(Dense(4), Activation(name), Dense(2), Activation(name), loss="mse")
    assert np.array_equal(together.theta, apart.theta)
    results = [model.loss_and_grad(x, y) for model in (together, apart)]
    assert results[0][0] == results[1][0]
    assert np.array_equal(results[0][1], results[1][1])
    histories = [m.fit(x, y, 8, epochs=3, verbose=0).history for m in (together, apart)]
    assert histories[0] == histories[1]
    assert np.array_equal(together.theta, apart.theta)
    assert together.evaluate(x, y, verbose=0) == apart.evaluate(x, y, verbose=0)
    assert np.array_equal(together.predict(x, verbose=0), apart.predict(x, verbose=0))


def test_the_loss_sees_the_activation_of_an_activation_layer_at_the_end() -> None:
    seen = []

    class Probe(MeanSquaredError):
        def delta(self, y_true: Any, y_pred: Any, activation: Any, out: Any = None) -> Array:
            seen.append(activation)
            return super().delta(y_true, y_pred, activation, out)

    model = net(Dense(2), Activation("softmax"), loss=Probe())
    model.loss_and_grad(batch(), batch(width=2))
    assert seen == [activations.softmax]


def test_saturated_outputs_of_an_activation_layer_still_learn() -> None:
    """Only the fused delta does: sigmoid's own slope is 0 there."""
    model = net(Dense(1), Activation("sigmoid"), loss="binary_crossentropy")
    model.theta[:] = 1000
    x, y = np.ones((2, 3)), np.zeros((2, 1))
    loss, grad = model.loss_and_grad(x, y)
    assert loss == pytest.approx(4000)
    assert grad.tolist() == [1, 1, 1, 1]


# --- Dropout ----------------------------------------------------------------------------------


def test_dropout_out_of_training_changes_nothing() -> None:
    layer = placed(Dropout(0.9))
    x, grad = batch(), batch(seed=2)
    assert np.array_equal(layer.forward(x), x)
    back = layer.backward(grad)
    assert back is not None
    assert np.array_equal(back, grad)
    model = net(Dense(4, "tanh"), Dropout(0.9), Dense(1))
    without = net(Dense(4, "tanh"), Dense(1))
    assert np.array_equal(model.predict(x, verbose=0), without.predict(x, verbose=0))
    y = batch(width=1)
    assert model.evaluate(x, y, verbose=0) == without.evaluate(x, y, verbose=0)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.8])
def test_dropout_keeps_the_mean_and_drops_the_share(rate: float) -> None:
    """With n inputs of 1 the mean of the outputs errs by sqrt(rate / (1 - rate) / n)."""
    layer = Dropout(rate, seed=1)
    layer.build(400)
    n = 400 * 300
    a = layer.forward(np.ones((300, 400)), training=True)
    assert set(np.unique(a)) == ({0, 1 / (1 - rate)} if rate else {1})
    assert a.mean() == pytest.approx(1, abs=5 * math.sqrt(rate / (1 - rate) / n))
    for axis in (0, 1):  # drawn for each input of each sample, not for a row or a column
        spread = np.var(a.mean(axis=axis)) * a.shape[axis]
        assert spread == pytest.approx(rate / (1 - rate), rel=0.4)


@pytest.mark.parametrize("rate", [0.2, 0.5])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_dropout_takes_keras_values(rate: float, dtype: str) -> None:
    """The masks differ, but what is kept is the same there and here."""
    x = np.abs(batch(40, dtype)) + 1
    theirs = np.asarray(keras().layers.Dropout(rate, dtype=dtype)(x, training=True))
    ours = placed(Dropout(rate), dtype).forward(x, training=True)
    both = (theirs != 0) & (ours != 0)
    assert both.sum() > 10
    np.testing.assert_allclose(ours[both], theirs[both], rtol=3 * float(np.finfo(dtype).eps))


def test_forward_and_backward_share_mask_and_factor() -> None:
    layer = placed(Dropout(0.5, seed=0))
    a = layer.forward(np.ones((50, 3)), training=True)
    back = layer.backward(np.ones((50, 3)))
    assert back is not None
    assert np.array_equal(a, back)
    assert set(np.unique(back)) == {0, 2}
    assert not np.array_equal(layer.forward(np.ones((50, 3)), training=True), a)
    layer.forward(np.ones((50, 3)))  # out of training, so is the way back
    back = layer.backward(np.ones((50, 3)))
    assert back is not None
    assert (back == 1).all()


class Frozen(Dropout):
    """Draws the same mask at every pass, so that a difference of losses means something."""

    def preactivation(self, x: Array, **named: Any) -> Array:
        self.rng = np.random.default_rng(8)
        return super().preactivation(x, **named)


class Forgetful(Frozen):
    """Forgets the factor on the way back."""

    def backward_delta(self, delta: Array, **named: Any) -> Array | None:
        self._mask = np.sign(self._mask)
        return super().backward_delta(delta, **named)


@pytest.mark.parametrize("where", [0, 1, 2, 3])
def test_the_gradient_with_a_frozen_mask_is_right(where: int) -> None:
    layers: list[Layer] = [Dense(6, "tanh"), Dense(5, "sigmoid"), Dense(4)]
    layers.insert(where, Frozen(0.4))
    model = net(*layers)
    assert 0 < gradient_error(model, batch(6), batch(6, width=4)) < 1e-8


def test_a_forgotten_factor_is_caught() -> None:
    model = net(Dense(6, "tanh"), Forgetful(0.4), Dense(2))
    assert gradient_error(model, batch(6), batch(6, width=2)) > 0.1


def test_a_fresh_mask_at_every_pass_spoils_a_gradient_check() -> None:
    model = net(Dense(6, "tanh"), Dropout(0.4), Dense(2))
    x, y = batch(6), batch(6, width=2)
    _, grad = model.loss_and_grad(x, y)
    measured = numerical_gradient(lambda: model.loss_and_grad(x, y)[0], model.theta)
    assert np.linalg.norm(grad - measured) > np.linalg.norm(grad)


def masks(model: Sequential) -> list[Array]:
    """Return which inputs each Dropout layer drops next."""
    return [
        copy.deepcopy(y).forward(np.ones((9, y.n_in or 0)), training=True) == 0
        for y in model.layers
        if isinstance(y, Dropout)
    ]


def dropping(*more: Layer, seed: int | None = 0) -> Sequential:
    return Sequential(
        [Input(shape=(3,)), Dense(4), Dropout(0.5), Dense(4), Dropout(0.5), *more], seed=seed
    )


def test_each_dropout_has_a_stream_of_its_own_from_the_models_seed() -> None:
    first, second = masks(dropping())
    assert not np.array_equal(first, second)
    for other in (dropping(), dropping(Dense(5), Dropout(0.5))):
        assert np.array_equal(first, masks(other)[0])
        assert np.array_equal(second, masks(other)[1])
    assert not np.array_equal(first, masks(dropping(seed=1))[0])
    assert not np.array_equal(masks(dropping(seed=None))[0], masks(dropping(seed=None))[0])
    weights, order = dropping()._stream(0, 0), dropping()._shuffle
    layers = dropping(Dropout(0.5)).layers
    states = [repr(m.rng.bit_generator.state) for m in layers if isinstance(m, Dropout)]
    streams = (dropping()._stream(2, place) for place in range(3))  # as in every version of nnbook
    assert states == [repr(rng.bit_generator.state) for rng in streams]
    states += [repr(weights.bit_generator.state), repr(order.bit_generator.state)]
    assert len(set(states)) == 5


def test_a_seed_of_the_layer_wins_over_the_models() -> None:
    one, other = (
        Sequential([Input(shape=(3,)), Dropout(0.5, seed=6), Dropout(0.5)], seed=seed)
        for seed in (1, 2)
    )
    assert np.array_equal(masks(one)[0], masks(other)[0])
    assert not np.array_equal(masks(one)[1], masks(other)[1])


def test_dropout_and_activation_leave_weights_and_order_of_others_alone() -> None:
    plain = Sequential([Input(shape=(3,)), Dense(4, "relu"), Dense(2)], seed=7)
    dropped = Sequential(
        [Input(shape=(3,)), Dropout(0.1), Dense(4), Activation("relu"), Dropout(0.5), Dense(2)],
        seed=7,
    )
    assert np.array_equal(plain.theta, dropped.theta)
    assert np.array_equal(plain._shuffle.permutation(50), dropped._shuffle.permutation(50))
    model = dropping()
    before = masks(model)
    model.add(Dense(2))  # builds again
    assert all(np.array_equal(a, b) for a, b in zip(before, masks(model), strict=True))
    model.layers[1].forward(np.ones((9, 4)), training=True)
    model.add(Dense(2))
    assert not np.array_equal(before[0], masks(model)[0])  # goes on, does not start again


@pytest.mark.parametrize("how", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])  # noqa: S301
def test_a_copy_drops_as_the_original_and_by_itself(how: Any) -> None:
    x, y = batch(50), batch(50, width=2)
    model = net(Dense(4, "tanh", kernel_regularizer="l2"), Dropout(0.5), Dense(2), optimizer="adam")
    model.fit(x, y, epochs=2, verbose=0)
    twin = how(model)
    history = twin.fit(x, y, epochs=3, verbose=0).history
    assert model.fit(x, y, epochs=3, verbose=0).history == history
    assert np.array_equal(model.theta, twin.theta)


def test_training_drops_anew_in_every_batch_and_a_seed_fixes_it() -> None:
    x, y = batch(64), batch(64, width=2)
    runs = []
    for seed in (0, 0, 1):
        model = net(Dense(8, "tanh"), Dropout(0.5), Dense(2), seed=seed)
        runs.append(model.fit(x, y, epochs=3, shuffle=False, verbose=0).history["loss"])
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]
    still = net(Dense(8, "tanh"), Dropout(0.5), Dense(2), optimizer=SGD(0.0))
    losses = still.fit(x, y, epochs=3, shuffle=False, verbose=0).history["loss"]
    assert len(set(losses)) == 3
    one_batch = [still.loss_and_grad(x, y)[0] for _ in range(3)]
    assert len(set(one_batch)) == 3


# --- pop and train_on_batch -------------------------------------------------------------------


def test_pop_takes_the_last_layer_and_all_keep_their_weights() -> None:
    model = net(Dense(4), Activation("relu"), Dense(2, kernel_regularizer="l2"))
    before = model.theta.copy()
    x = batch()
    outputs = model.predict(x, verbose=0)
    head = model.pop()
    assert isinstance(head, Dense)
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "Activation"]
    assert np.array_equal(model.theta, before[:16])
    assert np.shares_memory(model.layers[0].params["kernel"], model.theta)
    assert model.predict(x, verbose=0).shape == (4, 4)
    assert model._regularized == []
    assert np.array_equal(np.concatenate([w.ravel() for w in head.get_weights()]), before[16:])
    model.add(head)
    assert np.array_equal(model.theta, before)
    assert np.array_equal(model.predict(x, verbose=0), outputs)
    assert model._regularized == [head]


def test_pop_down_to_nothing_and_up_again() -> None:
    model = net(Dense(4), Dense(2))
    first = Sequential([Input(shape=(3,)), Dense(4)], seed=0, dtype="float64").theta
    model.pop()
    model.pop()
    assert (model.count_params(), model.grad.size, model.built) == (0, 0, False)
    with pytest.raises(RuntimeError, match="The model has no layers"):
        model.pop()
    model.add(Dense(4))
    assert np.array_equal(model.theta, first)
    late = Sequential([Dense(4), Dense(2)])
    late.pop()
    assert not late.built
    late.build((None, 3))
    assert late.count_params() == 16


def test_after_pop_the_optimizer_must_be_a_new_one() -> None:
    model = net(Dense(4), Dense(2), optimizer="adam")
    model.fit(batch(), batch(width=2), verbose=0)
    model.pop()
    with pytest.raises(ValueError, match="Make a new one for each model"):
        model.fit(batch(), batch(width=4), verbose=0)
    model.compile("adam", "mse")
    model.fit(batch(), batch(width=4), verbose=0)


def test_a_popped_layer_keeps_its_number_of_inputs() -> None:
    head = net(Dense(4), Dense(2)).pop()
    other = net(Dense(5))
    before = other.theta.copy()
    with pytest.raises(ValueError, match=r"Dense 'dense_1' was built for 4 inputs. Received 5"):
        other.add(head)
    assert len(other.layers) == 1
    assert np.array_equal(other.theta, before)
    late = Sequential([head], dtype="float64")
    assert not late.built
    with pytest.raises(ValueError, match=r"was built for 4 inputs. Received 3"):
        late.build((None, 3))
    assert late.n_in is None
    late.build((None, 4))
    assert late.theta.tolist() == np.concatenate([w.ravel() for w in head.get_weights()]).tolist()


def test_train_on_batch_is_fit_with_one_batch() -> None:
    x, y = batch(20), batch(20, width=2)
    one, other = (net(Dense(4, "tanh"), Dropout(0.5), Dense(2), optimizer="adam") for _ in "ab")
    for _ in range(3):
        loss = one.train_on_batch(x, y)
        assert loss == other.fit(x, y, 20, shuffle=False, verbose=0).history["loss"][0]
    assert np.array_equal(one.theta, other.theta)
    assert one.optimizer.iterations == 3
    one.compile("sgd", "mse", metrics=["accuracy"])
    both = one.train_on_batch(x, y)
    assert isinstance(both, list)
    assert len(both) == 2
    assert list(one.train_on_batch(x, y, return_dict=True)) == ["accuracy", "loss"]  # type: ignore[arg-type]
    late = Sequential([Dense(2)])
    late.compile("sgd", "mse")
    late.train_on_batch(x, y)
    assert late.built


def test_a_model_without_weights_can_be_used() -> None:
    model = Sequential([Input(shape=(3,)), Activation("relu"), Dropout(0.5)], seed=0)
    assert model.built
    assert model.count_params() == 0
    x = batch()
    np.testing.assert_allclose(model.predict(x, verbose=0), np.maximum(x, 0), rtol=1e-6)
    model.compile("sgd", "mse")
    model.fit(x, x, verbose=0)


# --- names, texts, errors ---------------------------------------------------------------------


def test_names_and_reprs_say_what_it_is() -> None:
    model = net(Dropout(0.5), Activation("relu"), Dropout(0.1), Activation(None, name="last"))
    assert [y.name for y in model.layers] == ["dropout", "activation", "dropout_1", "last"]
    assert repr(model.layers[0]) == "<Dropout name=dropout, built=True>"
    assert repr(model.layers[1]) == "<Activation name=activation, built=True>"
    assert model.layers[1].who == "Activation 'activation'"
    assert model.layers[3].activation is activations.linear


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (lambda: Dropout(1), ValueError, "rate of Dropout must be at least 0 and below 1. Received 1"),
    (lambda: Dropout(-0.1), ValueError, "rate of Dropout must be .* Received -0.1"),
    (lambda: Dropout(float("nan")), ValueError, "rate of Dropout must be .* Received nan"),
    (lambda: Dropout("0.5"), TypeError, "rate of Dropout must be a number. Received '0.5'"),  # type: ignore[arg-type]
    (lambda: Dropout(0.5, seed=-1), ValueError, "seed of Dropout must be at least 0"),
    (lambda: Dropout(0.5, seed=0.5), TypeError, "seed of Dropout must be an integer or None"),  # type: ignore[arg-type]
    (lambda: Activation("bend"), ValueError, "Unknown activation 'bend'. Known: "),
    (lambda: Dense(2, "relu", "hidden"), TypeError, "use_bias of Dense must be True or False"),  # type: ignore[arg-type]
    (lambda: Dense(2).forward(batch()), RuntimeError, "Put it into a model and build that"),
    (
        lambda: placed(Dropout(0.5)).forward(batch(width=4)),
        ValueError,
        r"Dropout 'dropout' expected inputs of shape \(n, 3\). Received shape \(4, 4\)",
    ),
    (
        lambda: placed(Activation("relu")).backward(batch()),
        RuntimeError,
        "backward came before forward",
    ),
    (lambda: Sequential([Dense(1)]).train_on_batch(batch(), batch()), RuntimeError, "compile"),
    (lambda: net(Dense(1)).train_on_batch(batch(), batch()), ValueError, "the shape of the outp"),
]


@pytest.mark.parametrize(("call", "error", "says"), ERRORS)
def test_errors_say_what_to_do(call: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()
