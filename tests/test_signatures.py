"""The grammar is Keras's: names, order, defaults of arguments; the rest is refused by name."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from nnbook import (
    Input,
    Sequential,
    activations,
    callbacks,
    data,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
)
from nnbook.optimizers import schedules
from tests.keras_side import keras

# What Keras does not have, and why nnbook has it.
ADDED = {
    ("Sequential", "seed"): "Keras has one seed for the whole program",
    ("Sequential", "dtype"): "Keras has one dtype for the whole program",
    ("load_model", "path"): "Keras calls it filepath, and takes more than a path",
    ("save", "path"): "Keras calls it filepath, and takes more than a path",
    ("from_config", "seed"): "as in Sequential",
    ("Dense", "name"): "in Keras among **kwargs",
    ("Dense", "input_dim"): "in Keras among **kwargs",
    ("Activation", "name"): "in Keras among **kwargs",
    ("Dropout", "name"): "in Keras among **kwargs",
    ("Flatten", "name"): "in Keras among **kwargs",
}
# Other defaults than Keras's, and why.
OTHER_DEFAULTS = {
    ("Sequential", "name"): "Keras counts the models of a program: sequential_1, ...",
    ("build", "input_shape"): "needed",
    ("Input", "shape"): "needed",
    ("summary", "print_fn"): "None means print",
    ("fit", "x"): "needed",
    ("fit", "y"): "needed",
    ("evaluate", "x"): "needed",
    ("evaluate", "y"): "needed",
    ("train_on_batch", "y"): "needed",
}


def classes_of(module: Any) -> list[type]:
    return [
        thing
        for name, thing in vars(module).items()
        if inspect.isclass(thing) and thing.__module__ == module.__name__ and name[0] != "_"
    ]


def pairs() -> list[tuple[str, Any, str]]:
    """Return the public pieces with the path of their counterpart under ``keras``."""
    found: list[tuple[str, Any, str]] = []
    for module, path in (
        (layers, "layers"),
        (losses, "losses"),
        (optimizers, "optimizers"),
        (schedules, "optimizers.schedules"),
        (initializers, "initializers"),
        (regularizers, "regularizers"),
        (metrics, "metrics"),
        (callbacks, "callbacks"),
    ):
        own = {layers.Layer, layers.Input, losses.Loss, optimizers.Optimizer}
        own |= {initializers.Initializer, regularizers.Regularizer, metrics.NamedMetric}
        own |= {callbacks.Callback, callbacks.Progress, callbacks.ProgressLogger}
        for kind in classes_of(module):
            if kind not in own:
                found.append((kind.__name__, kind, f"{path}.{kind.__name__}"))
    for name in ("LeakyReLU", "ELU"):
        kind = getattr(activations, name)
        found.append((name, kind, f"activations.{kind.name}"))
    found += [
        ("Input", Input, "Input"),
        ("Sequential", Sequential, "Sequential"),
        ("load_model", models.load_model, "models.load_model"),
        ("to_categorical", data.to_categorical, "utils.to_categorical"),
    ]
    methods = [name for name in vars(Sequential) if name[0] != "_"]
    for name in sorted(set(methods) - {"built", "loss_and_grad"}):
        found.append((name, getattr(Sequential, name), f"Sequential.{name}"))
    return found


PAIRS = pairs()
IDS = [name for name, *_ in PAIRS]
POSITIONAL = (inspect.Parameter.POSITIONAL_OR_KEYWORD,)
VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def parameters(thing: Any) -> dict[str, inspect.Parameter]:
    """Return the parameters by name, without ``self``; an optimizer's options are spelt out."""
    found = dict(inspect.signature(thing).parameters)
    if "options" in found:
        del found["options"]
        for name, one in inspect.signature(optimizers.Optimizer).parameters.items():
            found.setdefault(name, one)
    return {name: one for name, one in found.items() if name not in ("self", "cls")}


def theirs_of(path: str) -> Any:
    thing = keras()
    for part in path.split("."):
        thing = getattr(thing, part)
    # its class hides the arguments behind *args
    return thing.__init__ if path == "Sequential" else thing


def plain(default: Any) -> Any:
    """Return a default in a form in which both sides can be compared."""
    if default is inspect.Parameter.empty:
        return "needed"
    if isinstance(default, str):
        return default.lower().replace("_", "")
    return default


@pytest.mark.parametrize(("name", "ours", "path"), PAIRS, ids=IDS)
def test_arguments_are_those_of_keras(name: str, ours: Any, path: str) -> None:
    mine, theirs = parameters(ours), parameters(theirs_of(path))
    order = [p for p, one in theirs.items() if one.kind in POSITIONAL]
    if path.startswith("activations."):
        order = order[1:]  # z, which is ours when called
    place = 0
    for argument, one in mine.items():
        assert one.kind not in VARIABLE
        if (name, argument) in ADDED:
            continue
        assert argument in theirs, f"Keras's {path} has no {argument}"
        if one.kind in POSITIONAL:
            assert order[place] == argument, f"Keras has {order[place]} at place {place}"
            place += 1
        if argument == "name" and path.startswith("metrics."):
            assert one.default is None  # stands for the class's name, which is Keras's default
        elif (name, argument) not in OTHER_DEFAULTS:
            assert plain(one.default) == plain(theirs[argument].default), argument


@pytest.mark.parametrize(("name", "ours", "path"), PAIRS, ids=IDS)
def test_what_is_not_taught_is_refused_by_name(name: str, ours: Any, path: str) -> None:
    mine, theirs = parameters(ours), parameters(theirs_of(path))
    missing = [
        argument
        for argument, one in theirs.items()
        if one.kind not in VARIABLE and argument not in mine
    ]
    if path.startswith("activations."):
        missing.remove("x")
    for argument in missing:
        method = path.startswith("Sequential.") and not inspect.ismethod(ours)
        before = [Sequential()] if method else []
        with pytest.raises(TypeError, match=rf"argument '{argument}'"):
            ours(*before, **{argument: None})


def test_names_may_be_used_in_place_of_objects() -> None:
    """Every name that nnbook knows is one that Keras knows, for the same thing."""
    for module, path in (
        (losses, "losses"),
        (optimizers, "optimizers"),
        (initializers, "initializers"),
        (regularizers, "regularizers"),
        (metrics, "metrics"),
        (activations, "activations"),
    ):
        for name in module._KNOWN:
            if name in ("accuracy", "acc"):
                continue  # Keras chooses by the shapes, in compile
            if name.lower() == "constant":
                continue  # Keras knows the name, and fails for want of a value
            theirs = getattr(keras(), path).get(name)
            ours = module.get(name)
            ours = ours[name] if path == "metrics" else ours
            spelt = {
                getattr(theirs, "__name__", type(theirs).__name__).lower().replace("_", ""),
                type(theirs).__name__.lower(),
            }
            kind = getattr(ours, "name", "").lower() if path == "activations" else ""
            assert {type(ours).__name__.lower(), kind.replace("_", "")} & spelt, (path, name)


def test_public_names_stand_where_keras_has_them() -> None:
    assert Sequential is models.Sequential
    assert Input is layers.Input
    assert schedules.CosineDecay is optimizers.schedules.CosineDecay
    for name in ("linear", "relu", "leaky_relu", "sigmoid", "tanh", "softmax", "elu", "softplus"):
        f, z = getattr(activations, name), np.array([[-1.0, 0.5]])
        np.testing.assert_allclose(f(z), getattr(keras().activations, name)(z), rtol=1e-6)
