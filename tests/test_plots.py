"""Plots: what is drawn is what nnbook computes, labelled, and nothing lies on anything else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from nnbook import Input, Sequential, activations, data, losses, plots
from nnbook.layers import Dense


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    with plt.rc_context():
        plots.use_style()
        yield
        plt.close("all")


def test_the_style_holds_without_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib_inline.backend_inline", None)
    plt.rcdefaults()
    assert plt.rcParams["svg.hashsalt"] != "nnbook"
    plots.use_style()
    assert plt.rcParams["svg.hashsalt"] == "nnbook"


def trained(x: Any, y: Any, k: int) -> Sequential:
    last, loss = ("sigmoid", "bce") if k == 1 else ("softmax", "sparse_categorical_crossentropy")
    model = Sequential([Input((2,)), Dense(8, "tanh"), Dense(k, last)], seed=0)
    model.compile("adam", loss)
    model.fit(x, y, epochs=30, verbose=0)
    return model


def assert_no_text_overlaps(figure: Figure) -> None:
    figure.canvas.draw()
    boxes = []
    for ax in figure.axes:
        ticks = []
        for axis, view in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
            places = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
            # those outside of the view are not drawn
            ticks += [label for at, label in places if min(view) <= at <= max(view)]
        legend = ax.get_legend()
        texts = [ax.title, ax.xaxis.label, ax.yaxis.label, *ticks]
        texts += legend.get_texts() if legend else []
        boxes += [(t.get_text(), t.get_window_extent()) for t in texts if t.get_text().strip()]
    for i, (one, box) in enumerate(boxes):
        for other, there in boxes[i + 1 :]:
            assert not box.overlaps(there), f"{one!r} lies on {other!r}"


@pytest.mark.parametrize(("k", "classes"), [(1, 2), (3, 3), (6, 6)])
def test_regions_are_the_models_classes(k: int, classes: int) -> None:
    x, y = data.blobs(20 * classes, classes)
    model = trained(x, y, k)
    _, ax = plt.subplots()
    plots.decision_boundary(ax, model, x, y, [f"c{i}" for i in range(classes)], points=50)
    (image,) = ax.images
    left, right, bottom, top = image.get_extent()
    centres = np.meshgrid(np.linspace(left, right, 50), np.linspace(bottom, top, 50))
    a = model.predict(np.stack(centres, axis=-1).reshape(-1, 2), verbose=0)
    found = a[:, 0] > 0.5 if k == 1 else np.argmax(a, axis=1)
    np.testing.assert_array_equal(np.asarray(image.get_array()).ravel(), found)
    assert len(np.unique(found)) == classes
    drawn = [np.column_stack(line.get_data()) for line in ax.lines]
    for c, points in enumerate(drawn):
        np.testing.assert_array_equal(points, x[y == c])
    assert len({line.get_marker() for line in ax.lines}) == classes
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [f"c{i}" for i in range(classes)]


def test_what_cannot_be_drawn_is_named() -> None:
    _, ax = plt.subplots()
    x, y = data.blobs(14, 7)
    with pytest.raises(ValueError, match=r"colours for 6 classes. Received 7"):
        plots.decision_boundary(ax, trained(x, y, 7), x, y)
    with pytest.raises(ValueError, match=r"samples \(n, 2\). Received shape \(3, 3\)"):
        plots.decision_boundary(ax, trained(x, y, 7), np.ones((3, 3)), [0, 0, 0])


def test_the_gallery_shows_every_activation_and_its_measured_slope() -> None:
    figure, axes = plt.subplots(4, 2, figsize=(5.2, 8))
    plots.activation_gallery(list(axes.flat))
    assert [ax.get_title().split("(")[0] for ax in axes.flat] == list(activations._KNOWN)
    for ax, f in zip(axes.flat, activations._KNOWN.values(), strict=True):
        value, slope = (np.asarray(line.get_ydata()) for line in ax.lines)
        z = np.asarray(ax.lines[0].get_xdata())
        if f.name == "softmax":
            np.testing.assert_allclose(value, activations.sigmoid(z))
        else:
            np.testing.assert_allclose(value, f(z))
        measured = np.gradient(value, z)
        smooth = np.abs(z) > 0.05  # not at the kinks
        np.testing.assert_allclose(slope[smooth], measured[smooth], atol=0.01)
        dots = [tuple(dot.get_offsets()[0]) for dot in ax.collections]
        below = {"relu": 0.0, "leaky_relu": 0.2}
        jumps = [(0.0, below[f.name]), (0.0, 1.0)] if f.name in below else []
        np.testing.assert_allclose(dots, jumps)  # the full dot first
    assert_no_text_overlaps(figure)


def test_the_gallery_shows_the_losses() -> None:
    figure, axes = plt.subplots(2, 1, figsize=(5.2, 6.4))
    plots.loss_gallery(*axes)
    e = np.asarray(axes[0].lines[0].get_xdata())
    squared, absolute, huber = (np.asarray(line.get_ydata()) for line in axes[0].lines)
    np.testing.assert_allclose(squared, e**2)
    np.testing.assert_allclose(absolute, np.abs(e))
    np.testing.assert_allclose(huber, np.where(np.abs(e) < 1, e**2 / 2, np.abs(e) - 0.5))
    a = np.asarray(axes[1].lines[0].get_xdata())
    one, zero = (np.asarray(line.get_ydata()) for line in axes[1].lines)
    np.testing.assert_allclose(one, -np.log(a))
    np.testing.assert_allclose(zero, -np.log(1 - a))
    assert losses.BinaryCrossentropy()([1.0], [0.5]) == pytest.approx(one[99])
    assert_no_text_overlaps(figure)


KERNELS = [[[0.5, -1.0], [0.25, 1.0]], [[1.0], [-2.0]]]
BIASES = [[0.5, -0.5], [0.5]]
NEURONS = [["1", "2"], ["1.5", "0.5"], ["1"]]


def test_a_network_shows_its_values_weights_and_biases() -> None:
    figure, ax = plt.subplots(figsize=(5.2, 3))
    plots.network_values(ax, KERNELS, BIASES, NEURONS)
    placed: dict[str, list[Any]] = {}
    for text in ax.texts:
        placed.setdefault(text.get_text().replace("\u2212", "-"), []).append(text.get_position())
    # from neuron k of the column before to neuron j: the number stands on that line, near its start
    columns = [[(0, 0.5), (0, -0.5)], [(1, 0.5), (1, -0.5)], [(2, 0.0)]]
    for left, right, kernel in zip(columns, columns[1:], KERNELS, strict=False):
        for k, start in enumerate(left):
            for j, end in enumerate(right):
                place = np.array(start) + 0.32 * np.subtract(end, start)
                near = [
                    np.allclose(place, found, atol=0.01) for found in placed[f"{kernel[k][j]:g}"]
                ]
                assert any(near), (k, j)
    for column, texts in zip(columns, NEURONS, strict=True):
        for place, shown in zip(column, texts, strict=True):
            assert any(np.allclose(place, found) for found in placed[shown])
    assert len(placed["+ 0.5"]) == 2
    assert len(placed["- 0.5"]) == 1
    dashed = {line.get_color() for line in ax.lines if line.get_linestyle() == "--"}
    assert dashed == {plots.VERMILION}
    assert len(ax.lines) == 2 * 6  # each in two pieces around its number
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[i + 1 :])


def test_a_network_that_does_not_fit_together_is_named() -> None:
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match=r"layer of \[2, 3, 1\] neurons. Received kernels"):
        plots.network_values(ax, KERNELS, BIASES, [["1", "2"], ["1", "2", "3"], ["1"]])
    with pytest.raises(ValueError, match=r"biases \[\(1,\), \(1,\)\]"):
        plots.network_values(ax, KERNELS, [[0.5], [0.5]], NEURONS)


def test_the_shapes_of_a_layer_are_those_of_its_arrays() -> None:
    figure, ax = plt.subplots(figsize=(5.2, 2.4))
    n, n_in, units, i, j = 5, 3, 4, 1, 2
    plots.layer_shapes(ax, n, n_in, units, i, j)
    cells = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    sizes = [(n, n_in), (n_in, units), (1, units), (n, units)]
    assert len(cells) == sum(rows * columns for rows, columns in sizes)
    for rows, columns in sizes:  # grids come one after the other, row by row
        grid, cells = cells[: rows * columns], cells[rows * columns :]
        shaded = np.array([to_rgba(cell.get_facecolor())[3] > 0 for cell in grid]).reshape(
            rows, columns
        )
        expected = np.zeros((rows, columns), bool)
        at_row = i if rows == n else slice(None)
        at_column = j if columns == units else slice(None)
        expected[at_row, at_column] = True
        np.testing.assert_array_equal(shaded, expected)
        corners = {cell.get_xy() for cell in grid}
        assert len({x for x, _ in corners}) == columns
        assert len({y for _, y in corners}) == rows
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text()]
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


def test_the_gallery_of_errors_stands_alone() -> None:
    figure, ax = plt.subplots()
    plots.loss_gallery(ax)
    assert [line.get_label() for line in ax.lines] == ["squared", "absolute", "Huber"]
    assert_no_text_overlaps(figure)


def test_signals_show_every_number_and_point_the_right_way() -> None:
    figure, axes = plt.subplots(2, 1, figsize=(5.2, 4.8))
    columns = [["x1", "x2"], ["h1", "h2", "h3"], ["out"]]
    edges = [[["1", "2", "3"], ["4", "5", ""]], [["7"], ["8"], ["9"]]]
    tips = []
    for ax, back in zip(axes, (False, True), strict=True):
        plots.signals(ax, columns, edges, back=back)
        figure.canvas.draw()
        shown = [text.get_text() for text in ax.texts]
        assert [text for text in shown if text[:1].isalpha()] == [c for col in columns for c in col]
        assert sorted(text for text in shown if text.isdigit()) == list("12345789")
        arrows = [text for text in ax.texts if getattr(text, "arrow_patch", None)]
        assert len(arrows) == 9
        tips.append([text.xy[0] - text.xyann[0] for text in arrows])
        assert not ax.axison
    assert set(tips[0]) == {1}
    assert set(tips[1]) == {-1}


def test_signals_refuses_edges_that_do_not_fit() -> None:
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match="zip"):
        plots.signals(ax, [["a"], ["b", "c"]], [[["1"]]])


def written(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_a_neuron_shows_what_it_is_given() -> None:
    figure, ax = plt.subplots(figsize=(4, 2.9))
    plots.neuron(ax, [1, 2, 3], ["u", "v", "w"], -1.5, "z", "a")
    words = ["inputs", "weights", "bias", "sum", "activation", "output"]
    assert sorted(written(ax)) == sorted([*"123", *"uvw", "-1.5", "+", "$f$", "z", "a", *words])
    assert_texts_apart(figure, ax)
    with pytest.raises(ValueError, match="zip"):
        plots.neuron(ax, [1, 2], [1], 0, 0, 0)


def test_a_matrix_product_is_right_and_shades_row_and_column() -> None:
    figure, ax = plt.subplots(figsize=(5.2, 5.6))
    x, w = np.arange(6.0).reshape(3, 2), np.array([[1.0, -1.0, 2.0, 0.5], [3.0, 1.0, 0.0, 4.0]])
    plots.matrix_product(ax, x, w, 2, 1)
    tables = [*x.ravel(), *w.ravel(), *(x @ w).ravel()]
    assert written(ax)[: x.size] == [f"{number:g}" for number in x.ravel()]
    names = ["x  (3, 2)", "W  (2, 4)", "x W  (3, 4)"]
    assert sorted(written(ax)) == sorted([f"{number:g}" for number in tables] + names)
    shaded = [patch.get_alpha() != 1 for patch in ax.patches]
    expected = np.zeros(x.shape, bool), np.zeros(w.shape, bool), np.zeros((3, 4), bool)
    expected[0][2], expected[1][:, 1], expected[2][2, 1] = True, True, True
    assert shaded == [bool(one) for table in expected for one in table.ravel()]
    assert_texts_apart(figure, ax)


def test_regions_are_the_answers_and_lines_lie_on_their_border() -> None:
    figure, ax = plt.subplots(figsize=(4, 3.6))
    w, b = np.array([2.0, 1.0]), -1.2
    x, y = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), np.array([0, 1, 1])
    plots.regions(ax, lambda p: p @ w + b > 0, x, y, [(w, b)], low=-1.1, high=1.9, points=30)
    (image,) = ax.images
    np.testing.assert_allclose(image.get_extent(), [-1.1, 1.9, -1.1, 1.9])
    shown = np.asarray(image.get_array())
    for row, column in np.ndindex(30, 30):  # the middle of each little square
        middle = np.array([-1.1 + (column + 0.5) / 10, -1.1 + (row + 0.5) / 10])
        assert shown[row, column] == (middle @ w + b > 0)
    line, circles, squares = ax.lines
    first, second = (np.array(point) for point in (line._xy1, line._xy2))  # type: ignore[attr-defined]
    for share in (-1.0, 0.0, 2.5):
        assert (first + share * (second - first)) @ w + b == pytest.approx(0)
    np.testing.assert_array_equal(np.column_stack(circles.get_data()), x[y == 0])
    np.testing.assert_array_equal(np.column_stack(squares.get_data()), x[y == 1])
    assert circles.get_marker() != squares.get_marker()
    assert_no_text_overlaps(figure)


def assert_texts_apart(figure: Figure, ax: Any) -> None:
    figure.canvas.draw()
    boxes = [(t.get_text(), t.get_window_extent()) for t in ax.texts if t.get_text()]
    for i, (one, box) in enumerate(boxes):
        assert figure.bbox.containsx(box.x0), f"{one!r} is cut off"
        assert figure.bbox.containsx(box.x1), f"{one!r} is cut off"
        for other, there in boxes[i + 1 :]:
            assert not box.overlaps(there), f"{one!r} lies on {other!r}"


def test_curves_are_the_values_by_epoch_and_the_levels() -> None:
    _, ax = plt.subplots()
    lines = {"training": [3.0, 2.0, 1.5], "validation": [3.5, 2.5, 2.25]}
    assert plots.curves(ax, lines, ylabel="loss", levels={"best": 2.0, "chance": 4.0}) is ax
    drawn = {line.get_label(): np.asarray(line.get_xydata()).tolist() for line in ax.lines[:2]}
    assert drawn == {
        name: [[i + 1, value] for i, value in enumerate(values)] for name, values in lines.items()
    }
    assert [line.get_ydata()[0] for line in ax.lines[2:]] == [2.0, 4.0]  # type: ignore[index]
    assert [text.get_text() for text in ax.texts] == ["best", "chance"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss")
    assert len(plots.curves(plt.subplots()[1], lines, ylabel="loss").lines) == 2


def test_the_confusion_matrix_has_each_count_in_its_cell() -> None:
    _, ax = plt.subplots()
    plots.confusion_matrix(ax, [[50, 2], [7, 41]], ["benign", "malignant"])
    assert {t.get_position(): t.get_text() for t in ax.texts} == {
        (0, 0): "50",
        (1, 0): "2",  # column: predicted; row: true
        (0, 1): "7",
        (1, 1): "41",
    }
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted", "true")
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        assert [label.get_text() for label in labels] == ["benign", "malignant"]


def test_the_network_has_a_dot_for_each_neuron_and_a_line_for_each_weight() -> None:
    _, ax = plt.subplots()
    plots.network(ax, [3, 4, 2], ["x", "h", "y"])
    dots = [np.asarray(column.get_offsets()) for column in ax.collections]
    assert [len(d) for d in dots] == [3, 4, 2]
    assert [np.unique(d[:, 0]).tolist() for d in dots] == [[0], [1], [2]]
    assert len({round(float(d[:, 1].mean()), 9) for d in dots}) == 1  # one height
    assert len(ax.lines) == 3 * 4 + 4 * 2
    ends = {tuple(point) for line in ax.lines for point in np.asarray(line.get_xydata()).tolist()}
    assert ends == {tuple(point) for d in dots for point in d.tolist()}
    assert [text.get_text() for text in ax.texts] == ["x", "h", "y"]
