"""Plots: what is drawn is what nnbook computes, labelled, and nothing lies on anything else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

from nnbook import Input, Sequential, activations, data, losses, plots
from nnbook.layers import Dense


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    with plt.rc_context():
        plots.use_style()
        yield
        plt.close("all")


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
