"""The exercises of chapter 6: Python and networks."""

from typing import Any

import numpy as np

from nnbook.checks import Array
from nnbook.exercises import Exercise, Mistake

# --- 6.1 ------------------------------------------------------------------

_repeated = [1, 2] * 3
_multiplied = [3 * value for value in (1, 2)]

# --- 6.2 ------------------------------------------------------------------

_SHAPE, _BYTES = (3, 5), 4
_strides = np.zeros(_SHAPE, np.float32).strides


def _both(strides: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the strides of an array and of its transpose."""
    return [strides, strides[::-1]]


# --- 6.3 ------------------------------------------------------------------

_rng = np.random.default_rng(6)


def _square() -> Array:
    """As many rows as columns: every mistake runs without an error."""
    table: Array = _rng.integers(-9, 10, (3, 3)) + np.array([0.0, 3.0, 7.0])
    return table


def _centred(table: Array) -> Array:
    rest: Array = table - table.mean(axis=1, keepdims=True)
    return rest


# --- 6.4 ------------------------------------------------------------------

_DARK, _LIGHT, _VALUES = 30, 50, 256

# --- 6.5 ------------------------------------------------------------------


def _shared() -> list[bool]:
    a = np.ones((4, 4))
    others = (a[:2], a[[0, 1]], a.T, a + 0, a.reshape(-1))
    return [bool(np.shares_memory(a, other)) for other in others]


def _five_truths(answer: Any) -> list[int]:
    """Return the answer as zeros and ones."""
    if len(answer) != 5 or not all(
        isinstance(one, bool | np.bool_) for one in answer
    ):
        raise ValueError("not five times True or False")
    return [int(one) for one in answer]


_views = [int(one) for one in _shared()]


def _but(*places: int) -> list[int]:
    """Return the right answers with those at some places turned around."""
    return [
        1 - one if place in places else one for place, one in enumerate(_views)
    ]


# --- 6.6 ------------------------------------------------------------------

_outputs = np.array([[0.5, 1.0, 2.0], [0.25, 3.0, 1.5]])
_slopes = np.array([[1.0, -2.0, 0.5], [4.0, 0.0, -1.0]])


def _vjp(a: Array, grad: Array) -> Array:
    back: Array = grad * a
    return back


EXERCISES = (
    Exercise(
        "6.1",
        expected="a list of two lists of numbers",
        answer=[_repeated, _multiplied],
        mistakes=(
            Mistake(
                "both multiplied",
                [_multiplied, _multiplied],
                "The array is right. A list knows nothing of numbers: what "
                "could three times a list mean?",
            ),
            Mistake(
                "both repeated",
                [_repeated, _repeated],
                "The list is right. An array does its arithmetic entry by "
                "entry.",
            ),
            Mistake(
                "changed places",
                [_multiplied, _repeated],
                "Both are there, but in each other's place.",
            ),
            Mistake(
                "entries repeated in place",
                [[1, 1, 1, 2, 2, 2], _multiplied],
                "The array is right. The list is repeated as a whole, not "
                "entry by entry.",
            ),
            Mistake(
                "list of lists",
                [[[1, 2]] * 3, _multiplied],
                "The array is right. The repeated list is one list, not a "
                "list of three.",
            ),
        ),
        hint="Run each of the two, and look at what has become longer.",
    ),
    Exercise(
        "6.2",
        expected="a list of two tuples of two numbers each",
        answer=_both(_strides),
        mistakes=(
            Mistake(
                "eight bytes a number",
                _both(np.zeros(_SHAPE).strides),
                "These are the strides of float64. How many bytes has a "
                "float32?",
            ),
            Mistake(
                "counted in numbers",
                _both((_SHAPE[1], 1)),
                "This counts numbers. Strides count bytes.",
            ),
            Mistake(
                "changed places",
                _both(_strides)[::-1],
                "You have changed them over. The first stride leads to the "
                "next row: past how many numbers?",
            ),
            Mistake(
                "length of a column",
                _both((_SHAPE[0] * _BYTES, _BYTES)),
                "To reach the next row you must pass one row. How many "
                "numbers stand in it?",
            ),
            Mistake(
                "the transpose was copied",
                [_strides, (_SHAPE[0] * _BYTES, _BYTES)],
                "The first is right. The second would hold if transposing "
                "moved the numbers. It moves nothing.",
            ),
            Mistake(
                "the transpose as the array",
                [_strides, _strides],
                "The first is right. In the transpose, rows and columns have "
                "changed their roles.",
            ),
        ),
        hint="Write the numbers in one line, as they lie in memory, and count "
        "the bytes from one entry to its neighbours.",
        tolerance=1e-9,
    ),
    Exercise(
        "6.3",
        expected="a function of a table, an array of shape (n, k)",
        answer=_centred,
        mistakes=(
            Mistake(
                "means of the columns",
                lambda table: table - table.mean(axis=0),
                "The mean of each column was subtracted. Which axis "
                "disappears when a row becomes one number?",
            ),
            Mistake(
                "flat means",
                lambda table: table - table.mean(axis=1),
                "The means are those of the rows, but they were given to the "
                "columns: a flat array is read as a row.",
            ),
            Mistake(
                "one mean for all",
                lambda table: table - table.mean(),
                "One mean was subtracted everywhere. Each row has its own.",
            ),
            Mistake(
                "sum in place of mean",
                lambda table: table - table.sum(axis=1, keepdims=True),
                "The sum of the row was subtracted, not its mean.",
            ),
            Mistake(
                "means returned",
                lambda table: table.mean(axis=1, keepdims=True),
                "These are the means themselves. What remains when they are "
                "taken away?",
            ),
            Mistake(
                "divided",
                lambda table: table / table.mean(axis=1, keepdims=True),
                "The rows were divided by their means. Subtract.",
            ),
        ),
        cases=((_square(),), (_square(),)),
        hint="Compute the first row by hand: its mean, and what is left of "
        "each number.",
    ),
    Exercise(
        "6.4",
        expected="a whole number",
        answer=(_DARK - _LIGHT) % _VALUES,
        mistakes=(
            Mistake(
                "as in school",
                _DARK - _LIGHT,
                "So it would be with ordinary numbers. A uint8 has no place "
                "for a minus sign.",
            ),
            Mistake(
                "the other way round",
                _LIGHT - _DARK,
                "That is the second minus the first, or the size of the "
                "difference. Neither was asked for.",
            ),
            Mistake(
                "cut off at zero",
                max(_DARK - _LIGHT, 0),
                "It does not stop at zero. It goes on at the other end.",
            ),
            Mistake(
                "one too few values",
                (_DARK - _LIGHT) % (_VALUES - 1),
                "Nearly. How many values has a byte, if zero is one of them?",
            ),
        ),
        hint="Count down from the first pixel, one by one. What comes below "
        "zero?",
        tolerance=1e-9,
    ),
    Exercise(
        "6.5",
        expected="a list of five times True or False",
        answer=_views,
        mistakes=(
            Mistake(
                "a list of rows as a view",
                _but(1),
                "Only the list of rows is wrong. Such rows need not lie at "
                "equal distances, so strides cannot describe them.",
            ),
            Mistake(
                "the transpose as a copy",
                _but(2),
                "Only the transpose is wrong. The figure with the strides "
                "shows it.",
            ),
            Mistake(
                "a sum as a view",
                _but(3),
                "Only the sum is wrong. Arithmetic makes a new array, even "
                "if it adds nothing.",
            ),
            Mistake(
                "reshape as a copy",
                _but(4),
                "Only the last is wrong. The array lies row after row: does "
                "anything have to move?",
            ),
            Mistake(
                "slice as a copy",
                _but(0),
                "Only the slice is wrong. Python's lists copy there; arrays "
                "do not.",
            ),
            Mistake(
                "all of them",
                [1] * 5,
                "Not all. Two of these make a new array.",
            ),
            Mistake(
                "the wrong way round",
                _but(0, 1, 2, 3, 4),
                "Every single one is the wrong way round. True means that it "
                "changes together with the array.",
            ),
        ),
        hint="np.shares_memory tells it of each.",
        read=_five_truths,
    ),
    Exercise(
        "6.6",
        expected="a function of a and grad, two arrays of one shape",
        answer=_vjp,
        mistakes=(
            Mistake(
                "slope at the output",
                lambda a, grad: grad * np.exp(a),
                "The slope was taken at a. It belongs to z, and there its "
                "value is already known.",
            ),
            Mistake(
                "forgotten slope from behind",
                lambda a, grad: a + 0 * grad,
                "This is the slope of the activation alone. The chain rule "
                "has a second factor.",
            ),
            Mistake(
                "forgotten own slope",
                lambda a, grad: grad + 0 * a,
                "The slope went through unchanged, as if there were no bend.",
            ),
            Mistake(
                "sum",
                lambda a, grad: grad + a,
                "The two slopes were added. What does the chain rule do with "
                "them?",
            ),
            Mistake(
                "slope of the logarithm",
                lambda a, grad: grad / a,
                "Divided in place of multiplied: that is the way back of the "
                "logarithm.",
            ),
        ),
        cases=((_outputs, _slopes),),
        hint="Write the slope of the exponential in terms of a, then use the "
        "chain rule.",
    ),
)
