"""Everything public is documented, its examples are true, and importing it needs NumPy alone."""

from __future__ import annotations

import doctest
import importlib
import inspect
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import nnbook

MODULES = ["nnbook", *(f"nnbook.{module.name}" for module in pkgutil.iter_modules(nnbook.__path__))]


def public(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Yield the module and its own public classes, functions, methods and properties, by name."""
    yield module.__name__, module
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(thing) or inspect.isroutine(thing):
            yield f"{module.__name__}.{name}", thing
        if inspect.isclass(thing):
            for member, value in vars(thing).items():
                if member.startswith("_"):
                    continue
                if inspect.isroutine(value) or isinstance(value, property):
                    yield f"{module.__name__}.{name}.{member}", getattr(thing, member)


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_has_a_docstring(name: str) -> None:
    found = dict(public(importlib.import_module(name)))
    assert [
        what for what, thing in found.items() if not (inspect.getdoc(thing) or "").strip()
    ] == []


def test_the_search_for_the_public_finds_it() -> None:
    found = {what for name in MODULES for what, _ in public(importlib.import_module(name))}
    assert {
        "nnbook.models",
        "nnbook.models.Sequential",
        "nnbook.models.Sequential.fit",
        "nnbook.models.Sequential.built",
        "nnbook.gradcheck.gradient_error",
        "nnbook.keras_bridge.floatx",
        "nnbook.plots.curves",
    } <= found


def test_the_examples_in_docstrings_are_true() -> None:
    attempted = 0
    for name in MODULES:
        result = doctest.testmod(importlib.import_module(name))
        assert result.failed == 0, name
        attempted += result.attempted
    assert attempted > 0


def test_importing_nnbook_needs_numpy_alone() -> None:
    """In a process of its own, where nothing is imported yet."""
    program = (
        "import json, sys, numpy.random; before = set(sys.modules); import nnbook; "
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=Path(nnbook.__path__[0]).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert "nnbook" in loaded
    assert loaded - {"nnbook", "numpy", *sys.stdlib_module_names} == set()


@pytest.mark.parametrize("name", nnbook.__all__)
def test_all_names_what_is_there(name: str) -> None:
    assert hasattr(nnbook, name)
