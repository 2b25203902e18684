"""The exercises of chapter 5, on descent."""

from collections.abc import Callable

import numpy as np

from nnbook.checks import Array
from nnbook.exercises import Exercise, Mistake


def _descend(
    slope: Callable[[float], float], w: float, alpha: float, steps: int
) -> float:
    for _ in range(steps):
        w = w - alpha * slope(w)
    return w


def _climb(
    slope: Callable[[float], float], w: float, alpha: float, steps: int
) -> float:
    return _descend(slope, w, -alpha, steps)


def _first_slope_only(
    slope: Callable[[float], float], w: float, alpha: float, steps: int
) -> float:
    return w - steps * alpha * slope(w)


def _one_step_short(
    slope: Callable[[float], float], w: float, alpha: float, steps: int
) -> float:
    return _descend(slope, w, alpha, steps - 1)


def _sign_only(
    slope: Callable[[float], float], w: float, alpha: float, steps: int
) -> float:
    return _descend(lambda at: float(np.sign(slope(at))), w, alpha, steps)


def _line_gradient(x: Array, y: Array, w: float, b: float) -> Array:
    e = w * x + b - y
    return np.array([2 * np.mean(e * x), 2 * np.mean(e)])


def _line_sums(x: Array, y: Array, w: float, b: float) -> Array:
    return _line_gradient(x, y, w, b) * len(x)


def _line_without_input(x: Array, y: Array, w: float, b: float) -> Array:
    e = w * x + b - y
    return np.array([2 * np.mean(e), 2 * np.mean(e)])


_X, _Y = np.array([1.0, 2.0, 4.0]), np.array([0.5, 1.5, 1.0])

EXERCISES = (
    Exercise(
        "5.1",
        "two numbers, the weight after each step",
        [1.5, 2.25],
        [
            Mistake(
                "climbed",
                [-1.5, -3.75],
                "You went away from the bottom. Which sign has the slope at zero, and which "
                "sign does the rule put in front of it?",
            ),
            Mistake(
                "missing factor",
                [0.75, 1.3125],
                "Your steps are half as long as they should be. What becomes of the exponent of "
                "a square?",
            ),
            Mistake(
                "the slope of the start, twice",
                [1.5, 3.0],
                "The first step is right. For the second one, feel the slope again: you stand at "
                "another place.",
            ),
            Mistake(
                "the loss as the slope",
                [-2.25, -9.140625],
                "You subtracted the height. The rule wants the slope.",
            ),
            Mistake(
                "steps instead of places",
                [1.5, 0.75],
                "These are the two steps. The question is where they lead.",
            ),
        ],
        hint="First the slope as a formula, then its value at the start, times the rate.",
    ),
    Exercise(
        "5.2",
        "a number",
        0.2,
        [
            Mistake(
                "half the curvature",
                0.4,
                "You took the number in front of the square for the curvature. Take the slope "
                "first, and then see how fast it changes.",
            ),
            Mistake(
                "the best rate",
                0.1,
                "That is the rate that lands in one step. The border is further out.",
            ),
            Mistake(
                "the curvature",
                10.0,
                "That is the curvature. The border is the other way round: the more curved, the "
                "smaller the rate.",
            ),
        ],
        hint="Find the curvature, the slope of the slope, and use the range of the chapter.",
    ),
    Exercise(
        "5.3",
        "a function of the slope, a start, a rate and a number of steps",
        _descend,
        [
            Mistake(
                "climbed",
                _climb,
                "It goes up: look at the sign of the step.",
            ),
            Mistake(
                "the slope of the start",
                _first_slope_only,
                "It feels the slope once, at the start. Feel it again after each step.",
            ),
            Mistake(
                "one step short",
                _one_step_short,
                "It takes one step too few.",
            ),
            Mistake(
                "the sign of the slope",
                _sign_only,
                "Your steps all have the same length. A steep slope asks for a longer one.",
            ),
        ],
        cases=[
            (lambda w: 2 * (w - 3), 0.0, 0.25, 2),
            (lambda w: 4 * w**3, 1.0, 0.05, 4),
            (lambda w: 10 * w, -1.0, 0.15, 3),
        ],
        hint="One loop, one line in it.",
    ),
    Exercise(
        "5.4",
        "a function of x, y, w and b that returns two slopes",
        _line_gradient,
        [
            Mistake(
                "the sum",
                _line_sums,
                "You added up and did not divide: your steps would grow with the data.",
            ),
            Mistake(
                "truth minus answer",
                lambda x, y, w, b: -_line_gradient(x, y, w, b),
                "Both slopes have the wrong sign. In which order stand answer and truth in the "
                "bracket?",
            ),
            Mistake(
                "missing factor",
                lambda x, y, w, b: _line_gradient(x, y, w, b) / 2,
                "Both slopes are half as large as they should be. What does a square become?",
            ),
            Mistake(
                "forgot the input",
                _line_without_input,
                "Your two slopes are the same. How much does the answer move when w moves, and "
                "how much when b moves?",
            ),
            Mistake(
                "bias first",
                lambda x, y, w, b: _line_gradient(x, y, w, b)[::-1],
                "The two numbers are right, in the other order: first the slope along w.",
            ),
        ],
        cases=[(_X, _Y, 0.5, 1.0), (_X, _Y, -1.0, 0.0), (_Y, _X, 2.0, -0.5)],
        hint="First the errors of all samples as one array. Then two means.",
    ),
    Exercise(
        "5.5",
        "a number",
        0.5,
        [
            Mistake(
                "lands at the bottom",
                0.25,
                "That lands at the bottom, in one step. Then the loss is zero, and not what it "
                "was.",
            ),
            Mistake(
                "half the curvature",
                1.0,
                "You took the number in front of the square for the curvature. Take the slope "
                "first, and then see how fast it changes.",
            ),
            Mistake(
                "stands still",
                0.0,
                "Then the weight does not move. Look for a rate above zero.",
            ),
        ],
        hint="Where must the ball land, so that it is as high as before?",
    ),
    Exercise(
        "5.6",
        "a number",
        2 / 10,
        [
            Mistake(
                "the border",
                2 / 9,
                "At that rate the steep parameter swings forever. It is the border, not the best.",
            ),
            Mistake(
                "best for the steep one",
                1 / 9,
                "That is best for b alone: it lands in one step. But w then keeps almost all of "
                "its distance, and the slower one counts.",
            ),
            Mistake(
                "best for the flat one",
                1.0,
                "That is best for w alone. It throws b out of the ravine.",
            ),
            Mistake(
                "the share that is kept",
                8 / 10,
                "That is the share of the distance that a step keeps. The question is the rate.",
            ),
        ],
        hint="Write down both factors of a step. When is the larger of their sizes smallest?",
        tolerance=2e-4,
    ),
)
