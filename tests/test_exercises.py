"""The exercises check rightly: right answers, stubs, every named mistake, and nonsense."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnbook import exercises
from nnbook.exercises import Exercise, Mistake, Verdict, check, judge
from tests.verify.notebooks import Cell, notebook_paths, read_notebook

AT_LEAST = 4  # in a chapter
CHAPTERS = {path.stem[:2]: path for path in notebook_paths()}
MODULES = sorted(Path(exercises.__file__).parent.glob("chapter_*.py"))
NUMBERS = {path.stem[-2:]: exercises.exercises(path.stem[-2:].lstrip("0")) for path in MODULES}
ALL = [one for several in NUMBERS.values() for one in several.values()]
MISTAKES = [(one, mistake) for one in ALL for mistake in one.mistakes]


def text(cell: Cell) -> str:
    """What a cell printed."""
    return "".join(output.get("text", "") for output in cell.get("outputs", []))


def given_answer(exercise: Exercise, answer: Any, monkeypatch: pytest.MonkeyPatch) -> Verdict:
    """Judge what `read` would return, where an exercise has one."""
    if exercise.read is None:
        return judge(exercise.number, answer)
    monkeypatch.setattr(exercises, "find", lambda _: replace(exercise, read=None))
    return judge(exercise.number, answer)


@pytest.mark.parametrize("exercise", ALL, ids=lambda one: one.number)
def test_the_right_answer_passes(exercise: Exercise, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = given_answer(exercise, exercise.answer, monkeypatch)
    assert (verdict.status, verdict.text) == ("right", f"Exercise {exercise.number}: right.")


@pytest.mark.parametrize("exercise", ALL, ids=lambda one: one.number)
@pytest.mark.parametrize("stub", [None, ..., [..., ...], (None,)], ids=repr)
def test_an_untouched_stub_is_not_attempted(exercise: Exercise, stub: Any) -> None:
    verdict = judge(exercise.number, stub)
    assert verdict.status == "not attempted"
    assert verdict.text == f"Exercise {exercise.number}: not attempted yet."
    if exercise.cases:

        def empty(*_: Any) -> Any: ...

        assert judge(exercise.number, empty) == verdict


@pytest.mark.parametrize(
    ("exercise", "mistake"), MISTAKES, ids=[f"{one.number}-{m.name}" for one, m in MISTAKES]
)
def test_every_named_mistake_gets_its_own_hint(
    exercise: Exercise, mistake: Mistake, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = given_answer(exercise, mistake.answer, monkeypatch)
    assert verdict.status == "wrong"
    assert verdict.text == f"Exercise {exercise.number}: not yet. {mistake.hint}"


@pytest.mark.parametrize("exercise", ALL, ids=lambda one: one.number)
def test_hints_and_names_of_mistakes_differ(exercise: Exercise) -> None:
    assert exercise.mistakes, "each exercise knows a typical mistake"
    for values in ([m.name for m in exercise.mistakes], [m.hint for m in exercise.mistakes]):
        assert len(set(values)) == len(values)
    assert exercise.hint not in [m.hint for m in exercise.mistakes]


class Hostile:
    """An answer that fails whatever is done with it."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no array")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    def __len__(self) -> int:
        raise RuntimeError("no length")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no attribute")

    __hash__ = None  # type: ignore[assignment]


def raiser(kind: type[BaseException]) -> Callable[..., Any]:
    def wrong(*_: Any) -> Any:
        raise kind("on purpose")

    return wrong


NONSENSE: list[Any] = [
    Hostile(),
    [Hostile()],
    raiser(ZeroDivisionError),
    raiser(SystemExit),
    raiser(RecursionError),
    lambda: 1,
    lambda *_: Hostile(),
    lambda *given: given,
    lambda *_: "text",
    int,
    float("nan"),
    [float("inf")] * 3,
    "",
    "text",
    b"bytes",
    {},
    set(),
    object(),
    [],
    (),
    [[1, 2], [3]],
    np.array(["a"]),
    np.array([None, ...]),
    np.zeros((0, 3)),
    np.zeros((2, 3, 4)),
    np.ma.masked_array([1.0, 2.0], [True, False]),
    1j,
    10**400,
    True,
    type,
    range(3),
    iter([1]),
    np.datetime64("2000-01-01"),
]


@pytest.mark.parametrize("exercise", ALL, ids=lambda one: one.number)
def test_nonsense_never_raises(exercise: Exercise) -> None:
    for answer in NONSENSE:
        verdict = judge(exercise.number, answer)
        assert verdict.status in ("wrong", "not attempted"), (answer, verdict)
        assert verdict.text.startswith(f"Exercise {exercise.number}: ")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=8,
)


@settings(deadline=None)
@given(answer=anything)
def test_drawn_answers_never_raise(answer: Any) -> None:
    for exercise in ALL:
        assert judge(exercise.number, answer).text.startswith(f"Exercise {exercise.number}: ")
        assert judge(exercise.number, lambda *_: answer).text


@pytest.mark.parametrize("number", ["8", "8.99", "x.y", "", "8.1.1", None, 8.1, ["8.1"], object()])
def test_a_wrong_number_is_said(number: Any) -> None:
    assert judge(number, 1).text.startswith("There is no exercise")


W1, B1 = np.array([[1.0, 1.0]]), np.array([-1.0, -3.0])  # above one, above three
W2, B2 = np.array([[1.0], [-1.0]]), np.array([-0.5])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([W1, B1, W2, B2], "right"),
        ([w.tolist() for w in (W1, B1, W2, B2)], "right"),
        ([-W1, -B1, -W2, B2], "right"),  # below three, and not below one
        ([W1, B1, [[1.0], [0.0]], B2], "It still says yes above three."),
        ([W1, B1, -W2, [0.5]], "It says yes outside and no inside."),
        ([W1, B1, W2, [-9.0]], "It never says yes."),
        ([W1, B1, W2, [9.0]], "It always says yes."),
        ([W1.T, B1, W2.T, B2], "The two kernels are transposed"),
        ([W1, B1[:, None], W2, B2], "Expected a list of four arrays"),
        ([W1, B1, W2], "Expected a list of four arrays"),
    ],
)
def test_the_network_of_a_reader_is_run(answer: Any, said: str) -> None:
    assert said in judge("2.6", answer).text


VIEWS = [True, False, True, False, True]  # a slice, a list of rows, a transpose, a sum, a reshape


@pytest.mark.parametrize(
    ("number", "answer", "said"),
    [
        ("2.2", [-1, -1, 1.5], "right"),  # no with both doors closed, which are ones
        ("2.2", [-1, -1, 0.5], "It says yes only when both doors are open."),
        ("2.2", [0, 0, -1], "It never says yes."),
        ("2.2", [-1, -1], "Expected a list of three numbers"),
        ("6.5", VIEWS, "right"),
        ("6.5", np.array(VIEWS), "right"),
        ("6.5", [not one for one in VIEWS], "Every single one is the wrong way round."),
        ("6.5", [1, 0, 1, 0, 1], "Expected a list of five times True or False."),
        ("6.5", VIEWS[:4], "Expected a list of five times True or False."),
        ("7.4", [[0, 1], [0, -1]], "right"),
        ("7.4", np.array([[0.0, 1.0], [0.0, -1.0]]), "right"),
        ("7.4", [[0, -1], [0, 1]], "It is the other way round"),
        ("7.4", [[0, 1], [0, 1]], "At your second input the forgotten ReLU goes unnoticed too."),
        ("7.4", [[0, -1], [0, -1]], "At your first input the forgotten ReLU changes the answer."),
        ("7.4", [[0, 0, 0], [1, 1, 1]], "Expected a list of two inputs, each a pair of numbers."),
        ("7.4", [[0, np.inf], [1, 1]], "Expected a list of two inputs, each a pair of numbers."),
        ("10.4", "from_logits=True", "right"),
        ("10.4", "activation='sigmoid'", "That is an argument of the layer"),
    ],
)
def test_an_answer_is_read_before_it_is_judged(number: str, answer: Any, said: str) -> None:
    assert said in judge(number, answer).text


def test_letters_and_names_are_taken_in_any_order() -> None:
    sets = [one for one in ALL if one.read is sorted]
    assert sets
    for one in sets:
        assert judge(one.number, one.answer[::-1]).status == "right"


def test_a_chapter_whose_module_cannot_be_imported_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only a chapter without a module is one without exercises."""
    monkeypatch.delitem(sys.modules, "nnbook.exercises.chapter_03")
    monkeypatch.setitem(sys.modules, "nnbook.activations", None)
    with pytest.raises(ModuleNotFoundError, match=r"nnbook\.activations"):
        exercises.exercises("3")
    assert exercises.exercises("99") == {}


# ---- the machinery, on exercises of its own ------------------------------------------------------

ROWS = np.array([[1.0, -2.0], [3.0, 4.0], [5.0, 6.0]])
ARRAY = Exercise(
    "0.1",
    "an array of shape (3, 2)",
    ROWS,
    [Mistake("double", 2 * ROWS, "It is twice too large.")],
    hint="Look again.",
)
FUNCTION = Exercise(
    "0.2",
    "a function of an array",
    lambda x: x.mean(axis=0),
    [
        Mistake("sum in place of mean", lambda x: x.sum(axis=0), "A sum is no mean."),
        Mistake("wrong axis", lambda x: x.mean(axis=1), "It averages over the features."),
    ],
    cases=[(ROWS,), (2 * ROWS,)],
)
PRODUCT = Exercise(
    "0.8",
    "a function of two matrices",
    lambda x, w: x @ w,
    [Mistake("transposed", lambda x, w: x @ w.T, "The weights are transposed.")],
    cases=[(ROWS, ROWS[:2]), (ROWS, ROWS[:2, :1])],  # on the second the mistake raises
)
SQUARE = Exercise("0.9", "an array of shape (2, 2)", ROWS[:2])
TEXT = Exercise("0.3", "a word", "yes", [Mistake("no", "no", "It does.")])
GAP = Exercise(
    "0.7",
    "two numbers",
    [0.0, 1.0],
    [Mistake("overflow", [np.nan, np.inf], "It overflowed."), Mistake("one", [1.0, 1.0], "No.")],
)
COUNT = Exercise("0.4", "a list", 3, [Mistake("one", 1, "One is not enough.")], read=len)
PAIR = Exercise("0.5", "a pair", [ROWS, np.ones(2)], tolerance=0.01)


def adds_in_place(x: Any) -> Any:
    x += 1
    return x.mean(axis=0) - 1


def fails(x: Any) -> Any:
    raise ValueError("no")


@pytest.mark.parametrize(
    ("exercise", "answer", "said"),
    [
        (ARRAY, ROWS.tolist(), "right"),
        (ARRAY, ROWS + 1e-7, "right"),
        (ARRAY, ROWS + 1e-3, "Look again."),
        (ARRAY, 2 * ROWS, "It is twice too large."),
        (ARRAY, -ROWS, "The sign is wrong"),
        (ARRAY, ROWS.T, "It is transposed"),
        (ARRAY, ROWS[:2, :] @ ROWS[:2, :].T, "Expected the shape (3, 2)"),
        (ARRAY, ROWS.ravel(), "their shape is (6,) instead of (3, 2)"),
        (ARRAY, ROWS * np.nan, "not finite"),
        (ARRAY, "text", "Expected an array of shape (3, 2). Received an answer of type str"),
        (SQUARE, ROWS[:2].T, "It is transposed."),
        (FUNCTION, np.zeros(2), "Expected a function of an array. Received an answer"),
        (FUNCTION, lambda x: x.mean(0), "right"),
        (FUNCTION, lambda x: x.sum(0), "A sum is no mean."),
        (FUNCTION, lambda x: x.mean(1), "It averages over the features."),
        (FUNCTION, adds_in_place, "It changes the arrays"),
        (FUNCTION, fails, "It raised ValueError: no"),
        (FUNCTION, lambda: None, "It raised TypeError"),
        (FUNCTION, lambda x: x.mean(0, keepdims=True), "their shape is (1, 2) instead of (2,)"),
        (PRODUCT, lambda x, w: x @ w, "right"),
        (PRODUCT, lambda x, w: x @ w.T, "The weights are transposed."),
        (PRODUCT, lambda x, w: x[:, :1] @ w[:1], "Go back"),
        (TEXT, " Yes ", "right"),
        (TEXT, "no", "It does."),
        (TEXT, "perhaps", "Go back"),
        (TEXT, 3, "Expected a word"),
        (GAP, [float("nan"), float("inf")], "It overflowed."),
        (GAP, [1.0, 1.0], "No."),
        (GAP, [0.0, 1.0], "right"),
        (COUNT, [1, 2, 3], "right"),
        (COUNT, [1], "One is not enough."),
        (COUNT, 3, "Expected a list. Received an answer of type int"),
        (PAIR, (ROWS + 0.001, np.ones(2)), "right"),
        (PAIR, [ROWS, np.zeros(2)], "Go back"),
        (PAIR, [ROWS], "Expected a pair."),
        (PAIR, [ROWS, np.ones((2, 1))], "their shape is (2, 1) instead of (2,)"),
    ],
)
def test_the_machinery(
    exercise: Exercise, answer: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exercises, "find", lambda _: exercise)
    verdict = judge(exercise.number, answer)
    assert said in verdict.text
    assert verdict.status == ("right" if said == "right" else "wrong")


def test_a_list_that_holds_itself_cannot_be_compared() -> None:
    endless: list[Any] = [...]
    endless.append(endless)
    text = judge("2.1", endless).text
    assert "Expected a list of two numbers" in text
    assert text.endswith("Received something that cannot be compared with it (RecursionError).")


def test_a_function_that_says_so_is_not_implemented(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exercises, "find", lambda _: FUNCTION)
    assert judge("0.2", raiser(NotImplementedError)).status == "not attempted"


def test_check_prints_lines_that_fit_the_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    long = Exercise("0.6", "a word", "x", [Mistake("y", "y", "A hint of many words. " * 12)])
    monkeypatch.setattr(exercises, "find", lambda _: long)
    check("0.6", "y")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= exercises.WIDTH


# ---- the notebooks -------------------------------------------------------------------------------


@pytest.mark.parametrize("chapter", sorted(NUMBERS))
def test_the_chapter_shows_stub_and_solution_of_each(chapter: str) -> None:
    """Each has a task, a stub that was run untouched, and a folded solution that was run."""
    assert len(NUMBERS[chapter]) >= AT_LEAST
    cells = {cell.id: cell for cell in read_notebook(CHAPTERS[chapter]).cells}
    shown = {
        match[1]
        for cell in cells.values()
        for match in re.finditer(r'\bcheck\("(\d+\.\d+)"', cell.source)
    }
    assert shown == set(NUMBERS[chapter])
    for number in NUMBERS[chapter]:
        name = f"exercise-{number.split('.')[1]}"
        task, stub, solution = (cells[f"{name}{end}"] for end in ("", "-stub", "-solution"))
        assert task.source.startswith(f"**Exercise {number} · ")
        for cell in (stub, solution):
            assert cell.source.splitlines()[-1].startswith(f'check("{number}", ')
        assert text(stub).splitlines()[-1] == f"Exercise {number}: not attempted yet."
        assert text(solution).splitlines()[-1] == f"Exercise {number}: right."
        assert "hide-cell" in solution.metadata["tags"]


def test_there_is_a_module_for_each_chapter_that_checks() -> None:
    with_checks = {
        number
        for number, path in CHAPTERS.items()
        if any("nnbook.exercises" in cell.source for cell in read_notebook(path).cells)
    }
    assert with_checks == set(NUMBERS)
