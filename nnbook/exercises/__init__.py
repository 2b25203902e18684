"""Exercises that check themselves: ``check("8.2", answer)`` under each task of the book.

A check says one of three things: that nothing was tried yet, that the answer is right, or that it
is not, and then it gives a hint for the very mistake that was made. For that each `Exercise` knows,
besides the right answer, the typical wrong ones: it compares the reader's answer with all of them.

The exercises of a chapter stand in a module of its own, ``nnbook.exercises.chapter_08``, which is
imported when one of them is checked.
"""

from __future__ import annotations

import copy
import importlib
import textwrap
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nnbook.checks import Array

WIDTH = 76  # of a line, as in the book's code


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer, by name, and the hint for those who gave it.

    ``answer`` is what the mistake leads to: a value, or for a task that asks for a function, the
    wrong function.
    """

    name: str
    answer: Any
    hint: str


@dataclass(frozen=True)
class Exercise:
    """A task's right answer and its typical wrong ones.

    Args:
        number: as in the book, such as "8.2".
        expected: what an answer must be, in words: "an array of shape (2, 1)".
        answer: the right one: a number, text, an array, a sequence of these, or a function.
        mistakes: the wrong ones, each with its own hint; the first that fits is named.
        cases: for a function: tuples of arguments, on each of which it is called.
        hint: for a wrong answer that is none of the mistakes.
        tolerance: how far a number may be off, in units of the largest of the right answer, or of 1
            where that is smaller; choose it wide enough for answers that were computed by hand.
        read: what to compare of the answer, such as the number of a model's parameters.
    """

    number: str
    expected: str
    answer: Any
    mistakes: Sequence[Mistake] = ()
    cases: Sequence[tuple[Any, ...]] = ()
    hint: str = "Go back to the formula, and check one number by hand."
    tolerance: float = 1e-6
    read: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Verdict:
    """What a check found: ``status`` is "not attempted", "right" or "wrong"."""

    status: str
    text: str


def check(number: str, answer: Any) -> None:
    """Print whether the answer to an exercise is right, or a hint; it never raises an error."""
    print(textwrap.fill(judge(number, answer).text, WIDTH))


def judge(number: str, answer: Any) -> Verdict:
    """Return what `check` prints."""
    try:
        exercise = find(number)
    except LookupError as error:
        return Verdict("wrong", str(error.args[0]))
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            hint = _hint(exercise, answer)
    except (Exception, SystemExit) as error:  # whatever is passed in
        hint = (
            f"Expected {exercise.expected}. Received something that cannot be compared with it "
            f"({type(error).__name__})."
        )
    if hint is None:
        return Verdict(
            "not attempted", f"Exercise {number}: not attempted yet."
        )
    if not hint:
        return Verdict("right", f"Exercise {number}: right.")
    return Verdict("wrong", f"Exercise {number}: not yet. {hint}")


def find(number: str) -> Exercise:
    """Return an exercise.

    Raises:
        LookupError: there is none of that number.
    """
    text = number if isinstance(number, str) else ""
    known = exercises(text.split(".")[0])
    if text not in known:
        listed = f" This chapter has {', '.join(known)}." if known else ""
        raise LookupError(f"There is no exercise {number!r}.{listed}")
    return known[text]


def exercises(chapter: str) -> dict[str, Exercise]:
    """Return the exercises of a chapter by their number; none where it has none."""
    name = f"{__name__}.chapter_{chapter:0>2}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return {}
    return {one.number: one for one in module.EXERCISES}


def _hint(exercise: Exercise, answer: Any) -> str | None:
    """Return "" for a right answer, None for no answer, and a hint for any other."""
    if _untouched(answer):
        return None
    right = exercise.answer
    mistakes = [
        (mistake.answer, mistake.hint) for mistake in exercise.mistakes
    ]
    if exercise.cases:
        if not callable(answer):
            return _unlike(exercise, answer)
        results = []
        for case in exercise.cases:
            given = copy.deepcopy(case)
            results.append(_try(answer, given))
            if not _same(given, case, 0.0):
                return "It changes the arrays that it is given. Compute in new ones."
        if all(_untouched(result) for result in results):
            return None
        answer = results
        right = _all(right, exercise.cases)
        mistakes = [(_all(f, exercise.cases), hint) for f, hint in mistakes]
    elif exercise.read is not None:
        try:
            answer = exercise.read(answer)
        except (Exception, SystemExit):
            return _unlike(exercise, answer)
    if _same(answer, right, exercise.tolerance):
        return ""
    for wrong, hint in mistakes:
        if _same(answer, wrong, exercise.tolerance):
            return hint
    return _general(exercise, answer, right)


@dataclass(frozen=True)
class _Raised:
    """In place of a result: the error that a function raised. A mistake may do so on some cases."""

    text: str


def _try(function: Callable[..., Any], given: tuple[Any, ...]) -> Any:
    try:
        return function(*given)
    except NotImplementedError:
        return None
    except (Exception, SystemExit) as error:
        return _Raised(f"It raised {type(error).__name__}: {error}")


def _all(function: Callable[..., Any], cases: Sequence[Any]) -> list[Any]:
    """Return what a function makes of copies of all cases."""
    return [_try(function, copy.deepcopy(case)) for case in cases]


def _untouched(answer: Any) -> bool:
    """Whether an answer is still what the stub had: ``...`` or None, or only such."""
    if isinstance(answer, list | tuple) and len(answer):
        return all(_untouched(one) for one in answer)
    return answer is None or answer is Ellipsis


def _same(a: Any, b: Any, tolerance: float) -> bool:
    """Whether two answers are of one kind and shape and agree."""
    if isinstance(b, str):
        return isinstance(a, str) and a.strip().casefold() == b.casefold()
    if isinstance(b, list | tuple):
        return (
            isinstance(a, list | tuple)
            and len(a) == len(b)
            and all(_same(x, y, tolerance) for x, y in zip(a, b, strict=True))
        )
    if isinstance(a, _Raised) or isinstance(b, _Raised):
        return isinstance(a, _Raised) and isinstance(b, _Raised)
    x, y = _numbers(a), _numbers(b)
    if x is None or y is None:
        return a is b
    if x.shape != y.shape:
        return False
    largest = np.max(np.abs(y), initial=1.0, where=np.isfinite(y))
    near = np.abs(x - y) <= tolerance * largest
    return bool(np.all(near | (x == y) | (np.isnan(x) & np.isnan(y))))


def _numbers(values: Any) -> Array | None:
    """Return values as an array of float64; None where they are not numbers."""
    try:
        array = np.asarray(values)
        return array.astype(float) if array.dtype.kind in "biuf" else None
    except Exception:  # of another library, perhaps
        return None


def _unlike(exercise: Exercise, answer: Any) -> str:
    kind = type(answer).__name__
    return f"Expected {exercise.expected}. Received an answer of type {kind}."


def _general(exercise: Exercise, answer: Any, right: Any) -> str:
    """Return a hint for what can go wrong with any numbers, else the exercise's own."""
    if exercise.cases:  # the first result that is not right
        pairs = zip(answer, right, strict=True)
        answer, right = next(
            (a, b) for a, b in pairs if not _same(a, b, exercise.tolerance)
        )
        if isinstance(answer, _Raised):
            return answer.text
    if isinstance(right, str):
        return (
            exercise.hint
            if isinstance(answer, str)
            else _unlike(exercise, answer)
        )
    if isinstance(right, list | tuple):
        if not isinstance(answer, list | tuple) or len(answer) != len(right):
            return f"Expected {exercise.expected}."
        answer, right = next(
            (a, b)
            for a, b in zip(answer, right, strict=True)
            if not _same(a, b, exercise.tolerance)
        )
    x, y = _numbers(answer), _numbers(right)
    if x is None or y is None:
        return _unlike(exercise, answer)

    def alike(z: Array) -> bool:
        return _same(z, y, exercise.tolerance)

    if x.shape != y.shape:
        if x.size == y.size and alike(x.reshape(y.shape)):
            return (
                f"The numbers are right, but their shape is {x.shape} instead of {y.shape}. "
                "Shapes matter: (n,) and (n, 1) broadcast to (n, n)."
            )
        if x.ndim == 2 and x.T.shape == y.shape and alike(x.T):
            return f"It is transposed: {x.shape} instead of {y.shape}."
        return f"Expected the shape {y.shape}. Received {x.shape}."
    if not np.isfinite(x).all() and np.isfinite(y).all():
        return (
            "There are values that are not finite numbers in it (nan or inf)."
        )
    if alike(-x):
        return "The sign is wrong; everything else is right."
    if x.ndim == 2 and x.shape[0] == x.shape[1] and alike(x.T):
        return "It is transposed."
    return exercise.hint
