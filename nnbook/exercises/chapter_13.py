"""The exercises of chapter 13: questions and answers."""

from collections.abc import Sequence

import numpy as np

from nnbook.checks import Array
from nnbook.exercises import Exercise, Mistake


def which_loss(y: Array) -> str:
    """Return the name of a loss that fits targets ``(n,)`` or ``(n, k)``."""
    if np.isin(y, (0, 1)).all():
        return "cce" if _rows(y) and (y.sum(axis=1) == 1).all() else "bce"
    return _whole_or_not(y)


def _rows(y: Array) -> bool:
    return y.ndim == 2 and y.shape[1] > 1


def _whole_or_not(y: Array) -> str:
    return "sparse" if y.dtype.kind in "iu" and (y >= 0).all() else "mse"


def _any_rows(y: Array) -> str:
    if np.isin(y, (0, 1)).all():
        return "cce" if _rows(y) else "bce"
    return _whole_or_not(y)


def _single_column(y: Array) -> str:
    if np.isin(y, (0, 1)).all():
        one = y.ndim == 2 and (y.sum(axis=1) == 1).all()
        return "cce" if one else "bce"
    return _whole_or_not(y)


def _integers_first(y: Array) -> str:
    if y.ndim == 1 and y.dtype.kind in "iu" and (y >= 0).all():
        return "sparse"
    return which_loss(y)


def _whole_by_value(y: Array) -> str:
    if np.isin(y, (0, 1)).all():
        return which_loss(y)
    return "sparse" if (y % 1 == 0).all() and (y >= 0).all() else "mse"


def _negative_classes(y: Array) -> str:
    if np.isin(y, (0, 1)).all():
        return which_loss(y)
    return "sparse" if y.dtype.kind in "iu" else "mse"


def _no_rows(y: Array) -> str:
    return "bce" if np.isin(y, (0, 1)).all() else _whole_or_not(y)


def steps_with(shares: Sequence[float]) -> list[int]:
    """Return for each momentum the steps from 1 to below 0.01, at rate 0.01 and curvature 1."""
    return [_steps(mu, 0.01) for mu in shares]


def _steps(mu: float, rate: float) -> int:
    theta, v, last = 1.0, 0.0, 0
    for step in range(1, 1001):
        v = mu * v - rate * theta
        theta += v
        if abs(theta) >= 0.01:
            last = step
    return last + 1


def _first_time(shares: Sequence[float]) -> list[int]:
    result = []
    for mu in shares:
        theta, v, step = 1.0, 0.0, 0
        while abs(theta) >= 0.01:
            v = mu * v - 0.01 * theta
            theta += v
            step += 1
        result.append(step)
    return result


def _one_too_few(shares: Sequence[float]) -> list[int]:
    return [steps - 1 for steps in steps_with(shares)]


def _averaged(shares: Sequence[float]) -> list[int]:
    return [_steps(mu, 0.01 * (1 - mu)) for mu in shares]


def _without_size(shares: Sequence[float]) -> list[int]:
    result = []
    for mu in shares:
        theta, v, last = 1.0, 0.0, 0
        for step in range(1, 1001):
            v = mu * v - 0.01 * theta
            theta += v
            if theta >= 0.01:
                last = step
        result.append(last + 1)
    return result


EXERCISES = (
    Exercise(
        "13.1",
        "four pairs of an output and a loss",
        [
            ("linear", "mae"),
            ("linear", "mse"),
            ("softmax", "cce"),
            ("sigmoid", "bce"),
        ],
        [
            Mistake(
                "squared error in spite of the nonsense",
                [
                    ("linear", "mse"),
                    ("linear", "mse"),
                    ("softmax", "cce"),
                    ("sigmoid", "bce"),
                ],
                "In A a few readings are wrong by hundreds of degrees. Which of your losses "
                "would square them?",
            ),
            Mistake(
                "median of the rain",
                [
                    ("linear", "mae"),
                    ("linear", "mae"),
                    ("softmax", "cce"),
                    ("sigmoid", "bce"),
                ],
                "In B on most days it hardly rains, and the few wet ones make the year. Does "
                "your loss ask for something that may be added up?",
            ),
            Mistake(
                "the two number jobs exchanged",
                [
                    ("linear", "mse"),
                    ("linear", "mae"),
                    ("softmax", "cce"),
                    ("sigmoid", "bce"),
                ],
                "You have A and B the wrong way round. In which of them are the large values "
                "mistakes, and in which are they real?",
            ),
            Mistake(
                "softmax for several at once",
                [
                    ("linear", "mae"),
                    ("linear", "mse"),
                    ("softmax", "cce"),
                    ("softmax", "cce"),
                ],
                "In D a softmax makes the birds share one whole: if two sing, neither can be "
                "certain.",
            ),
            Mistake(
                "softmax with seven yes-or-no losses",
                [
                    ("linear", "mae"),
                    ("linear", "mse"),
                    ("softmax", "cce"),
                    ("softmax", "bce"),
                ],
                "In D your loss asks seven separate questions, but your output lets the answers "
                "compete.",
            ),
            Mistake(
                "seven sigmoids for one bird",
                [
                    ("linear", "mae"),
                    ("linear", "mse"),
                    ("sigmoid", "bce"),
                    ("sigmoid", "bce"),
                ],
                "In C exactly one bird sings. Your outputs need not know that: look at what they "
                "add up to.",
            ),
        ],
        hint="Two steps for each job: which kind of answer is possible at all? And what will be "
        "done with it?",
    ),
    Exercise(
        "13.2",
        "one number, a rate",
        2 / 50,
        [
            Mistake(
                "the flat direction",
                2 / 2,
                "You looked at the direction that bends less. At your rate, what happens in the "
                "other one?",
            ),
            Mistake(
                "where the step is perfect",
                1 / 50,
                "At your rate one direction arrives in a single step. That is not yet the border "
                "to running away: the bracket may be negative.",
            ),
            Mistake(
                "the best rate",
                2 / 52,
                "That is the rate that makes both directions equally fast, a good choice. The "
                "question is where SGD just does not run away.",
            ),
            Mistake(
                "the average direction",
                2 / 26,
                "You took the mean of both curvatures. Each direction moves by itself, so each "
                "must stay bounded by itself.",
            ),
        ],
        hint="When is the size of the bracket above one? Look at each direction by itself.",
        tolerance=1e-4,
    ),
    Exercise(
        "13.3",
        'a function that returns "bce", "cce", "sparse" or "mse"',
        which_loss,
        [
            Mistake(
                "all tables of zeros and ones as one of several",
                _any_rows,
                "A row of zeros and ones may hold several ones, or none. Then it answers several "
                "questions at once.",
            ),
            Mistake(
                "a single column as one of one",
                _single_column,
                "Try a column in which all labels happen to be one. With a single column there "
                "are no classes to choose from.",
            ),
            Mistake(
                "integers first",
                _integers_first,
                "Try the flat integer labels 0, 1, 1: by the task they are a yes or no.",
            ),
            Mistake(
                "whole numbers of a float dtype",
                _whole_by_value,
                "Prices of 10.0 and 20.0 are whole numbers too, but no class numbers. Look at "
                "the dtype.",
            ),
            Mistake(
                "negative class numbers",
                _negative_classes,
                "Temperatures may be integers. What tells them from class numbers when it "
                "freezes?",
            ),
            Mistake(
                "no one-hot rows",
                _no_rows,
                "You never answer with the categorical cross-entropy. Look for rows that add up "
                "to one.",
            ),
        ],
        cases=[
            (np.array([0, 1, 1]),),
            (np.array([[1.0], [1.0], [1.0]]),),
            (np.array([[0.0], [1.0]]),),
            (np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),),
            (np.array([[0, 1, 1], [1, 0, 0], [0, 0, 0]]),),
            (np.array([3, 0, 2, 1]),),
            (np.array([-4, 3, 12]),),
            (np.array([10.0, 20.0, 30.0]),),
            (np.array([[0.5], [-1.25]]),),
        ],
        hint="Go through the task sentence by sentence, and test the first condition first.",
    ),
    Exercise(
        "13.4",
        "one whole number",
        51,
        [
            Mistake(
                "the mean",
                1,
                "One wrong value is enough to move the mean. Which number does the absolute "
                "error ask for?",
            ),
            Mistake(
                "one too few",
                50,
                "With so many, the value in the middle is still a good one. Count again: how "
                "many lie below the middle?",
            ),
            Mistake(
                "all of them",
                101,
                "It does not take all. Put the values in order and look for the one that is the "
                "answer.",
            ),
            Mistake(
                "half, not rounded",
                50.5,
                "You cannot replace half a value.",
            ),
        ],
        hint="Which constant minimizes the absolute error? Where does it stand when all values "
        "are put in order?",
    ),
    Exercise(
        "13.5",
        "four values, True or False",
        [False, True, False, True],
        [
            Mistake(
                "from one task to all",
                [True, True, False, True],
                "Read A once more: it says cannot, and anything. What exactly was tried?",
            ),
            Mistake(
                "what one expects in place of what was measured",
                [False, True, True, True],
                "C is what many people expect. Look at the first table of probabilities.",
            ),
            Mistake(
                "both wishes",
                [True, True, True, True],
                "You accepted all four. Two of them go beyond what was measured.",
            ),
            Mistake(
                "turning changes nothing",
                [False, False, False, True],
                "For B compare the last two rows of the table of landscapes, column by column.",
            ),
            Mistake(
                "trust beyond the examples",
                [False, True, False, False],
                "For D look at the very first experiment, and at its last column.",
            ),
        ],
        hint="For each sentence find the output that would prove it, and read that output.",
    ),
    Exercise(
        "13.6",
        "a function that returns a list of whole numbers",
        steps_with,
        [
            Mistake(
                "the first time below",
                _first_time,
                "You stop as soon as it is near. With much momentum it swings past and comes out "
                "on the other side.",
            ),
            Mistake(
                "one too few",
                _one_too_few,
                "You returned the last step at which it was still too far away. It needs one "
                "more.",
            ),
            Mistake(
                "a running mean",
                _averaged,
                "You weighted the new slope with one minus the share. Here, as in Keras, it "
                "enters with its full size.",
            ),
            Mistake(
                "only one side",
                _without_size,
                "On the far side the parameter is negative. Small in size is meant.",
            ),
        ],
        cases=[([0.0, 0.5],), ([0.8, 0.9, 0.95],)],
        hint="Print the first five values for a share of one half and check them by hand.",
    ),
)
