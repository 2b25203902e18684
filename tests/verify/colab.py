"""The first code cell of each chapter: in Colab it installs what the chapter needs.

    python -m tests.verify.colab

writes it into every notebook, from ``repository`` of ``book/_config.yml``, and counts the cells
afresh. Nothing is run: the cell does nothing anywhere but in Colab. Run this after a change of that
setting. The versions stand in ``constraints.txt`` alone, which pip reads from the repository.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from nbformat.v4 import new_code_cell

from tests.verify.notebooks import (
    ROOT,
    Cell,
    Notebook,
    expected_counts,
    notebook_paths,
    read_notebook,
    write_notebook,
)

CELL_ID = "colab"
PLACE = 1  # behind the title
GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")  # Colab reads no other
SOURCE = """\
# Only Colab needs this: it installs nnbook and the versions of the tests.
import importlib.util
import sys

REPOSITORY, BRANCH = "{repository}", "{branch}"
in_colab = "google.colab" in sys.modules
if in_colab and importlib.util.find_spec("nnbook") is None:
    if not REPOSITORY:
        raise RuntimeError(
            "Expected the book's repository, to install nnbook from it; this copy"
            " of the chapter names none. Open the chapter by a Colab link of the"
            " published book, or on your computer: python3 make.py lab"
        )
    pins = f"raw.githubusercontent.com/{{REPOSITORY}}/{{BRANCH}}/constraints.txt"
    book = f"git+https://github.com/{{REPOSITORY}}@{{BRANCH}}"
    get_ipython().run_line_magic(
        "pip", f"install -c https://{{pins}} 'nnbook[chapters] @ {{book}}'"
    )
    importlib.invalidate_caches()
    if importlib.util.find_spec("nnbook") is None:
        raise RuntimeError("pip could not install nnbook: see its lines above.")
    print("Installed. The session starts again: then run all cells once more.")
    get_ipython().kernel.do_shutdown(restart=True)
"""


def setting() -> dict[str, Any]:
    """Return what the configuration of the book says of its repository."""
    text = (ROOT / "book" / "_config.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["repository"]
    return found


def source(url: str, branch: str) -> str:
    """Return the text of the cell for a repository; for one that is not on GitHub, as for none."""
    match = GITHUB.fullmatch(url)
    return SOURCE.format(repository=match[1] if match else "", branch=branch).rstrip("\n")


def colab_cell() -> Cell:
    """Return the cell as the setting wants it; the pages leave it out."""
    now = setting()
    text = source(str(now["url"] or ""), str(now["branch"]))
    return new_code_cell(text, id=CELL_ID, metadata={"tags": ["remove-cell"]})  # type: ignore[no-untyped-call]


def put_in(notebook: Notebook) -> None:
    """Put the cell in its place, and count the cells 1..n."""
    notebook.cells = [cell for cell in notebook.cells if cell.get("id") != CELL_ID]
    notebook.cells.insert(PLACE, colab_cell())
    for place, count in expected_counts(notebook).items():
        cell = notebook.cells[place]
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count


def main() -> None:
    """Write all notebooks whose cell is not as it has to be."""
    for path in notebook_paths():
        notebook = read_notebook(path)
        before = read_notebook(path)
        put_in(notebook)
        if notebook != before:
            write_notebook(path, notebook)
            print(f"{path.name}: written")


if __name__ == "__main__":
    main()
