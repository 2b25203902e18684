"""What the pages say of the book itself is true: the list of formulas, the counts, the last run."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import pages
from tests.pages import book_build, book_html
from tests.verify import equations, facts, record

__all__ = ["book_build", "book_html"]  # fixtures, found by their names


def raw_cells(path: Path) -> list[Any]:
    """Return the cells of a chapter that are on its page."""
    cells: list[Any] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if "remove-cell" not in cell["metadata"].get("tags", [])]


def test_every_formula_is_in_the_list_with_its_proof(book_html: Path) -> None:
    here = pages.page(book_html, "book/equations.html")
    entries = {}
    for term in here.article.select("dt:has(a)"):
        link = pages.attribute(term.select("a")[0], "href")
        details = list(term.find_next_siblings(["dt", "dd"]))
        stop = next((i for i, tag in enumerate(details) if tag.name == "dt"), None)
        entries[link.partition("#equation-")[2]] = (link, details[:stop])
    shown = [one for one in equations.shown_in_book() if one.equation.label]
    assert set(entries) == {one.equation.label for one in shown}
    proofs = {proof.label: proof.where for proof in equations.proofs_in_tests()}
    pieces = facts.pieces()
    for one in shown:
        label = str(one.equation.label)
        link, details = entries[label]
        assert one.where.partition(".ipynb")[0] in link
        annotation = details[0].find("annotation")
        assert annotation is not None
        tex = annotation.get_text().removeprefix("\\displaystyle")
        assert equations.normalise(tex) == one.equation.latex
        text = " ".join(tag.get_text() for tag in details[1:])
        assert proofs[label].removeprefix("tests/") in text
        for piece in pieces.get(label, []):
            assert piece.name in text
            assert (piece.keras or "") in text
            assert any(piece.source in str(tag) for tag in details)


def test_pieces_name_their_formulas_and_counterparts() -> None:
    pieces = facts.pieces()
    assert facts.Piece("nnbook.activations.ReLU", "keras.activations.relu") in pieces["eq-relu"]
    assert {piece.name for piece in pieces["eq-adam"]} == {"nnbook.optimizers.Adam"}


def test_counts_on_the_pages_are_those_of_the_files(book_html: Path) -> None:
    here = pages.page(book_html, "book/verification.html")
    rows = [
        [cell.get_text(strip=True).replace(",", "") for cell in row.select("td")]
        for row in here.article.select("section table")[-1].select("tbody tr")
    ]
    for path, row in zip(pages.notebooks(), rows[:-1], strict=True):
        code = [cell for cell in raw_cells(path) if cell["cell_type"] == "code"]
        outputs = [output for cell in code for output in cell["outputs"]]
        pictures = [o for o in outputs if any("image/" in mime for mime in o.get("data", {}))]
        labels = re.findall(r"\$\$ \((eq-[\w-]+)\)", path.read_text(encoding="utf-8"))
        tasks = re.findall(r'"\*\*Exercise ', path.read_text(encoding="utf-8"))
        want = [path.stem[:2], *map(str, (len(code), len(outputs)))]
        assert row[:3] == want
        assert int(row[3]) > 20  # numbers: the one count with no simple rule
        assert row[4:6] == [str(len(pictures)), str(len(labels))]
        assert row[6] in ("0", str(len(tasks)))
        footer = pages.page(book_html, f"notebooks/{path.stem}.html").article.select_one(
            "aside.verified"
        )
        assert footer is not None
        assert f"{len(code)} code cells with {len(outputs)} outputs" in footer.get_text()
    sums = [str(sum(int(row[k]) for row in rows[:-1])) for k in range(1, 7)]
    assert rows[-1] == ["all", *sums]


def footer_with(monkeypatch: pytest.MonkeyPatch, found: dict[str, Any] | None) -> str:
    """Return how a chapter ends when the last full run left this record."""
    spec = importlib.util.spec_from_file_location(
        "live_pages", pages.REPO / "book" / "extensions" / "live_pages.py"
    )
    assert spec is not None
    assert spec.loader is not None
    live_pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(live_pages)
    monkeypatch.setattr(facts, "record", lambda: found)
    context = {"body": ""}
    live_pages.verified_footer(None, "notebooks/01_background", "", context, None)
    return context["body"]


def test_a_chapter_says_when_and_with_what_it_was_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {name: f"1.{i}" for i, name in enumerate(record.SHOWN_VERSIONS)}
    run = {"date": "2026-01-31", "python": "3.13.1", "versions": versions}
    text = footer_with(monkeypatch, run)
    counted = r"\d+ code cells with \d+ outputs, \d+ numbers, \d+ figures? and \d+ formulas? are"
    assert re.search(f"On this page {counted} computed again and compared", text)
    said = "numpy 1.0, matplotlib 1.1, keras 1.3, tensorflow 1.2"
    assert f"Last run: 2026-01-31, Python 3.13.1, {said}." in text


def test_a_chapter_without_a_record_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    text = footer_with(monkeypatch, None)
    assert "Last run" not in text
    assert "built without such a run" in text


def test_numbers_in_outputs_and_text_are_counted() -> None:
    cell = SimpleNamespace(
        cell_type="code",
        source="print(1.5, 2)",
        metadata={},
        outputs=[SimpleNamespace(output_type="stream", text="1.5 2 float32\n", get=lambda *_: {})],
    )
    text = SimpleNamespace(cell_type="markdown", source="It is 1.5, not more.", metadata={})
    counts = facts.count("99_none", SimpleNamespace(cells=[cell, text]))
    assert (counts.numbers, counts.prose_numbers, counts.exercises) == (2, 1, 0)


def test_a_chapter_links_to_the_pieces_it_uses(book_html: Path) -> None:
    here = pages.page(book_html, "notebooks/10_the_keras_example.html")
    links = {
        tag.get_text(): str(tag["href"])
        for tag in here.article.select("aside.verified a[href*=api]")
    }
    assert links["layers.Dense"] == "../book/api/layers.html#nnbook.layers.Dense"
    assert {"models.Sequential", "losses.BinaryCrossentropy", "optimizers.Adam"} <= set(links)
    assert "optimizers.RMSprop" not in links


def test_names_of_keras_are_not_taken_for_ours() -> None:
    cells = [
        SimpleNamespace(cell_type="code", source=source)
        for source in (
            "import nnbook\nfrom nnbook import losses as l\nfrom nnbook.layers import Dense",
            "Dense(3)\nl.Huber()\nnnbook.Sequential()\nnnbook.metrics.AUC",
            "from keras.layers import Dropout\nDropout(0.1)\nnnbook.nothing",
        )
    ]
    assert facts.used(SimpleNamespace(cells=cells)) == [
        "nnbook.layers.Dense",
        "nnbook.losses.Huber",
        "nnbook.metrics.AUC",
        "nnbook.models.Sequential",
    ]


def test_a_record_of_other_files_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "verification.json"
    monkeypatch.setattr(facts, "RECORD", path)
    monkeypatch.setattr(record, "RECORD", path)
    assert facts.record() is None
    record.write_record(passed=7, skipped=1)
    found = facts.record()
    assert found is not None
    assert (found["passed"], found["skipped"]) == (7, 1)
    assert set(found["versions"]) == set(record.SHOWN_VERSIONS)
    monkeypatch.setattr(facts, "fingerprint", lambda: "of a changed file")
    assert facts.record() is None


@pytest.mark.parametrize(
    ("arguments", "body", "written"),
    [
        ([], "assert True", True),
        ([], "assert False", False),
        (["-k", "test_it"], "assert True", False),
        (["test_one.py"], "assert True", False),
        (["--deselect", "test_one.py::test_other"], "assert True", False),
    ],
)
def test_only_a_full_run_that_passed_is_noted(
    tmp_path: Path, arguments: list[str], body: str, written: bool
) -> None:
    (tmp_path / "test_one.py").write_text(
        f"def test_it():\n    {body}\n\ndef test_other():\n    pass\n", encoding="utf-8"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = .\n", encoding="utf-8")
    (tmp_path / "conftest.py").write_text(
        "import pathlib\nfrom tests.verify import record\n"
        "record.RECORD = pathlib.Path(__file__).parent / 'out' / 'verification.json'\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.verify.record", *arguments]
    subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(pages.REPO), "PATH": ""},
        capture_output=True,
        check=False,
    )
    assert (tmp_path / "out" / "verification.json").is_file() == written
