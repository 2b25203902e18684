"""The pages keep the promise: structure, prose and formulas of every chapter and page.

That the code cells print what is stored is checked by nbval with `tests.verify.nbval_plugin`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verify import equations, prose
from tests.verify.notebooks import notebook_paths, page_paths, read_notebook
from tests.verify.structure import alt_problems, notebook_problems


def name(path: Path) -> str:
    """The name of a page in the list of tests."""
    return path.stem


def fail_with(problems: list[str]) -> None:
    """Fail with the problems, one a line, and nothing else."""
    if problems:
        pytest.fail(f"{len(problems)} problems\n" + "\n".join(problems), pytrace=False)


def test_there_are_chapters_and_pages() -> None:
    """All other tests here would pass on an empty book."""
    assert notebook_paths()
    assert page_paths()


@pytest.mark.parametrize("path", notebook_paths(), ids=name)
def test_structure(path: Path) -> None:
    """Every cell was run in order, nothing is exempt, figures have alt text, metadata is clean."""
    fail_with(notebook_problems(path))


@pytest.mark.parametrize("path", notebook_paths(), ids=name)
def test_prose(path: Path) -> None:
    """Every number in the prose of a chapter stands in an output."""
    constants = prose.read_constants()
    fail_with(prose.notebook_prose_problems(path.stem, read_notebook(path), constants))


@pytest.mark.parametrize("path", page_paths(), ids=name)
def test_page(path: Path) -> None:
    """Every number on a page stands in an output of a chapter; its images have alt text."""
    notebooks = [read_notebook(chapter) for chapter in notebook_paths()]
    problems = prose.page_prose_problems(path, notebooks, prose.read_constants())
    said = alt_problems(path.read_text(encoding="utf-8"))
    fail_with(problems + [f"{path.name}: {problem}" for problem in said])


def test_no_constant_is_unused() -> None:
    """The list of constants holds only what the prose needs."""
    fail_with(prose.unused_constants())


def test_every_formula_is_proven() -> None:
    """Each displayed formula has a label and a test that quotes it as it stands on the page."""
    fail_with(equations.equation_problems(equations.shown_in_book(), equations.proofs_in_tests()))
