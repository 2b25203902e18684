"""The figures that a reader operates, read without a browser: their numbers, code and HTML."""

from __future__ import annotations

import ast
import doctest
import importlib
import math
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import product

import numpy as np
import pytest
from bs4 import BeautifulSoup, Tag

import nnbook
from nnbook import keras_bridge
from nnbook.interactive import Figure, slugs
from nnbook.interactive.steps import EQUATIONS, step_through
from nnbook.interactive.walk import Step, is_exact, show, walk
from tests import pages
from tests.steps_figure import (
    ACTIVATIONS,
    ALPHA,
    B1,
    B2,
    INPUTS,
    TARGET,
    W1,
    W2,
    figure,
    network,
)
from tests.verify.outputs import compare_text
from tests.verify.structure import _VOLATILE

LIMIT = 60_000  # bytes of a whole figure
FUNCTIONS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "relu": (lambda z: max(z, 0.0), lambda z: float(z > 0)),
    "sigmoid": (
        lambda z: 1 / (1 + math.exp(-z)),
        lambda z: math.exp(-z) / (1 + math.exp(-z)) ** 2,
    ),
    "tanh": (math.tanh, lambda z: 1 / math.cosh(z) ** 2),
}
RUNS = list(product([*FUNCTIONS, "softplus"], INPUTS))
KEYS = [
    *("input", "z11", "z12", "a1", "z2", "a2", "loss"),
    *("da2", "delta2", "grad2", "da1", "delta1", "grad1"),
    *("update", "again"),
]


def results(steps: list[Step]) -> dict[str, dict[str, float]]:
    """Return the values of a walk by step and slot."""
    return {step.key: {line.slot: line.value for line in step.lines} for step in steps}


# ---- the numbers --------------------------------------------------------------------------------


def by_hand(activation: str, x: list[float]) -> dict[str, float]:
    """Compute everything with plain numbers, as one does on paper."""
    f, slope = FUNCTIONS[activation]
    known = {"a01": x[0], "a02": x[1], "y": TARGET}
    for j in (1, 2):
        z = x[0] * W1[0, j - 1] + x[1] * W1[1, j - 1] + B1[j - 1]
        known |= {f"z1{j}": z, f"a1{j}": f(z)}
    known["z21"] = known["a21"] = known["a11"] * W2[0, 0] + known["a12"] * W2[1, 0] + B2[0]
    known["C"] = (known["a21"] - TARGET) ** 2
    known["da21"] = known["d21"] = known["db21"] = 2 * (known["a21"] - TARGET)
    for j in (1, 2):
        known[f"dw2{j}1"] = known[f"a1{j}"] * known["d21"]
        known[f"da1{j}"] = W2[j - 1, 0] * known["d21"]
        known[f"d1{j}"] = known[f"db1{j}"] = known[f"da1{j}"] * slope(known[f"z1{j}"])
        for k in (1, 2):
            known[f"dw1{k}{j}"] = x[k - 1] * known[f"d1{j}"]
    return known


@pytest.mark.parametrize(("activation", "x"), list(product(FUNCTIONS, INPUTS)))
def test_every_number_is_the_one_computed_by_hand(activation: str, x: str) -> None:
    known = by_hand(activation, INPUTS[x])
    seen: dict[str, float] = {}
    for key, values in results(walk(network(activation), INPUTS[x], TARGET)).items():
        if key not in ("update", "again"):
            seen |= values
    assert seen.keys() == known.keys()
    assert {slot: seen[slot] for slot in known} == pytest.approx(known, rel=1e-12, abs=1e-12)


def test_the_numbers_of_the_chapter() -> None:
    """The first input with ReLU, as the text of the chapter has it."""
    found = results(walk(network("relu"), [1, 2], 2))
    assert found["z11"] | found["z12"] == {"z11": 1.5, "z12": 0.5}
    assert (found["a2"], found["loss"], found["delta2"]) == ({"a21": 1}, {"C": 1}, {"d21": -2})
    assert found["grad2"] == {"dw211": -3, "dw221": -1, "db21": -2}
    assert found["delta1"] == {"d11": -2, "d12": 4}
    assert list(found["grad1"].values()) == [-2, 4, -4, 8, -2, 4]


@pytest.mark.parametrize(("activation", "x"), RUNS)
def test_gradients_pass_the_gradient_check(activation: str, x: str) -> None:
    model = network(activation)
    measured = nnbook.gradcheck.numerical_gradient(
        lambda: model.loss(np.array([[TARGET]]), model.predict(np.array([INPUTS[x]]), verbose=0)),
        model.theta,
    )
    found = results(walk(model, INPUTS[x], TARGET))
    grad = [*found["grad1"].values(), *found["grad2"].values()]  # in the order of theta
    assert grad == pytest.approx(measured, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(("activation", "x"), RUNS)
def test_update_and_new_loss_are_those_of_training(activation: str, x: str) -> None:
    model = network(activation)
    before = model.theta.copy()
    found = results(walk(model, INPUTS[x], TARGET))
    assert np.array_equal(model.theta, before), "the walk has changed the model"
    sample, target = np.array([INPUTS[x]]), np.array([[TARGET]])
    model.fit(sample, target, epochs=1, verbose=0)
    assert list(found["update"].values()) == pytest.approx(model.theta, rel=1e-12)
    assert found["again"]["C"] == pytest.approx(model.evaluate(sample, target, verbose=0))
    assert found["again"]["C"] < found["loss"]["C"]


@pytest.mark.parametrize(("activation", "x"), RUNS)
def test_formulas_with_the_numbers_put_in_are_true(activation: str, x: str) -> None:
    """What stands between the signs gives the result, as exactly as its numbers are written."""
    words = {"−": "-", "·": "*", "²": "**2", "e^": "math.e**"}
    computed = 0
    for step in walk(network(activation), INPUTS[x], TARGET):
        for line in step.lines:
            if line.numbers:
                text = line.numbers
                for old, new in words.items():
                    text = text.replace(old, new)
                value = eval(text, {"math": math, "max": max, "tanh": math.tanh})  # noqa: S307
                rounded = re.search(r"\.\d{4}\b", line.numbers)
                tolerance = 5e-4 if rounded else 1e-12
                assert value == pytest.approx(line.value, rel=tolerance, abs=tolerance), line
                computed += 1
    assert computed >= 29


def test_titles_and_code_are_the_same_in_every_run() -> None:
    """The table of the steps shows them once for all."""
    told = set()
    for activation, x in RUNS:
        steps = walk(network(activation), INPUTS[x], TARGET)
        bare = [replace(step, lines=[]) for step in steps]
        lines = [(line.slot, line.words, line.symbols) for step in steps for line in step.lines]
        told.add(repr((bare, lines)))
    assert len(told) == 1


def test_steps_and_equations() -> None:
    steps = walk(network("relu"), INPUTS["A"], TARGET)
    assert [step.key for step in steps] == KEYS
    assert list(EQUATIONS) == KEYS
    assert [step.phase for step in steps].count("backward") == 6


def test_numbers_as_text() -> None:
    assert [show(v) for v in (0.0, -0.0, -1e-15, 3.0, 0.1 + 0.2)] == ["0", "0", "0", "3", "0.3"]
    assert [show(v) for v in (-0.84375, 1 / 3, 99.99999)] == ["−0.84375", "0.3333", "99.99999"]
    assert is_exact(0.84375)
    assert not is_exact(11.390625)


@pytest.mark.parametrize("module", ["interactive", "interactive.steps", "interactive.walk"])
def test_the_examples_in_docstrings_are_true(module: str) -> None:
    assert doctest.testmod(importlib.import_module(f"nnbook.{module}")).failed == 0


# ---- the lines of code --------------------------------------------------------------------------


def flat(value: object) -> list[float]:
    """Return all numbers in arrays, tensors and collections of them, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [number for one in value for number in flat(one)]
    return [float(number) for number in np.asarray(value).ravel()]


def wanted(steps: list[Step]) -> dict[str, list[float]]:
    """Return the values that the code of each step gives in the end."""
    found = {key: list(values.values()) for key, values in results(steps).items()}
    found["input"] = found["input"][:2]  # the target is not computed
    found["again"] = found["again"][-1:]
    return found


@pytest.mark.parametrize(("activation", "x"), RUNS)
def test_lines_of_nnbook_give_the_numbers(activation: str, x: str) -> None:
    steps = walk(network(activation), INPUTS[x], TARGET)
    model = network(activation)
    hidden, output = model.layers
    names = {
        "x": np.array([INPUTS[x]]),
        "y": np.array([[TARGET]]),
        "model": model,
        "hidden": hidden,
        "output": output,
        "loss": model.loss,
        "optimizer": model.optimizer,
    }
    for step in steps:
        exec(step.nnbook, names)  # noqa: S102
        if step.key == "update":
            value = flat(model.theta)
        else:
            last = ast.parse(step.nnbook).body[-1]
            assert isinstance(last, ast.Expr | ast.Assign)
            value = flat(eval(ast.unparse(last.value), names))  # noqa: S307
        assert value == pytest.approx(wanted(steps)[step.key], rel=1e-12, abs=1e-12), step.key


@pytest.mark.parametrize(("activation", "x"), list(product(ACTIVATIONS.values(), INPUTS)))
def test_lines_of_keras_give_the_numbers(activation: str, x: str) -> None:
    import tensorflow as tf

    steps = walk(network(activation), INPUTS[x], TARGET)
    keras = keras_bridge.import_keras()
    with keras_bridge.floatx("float64"):
        model = keras_bridge.to_keras(network(activation))
        hidden, output = model.layers
        names = {
            "tf": tf,
            "x": tf.constant([INPUTS[x]], tf.float64),
            "y": tf.constant([[TARGET]], tf.float64),
            "model": model,
            "hidden": hidden,
            "output": output,
            "loss": keras.losses.MeanSquaredError(),
            "optimizer": keras.optimizers.SGD(learning_rate=ALPHA),
        }
        # steps 2 to 7 stand in the `with` of the first
        forward = [step.keras.replace("\n", "\n    ") for step in steps[1:7]]
        exec("\n    ".join([steps[0].keras, *forward]), names)  # noqa: S102
        for step in steps:
            code = step.keras.split("\n    ")[-1] if step.key == "input" else step.keras
            if step.phase == "backward" or step.key in ("update", "again"):
                exec(code, names)  # noqa: S102
            if step.key == "update":
                value = flat(model.get_weights())
            else:
                last = ast.parse(code).body[-1]
                assert isinstance(last, ast.Expr | ast.Assign)
                kept = last.targets[0] if isinstance(last, ast.Assign) else last.value
                value = flat(eval(ast.unparse(kept), names))  # noqa: S307
            assert value == pytest.approx(wanted(steps)[step.key], rel=1e-12, abs=1e-12), step.key


# ---- the HTML -----------------------------------------------------------------------------------


def soup(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def unclosed(html: str) -> list[str]:
    """Return what is wrong with the nesting of a piece of HTML."""
    wrong: list[str] = []
    stack: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in ("input", "br"):
                stack.append(tag)

        def handle_endtag(self, tag: str) -> None:
            if not stack or stack.pop() != tag:
                wrong.append(f"</{tag}> at {self.getpos()}")

    reader = Reader()
    reader.feed(html)
    reader.close()
    return wrong + stack


def table_lines(row: Tag) -> list[str]:
    return [line.get_text() for line in row.select("td p")]


def as_shown(text: str) -> str:
    """Return a formula with numbers as its HTML reads, without its tags."""
    return re.sub(r"e\^\(([^)]*)\)", r"e\1", text)


def test_tables_hold_every_number_of_every_run() -> None:
    tables = soup(figure().html()).select("div[data-run]")
    assert len(tables) == len(ACTIVATIONS) * len(INPUTS)
    for (label, x), table in zip(product(ACTIVATIONS, INPUTS), tables, strict=True):
        assert pages.attribute(table, "data-run") == f"{label.lower()}.{x.lower()}"
        caption = table.select("caption")[0].get_text()
        assert caption.startswith(f"{label}, input {x} (")
        steps = walk(network(ACTIVATIONS[label]), INPUTS[x], TARGET)
        for step, row in zip(steps, table.select("tbody tr"), strict=True):
            for line, text in zip(step.lines, table_lines(row), strict=True):
                assert text.endswith(f" {show(line.value)}"), (step.key, text)
                assert as_shown(line.numbers) in text
                assert ("≈" in text) == (not is_exact(line.value)), text


def test_table_of_steps_holds_formulas_labels_and_code() -> None:
    rows = soup(figure().html()).select(".nn-steps-table tbody tr")
    steps = walk(network("relu"), INPUTS["A"], TARGET)
    for step, row in zip(steps, rows, strict=True):
        labels = [tag.get_text() for tag in row.select("[data-equation]")]
        assert labels == list(EQUATIONS[step.key])
        assert [tag.get_text() for tag in row.select("pre")] == [step.nnbook, step.keras]
        symbols = [re.sub(r"[\^_]", "", line.symbols) for line in step.lines]
        assert table_lines(row) == symbols
        assert step.title in row.get_text()
        assert step.why in row.get_text()


def test_labels_are_the_callers_to_choose() -> None:
    mine = {**EQUATIONS, "loss": ("eq-of-mine",), "update": ()}
    fig = step_through({"ReLU": network("relu")}, {"A": [1, 2]}, 2, equations=mine)
    rows = soup(fig.html()).select(".nn-steps-table tbody tr")
    labels = [[tag.get_text() for tag in row.select("[data-equation]")] for row in rows]
    assert labels == [list(mine[key]) for key in KEYS]


def test_tables_have_headers_and_captions() -> None:
    for table in soup(figure().html()).select("table"):
        assert len(table.select("caption")) == 1
        assert table.select("thead td") == []
        assert {pages.attribute(head, "scope") for head in table.select("thead th")} == {"col"}
        for row in table.select("tbody tr"):
            assert [pages.attribute(head, "scope") for head in row.select("th")] == ["row"]


def test_drawing_has_a_place_for_every_number_and_a_text() -> None:
    found = soup(figure().html())
    slots = [pages.attribute(tag, "data-slot") for tag in found.select("svg [data-slot]")]
    parts = {pages.attribute(tag, "data-part") for tag in found.select("svg [data-part]")}
    steps = walk(network("relu"), INPUTS["A"], TARGET)
    assert sorted(slots) == sorted({line.slot for step in steps for line in step.lines})
    assert parts == {part for step in steps for part in step.lit.split()}
    (picture,) = found.select("svg")
    assert picture["role"] == "img"
    text = pages.attribute(picture, "aria-label")
    for value in (*W1.ravel(), *B1, *W2.ravel(), *B2):
        assert f" {show(value)}" in text


def test_figure_is_light_and_needs_nothing_from_elsewhere() -> None:
    html = figure().html()
    assert len(html.encode()) < LIMIT
    assert "//" not in re.sub(r"(?m)^\s*//.*|/\* no.*", "", html).replace("</", "")
    assert pages.external_addresses(soup(html)) == []
    assert list(pages.fetched(soup(html))) == []
    for word in ("fetch(", "import(", "XMLHttpRequest", "@import", "url("):
        assert word not in html


def test_html_is_well_formed() -> None:
    assert unclosed(figure().html()) == []
    assert unclosed("<p><b>a</p></b>") != []
    assert pages.raw_markup(soup(f"<article>{figure().html()}</article>").article or Tag()) == []


def test_two_figures_do_not_clash() -> None:
    one, other = (
        {pages.attribute(tag, "id") for tag in soup(figure(name).html()).select("[id]")}
        for name in ("forward", "backward")
    )
    assert one == {"figure-forward"}
    assert other == {"figure-backward"}


def test_every_rule_of_style_is_the_figures_own() -> None:
    style = re.sub(
        r"/\*.*?\*/", "", "".join(t.get_text() for t in soup(figure().html()).select("style"))
    )
    rules = re.findall(r"(?:^|[{};])\s*([^{};@]+)\{", style)
    assert len(rules) > 60
    assert [rule for rule in rules if ".nn-" not in rule] == []


def test_colours_have_contrast() -> None:
    style = figure().html()
    colours = dict(re.findall(r"--nn-(\w+): light-dark\((#\w+, #\w+)\)", style))
    for theme in (0, 1):
        colour = {name: pair.split(", ")[theme] for name, pair in colours.items()}
        for text in ("ink", "muted", "link", "forward", "backward", "scratch"):
            for background in ("paper", "surface"):
                assert contrast(colour[text], colour[background]) >= 7, (theme, text, background)
        assert contrast(colour["line"], colour["paper"]) >= 3


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_labels_are_text_and_not_markup() -> None:
    fig = step_through({"<b>x": network("relu")}, {'"a<': [1, 2]}, 2)
    assert "<b>x" not in fig.html()
    assert unclosed(fig.html()) == []


# ---- as the output of a cell --------------------------------------------------------------------


def test_output_is_the_same_in_every_run_and_the_verifier_sees_a_change() -> None:
    html = figure()._repr_html_()
    assert html == figure()._repr_html_()
    assert compare_text(html, figure().html()) == []
    changed = html.replace("<b>1.5</b>", "<b>1.7</b>", 1)
    assert changed != html
    assert compare_text(html, changed) != []
    assert repr(figure()) == "<Figure steps: Step through the network: forward, backward, update>"


def test_output_has_nothing_that_another_machine_would_print_differently() -> None:
    for text in (figure().html(), repr(figure())):
        assert {what for what, pattern in _VOLATILE.items() if pattern.search(text)} == set()


def test_style_and_scripts_are_packed() -> None:
    settings = tomllib.loads((pages.REPO / "pyproject.toml").read_text("utf-8"))["tool"][
        "setuptools"
    ]
    folder = pages.REPO / "nnbook" / "interactive"
    packed = {
        p for glob in settings["package-data"]["nnbook.interactive"] for p in folder.glob(glob)
    }
    assert "nnbook.interactive" in settings["packages"]
    assert {p for p in folder.iterdir() if p.is_file() and p.suffix != ".py"} == packed


# ---- what cannot be shown -----------------------------------------------------------------------


def other_network(
    layers: list[nnbook.layers.Layer],
    optimizer: str | nnbook.optimizers.Optimizer = "sgd",
    loss: str = "mse",
    dtype: str = "float64",
) -> nnbook.Sequential:
    model = nnbook.Sequential([nnbook.Input(shape=(2,)), *layers], dtype=dtype)
    model.compile(optimizer, loss)
    return model


Dense = nnbook.layers.Dense


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (other_network([Dense(3), Dense(1)]), "expected a 2-2-1 network"),
        (other_network([Dense(2)]), "expected a 2-2-1 network"),
        (other_network([Dense(2), Dense(1, "relu")]), "linear output"),
        (other_network([Dense(2), Dense(1)], dtype="float32"), "dtype='float64'"),
        (other_network([Dense(2), Dense(1)], "adam"), "plain SGD"),
        (other_network([Dense(2), Dense(1)], nnbook.optimizers.SGD(momentum=0.9)), "plain SGD"),
        (other_network([Dense(2), Dense(1)], loss="mae"), "mean squared error"),
        (other_network([Dense(2, kernel_regularizer="l2"), Dense(1)]), "regularizer"),
    ],
)
def test_other_models_are_refused(model: nnbook.Sequential, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        walk(model, [1, 2], 2)


def test_other_arguments_are_refused() -> None:
    model = network("relu")
    with pytest.raises(ValueError, match="at least one model and an input"):
        step_through({}, INPUTS, TARGET)
    with pytest.raises(ValueError, match="x to be 2 numbers"):
        walk(model, [1, 2, 3], TARGET)
    with pytest.raises(ValueError, match="y to be 1 number"):
        walk(model, [1, 2], [1, 2])
    with pytest.raises(TypeError, match="models of nnbook"):
        walk(None, [1, 2], TARGET)  # type: ignore[arg-type]
    moved = network("relu")
    moved.theta += 1
    with pytest.raises(ValueError, match="the same weights"):
        step_through({"a": model, "b": moved}, INPUTS, TARGET)
    with pytest.raises(ValueError, match="Labels must differ"):
        step_through({"ReLU": model, "relu": model}, INPUTS, TARGET)
    with pytest.raises(ValueError, match="Labels must differ"):
        slugs(["ŷ"])
    for name in ("Steps", "1", "a b", ""):
        with pytest.raises(ValueError, match="name of a figure"):
            Figure("steps", name, "title", "")
