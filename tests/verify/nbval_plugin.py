"""Make `pytest --nbval` compare the outputs of notebooks with `tests.verify.outputs`.

nbval starts the kernel, runs the cells and gathers their fresh outputs. Its own comparison (exact
strings, pictures left out, marks that exempt a cell, never-run cells passing) is replaced.
Loaded by `-p tests.verify.nbval_plugin`, so that it is there for every path given to pytest.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import nbval.plugin
import pytest

from tests.verify.kernel import kernel_environment
from tests.verify.no_network import forbid_network
from tests.verify.notebooks import cell_name, expected_counts, read_notebook
from tests.verify.outputs import differences, merge_streams
from tests.verify.structure import code_cell_problems

SHOWN_LINES = 3  # of the source of a failing cell
TRACE_LINES = 25  # of the traceback of a cell that raises
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

# nbval joins all text of a stream even across a figure between; what the page shows is in order.
nbval.plugin.coalesce_streams = merge_streams


def pytest_configure(config: pytest.Config) -> None:
    """Refuse the modes of nbval that compare less; forbid the network in this process too."""
    forbid_network()
    for option in ("nbval_lax", "nbval_sanitize_with", "sanitize_with", "nbdime"):
        if config.getoption(option, None):
            raise pytest.UsageError(f"--{option.replace('_', '-')} would compare less: not allowed")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Put our notebook collector in place of nbval's."""
    collectors = yield
    return [
        VerifiedNotebook.from_parent(parent, path=file_path)
        if isinstance(collector, nbval.plugin.IPyNbFile)
        else collector
        for collector in collectors
    ]


class VerifiedNotebook(nbval.plugin.IPyNbFile):  # type: ignore[misc]  # nbval is untyped
    """A notebook: one kernel, one test for each code cell."""

    def collect(self) -> Iterator[pytest.Item]:
        """Every code cell, whatever marks it carries."""
        self.nb = read_notebook(self.path)
        counts = expected_counts(self.nb)
        for place, cell in enumerate(self.nb.cells):
            if cell.cell_type == "code":
                yield VerifiedCell.from_parent(
                    self,
                    name=cell_name(place, cell),
                    cell_num=place,
                    cell=cell,
                    options={
                        "check": True,
                        "skip": False,
                        "check_exception": "raises-exception" in cell.metadata.get("tags", []),
                    },
                    expected_count=counts.get(place),
                )

    def setup(self) -> None:
        """Start the kernel in the book's environment."""
        with kernel_environment():
            super().setup()
        self.kernel.execute_cell_input = self.execute

    def execute(self, source: str, allow_stdin: bool = False) -> str:
        """Run a cell as a notebook does.

        nbval would keep no history, and without one IPython neither counts the cells nor obeys the
        semicolon that hides a result.
        """
        message: str = self.kernel.kc.execute(
            source, store_history=True, allow_stdin=allow_stdin, stop_on_error=False
        )
        return message


class VerifiedCell(nbval.plugin.IPyNbCell):  # type: ignore[misc]
    """One code cell: run, then compared."""

    def __init__(self, *, expected_count: int | None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.expected_count = expected_count
        self.problems: list[str] = []

    def runtest(self) -> None:
        """Run the cell, then fail with all that is wrong with it."""
        self.problems = code_cell_problems(self.cell, self.expected_count)
        super().runtest()
        if self.problems:
            self.raise_cell_error("the stored cell does not hold")

    def compare_outputs(
        self, test: list[Any], ref: list[Any], skip_compare: tuple[str, ...] | None = None
    ) -> bool:
        """Collect the differences (called by nbval, which would stop at the first)."""
        self.problems += differences(ref, test)
        return True

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: Any) -> str:
        """Name the notebook and the cell, say what differs, show where the cell begins."""
        error = excinfo.value
        reason = str(error) if isinstance(error, nbval.plugin.NbCellError) else repr(error)
        lines = [f"{self._where}: {reason}", *(f"  - {problem}" for problem in self.problems)]
        lines += [f"    | {line}" for line in self.cell.source.splitlines()[:SHOWN_LINES]]
        trace = getattr(error, "inner_traceback", None) or ""
        lines += _COLOURS.sub("", trace).splitlines()[-TRACE_LINES:]
        return "\n".join(lines)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The name shown in a list of tests."""
        return self.path, 0, self._where

    @property
    def _where(self) -> str:
        try:
            path = self.path.relative_to(self.config.rootpath)
        except ValueError:  # a copy outside the repository
            path = self.path
        return f"{path.as_posix()}, {self.name}"
