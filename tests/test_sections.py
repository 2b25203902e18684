"""Each section of the document that the book follows has its place in the book."""

from __future__ import annotations

import pytest

from tests.verify.markdown import read_page
from tests.verify.notebooks import ROOT, read_notebook

# Every section of the document, in its order; the page and the heading under which it is treated.
PLACES = {
    "1": ("notebooks/01_background.ipynb", "Four words"),
    "2": ("notebooks/01_background.ipynb", "A map of the book"),
    "2.1": ("notebooks/01_background.ipynb", "A network that reads digits"),
    "2.1.1": ("notebooks/02_neurons_and_layers.ipynb", "One neuron: multiply, add, decide"),
    "2.1.2": ("notebooks/02_neurons_and_layers.ipynb", "From neurons to a layer"),
    "2.1.3": ("notebooks/03_activations.ipynb", "Eight bends"),
    "2.1.4": ("notebooks/04_losses.ipynb", "Errors: squared, absolute, or both"),
    "2.1.5": ("notebooks/05_descent.ipynb", "Feel the slope, take a step"),
    "2.2": ("notebooks/06_python_and_networks.ipynb", "The four parts of a network program"),
    "3": ("notebooks/01_background.ipynb", "A map of the book"),
    "3.1": ("notebooks/07_forward.ipynb", "Three steps and two formulas"),
    "3.2": ("notebooks/08_backward.ipynb", "The four equations"),
    "3.3": ("notebooks/09_gradient_descent.ipynb", "The loop, written out"),
    "4": ("notebooks/10_the_keras_example.ipynb", "The program, twice"),
    "4.1": ("notebooks/10_the_keras_example.ipynb", "The program, twice"),
    "4.2": (
        "notebooks/10_the_keras_example.ipynb",
        "\ufffc: a layer is a sum and a bend",
    ),
    "4.3": (
        "notebooks/10_the_keras_example.ipynb",
        "\ufffc: what is wrong, and how to get better",
    ),
    "4.4": ("notebooks/10_the_keras_example.ipynb", "\ufffc: forward, back, step, again"),
    "5": ("notebooks/12_outlook.ipynb", "More compute: what does a step cost?"),
    "5.1": ("notebooks/12_outlook.ipynb", "Smarter algorithms: a program that differentiates"),
    "5.2": ("notebooks/12_outlook.ipynb", "The black box: which inputs matter?"),
    "6": ("notebooks/13_faq.ipynb", "What is a neural network?"),
    "6.1": ("notebooks/13_faq.ipynb", "Is it like a brain?"),
    "6.2": ("notebooks/13_faq.ipynb", "Why Python?"),
    "6.3": ("notebooks/13_faq.ipynb", "Which activation?"),
    "6.4": ("notebooks/13_faq.ipynb", "Which loss?"),
    "6.5": ("notebooks/13_faq.ipynb", "Which optimizer?"),
    "7": ("book/summary.md", "What you have seen"),
}
# How many subsections each section of the document has.
OUTLINE = {"": 7, "2": 2, "2.1": 5, "3": 3, "4": 4, "5": 2, "6": 5}


def headings(path: str) -> list[str]:
    if path.endswith(".ipynb"):
        cells = read_notebook(ROOT / path).cells
        texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    else:
        texts = [(ROOT / path).read_text(encoding="utf-8")]
    return [f.text for text in texts for f in read_page(text).fragments if f.heading]


def test_no_section_of_the_document_is_missing() -> None:
    numbers = {
        f"{above}.{k}".lstrip(".") for above, count in OUTLINE.items() for k in range(1, count + 1)
    }
    assert set(PLACES) == numbers


@pytest.mark.parametrize("section", PLACES)
def test_the_section_is_treated_where_the_table_says(section: str) -> None:
    path, heading = PLACES[section]
    assert heading in headings(path)


def test_each_chapter_treats_a_section() -> None:
    """Chapter 11 carries section 4 on, to real data."""
    chapters = {path for path, _ in PLACES.values() if path.startswith("notebooks/")}
    there = {f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert there - chapters == {"notebooks/11_real_data.ipynb"}
