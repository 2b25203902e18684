"""The mutation tests themselves: what is listed still stands there, and a mistake is noticed."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.coverage import ROOT, library_tests
from tests.mutation.listed import Key, listed
from tests.mutation.source import functions, one_line, statement_lines

MODULE = '''\
"""A module."""

class Counter:
    def __init__(self, start: int = 3) -> None:
        self.count = start

    def up(self, by: int = 1) -> int:
        """Count up."""
        if (
            by > 0
            and by < 9
        ):
            self.count += by
        return self.count

    @property
    def twice(self) -> int:
        return self.count * 2
'''
TESTS = """\
from nnbook.counter import Counter

def test_up() -> None:
    counter = Counter()
    assert counter.up(8) == 11
    assert counter.twice == 22
"""


@pytest.mark.parametrize("key", listed(), ids=lambda key: f"{key[0]}-{key[1]}")
def test_what_is_listed_as_equivalent_still_stands_in_the_library(key: Key) -> None:
    module, function, before, _, nth = key
    source = (ROOT / module).read_text(encoding="utf-8")
    found = dict(functions(ast.parse(source))).get(function)
    assert found is not None
    text = one_line(source.splitlines()[found.lineno - 1 : found.end_lineno])
    assert text.count(before) >= nth


def test_a_statement_is_found_by_any_of_its_lines() -> None:
    tree = ast.parse(MODULE)
    assert [statement_lines(tree, line) for line in (5, 9, 11, 13, 14)] == [
        range(5, 6),
        range(9, 13),
        range(9, 13),
        range(13, 14),
        range(14, 15),
    ]
    assert statement_lines(tree, 7) == range(7, 15)  # the head of a function is all of it
    assert [name for name, _ in functions(tree)] == [
        "Counter.__init__",
        "Counter.up",
        "Counter.twice",
    ]


def test_the_tests_of_the_library_are_among_those_that_are_run() -> None:
    assert {"tests/test_models.py", "tests/test_losses.py"} <= set(library_tests(ROOT))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is forked for each mutant")
def test_a_mistake_that_a_test_sees_is_killed_and_another_survives(tmp_path: Path) -> None:
    """A run of the real thing, over a library of one module and one test."""
    pytest.importorskip("mutmut")
    for name in ("tests/mutation", "tests/verify", "nnbook"):
        (tmp_path / name).mkdir(parents=True)
        for file in (ROOT / name).glob("*.py"):
            (tmp_path / name / file.name).write_bytes(file.read_bytes())
    for name in ("tests/__init__.py", "tests/coverage.py", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "nnbook/counter.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "tests/test_counter.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "tests/mutation/equivalent.toml").write_text("", encoding="utf-8")
    command = [sys.executable, "-m", "tests.mutation", "counter", "--results", "found"]
    run = subprocess.run(
        [*command, "--workers", "1", "--tests", "tests/test_counter.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    rows = [json.loads(line) for line in (tmp_path / "found").read_text().splitlines()]
    fate = {(row[2], row[3]): row[5] for row in rows}
    assert fate["self.count = start", "self.count = None"] == "killed"
    assert fate["self.count += by", "self.count -= by"] == "killed"
    assert fate["by > 0 and by < 9", "by > 0 or by < 9"] == "survived"
    assert fate["and by < 9", "and by <= 9"] == "survived"
    assert fate["by > 0", "by > 1"] == "survived"
    assert fate["return self.count * 2", "return self.count / 2"] == "killed"  # of a property
    assert "+ and by <= 9" in run.stdout
    assert len(rows) == len({tuple(row[:5]) for row in rows}) == 12
