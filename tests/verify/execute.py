"""Run the notebooks again and store what they print: the author's command.

    python -m tests.verify.execute [notebook ...]

Says what moved, cell by cell. Outputs that moved only within the tolerance of the checks are kept
as stored, so that a run on another machine leaves no noise behind. A notebook is written only
when all its cells succeeded.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, NbvalKernelspecManager

from tests.verify.kernel import kernel_environment
from tests.verify.notebooks import (
    Cell,
    Notebook,
    cell_name,
    expected_counts,
    node,
    notebook_paths,
    read_notebook,
    write_notebook,
)
from tests.verify.outputs import differences, merge_streams
from tests.verify.structure import KERNELSPEC, LANGUAGE_INFO

CELL_TIMEOUT = 600  # seconds; a whole chapter takes under 60


def execute(path: Path) -> list[str]:
    """Run a notebook, store it, and say what moved in each cell."""
    notebook = read_notebook(path)
    stored = {cell.id: list(cell.get("outputs", [])) for cell in notebook.cells}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    with kernel_environment():
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT,
            record_timing=False,
            kernel_name=CURRENT_ENV_KERNEL_NAME,  # this Python, whatever kernels are installed
            resources={"metadata": {"path": str(path.parent)}},
        )
        client.create_kernel_manager().kernel_spec_manager = NbvalKernelspecManager()
        # What the kernel itself says (of its transport) is no output of a cell.
        client.execute(stderr=subprocess.DEVNULL)
    clean(notebook)
    moved = []
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            said = differences(stored[cell.id], cell.outputs)
            moved += [f"{cell_name(place, cell)}: {message}" for message in said]
            if not said:
                cell.outputs = merged(stored[cell.id])
    write_notebook(path, notebook)
    return moved


def clean(notebook: Notebook) -> None:
    """Leave only the metadata that belongs to the book, and count the cells 1..n."""
    myst = {"mystnb": notebook.metadata.mystnb} if "mystnb" in notebook.metadata else {}
    notebook.metadata = node({"kernelspec": KERNELSPEC, "language_info": LANGUAGE_INFO, **myst})
    notebook.nbformat_minor = 5
    counts = expected_counts(notebook)
    for place, cell in enumerate(notebook.cells):
        cell.metadata = node(
            {key: value for key, value in cell.metadata.items() if key in ("tags", "mystnb")}
        )
        if cell.cell_type == "code":
            cell.execution_count = counts.get(place)
            cell.outputs = merged(cell.outputs)
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = counts[place]


def merged(outputs: Sequence[Cell]) -> list[Cell]:
    """Outputs with the pieces of one stream joined, as nbformat stores them."""
    return [node(dict(output)) for output in merge_streams(outputs)]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Run notebooks again and store their outputs.")
    parser.add_argument("notebooks", nargs="*", type=Path, help="all chapters where none is named")
    paths = parser.parse_args(arguments).notebooks or notebook_paths()
    failed = 0
    for path in paths:
        print(f"{path.name}: running ...", flush=True)
        start = time.monotonic()
        try:
            moved = execute(path)
        except CellExecutionError as error:
            failed += 1
            print(f"{path.name}: not written, a cell fails:\n{error}")
            continue
        print(f"{path.name}: ran in {time.monotonic() - start:.0f} s, ", end="")
        print(f"{len(moved)} differences stored:" if moved else "nothing moved")
        for message in moved:
            print(f"  {message}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
