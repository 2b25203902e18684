"""Sequential: building, training, use, what it prints, and what it must not touch."""

from __future__ import annotations

import copy
import math
import pickle
import re
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbook import Input, Sequential, models
from nnbook.callbacks import Callback, History, Logs, Progress, format_logs
from nnbook.checks import Array
from nnbook.initializers import GlorotUniform
from nnbook.layers import Activation, Dense, Dropout, Flatten, Layer
from nnbook.losses import BinaryCrossentropy
from nnbook.metrics import NamedMetric, accuracy
from nnbook.optimizers import SGD, Adam
from tests.memory import peak

KEYS = ["accuracy", "loss", "val_accuracy", "val_loss"]


def net(seed: int = 0, optimizer: Any = "adam", dtype: str = "float32") -> Sequential:
    model = Sequential(
        [Input(shape=(3,)), Dense(4, activation="relu"), Dense(1, activation="sigmoid")],
        seed=seed,
        dtype=dtype,
    )
    model.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return model


def data(n: int = 50, seed: int = 0) -> tuple[Array, Array]:
    x = np.random.default_rng(seed).normal(size=(n, 3))
    return x, (x[:, :1] > 0).astype(float)


class Recorder(Callback):
    """Remembers the calls, and theta after each batch."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.thetas: list[Array] = []

    def on_train_begin(self) -> None:
        self.calls.append("train")

    def on_epoch_begin(self, epoch: int) -> None:
        self.calls.append(f"epoch {epoch}")

    def on_train_batch_end(self, batch: int) -> None:
        self.calls.append(f"batch {batch}")
        self.thetas.append(self.model.theta.copy())

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        self.calls.append(f"end {epoch} {sorted(logs)}")

    def on_train_end(self) -> None:
        self.calls.append("trained")


# --- building -------------------------------------------------------------------------------------


def test_all_ways_of_building_give_the_same_model() -> None:
    added = Sequential(seed=5)
    added.add(Input(shape=(3,)))
    added.add(Dense(4))
    added.add(Dense(1))
    listed = Sequential([Input(shape=(3,)), Dense(4), Dense(1)], seed=5)
    late = Sequential([Dense(4), Dense(1)], seed=5)
    assert not late.built
    assert late.count_params() == 0
    late.build((None, 3))
    fed = Sequential([Dense(4), Dense(1)], seed=5)
    fed.predict(data()[0], verbose=0)
    for model in (added, listed, late, fed):
        assert model.built
        assert model.count_params() == 3 * 4 + 4 + 4 + 1
        assert np.array_equal(model.theta, added.theta)


def test_a_new_model_is_empty() -> None:
    model = Sequential()
    assert (model.name, model.dtype.name) == ("sequential", "float32")
    assert model.layers == []
    assert model.metrics == {}
    assert (model.n_in, model.input_shape, model.history) == (None, None, None)
    assert (model.built, model.compiled, model.stop_training) == (False, False, False)
    assert model.theta.shape == model.grad.shape == (0,)
    assert model.theta.dtype == model.grad.dtype == np.float32
    assert model.count_params() == 0
    assert Sequential(dtype="float64").theta.dtype == Sequential(dtype="f8").grad.dtype == "f8"


def test_a_new_layer_is_free_and_knows_nothing_yet() -> None:
    kinds: list[Layer] = [Dense(2), Activation("relu"), Dropout(0.5), Flatten()]
    for layer in kinds:
        assert (layer.name, layer.n_in, layer.input_dim) == (None, None, None)
        assert (layer.taken, layer.built) == (False, False)
        assert layer.get_weights() == []
        assert dict(layer.params) == dict(layer.grads) == {}
    model = Sequential([Input((3,)), Dense(2)])
    assert (model.layers[0].taken, model.layers[0].built) == (True, True)
    assert (model.n_in, model.input_shape) == (3, (3,))
    layer = model.pop()
    assert (layer.taken, layer.built) == (False, True)
    assert (model.built, model.count_params(), model.grad.size) == (False, 0, 0)
    assert model.theta.dtype == model.grad.dtype == np.float32
    waiting = copy.deepcopy(Sequential([Dense(2), Dense(1)], seed=0))
    waiting.pop()
    waiting.build(3)
    assert waiting.get_weights()[0].shape == (3, 2)


def test_names_count_on_past_those_that_are_taken() -> None:
    model = Sequential([Input((3,)), Dense(3, name="dense_1"), Dense(3), Dense(3)])
    model.add(Activation("relu"))
    model.add(Dropout(0.5, name="activation_1"))
    model.add(Activation("relu"))
    assert [layer.name for layer in model.layers] == [
        *("dense_1", "dense", "dense_2", "activation", "activation_1", "activation_2"),
    ]


def test_the_config_is_the_architecture_word_by_word() -> None:
    model = Sequential(
        [Input((2, 2)), Flatten(), Dense(3, "relu", use_bias=False), Dropout(0.5, seed=4)],
        name="mine",
        dtype="float64",
    )
    layers = [
        {"class_name": kind, "config": config, "module": "nnbook.layers"}
        for kind, config in (
            ("Flatten", {"name": "flatten"}),
            (
                "Dense",
                {
                    "name": "dense",
                    "units": 3,
                    "activation": {
                        "module": "nnbook.activations",
                        "class_name": "ReLU",
                        "config": {},
                    },
                    "use_bias": False,
                    "kernel_initializer": {
                        "module": "nnbook.initializers",
                        "class_name": "GlorotUniform",
                        "config": {"seed": None},
                    },
                    "bias_initializer": {
                        "module": "nnbook.initializers",
                        "class_name": "Zeros",
                        "config": {},
                    },
                    "kernel_regularizer": None,
                },
            ),
            ("Dropout", {"name": "dropout", "rate": 0.5, "seed": 4}),
        )
    ]
    config = {"name": "mine", "dtype": "float64", "input_shape": [2, 2], "layers": layers}
    assert model.get_config() == config
    again = Sequential.from_config(config, seed=1)
    assert (again.name, again.dtype.name, again.input_shape) == ("mine", "float64", (2, 2))
    assert again.get_config() == config
    assert Sequential([Dense(1)]).get_config()["input_shape"] is None
    assert Sequential.from_config(Sequential([Dense(1)]).get_config()).input_shape is None


def test_layers_are_named_in_order_and_names_given_are_kept() -> None:
    model = Sequential([Input(shape=(3,)), Dense(2), Dense(2), Dense(2, name="dense_2"), Dense(1)])
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "dense_2", "dense_3"]


def test_another_layer_leaves_the_weights_of_the_others_alone() -> None:
    short = Sequential([Input(shape=(3,)), Dense(4)], seed=7)
    long = Sequential([Input(shape=(3,)), Dense(4), Dense(5), Dense(6)], seed=7)
    assert np.array_equal(short.get_weights()[0], long.get_weights()[0])
    trained = short.theta + 1
    short.theta[:] = trained
    short.add(Dense(5))
    assert np.array_equal(short.theta[:16], trained)
    assert np.array_equal(short.get_weights()[2], long.get_weights()[2])


def test_a_seed_fixes_weights_and_order_and_no_seed_is_fresh() -> None:
    x, y = data()
    runs = []
    for seed in (1, 1, 2):
        model = net(seed)
        start = model.theta.copy()
        model.fit(x, y, epochs=2, verbose=0)
        runs.append((start, model.theta))
    assert np.array_equal(runs[0][0], runs[1][0])
    assert np.array_equal(runs[0][1], runs[1][1])
    assert not np.array_equal(runs[0][0], runs[2][0])
    fresh = [Sequential([Input(shape=(3,)), Dense(4)]).theta for _ in range(2)]
    assert not np.array_equal(fresh[0], fresh[1])


def test_a_seed_gives_the_numbers_that_it_gave_before() -> None:
    """The outputs in the book rest on it: a use and a place tell the stream, and nothing else."""

    def stream(*key: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(7, spawn_key=key))

    layers = [Dense(4), Dropout(0.5), Dense(4), Activation("tanh"), Dropout(0.5), Dense(4)]
    layers += [Dropout(0.5), Dense(4)]
    model = Sequential([Input((4,)), *layers], seed=7, dtype="float64")
    for place, kernel in enumerate(model.get_weights()[::2]):
        assert np.array_equal(kernel, GlorotUniform()((4, 4), stream(0, place)))
    for place, layer in enumerate(one for one in layers if isinstance(one, Dropout)):
        assert layer.rng.random() == stream(2, place).random()
    assert np.array_equal(model._shuffle.permutation(9), stream(1).permutation(9))


def test_global_random_state_is_neither_used_nor_moved() -> None:
    x, y = data()
    thetas = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        before = repr(np.random.get_state())  # noqa: NPY002
        model = net()
        model.fit(x, y, verbose=0)
        assert repr(np.random.get_state()) == before  # noqa: NPY002
        thetas.append(model.theta)
    assert np.array_equal(thetas[0], thetas[1])


def test_weights_and_shuffling_take_different_random_streams() -> None:
    x, y = data()
    one, other = net(), net()
    other.build(3)  # draws nothing anew
    deep = Sequential([Input(shape=(3,)), Dense(4), Dense(4), Dense(1)], seed=0)
    orders = [m._shuffle.permutation(50).tolist() for m in (one, other, deep)]
    assert orders[0] == orders[1] == orders[2]
    assert one.fit(x, y, verbose=0).history["loss"] == other.fit(x, y, verbose=0).history["loss"]


# --- copies -----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])  # noqa: S301
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_copy_goes_on_exactly_as_the_original_and_by_itself(how: Any, optimizer: str) -> None:
    x, y = data()
    model = net(optimizer=optimizer)
    model.fit(x, y, epochs=2, verbose=0)
    twin = how(model)
    assert np.shares_memory(twin.layers[0].kernel, twin.theta)
    assert np.shares_memory(twin.layers[-1].grads["bias"], twin.grad)
    assert not np.shares_memory(twin.theta, model.theta)
    before = model.theta.copy()
    history = twin.fit(x, y, epochs=3, verbose=0).history
    assert np.array_equal(model.theta, before)
    assert model.fit(x, y, epochs=3, verbose=0).history == history
    assert np.array_equal(model.theta, twin.theta)


# --- the heart --------------------------------------------------------------------------------


def test_loss_and_grad_is_the_loss_and_moves_no_weight() -> None:
    x, y = data()
    model = net(dtype="float64")
    before = model.theta.copy()
    loss, grad = model.loss_and_grad(x, y)
    a = model.predict(x, verbose=0)
    assert loss == pytest.approx(BinaryCrossentropy()(y, a), rel=1e-13)
    kept = grad.copy()
    model.loss_and_grad(-x, 1 - y)
    assert np.array_equal(grad, kept)
    assert np.array_equal(model.theta, before)


def test_the_gradient_of_the_batch_is_the_mean_of_the_gradients_of_its_samples() -> None:
    x, y = data(10)
    model = net(dtype="float64")
    single = [model.loss_and_grad(x[i : i + 1], y[i : i + 1])[1] for i in range(10)]
    np.testing.assert_allclose(model.loss_and_grad(x, y)[1], np.mean(single, axis=0), atol=1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("last", ["linear", "sigmoid", "softmax"])
def test_a_model_is_its_layers_one_after_the_other_bit_for_bit(dtype: str, last: str) -> None:
    """In the model's own dtype all the way: a buffer of another would round elsewhere."""

    def deep() -> Sequential:
        hidden = [Dense(5, "tanh"), Activation("sigmoid"), Dropout(0.0), Dense(4, "relu")]
        model = Sequential([Input((3,)), *hidden, Dense(2, last)], seed=0, dtype=dtype)
        model.compile("sgd", "mse")
        return model

    x, y = (values.astype(dtype) for values in (data(40)[0], data(40, seed=1)[0][:, :2]))
    model = deep()
    expected = x
    for layer in model.layers:
        expected = layer.forward(expected)
    assert np.array_equal(model.predict(x, verbose=0), expected)
    for shuffle in (False, True):
        order = copy.deepcopy(model)._shuffle.permutation(40) if shuffle else np.arange(40)
        a = x[order]
        for layer in model.layers:
            a = layer.forward(a, training=True)
        grad: Any = model.loss.grad(y[order], a)
        for layer in reversed(model.layers):
            grad = layer.backward(grad)
        by_hand = model.grad.copy()
        model.grad[:] = np.nan
        loss, grad = model.loss_and_grad(x[order], y[order])
        assert np.array_equal(grad, by_hand)
        one, other = deep(), deep()
        assert one.train_on_batch(x[order], y[order]) == loss
        assert other.fit(x, y, 40, shuffle=shuffle, verbose=0).history["loss"] == [loss]
        for twin in (one, other):
            assert np.array_equal(twin.grad, by_hand)
            assert np.array_equal(twin.theta, model.theta - by_hand * 0.01)


@pytest.mark.parametrize(
    ("features", "layers"),
    [
        (1, [Dense(1000, "sigmoid")]),
        (1000, [Dense(1, "sigmoid")]),
        (1000, [Dense(1), Dense(1, "sigmoid")]),
        (1, [Dense(1000, use_bias=False), Dense(1, "sigmoid")]),
        (1, [Dense(1000), Activation("linear"), Dense(1000, "sigmoid", use_bias=False)]),
        (1, [Dropout(0), Dense(1000), Dropout(0), Dense(1, "sigmoid")]),
    ],
    ids=["one", "wide", "two of wide", "two", "apart", "dropout"],
)
def test_a_batch_takes_next_to_no_memory_but_what_is_kept_for_it(
    features: int, layers: list[Layer]
) -> None:
    """Not 800 000 bytes; the activations here need none themselves, NumPy's buffers 64 KiB."""
    model = Sequential([Input((features,)), *layers], dtype="float64")
    model.compile("sgd", "bce")
    x, y = np.ones((100, features)), np.zeros((100, model.layers[-1].n_out(0)))
    work = models._Work(model.layers, len(x), model.dtype)
    z, y_pred = np.empty_like(work.delta), np.empty_like(work.delta)
    taken = peak(lambda: model._backpropagate(x, y, None, work, z, y_pred))
    assert taken < 100_000


def test_inputs_and_weights_take_the_models_dtype_before_anything_is_computed() -> None:
    x, (y, w) = np.random.default_rng(0).normal(size=(9, 2, 2)), np.full((2, 9), 0.1)
    flat = Sequential([Input((2, 2)), Flatten(), Dense(1)], seed=0)
    plain = Sequential([Input((4,)), Dense(1)], seed=0)
    for model, inputs in ((flat, x), (plain, x.reshape(9, 4))):
        model.compile("sgd", "mse")
        rounded = inputs.astype(np.float32)
        assert (rounded != inputs).any()
        assert np.array_equal(model.predict(inputs, verbose=0), model.predict(rounded, verbose=0))
        a = rounded.reshape(9, 4)
        for layer in model.layers:
            a = layer.forward(a, training=True)
        delta = model.loss.grad(y[:, None].astype(np.float32), a)
        model.layers[-1].backward(delta * w[:, None].astype(np.float32))
        by_hand = model.grad.copy()
        assert np.array_equal(model.loss_and_grad(inputs, y, w)[1], by_hand)


def test_a_dropout_at_the_end_drops_in_training_only() -> None:
    model = Sequential([Input((50,)), Dropout(0.5)], seed=0, dtype="float64")
    model.compile(SGD(0.0), "mse", metrics=["mae"])
    x, y = np.ones((4, 50)), np.zeros((4, 50))
    for loss in (model.loss_and_grad(x, y)[0], model.fit(x, y, verbose=0).history["loss"][0]):
        assert loss == pytest.approx(2, rel=0.3)  # half of them are 2, so that the mean stays
    assert model.evaluate(x, y, verbose=0) == [1, 1]
    assert (model.predict(x, verbose=0) == 1).all()


# --- fit ------------------------------------------------------------------------------------------


@given(n=st.integers(1, 12), batch_size=st.integers(1, 15), shuffle=st.booleans())
@settings(max_examples=40, deadline=None)
def test_fit_is_the_loop_of_the_book(n: int, batch_size: int, shuffle: bool) -> None:
    """Also for one sample, a last batch that is shorter, and a batch longer than the data."""
    x, y = data(n)
    model, naive = net(optimizer=SGD(0.3), dtype="float64"), net(dtype="float64")
    order_of = copy.deepcopy(model._shuffle)
    history = model.fit(x, y, batch_size, epochs=2, shuffle=shuffle, verbose=0).history
    for epoch in range(2):
        order = order_of.permutation(n) if shuffle else np.arange(n)
        total, right = 0.0, 0.0
        for start in range(0, n, batch_size):
            rows = order[start : start + batch_size]
            right += len(rows) * accuracy(y[rows], naive.predict(x[rows], verbose=0))
            loss, grad = naive.loss_and_grad(x[rows], y[rows])
            total += len(rows) * loss
            naive.theta[:] -= 0.3 * grad
        assert history["loss"][epoch] == pytest.approx(total / n, rel=1e-12)
        assert history["accuracy"][epoch] == pytest.approx(right / n, rel=1e-12)
    np.testing.assert_allclose(model.theta, naive.theta, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("batch_size", [32, 200, 300])
@pytest.mark.parametrize("weighted", [False, True])
def test_wide_samples_are_put_in_order_part_by_part(batch_size: int, weighted: bool) -> None:
    """More than 2^18 numbers: fit may not hold all of them in another order at once."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(301, 1000)), rng.normal(size=(301, 1))
    w = rng.uniform(0, 2, 301) if weighted else None
    models = [Sequential([Input((1000,)), Dense(1)], seed=0, dtype="float64") for _ in range(2)]
    for model in models:
        model.compile(SGD(1e-4), "mse")
    order = copy.deepcopy(models[1])._shuffle.permutation(301)
    losses = models[0].fit(x, y, batch_size, sample_weight=w, verbose=0).history["loss"]
    total = 0.0
    for start in range(0, 301, batch_size):
        rows = order[start : start + batch_size]
        weights = None if w is None else w[rows]
        total += len(rows) * float(models[1].train_on_batch(x[rows], y[rows], weights))  # type: ignore[arg-type]
    assert losses == [pytest.approx(total / 301, rel=1e-12)]
    np.testing.assert_allclose(models[0].theta, models[1].theta, rtol=1e-12)


def test_wide_batches_are_put_in_order_one_by_one() -> None:
    """So fit holds two of them, the last and the next, and not the four of two at a time."""
    x, y = np.zeros((160, 5000)), np.zeros((160, 1))
    model = Sequential([Input((5000,)), Dense(1)], dtype="float64")
    model.compile("sgd", "mse")
    taken = peak(lambda: model.fit(x, y, 16, verbose=0))
    assert taken < 3 * x[:16].nbytes


@pytest.mark.parametrize(("n", "batches"), [(64, 2), (65, 3)])
def test_the_default_batch_is_32_samples(n: int, batches: int) -> None:
    recorder = Recorder()
    net().fit(*data(n), verbose=0, callbacks=[recorder])
    assert sum(call.startswith("batch") for call in recorder.calls) == batches


@pytest.mark.parametrize("k", [1, 2, 3])
def test_weights_of_classes_are_those_of_their_samples(k: int) -> None:
    classes = [i % max(2, k) for i in range(12)]
    y = np.array(classes)[:, None] if k == 1 else np.eye(k)[classes]
    heavy = {0: 1.0, 1: 5.0, 2: 0.5}
    results = []
    for weights in ({"class_weight": heavy}, {"sample_weight": [heavy[c] for c in classes]}):
        model = Sequential([Input((3,)), Dense(k)], seed=0)
        model.compile("sgd", "mse")
        model.fit(data(12)[0], y, epochs=2, verbose=0, **weights)
        results.append(model.theta)
    assert np.array_equal(results[0], results[1])


def test_each_epoch_has_a_new_order_and_shuffle_false_has_none() -> None:
    x, y = data(64)
    first = Recorder()
    net(optimizer=SGD(0.0)).fit(x, y, epochs=2, verbose=0, callbacks=[first])
    still, shuffled = net(), net()
    state = still._shuffle.bit_generator.state
    still.fit(x, y, epochs=2, shuffle=False, verbose=0)
    assert still._shuffle.bit_generator.state == state
    shuffled.fit(x, y, epochs=2, verbose=0)
    assert not np.array_equal(still.theta, shuffled.theta)
    one, two = copy.deepcopy(net()._shuffle), net()
    assert not np.array_equal(one.permutation(64), one.permutation(64))
    two.fit(x, y, epochs=2, verbose=0)
    assert two._shuffle.bit_generator.state == one.bit_generator.state


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_metric_of_ones_own_sees_targets_and_outputs_of_the_models_dtype(dtype: str) -> None:
    seen: list[tuple[Any, ...]] = []

    class Seen(NamedMetric):
        def __call__(self, y_true: Any, y_pred: Any) -> float:
            seen.append((y_true.dtype, y_pred.dtype, y_true.shape, y_pred.shape))
            return 0.0

    model = net(dtype=dtype)
    model.compile("adam", "mse", metrics=[Seen()])
    x, y = data(5)
    model.fit(x, y, verbose=0)
    model.evaluate(x, y, verbose=0)
    model.train_on_batch(x, y)
    one, five = (dtype, dtype, (1, 1), (1, 1)), (dtype, dtype, (5, 1), (5, 1))
    assert seen == [one, five] * 3  # the first asks whether the metric can compare such targets


def test_validation_split_keeps_back_the_last_part_before_shuffling() -> None:
    x, y = data(50)
    split, given_apart = net(), net()
    ours = split.fit(x, y, epochs=3, validation_split=0.25, verbose=0).history
    theirs = given_apart.fit(
        x[:37], y[:37], epochs=3, validation_data=(x[37:], y[37:]), verbose=0
    ).history
    assert ours == theirs
    assert np.array_equal(split.theta, given_apart.theta)
    assert [ours["val_loss"][-1], ours["val_accuracy"][-1]] == split.evaluate(
        x[37:], y[37:], verbose=0
    )


def test_validation_split_splits_the_weights_too() -> None:
    (x, y), w = data(50), np.arange(50.0)
    ours = net().fit(x, y, sample_weight=w, validation_split=0.25, verbose=0)
    held_out = x[37:], y[37:], w[37:]
    theirs = net().fit(x[:37], y[:37], sample_weight=w[:37], validation_data=held_out, verbose=0)
    assert ours.history == theirs.history


def test_validation_neither_trains_nor_uses_randomness() -> None:
    x, y = data(50)
    with_it, without = net(), net()
    a = with_it.fit(x, y, epochs=3, validation_data=data(9, seed=1), verbose=0).history
    b = without.fit(x, y, epochs=3, verbose=0).history
    assert np.array_equal(with_it.theta, without.theta)
    assert {k: v for k, v in a.items() if not k.startswith("val_")} == b


def test_validation_data_wins_over_validation_split() -> None:
    x, y = data(50)
    other = data(9, seed=1)
    both, alone = net(), net()
    a = both.fit(x, y, validation_split=0.5, validation_data=other, verbose=0).history
    assert a == alone.fit(x, y, validation_data=other, verbose=0).history


def test_history_has_one_number_an_epoch_in_keras_order() -> None:
    x, y = data()
    model = net()
    history = model.fit(x, y, epochs=4, validation_split=0.2, verbose=0)
    assert isinstance(history, History)
    assert model.history is history
    assert history.epoch == [0, 1, 2, 3]
    assert list(history.history) == KEYS
    assert all(len(v) == 4 and all(type(e) is float for e in v) for v in history.history.values())
    assert list(model.fit(x, y, verbose=0).history) == KEYS[:2]


def test_a_second_fit_goes_on_where_the_first_ended() -> None:
    x, y = data()
    once, twice = net(), net()
    whole = once.fit(x, y, epochs=5, verbose=0).history["loss"]
    first = twice.fit(x, y, epochs=2, verbose=0).history["loss"]
    assert first + twice.fit(x, y, epochs=3, verbose=0).history["loss"] == whole
    assert np.array_equal(once.theta, twice.theta)


def test_training_learns_what_can_be_learnt() -> None:
    x, y = data(400)
    model = net(optimizer=Adam(0.01))
    history = model.fit(x, y, epochs=30, verbose=0).history
    assert history["loss"][-1] < 0.2 < history["loss"][0]
    assert history["accuracy"][-1] > 0.95


def test_callbacks_are_called_in_order_and_can_stop_training() -> None:
    class Stop(Recorder):
        def on_epoch_end(self, epoch: int, logs: Logs) -> None:
            super().on_epoch_end(epoch, logs)
            self.model.stop_training = epoch == 1

    x, y = data(5)
    stop = Stop()
    model = net()
    history = model.fit(x, y, batch_size=3, epochs=9, verbose=0, callbacks=[stop])
    epoch = ["batch 0", "batch 1"]
    logs = "['accuracy', 'loss']"
    assert stop.calls == [
        *("train", "epoch 0", *epoch, f"end 0 {logs}"),
        *("epoch 1", *epoch, f"end 1 {logs}", "trained"),
    ]
    assert history.epoch == [0, 1]
    assert len({theta.tobytes() for theta in stop.thetas}) == 4  # every batch is an update
    assert stop.params == {"epochs": 9, "steps": 2, "verbose": 0}
    assert len(model.fit(x, y, epochs=2, verbose=0).epoch) == 2  # the stop was for that fit


def test_diverging_training_ends_in_a_loss_that_says_so_without_warnings() -> None:
    model = Sequential([Input(shape=(3,)), Dense(4), Dense(1)], seed=0)
    model.compile(SGD(1e6), "mse")
    loss = model.fit(*data(), epochs=20, verbose=0).history["loss"][-1]
    assert not math.isfinite(loss)


def test_one_batch_after_the_other_may_diverge_too() -> None:
    x, y = data()
    model = Sequential([Input(shape=(3,)), Dense(4), Dense(1)], seed=0)
    model.compile(SGD(1e6), "mse", metrics=["mae"])
    seen = [model.train_on_batch(x, y, return_dict=True) for _ in range(20)]
    assert all(math.isnan(value) for value in seen[-1].values())  # type: ignore[union-attr]
    assert not all(math.isnan(value) for value in seen[0].values())  # type: ignore[union-attr]


# --- dtype, memory ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("given_dtype", [np.float32, np.float64, np.int64, np.bool_])
def test_the_models_dtype_holds_whatever_comes_in(dtype: str, given_dtype: type) -> None:
    x, y = data()
    model = net(dtype=dtype, optimizer=Adam(np.float64(0.01)))
    model.fit(x.astype(given_dtype), y.astype(given_dtype), verbose=0, validation_split=0.1)
    assert model.theta.dtype == model.grad.dtype == dtype
    assert model.predict(x.astype(given_dtype), verbose=0).dtype == dtype
    assert {w.dtype.name for w in model.get_weights()} == {dtype}


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh", "softmax"])
def test_inputs_are_never_modified(shuffle: bool, activation: str) -> None:
    """The inputs have the model's own dtype, so that no copy hides a write."""
    x, y = (values.astype(np.float32) for values in data())
    kept = x.copy(), y.copy()
    for hidden in ([], [Dense(4, activation=activation)]):
        model = Sequential([Input(shape=(3,)), *hidden, Dense(1, activation=activation)], seed=0)
        model.compile("sgd", "mse", metrics=["accuracy"])
        model.fit(x, y, batch_size=50, epochs=2, validation_split=0.1, shuffle=shuffle, verbose=0)
        model.evaluate(x, y, verbose=0)
        model.predict(x, verbose=0)
        model.loss_and_grad(x, y)
        assert np.array_equal(x, kept[0])
        assert np.array_equal(y, kept[1])


def test_earlier_results_are_never_overwritten() -> None:
    x, y = data()
    model = net()
    history = model.fit(x, y, epochs=2, verbose=0)
    results = [model.predict(x, verbose=0), *model.get_weights(), model.loss_and_grad(x, y)[1]]
    kept, losses = [r.copy() for r in results], list(history.history["loss"])
    model.fit(-x, 1 - y, epochs=2, verbose=0)
    model.predict(-x, verbose=0)
    model.loss_and_grad(-x, 1 - y)
    for result, before in zip(results, kept, strict=True):
        assert np.array_equal(result, before)
    assert history.history["loss"] == losses


def test_arrays_in_any_layout_give_the_same() -> None:
    x, y = data()
    plain, other = net(), net()
    plain.fit(x, y, verbose=0)
    other.fit(np.asfortranarray(x), y[::-1].copy()[::-1], verbose=0)
    assert np.array_equal(plain.theta, other.theta)
    assert np.array_equal(plain.predict(x.tolist(), verbose=0), plain.predict(x, verbose=0))


# --- evaluate and predict ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_do_not_depend_on_the_batch_size(dtype: str) -> None:
    x, y = data(1500)
    model = net(dtype=dtype)
    whole, result = model.predict(x, batch_size=2000, verbose=0), model.evaluate(x, y, verbose=0)
    assert whole.shape == (1500, 1)
    exact = 4 * float(np.finfo(dtype).eps)  # matrix products of other sizes may round otherwise
    for batch_size in (None, 1, 7, 1499, 1500):
        part = model.predict(x, batch_size=batch_size, verbose=0)
        np.testing.assert_allclose(part, whole, rtol=exact, atol=0)
        assert model.evaluate(x, y, batch_size=batch_size, verbose=0) == pytest.approx(
            result, rel=exact
        )


def test_the_loss_of_many_samples_is_their_weighted_mean() -> None:
    """Of more than 1024, which are computed a part at a time."""
    x, y = data(2500)
    w = np.random.default_rng(1).uniform(0, 2, 2500)
    model = net(dtype="float64")
    each = model.loss.pointwise(y, model.predict(x, verbose=0)).mean(axis=1)
    for weights, loss in ((None, each.mean()), (w, (w * each).mean())):
        found = [
            model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)["loss"],  # type: ignore[call-overload, index]
            model.loss_and_grad(x, y, weights)[0],
            model.train_on_batch(x, y, weights, return_dict=True)["loss"],  # type: ignore[call-overload, index]
        ]
        model = net(dtype="float64")
        assert found == [pytest.approx(loss, rel=1e-12)] * 3


def test_predict_is_the_formula() -> None:
    x, _ = data()
    model = net(dtype="float64")
    model.theta[:] = np.random.default_rng(0).normal(size=model.theta.size)
    kernel, bias, kernel_1, bias_1 = model.get_weights()
    hidden = np.maximum(x @ kernel + bias, 0)
    expected = 1 / (1 + np.exp(-(hidden @ kernel_1 + bias_1)))
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-12)


def test_evaluate_returns_a_number_a_list_or_a_dict() -> None:
    x, y = data()
    model = net(dtype="float64")
    a = model.predict(x, verbose=0)
    loss, share = BinaryCrossentropy()(y, a), accuracy(y, a)
    assert model.evaluate(x, y, verbose=0) == pytest.approx([loss, share])
    named = model.evaluate(x, y, verbose=0, return_dict=True)
    assert isinstance(named, dict)
    assert list(named) == ["accuracy", "loss"]
    model.compile("sgd", "binary_crossentropy")
    assert model.evaluate(x, y, verbose=0) == pytest.approx(loss)


def test_labels_without_the_last_axis_train_and_measure_as_a_column() -> None:
    x, y = data()
    flat, column = net(), net()
    a = flat.fit(x, y[:, 0], validation_split=0.2, verbose=0).history
    assert a == column.fit(x, y, validation_split=0.2, verbose=0).history
    assert np.array_equal(flat.theta, column.theta)
    assert flat.evaluate(x, y[:, 0], verbose=0) == column.evaluate(x, y, verbose=0)
    assert flat.loss_and_grad(x, y[:, 0])[0] == column.loss_and_grad(x, y)[0]


def test_evaluate_and_predict_change_nothing() -> None:
    x, y = data()
    model = net()
    model.fit(x, y, verbose=0)
    kept = model.theta.copy(), model.grad.copy(), model._shuffle.bit_generator.state
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
    assert np.array_equal(model.theta, kept[0])
    assert np.array_equal(model.grad, kept[1])
    assert model._shuffle.bit_generator.state == kept[2]
    assert model.optimizer.iterations == 2


# --- weights ----------------------------------------------------------------------------------


def test_set_weights_takes_back_what_get_weights_gave() -> None:
    model, other = net(1), net(2)
    weights = model.get_weights()
    assert [w.shape for w in weights] == [(3, 4), (4,), (4, 1), (1,)]
    theta = other.theta
    other.set_weights(weights)
    assert other.theta is theta
    assert np.array_equal(theta, model.theta)
    weights[0][:] = 9
    assert not (other.theta == 9).any()
    other.set_weights([w.tolist() for w in weights])
    assert (other.theta[:12] == 9).all()


# --- what is printed --------------------------------------------------------------------------

TIME = r"\d+s - \d+(s|ms|us)/step"


def test_verbose_0_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    x, y = data()
    model = net()
    model.fit(x, y, epochs=2, verbose=0)
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
    assert capfd.readouterr() == ("", "")


def lines(capfd: pytest.CaptureFixture[str]) -> list[str]:
    out, err = capfd.readouterr()
    assert err == ""
    return out.splitlines()


def assert_match(found: list[str], patterns: list[str]) -> None:
    assert len(found) == len(patterns), found
    for text, pattern in zip(found, patterns, strict=True):
        assert re.fullmatch(pattern, text), text


def test_verbose_2_prints_a_line_an_epoch(capfd: pytest.CaptureFixture[str]) -> None:
    x, y = data()
    model = net()
    history = model.fit(x, y, epochs=2, verbose=2, validation_split=0.2).history
    logs = [{key: history[key][epoch] for key in KEYS} for epoch in (0, 1)]
    expected = []
    for i in (0, 1):
        expected += [f"Epoch {i + 1}/2", f"2/2 - {TIME}{format_logs(logs[i])}"]
    assert_match(lines(capfd), expected)
    model.fit(x, y, verbose=2)  # one epoch alone is not counted
    assert_match(lines(capfd), [rf"2/2 - {TIME} - accuracy: \S+ - loss: \S+"])
    model.evaluate(x, y, batch_size=20, verbose=2)
    model.predict(x, batch_size=20, verbose=2)
    assert_match(lines(capfd), [rf"3/3 - {TIME} - accuracy: \S+ - loss: \S+", f"3/3 - {TIME}"])


@pytest.mark.parametrize(
    ("seconds", "says"), [(6.0, "6s - 3s/step"), (0.5, "0s - 250ms/step"), (6e-5, "0s - 30us/step")]
)
def test_the_time_of_a_step_is_told_in_the_unit_that_suits(
    seconds: float, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter((100.0, 100.0 + seconds))
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    Progress(2, verbose=2).close({"loss": 0.5})
    assert capsys.readouterr().out == f"2/2 - {says} - loss: 0.5000\n"


@pytest.mark.parametrize("verbose", [1, "auto"])
def test_verbose_1_without_tqdm_prints_plain_lines(
    verbose: Any, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)  # as if it were not installed
    x, y = data()
    model = net()
    model.fit(x, y, epochs=2, verbose=verbose)
    epoch = rf"2/2 - {TIME} - accuracy: \S+ - loss: \S+"
    assert_match(lines(capfd), ["Epoch 1/2", epoch, "Epoch 2/2", epoch])
    model.evaluate(x, y, verbose=verbose)
    model.predict(x, verbose=verbose)
    assert_match(lines(capfd), [rf"1/1 - {TIME} - accuracy: \S+ - loss: \S+", f"1/1 - {TIME}"])


@pytest.mark.parametrize("verbose", [1, "auto"])
def test_verbose_1_draws_a_full_bar_with_tqdm(
    verbose: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("tqdm")
    x, y = data()
    model = net()
    history = model.fit(x, y, epochs=2, verbose=verbose).history
    out, err = capfd.readouterr()
    assert err == ""
    assert [line for line in out.splitlines() if line.startswith("Epoch")] == [
        "Epoch 1/2",
        "Epoch 2/2",
    ]
    for epoch in (0, 1):
        assert f"loss: {history['loss'][epoch]:.4f}" in out
    assert out.count("100%") >= 2
    assert "2/2" in out
    model.evaluate(x, y, verbose=verbose)
    model.predict(x, verbose=verbose)
    assert capfd.readouterr().out.count("1/1") >= 2
    model.evaluate(x, y, batch_size=20, verbose=verbose)
    assert "3/3" in capfd.readouterr().out
    model.predict(x, batch_size=20, verbose=verbose)
    assert "3/3" in capfd.readouterr().out


def test_numbers_are_formatted_as_keras_does() -> None:
    logs = {"accuracy": 0.0, "loss": 0.69314718, "small": 0.0001234, "negative": -2.5}
    assert format_logs(logs) == (
        " - accuracy: 0.0000e+00 - loss: 0.6931 - small: 1.2340e-04 - negative: -2.5000"
    )


def test_summary_prints_to_stdout_or_where_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    model = net()
    model.summary()
    printed = capsys.readouterr().out
    told: list[str] = []
    model.summary(print_fn=told.append)
    assert "\n".join(told) + "\n" == printed
    assert " Total params: 21 (84.00 B)" in printed.splitlines()


SUMMARY = """\
Model: "table"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ dense (Dense)                   │ (None, 1000)           │         4,000 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dropout (Dropout)               │ (None, 1000)           │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_1 (Dense)                 │ (None, 300)            │       300,300 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 912,902 (3.48 MB)
 Trainable params: 304,300 (1.16 MB)
 Non-trainable params: 0 (0.00 B)
 Optimizer params: 608,602 (2.32 MB)"""


def test_the_summary_word_by_word() -> None:
    told: list[str] = []
    model = Sequential([Input((3,)), Dense(1000), Dropout(0.5), Dense(300)], name="table")
    model.compile("adam", "mse")
    model.train_on_batch(np.zeros((1, 3)), np.zeros((1, 300)))
    model.summary(print_fn=told.append)
    assert told == [SUMMARY]


def test_the_summary_of_a_model_that_waits_and_of_long_names() -> None:
    told: list[str] = []
    name = "a name of more letters than there is room"
    Sequential([Dense(7, name=name), Activation("relu")]).summary(print_fn=told.append)
    rows = told[0].splitlines()
    assert rows[3] == f"┡━{'━' * 49}━╇━{'━' * 22}━╇━{'━' * 13}━┩"
    assert rows[4] == f"│ {name} (Dense) │ {'?':<22} │ {'0 (unbuilt)':>13} │"
    assert rows[6] == f"│ {'activation (Activation)':<49} │ {'?':<22} │ {'0':>13} │"
    assert rows[-3:] == [
        " Total params: 0 (0.00 B)",
        " Trainable params: 0 (0.00 B)",
        " Non-trainable params: 0 (0.00 B)",
    ]


@pytest.mark.parametrize(
    ("units", "dtype", "says"),
    [
        (127, "float32", "254 (1016.00 B)"),
        (128, "float32", "256 (1.00 KB)"),
        (128, "float64", "256 (2.00 KB)"),
        (131071, "float32", "262,142 (1023.99 KB)"),
        (131072, "float32", "262,144 (1.00 MB)"),
    ],
)
def test_memory_is_told_in_the_largest_unit_that_fits(units: int, dtype: str, says: str) -> None:
    told: list[str] = []
    Sequential([Input((1,)), Dense(units)], dtype=dtype).summary(print_fn=told.append)
    assert f" Total params: {says}" in told[0].splitlines()


def test_memory_beyond_what_a_test_can_take_has_a_unit_too() -> None:
    assert [models._size(7, 1024.0**power * 3) for power in range(5)] == [
        "7 (3.00 B)",
        "7 (3.00 KB)",
        "7 (3.00 MB)",
        "7 (3.00 GB)",
        "7 (3.00 TB)",
    ]


def test_training_that_diverges_ends_in_nan_and_not_in_an_error() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((64, 3)), rng.random((64, 1))
    model = Sequential([Input(shape=(3,)), Dense(4), Dense(1)], seed=0)
    model.compile(SGD(1e6), "mse", metrics=["accuracy", "mse"])
    history = model.fit(x, y, epochs=8, verbose=0, validation_data=(x, y)).history
    assert all(np.isnan(values[-1]) for values in history.values())
    assert np.isfinite(history["loss"][0])
