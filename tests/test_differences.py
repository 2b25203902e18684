"""The table of differences on the page is complete, and no difference is larger than it says."""

from __future__ import annotations

import functools
import re

import pytest

from nnbook import activations, losses, metrics, optimizers, regularizers
from nnbook.optimizers import schedules
from tests.benchmarks import differences

ROW = re.compile(r"(?m)^\| ([^|]+) \| (below 1e-?\d+|none) \| (\S+) \|$")
WHY = re.compile(r"(?m)^- ([^:]+): (.+)$")


@functools.cache
def measured() -> dict[str, tuple[float, float]]:
    return {name: (value, bound) for name, value, bound in differences.table()}


def stated() -> dict[str, tuple[str, str, str]]:
    page = differences.TABLE.read_text(encoding="utf-8")
    why = dict(WHY.findall(page))
    return {name: (said, bound, why.get(name, "")) for name, said, bound in ROW.findall(page)}


def test_every_difference_is_below_its_bound() -> None:
    assert {name: v for name, v in measured().items() if not v[0] < v[1]} == {}


def test_the_page_has_the_rows_and_bounds_that_are_measured() -> None:
    assert list(stated()) == list(measured())
    for name, (_, bound) in measured().items():
        assert float(stated()[name][1]) == bound
        assert bool(stated()[name][2].strip()) == (bound > differences.EXACT), name


def test_no_difference_is_far_larger_than_the_page_says() -> None:
    """Other machines round differently: ten times what the page says is allowed, never more."""
    for name, (value, _) in measured().items():
        said = stated()[name][0]
        limit = 1e-15 if said == "none" else float(said.removeprefix("below "))
        assert value < 10 * limit, (name, value, said)


def test_every_piece_has_a_row() -> None:
    rows = "\n".join(stated())
    for module, path in (
        (activations, "activations"),
        (losses, "losses"),
        (optimizers, "optimizers"),
        (schedules, "schedules"),
        (regularizers, "regularizers"),
        (metrics, "metrics"),
    ):
        known = getattr(module, "_KNOWN", {}).values()
        pieces = {
            getattr(piece, "name", "")
            if path == "activations"
            else (piece if isinstance(piece, type) else type(piece)).__name__
            for piece in known
        } - {"function"}
        for piece in pieces:
            assert f"{path}.{piece}" in rows, piece


def test_a_wrong_number_would_be_seen() -> None:
    assert differences.difference([([1.0, 2.0], [1.0, 2.0])]) == 0
    assert differences.difference([([1.0, 2.0], [1.0, 2.002])]) == pytest.approx(0.002 / 2.002)
    assert differences.seen(3.2e-9) == "below 1e-8"
    assert differences.seen(1e-17) == "below 1e-15"
