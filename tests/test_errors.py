"""Bad input gets a clear error (what was expected, what came, what to do) and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnbook import Input, Sequential, activations, callbacks, losses, metrics, optimizers
from nnbook.checks import Array
from nnbook.gradcheck import gradient_error, numerical_gradient
from nnbook.layers import Dense
from nnbook.losses import BinaryCrossentropy, MeanSquaredError
from nnbook.optimizers import SGD, Adam

X = np.random.default_rng(0).random((6, 3))
Y = np.array([[0.0], [1.0], [0.0], [1.0], [1.0], [0.0]])


def changed(values: Array, value: float, at: tuple[int, int] = (1, 0)) -> Array:
    """Return a copy with one other value."""
    copy = values.copy()
    copy[at] = value
    return copy


# --- models, and everything about them that must stay -----------------------------------------


def trained() -> Sequential:
    """Return a model with weights, an optimizer with a state, and a history."""
    model = Sequential(
        [Input(shape=(3,)), Dense(4, activation="relu"), Dense(1, activation="sigmoid")], seed=0
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0)
    return model


def unbuilt() -> Sequential:
    """Return a model that does not know its number of features yet."""
    model = Sequential([Dense(4, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def uncompiled() -> Sequential:
    return Sequential([Input(shape=(3,)), Dense(1)], seed=0)


def state(model: Sequential) -> dict[str, Any]:
    """Return all that a failed call must leave as it was, by value."""
    compiled = model.compiled
    optimizer = model.optimizer if compiled else None
    return {
        "theta": model.theta.tobytes(),
        "grad": model.grad.tobytes(),
        "identity": (id(model.theta), id(model.grad), id(model.history), id(optimizer)),
        "views": [
            np.shares_memory(w, model.theta) for y in model.layers for w in y.params.values()
        ],
        "built": (model.built, model.n_in, [layer.n_in for layer in model.layers]),
        "layers": [(id(layer), layer.name, layer.taken) for layer in model.layers],
        "compiled": (compiled, id(model.loss) if compiled else 0, dict(model.metrics)),
        "optimizer": optimizer
        and (
            optimizer.iterations,
            optimizer.learning_rate,
            optimizer.memory(),
            [s.tobytes() for s in optimizer._state],
        ),
        "random": (model._shuffle.bit_generator.state, model._entropy),
        "history": model.history and (model.history.epoch[:], repr(model.history.history)),
        "stop": model.stop_training,
    }


Case = tuple[Callable[[Sequential], object], type[Exception], tuple[str, ...]]


def case(call: Callable[[Sequential], object], error: type[Exception], *says: str) -> Case:
    return call, error, says


def calling(method: str, *arguments: Any, **named: Any) -> Callable[[Sequential], object]:
    """Return the call of a method, its arguments bound now."""
    return lambda model: getattr(model, method)(*arguments, **named)


def check(model: Sequential, wrong: Case) -> None:
    call, error, says = wrong
    before = state(model)
    with pytest.raises(error) as caught:
        call(model)
    assert type(caught.value) is error  # a LinAlgError, say, would be some accident
    for part in says:
        assert part in str(caught.value)
    assert state(model) == before


# Wrong x and y, for every method that takes them.
WRONG_X: dict[str, tuple[Any, type[Exception], tuple[str, ...]]] = {
    "one sample without its axis": (
        X[0],
        ValueError,
        ("Dense 'dense' expected inputs of shape (n,", "Received shape (3,)", "x[None, :]"),
    ),
    "a scalar": (3.0, ValueError, ("expected inputs of shape (n,", "Received shape ()")),
    "rank 3": (
        X.reshape(2, 3, 3),
        ValueError,
        ("Received shape (2, 3, 3)", "x.reshape(len(x), -1)"),
    ),
    "no samples": (X[:0], ValueError, ("x is empty", "at least one sample", "(0, 3)")),
    "no features": (X[:, :0], ValueError, ("x is empty", "(6, 0)")),
    "NaN": (
        changed(X, np.nan),
        ValueError,
        ("x must be finite", "nan at index (1, 0)", "isfinite"),
    ),
    "infinity": (changed(X, np.inf), ValueError, ("x must be finite", "inf at index (1, 0)")),
    "too large for float32": (changed(X, 1e300), ValueError, ("finite in float32", "1e+300")),
    "text": (X.astype(str), TypeError, ("x must hold real numbers", "dtype <U", "np.asarray")),
    "objects": (X.astype(object), TypeError, ("x must hold real numbers", "object")),
    "None": (None, TypeError, ("x must hold real numbers", "object")),
    "complex": (X + 0j, TypeError, ("x must hold real numbers", "complex128")),
    "ragged rows": ([[1.0, 2.0], [3.0]], ValueError, ("rectangular", "same length")),
}
WRONG_Y: dict[str, tuple[Any, type[Exception], tuple[str, ...]]] = {
    "fewer labels": (Y[:5], ValueError, ("one row for each of the 6 samples", "(5, 1)")),
    "more labels, flat": (np.ones(7), ValueError, ("one row for each of the 6 samples", "(7,)")),
    "a scalar": (1.0, ValueError, ("one row for each of the 6 samples", "shape ()")),
    "two columns": (np.hstack([Y, Y]), ValueError, ("(6, 1)", "Received (6, 2)", "Reshape y")),
    "labels against each other": (np.eye(6), ValueError, ("(6, 1)", "Received (6, 6)")),
    "rank 3": (Y[..., None], ValueError, ("(6, 1)", "Received (6, 1, 1)")),
    "no labels": (Y[:0], ValueError, ("y is empty", "(0, 1)")),
    "NaN": (changed(Y, np.nan), ValueError, ("y must be finite", "nan at index (1, 0)")),
    "infinity": (changed(Y, -np.inf), ValueError, ("y must be finite", "-inf at index (1, 0)")),
    "text": (Y.astype(str), TypeError, ("y must hold real numbers",)),
    "None": (None, TypeError, ("y must hold real numbers",)),
}
TAKE_X_AND_Y: dict[str, Callable[[Sequential, Any, Any], object]] = {
    "fit": lambda model, x, y: model.fit(x, y, verbose=0),
    "evaluate": lambda model, x, y: model.evaluate(x, y, verbose=0),
    "loss_and_grad": lambda model, x, y: model.loss_and_grad(x, y),
}
each_model = pytest.mark.parametrize("make", [trained, unbuilt])


@each_model
@pytest.mark.parametrize("method", TAKE_X_AND_Y)
@pytest.mark.parametrize("wrong", WRONG_X)
def test_wrong_x(make: Callable[[], Sequential], method: str, wrong: str) -> None:
    x, error, says = WRONG_X[wrong]
    check(make(), case(lambda model: TAKE_X_AND_Y[method](model, x, Y), error, *says))


@each_model
@pytest.mark.parametrize("method", TAKE_X_AND_Y)
@pytest.mark.parametrize("wrong", WRONG_Y)
def test_wrong_y(make: Callable[[], Sequential], method: str, wrong: str) -> None:
    y, error, says = WRONG_Y[wrong]
    check(make(), case(lambda model: TAKE_X_AND_Y[method](model, X, y), error, *says))


@each_model
@pytest.mark.parametrize("wrong", WRONG_X)
def test_wrong_x_of_predict(make: Callable[[], Sequential], wrong: str) -> None:
    x, error, says = WRONG_X[wrong]
    check(make(), case(lambda model: model.predict(x, verbose=0), error, *says))


@pytest.mark.parametrize("wrong", WRONG_X)
def test_wrong_x_of_a_layer_called_by_hand(wrong: str) -> None:
    x, error, says = WRONG_X[wrong]
    check(trained(), case(lambda model: model.layers[0].forward(x), error, *says))


@pytest.mark.parametrize("method", [*TAKE_X_AND_Y, "predict"])
def test_wrong_width(method: str) -> None:
    def call(model: Sequential) -> object:
        if method == "predict":
            return model.predict(X[:, :2], verbose=0)
        return TAKE_X_AND_Y[method](model, X[:, :2], Y)

    says = ("expected inputs of shape (n, 3)", "Received shape (6, 2)", "Input(shape=(2,))")
    check(trained(), case(call, ValueError, *says))


@each_model
def test_wrong_validation_data_are_named_as_such(make: Callable[[], Sequential]) -> None:
    for data, says in (
        ((X[:, :2], Y), ("(n, 3)", "Received shape (6, 2)")),
        ((changed(X, np.nan), Y), ("validation x must be finite",)),
        ((X, Y[:5]), ("validation y must have one row for each of the 6", "(5, 1)")),
        ((X, changed(Y, np.nan)), ("validation y must be finite",)),
        ((X[:0], Y[:0]), ("validation x is empty",)),
        ((X, Y, Y[:5]), ("validation sample_weight must hold one", "Received (5, 1)")),
        ((X, Y, Y, Y), ("a pair (x, y)",)),
        ((X,), ("a pair (x, y)",)),
        (X, ("a pair (x, y)",)),
        (X[:2], ("a pair (x, y)",)),  # inputs alone, of two samples
        ({"x": X, "y": Y}, ("a pair (x, y)",)),
    ):
        call = calling("fit", X, Y, verbose=0, validation_data=data)
        check(make(), case(call, ValueError, *says))


WRONG_SETTINGS: dict[str, Case] = {
    f"{method} {name}={value!r}": case(
        calling(method, *([X] if method == "predict" else [X, Y]), **{"verbose": 0, name: value}),
        error,
        name,
        *says,
    )
    for methods, name, values in (
        (
            ("fit", "evaluate", "predict"),
            "batch_size",
            (
                (0, ValueError, ("at least 1", "Received 0")),
                (-3, ValueError, ("at least 1", "Received -3")),
                (2.0, TypeError, ("integer", "2.0 of type float")),
                ("32", TypeError, ("integer", "'32' of type str")),
                (True, TypeError, ("integer", "bool")),
            ),
        ),
        (
            ("fit",),
            "epochs",
            (
                (0, ValueError, ("at least 1", "Received 0")),
                (-1, ValueError, ("at least 1", "Received -1")),
                (1.5, TypeError, ("integer", "float")),
                (None, TypeError, ("integer", "NoneType")),
            ),
        ),
        (
            ("fit", "evaluate", "predict"),
            "verbose",
            (
                (3, ValueError, ("0, 1, 2 or 'auto'", "Received 3")),
                ("loud", ValueError, ("'loud'",)),
            ),
        ),
        (
            ("fit",),
            "validation_split",
            (
                (1.0, ValueError, ("below 1", "Received 1.0")),
                (-0.1, ValueError, ("at least 0", "Received -0.1")),
                (float("nan"), ValueError, ("Received nan",)),
                ("0.2", TypeError, ("must be a number", "'0.2'")),
                (0.9, ValueError, ("leaves none of 6 samples to train on",)),
                (1e-20, ValueError, ("leaves none of 6 samples to validate on",)),
            ),
        ),
        (("fit",), "callbacks", ((["print"], TypeError, ("nnbook callbacks", "'print'")),)),
    )
    for method in methods
    for value, error, says in values
}


@each_model
@pytest.mark.parametrize("wrong", WRONG_SETTINGS)
def test_wrong_settings(make: Callable[[], Sequential], wrong: str) -> None:
    check(make(), WRONG_SETTINGS[wrong])


# --- order of calls ---------------------------------------------------------------------------


@pytest.mark.parametrize("method", TAKE_X_AND_Y)
def test_compile_comes_first(method: str) -> None:
    says = (f"Call compile before {method}", "model.compile(optimizer=")
    check(uncompiled(), case(lambda m: TAKE_X_AND_Y[method](m, X, Y), RuntimeError, *says))


@pytest.mark.parametrize("method", [*TAKE_X_AND_Y, "predict", "summary", "build"])
def test_layers_come_first(method: str) -> None:
    calls: dict[str, Callable[[Sequential], object]] = {
        "predict": lambda model: model.predict(X, verbose=0),
        "summary": lambda model: model.summary(),
        "build": lambda model: model.build(3),
    }
    call = calls.get(method) or (lambda model: TAKE_X_AND_Y[method](model, X, Y))
    error = ValueError if method == "build" else RuntimeError
    model = Sequential()
    model.compile("sgd", "mse")
    check(model, case(call, error, "layers", "add(Dense(1))"))


def test_backward_needs_a_forward_before() -> None:
    says = ("Dense 'dense'", "backward came before forward", "forward(x) first")
    back = case(lambda model: model.layers[0].backward(np.ones((6, 4))), RuntimeError, *says)
    check(uncompiled(), back)
    check(trained(), back)  # what fit went forward with is gone


def test_backward_needs_a_gradient_of_the_outputs_shape() -> None:
    model = trained()
    model.layers[0].forward(X)
    says = ("output's shape (6, 4)", "Received (6, 1)")
    check(model, case(lambda m: m.layers[0].backward(np.ones((6, 1))), ValueError, *says))


def test_forward_needs_weights() -> None:
    with pytest.raises(RuntimeError, match=r"Dense has no weights yet.*Input\(shape=\(features,\)"):
        Dense(2).forward(X)
    with pytest.raises(RuntimeError, match="no shapes before it is built"):
        Dense(2).shapes()


# --- weights ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (lambda w: w[:3], ValueError, ("4 arrays of shapes [(3, 4), (4,), (4, 1), (1,)]", "3")),
        (lambda w: [*w, w[0]], ValueError, ("expected 4 arrays", "Received 5")),
        (
            lambda w: [w[0].T, *w[1:]],
            ValueError,
            ("shape (3, 4) for weights[0]", "Received (4, 3)", "(4, 1), (1,)"),
        ),
        (lambda w: [*w[:3], w[3][0]], ValueError, ("shape (1,) for weights[3]", "Received ()")),
        (lambda w: [*w[:2], w[2][:, 0], w[3]], ValueError, ("weights[2]", "Received (4,)")),
        (lambda w: [*w[:3], np.array([np.nan])], ValueError, ("weights[3] must be finite",)),
        (lambda w: [*w[:3], ["a"]], TypeError, ("weights[3] must hold real numbers",)),
    ],
)
def test_wrong_weights(spoil: Any, error: type[Exception], says: tuple[str, ...]) -> None:
    check(
        trained(), case(lambda model: model.set_weights(spoil(model.get_weights())), error, *says)
    )


def test_weights_cannot_be_set_before_they_exist() -> None:
    weights = trained().get_weights()
    says = ("no weights yet", "Input(shape=(features,))")
    check(unbuilt(), case(lambda model: model.set_weights(weights), RuntimeError, *says))


# --- building ---------------------------------------------------------------------------------


def test_wrong_additions_to_a_model() -> None:
    taken = trained().layers[0]
    for thing, error, says in (
        ("dense", TypeError, ("nnbook layers", "'dense' of type str")),
        (Dense, TypeError, ("nnbook layers", "of type type")),
        (Input(shape=(3,)), ValueError, ("Input must come first", "only once")),
        (taken, ValueError, ("Dense 'dense' belongs to a model already", "Make a new layer")),
        (Dense(1, name="dense"), ValueError, ("names must differ", "'dense' twice")),
    ):
        for make in (trained, unbuilt):
            check(make(), case(calling("add", thing), error, *says))


def test_wrong_shapes_to_build_for() -> None:
    for shape, error, says in (
        (4, ValueError, ("inputs of 3 features", "Received 4")),
        ((None, 4), ValueError, ("inputs of 3 features", "Received 4")),
        (0, ValueError, ("the number of features must be at least 1",)),
        ((None,), TypeError, ("the number of features must be an integer",)),
        ((), TypeError, ("the number of features must be an integer",)),
        ("3", TypeError, ("the number of features must be an integer",)),
    ):
        check(trained(), case(calling("build", shape), error, *says))


@pytest.mark.parametrize(
    ("make", "arguments", "named", "error", "says"),
    [
        (Dense, (0,), {}, ValueError, "units of Dense must be at least 1. Received 0"),
        (Dense, (2.0,), {}, TypeError, "units of Dense must be an integer"),
        (Dense, (1,), {"input_dim": 0}, ValueError, "input_dim of Dense must be at least 1"),
        (Input, (8,), {}, TypeError, "Use Input(shape=(8,))"),
        (Input, (), {"shape": ()}, ValueError, "one axis, (features,), or more. Received ()"),
        (Input, (), {"shape": (0,)}, ValueError, "at least 1. Received 0"),
        (Input, (), {"shape": (None,)}, TypeError, "must be an integer"),
        (Sequential, (), {"dtype": "float16"}, ValueError, "'float32' or 'float64'"),
        (Sequential, (["relu"],), {}, TypeError, "nnbook layers such as Dense(10)"),
        (SGD, ("fast",), {}, TypeError, "learning_rate must be a number. Received 'fast'"),
        (SGD, (-0.1,), {}, ValueError, "learning_rate must be at least 0"),
        (SGD, (float("nan"),), {}, ValueError, "learning_rate must be at least 0"),
        (SGD, (float("inf"),), {}, ValueError, "learning_rate must be at least 0 and finite"),
        (SGD, (True,), {}, TypeError, "learning_rate must be a number"),
        (Adam, (), {"beta_1": 1.0}, ValueError, "beta_1 must be at least 0 and below 1"),
        (Adam, (), {"beta_2": -0.5}, ValueError, "beta_2 must be at least 0 and below 1"),
        (Adam, (), {"epsilon": None}, TypeError, "epsilon must be a number. Received None"),
    ],
)
def test_wrong_parts(
    make: Any,
    arguments: tuple[Any, ...],
    named: dict[str, Any],
    error: type[Exception],
    says: str,
) -> None:
    with pytest.raises(error, match=re.escape(says)):
        make(*arguments, **named)


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("get", "what", "known"),
    [
        (
            activations.get,
            "activation",
            "elu, leaky_relu, linear, relu, sigmoid, softmax, softplus, tanh",
        ),
        (
            losses.get,
            "loss",
            "BCE, BinaryCrossentropy, CategoricalCrossentropy, Huber, MAE, MSE, "
            "MeanAbsoluteError, MeanSquaredError, SparseCategoricalCrossentropy, bce, "
            "binary_crossentropy, categorical_crossentropy, huber, mae, mean_absolute_error, "
            "mean_squared_error, mse, sparse_categorical_crossentropy",
        ),
        (optimizers.get, "optimizer", "adagrad, adam, adamw, rmsprop, sgd"),
        (
            metrics.get,
            "metric",
            "AUC, BinaryAccuracy, CategoricalAccuracy, MAE, MSE, MeanAbsoluteError, "
            "MeanSquaredError, Precision, Recall, SparseCategoricalAccuracy, acc, accuracy, auc, "
            "binary_accuracy, categorical_accuracy, mae, mean_absolute_error, mean_squared_error, "
            "mse, precision, recall, sparse_categorical_accuracy",
        ),
    ],
)
def test_an_unknown_name_lists_the_known_ones(get: Any, what: str, known: str) -> None:
    with pytest.raises(ValueError, match=f"^Unknown {what} 'relo'. Known: {known}.$"):
        get("relo")
    with pytest.raises(TypeError, match="Received 7"):
        get(7)


@each_model
def test_a_failed_compile_leaves_the_old_settings(make: Callable[[], Sequential]) -> None:
    for settings, error, says in (
        (("adadelta", "mse"), ValueError, ("optimizer 'adadelta'", "adam, adamw, rmsprop, sgd")),
        (("sgd", "crossentropy"), ValueError, ("loss 'crossentropy'", "binary_crossentropy")),
        (("sgd", "mse", {"metrics": ["accuracy", "f1"]}), ValueError, ("metric 'f1'", "accuracy")),
        ((0.1, "mse"), TypeError, ("optimizer", "0.1")),
        (("sgd", None), TypeError, ("loss", "None")),
        (("sgd", "mse", {"metrics": [len]}), TypeError, ("metrics", "list of names")),
    ):
        *pair, named = settings if len(settings) == 3 else (*settings, {})
        check(make(), case(calling("compile", *pair, **named), error, *says))


def test_an_unknown_activation_of_a_layer_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'relo'\. Known: elu, leaky_relu, linear, relu, sig"):
        Dense(1, activation="relo")


# --- labels are never broadcast ---------------------------------------------------------------


def test_flat_labels_are_a_column_and_never_an_n_by_n_table() -> None:
    y, a = Y[:, 0], np.linspace(0.1, 0.9, 6)[:, None]
    table = float(np.mean((a - y) ** 2))  # what NumPy's broadcast would silently give
    assert MeanSquaredError()(y, a) == pytest.approx(float(np.mean((a - Y) ** 2)), rel=1e-15)
    assert MeanSquaredError()(y, a) != pytest.approx(table, rel=1e-3)


@pytest.mark.parametrize(
    ("y", "a"),
    [((6,), (6, 2)), ((6, 1), (6, 2)), ((6, 1), (1, 6)), ((6,), (5,)), ((1,), (6, 1)), ((), (6,))],
)
def test_shapes_that_differ_are_refused(y: tuple[int, ...], a: tuple[int, ...]) -> None:
    says = re.escape(f"Received y_true {y} and y_pred {a}")
    y_true, y_pred = np.full(y, 0.5), np.full(a, 0.5)
    for call in (MeanSquaredError(), BinaryCrossentropy(), metrics.BinaryAccuracy()):
        with pytest.raises(ValueError, match=says):
            call(y_true, y_pred)
    for loss in (MeanSquaredError(), BinaryCrossentropy(), BinaryCrossentropy(from_logits=True)):
        with pytest.raises(ValueError, match=says):
            loss.grad(y_true, y_pred)
        with pytest.raises(ValueError, match=says):
            loss.delta(y_true, y_pred, activations.sigmoid)


@pytest.mark.parametrize("call", [MeanSquaredError(), BinaryCrossentropy(), metrics.accuracy])
def test_losses_and_metrics_refuse_what_is_no_finite_number(call: Any) -> None:
    for bad, error in ((changed(Y, np.nan), ValueError), (Y.astype(str), TypeError)):
        with pytest.raises(error, match="y_true must"):
            call(bad, Y)
        with pytest.raises(error, match="y_pred must"):
            call(Y, bad)


# --- optimizers and the gradient check --------------------------------------------------------


def test_an_optimizer_serves_one_model() -> None:
    shared = SGD()
    other = uncompiled()
    other.compile(shared, "mse")
    other.fit(X, Y, verbose=0)
    model = trained()
    model.compile(shared, "mse")
    says = ("serves a model of 4 float32 parameters", "21 of float32", "SGD()")
    check(model, case(lambda m: m.fit(X, Y, verbose=0), ValueError, *says))
    twin = uncompiled()  # of the very same size: the memory would still be another model's
    twin.compile(shared, "mse")
    check(twin, case(lambda m: m.fit(X, Y, verbose=0), ValueError, "4 of float32"))
    unbuilt = Sequential([Dense(1)])
    unbuilt.compile(shared, "mse")
    check(unbuilt, case(lambda m: m.fit(X, Y, verbose=0), ValueError, "0 of float32"))


def test_logits_are_not_looked_for_behind_a_sigmoid() -> None:
    model = Sequential([Input(shape=(3,)), Dense(1, activation="sigmoid")])
    model.compile("sgd", BinaryCrossentropy(from_logits=True))
    says = ("expected outputs without an activation", "Received those of a sigmoid", "Leave out")
    check(model, case(lambda m: m.fit(X, Y, verbose=0), ValueError, *says))
    check(model, case(lambda m: m.evaluate(X, Y, verbose=0), ValueError, *says))
    check(model, case(lambda m: m.loss_and_grad(X, Y), ValueError, *says))


def test_a_model_that_was_not_made_leaves_its_layers_free() -> None:
    layer = Dense(1)
    with pytest.raises(TypeError, match="expected nnbook layers"):
        Sequential([layer, "no layer"])  # type: ignore[list-item]
    assert layer.taken is False
    assert Sequential([Input(shape=(3,)), layer]).built


def test_the_learning_rate_stays_when_the_new_one_is_wrong() -> None:
    optimizer = SGD(0.5)
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer.learning_rate = -1
    assert optimizer.learning_rate == 0.5


def test_a_gradient_check_needs_float64_and_a_step() -> None:
    says = ("needs float64", "Received float32", "dtype='float64'")
    check(trained(), case(lambda model: gradient_error(model, X, Y), ValueError, *says))
    for h in (0, -1e-5):
        with pytest.raises(ValueError, match="h must be"):
            numerical_gradient(lambda: 0.0, np.ones(2), h=h)


def test_a_callback_that_fails_stops_fit_with_its_own_error() -> None:
    class Fails(callbacks.Callback):
        def on_train_begin(self) -> None:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        trained().fit(X, Y, verbose=0, callbacks=[Fails()])
