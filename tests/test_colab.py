"""The first code cell of a chapter: in Colab it installs exactly what is needed, elsewhere nothing.

Colab is faked: a module of its name, a pip that notes what it is asked for, a session that notes
that it is started again.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.verify import colab
from tests.verify.notebooks import ROOT, notebook_paths, read_notebook

FILLED = colab.source("https://github.com/example/nnbook", "main")
EMPTY = colab.source("", "main")
COMMAND = (
    "install -c https://raw.githubusercontent.com/example/nnbook/main/constraints.txt "
    "'nnbook[chapters] @ git+https://github.com/example/nnbook@main'"
)


class Session:
    """A Colab session, as far as the cell sees it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, has_nnbook: bool, pip_works: bool):
        self.log: list[str] = []
        self.has_nnbook = has_nnbook
        self.pip_works = pip_works
        self.kernel = SimpleNamespace(do_shutdown=self.shut_down)
        monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
        monkeypatch.setattr(importlib.util, "find_spec", self.find)

    def find(self, name: str) -> object | None:
        assert name == "nnbook"
        return object() if self.has_nnbook else None

    def run_line_magic(self, name: str, line: str) -> None:
        self.log.append(f"%{name} {line}")
        self.has_nnbook = self.pip_works

    def shut_down(self, restart: bool) -> None:
        self.log.append(f"restart={restart}")


def run(source: str, session: Session | None = None) -> None:
    """Run the cell, where ``get_ipython`` leads to the session, or is not there."""
    names = {} if session is None else {"get_ipython": lambda: session}
    exec(compile(source, "colab", "exec"), names)  # noqa: S102 (the cell of our own notebooks)


# ---- in the notebooks ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", notebook_paths(), ids=lambda path: path.stem)
def test_chapter_begins_with_the_cell_of_the_setting(path: Path) -> None:
    cells = read_notebook(path).cells
    cell, wanted = cells[colab.PLACE], colab.colab_cell()
    remedy = "run: python -m tests.verify.colab"
    assert [one.cell_type for one in cells[: colab.PLACE]] == ["markdown"] * colab.PLACE
    assert (cell.id, cell.source, cell.metadata) == (wanted.id, wanted.source, wanted.metadata), (
        remedy
    )
    assert (cell.execution_count, cell.outputs) == (1, []), remedy


def test_putting_it_in_changes_nothing_else_and_nothing_twice() -> None:
    notebook = read_notebook(notebook_paths()[0])
    there = read_notebook(notebook_paths()[0])
    del notebook.cells[colab.PLACE]
    colab.put_in(notebook)
    assert notebook == there
    colab.put_in(notebook)
    assert notebook == there


@pytest.mark.parametrize(
    ("url", "repository"),
    [
        ("", ""),
        ("https://github.com/example/nnbook", "example/nnbook"),
        ("https://github.com/example/nnbook/", "example/nnbook"),
        ("https://github.com/example/nnbook.git", "example/nnbook"),
        ("https://example.org/example/nnbook", ""),  # Colab cannot open its notebooks
        ("https://github.com/example", ""),
    ],
)
def test_address_of_the_setting(url: str, repository: str) -> None:
    assert f'REPOSITORY, BRANCH = "{repository}", "book"\n' in colab.source(url, "book")


# ---- in Colab, and elsewhere --------------------------------------------------------------------


@pytest.mark.parametrize("source", [EMPTY, FILLED])
def test_nothing_happens_elsewhere(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where nnbook is missing: there is no pip and no session here to be asked."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "google.colab" not in sys.modules
    run(source)


def test_colab_installs_once_and_starts_the_session_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(monkeypatch, has_nnbook=False, pip_works=True)
    run(FILLED, session)
    assert session.log == [f"%pip {COMMAND}", "restart=True"]
    assert "run all cells once more" in capsys.readouterr().out
    run(FILLED, session)  # after the restart
    assert len(session.log) == 2


def test_without_an_address_colab_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(monkeypatch, has_nnbook=False, pip_works=True)
    with pytest.raises(RuntimeError, match=r"^Expected the book's repository.*names none\. Open "):
        run(EMPTY, session)
    assert session.log == []


def test_pip_that_fails_is_not_followed_by_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(monkeypatch, has_nnbook=False, pip_works=False)
    with pytest.raises(RuntimeError, match="pip could not install nnbook"):
        run(FILLED, session)
    assert session.log == [f"%pip {COMMAND}"]


# ---- what is installed --------------------------------------------------------------------------


def installed_in_colab() -> set[str]:
    """Return the packages that the extra of the command asks for, with those it refers to."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = re.findall(r"nnbook\[(\w+)\]", COMMAND)
    found = {Requirement(text).name for text in project["dependencies"]}
    while extras:
        for text in project["optional-dependencies"][extras.pop()]:
            requirement = Requirement(text)
            if requirement.name == "nnbook":
                extras += requirement.extras
            else:
                found.add(requirement.name)
    return {canonicalize_name(name) for name in found}


def test_versions_stand_in_the_constraints_alone() -> None:
    assert not re.search(r"[=<>~]=\s*\d|\d\.\d", FILLED)
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = {line.partition("==")[0] for line in lines if "==" in line and ";" not in line}
    assert installed_in_colab() - pinned == set()


def test_what_the_chapters_import_is_installed_and_the_kernel_left_alone() -> None:
    imported = set()
    for path in notebook_paths():
        for cell in read_notebook(path).cells:
            if cell.cell_type == "code":
                for node in ast.walk(ast.parse(cell.source)):
                    if isinstance(node, ast.Import):
                        imported |= {alias.name.partition(".")[0] for alias in node.names}
                    elif isinstance(node, ast.ImportFrom):
                        imported.add(str(node.module).partition(".")[0])
    known = packages_distributions()
    foreign = imported - {"nnbook"} - set(sys.stdlib_module_names)
    needed = {canonicalize_name(known[name][0]) for name in foreign}
    installed = installed_in_colab()
    brought = {Requirement(text).name for name in installed for text in requires(name) or ()}
    assert needed - installed - brought == {"ipython"}  # the kernel's own
    assert {"numpy", "matplotlib", "tensorflow", "scikit-learn"} <= installed
    assert "ipykernel" not in installed
