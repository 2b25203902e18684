"""The exercises of chapter 2: neurons and layers."""

from itertools import pairwise
from typing import Any

import numpy as np

from nnbook.checks import Array
from nnbook.exercises import Exercise, Mistake

_CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
_PLACES = np.array([0.0, 0.5, 1.5, 2.0, 2.5, 3.5, 4.0])


def _step(z: Array) -> list[int]:
    """Return the answer for each sum (eq-step)."""
    return [int(value > 0) for value in z.ravel()]


# --- 2.1 ------------------------------------------------------------------

_x, _w, _b = np.array([2, -1, 3]), np.array([1, 3, 2]), -7
_z = int(_x @ _w) + _b


def _with_step(z: int) -> list[int]:
    return [z, int(z > 0)]


# --- 2.2 ------------------------------------------------------------------


def _at_corners(answer: Any) -> list[int]:
    """Return what a neuron says at the four corners, from [w1, w2, b]."""
    w1, w2, b = (float(number) for number in answer)
    return _step(_CORNERS @ [w1, w2] + b)


# --- 2.3 ------------------------------------------------------------------

_rng = np.random.default_rng(2)


def _square_case() -> tuple[Array, Array, Array]:
    """As many samples, inputs and neurons: every mistake runs without an error."""
    x, w = _rng.integers(-4, 5, (2, 3, 3)).astype(float)
    return x, w, _rng.integers(1, 5, 3) * np.array([1.0, -1.0, 2.0])


def _layer(x: Array, w: Array, b: Array) -> Array:
    z: Array = x @ w + b
    return z


# --- 2.4 ------------------------------------------------------------------

_WIDTHS = (12, 20, 20, 1)
_PAIRS = list(pairwise(_WIDTHS))
_WEIGHTS = sum(left * right for left, right in _PAIRS)
_COUNT = sum((left + 1) * right for left, right in _PAIRS)

# --- 2.6 ------------------------------------------------------------------


def _in_places(answer: Any) -> list[int] | str:
    """Return what a 1-2-1 network of steps says, from [W1, b1, W2, b2]."""
    w1, b1, w2, b2 = (np.asarray(part, float) for part in answer)
    if w1.shape == (2, 1) and w2.shape == (1, 2):
        return "transposed"
    if (w1.shape, b1.shape, w2.shape, b2.shape) != (
        (1, 2),
        (2,),
        (2, 1),
        (1,),
    ):
        raise ValueError("the shapes do not fit")
    hidden = (_PLACES[:, None] @ w1 + b1 > 0).astype(float)
    return _step(hidden @ w2 + b2)


EXERCISES = (
    Exercise(
        "2.1",
        expected="a list of two numbers, [z, a]",
        answer=_with_step(_z),
        mistakes=(
            Mistake(
                "forgotten bias",
                _with_step(_z - _b),
                "These are the products alone. What does a neuron add to "
                "them before it decides?",
            ),
            Mistake(
                "a bias for each input",
                _with_step(int(_x @ _w) + 3 * _b),
                "The bias came in once for each input. A neuron has one.",
            ),
            Mistake(
                "bias subtracted",
                _with_step(_z - 2 * _b),
                "The bias was subtracted. It is added, and this one is "
                "negative.",
            ),
            Mistake(
                "lost sign",
                _with_step(int(np.abs(_x) @ _w) + _b),
                "Look at the second input: it is negative, and so is its "
                "product.",
            ),
            Mistake(
                "no weights",
                _with_step(int(_x.sum()) + _b),
                "The inputs were added as they are. Multiply each by its "
                "weight first.",
            ),
            Mistake(
                "step the wrong way",
                [_z, 1 - int(_z > 0)],
                "The sum is right, the decision is not. When does the step "
                "say one?",
            ),
            Mistake(
                "no activation",
                [_z, _z],
                "The sum is right, but it is not yet the output: the step "
                "still has to decide.",
            ),
        ),
        hint="Write down the three products, one under the other, then the "
        "bias, then add.",
        tolerance=1e-9,
    ),
    Exercise(
        "2.2",
        expected="a list of three numbers, [w1, w2, b]",
        answer=[1, 1, 1, 0],
        mistakes=(
            Mistake(
                "AND",
                [0, 0, 0, 1],
                "This neuron says yes when both doors are closed: it is AND. "
                "How do the two sides of a line change places?",
            ),
            Mistake(
                "OR",
                [0, 1, 1, 1],
                "This is OR. It differs from the wanted answers when both doors "
                "are open and when both are closed.",
            ),
            Mistake(
                "NOR, or a sum of zero",
                [1, 0, 0, 0],
                "It says yes only when both doors are open. Compute the sum "
                "for one closed door; a sum of zero counts as no.",
            ),
            Mistake(
                "always no",
                [0, 0, 0, 0],
                "It never says yes. When both doors are open, only one of the "
                "three numbers is left in the sum. Which sign must it have?",
            ),
            Mistake(
                "always yes",
                [1, 1, 1, 1],
                "It always says yes. With both doors closed, the weights have to "
                "outweigh the bias.",
            ),
        ),
        hint="Draw the four corners and the line that must part them; then "
        "compute the four sums.",
        read=_at_corners,
    ),
    Exercise(
        "2.3",
        expected="a function of x (n, n_in), W (n_in, units) and b (units,)",
        answer=_layer,
        mistakes=(
            Mistake(
                "forgotten bias",
                lambda x, w, b: x @ w,
                "The products are right. Something is still to be added to "
                "each row.",
            ),
            Mistake(
                "transposed weights",
                lambda x, w, b: x @ w.T + b,
                "The weights of a neuron were read along a row of W. They "
                "stand in a column.",
            ),
            Mistake(
                "sides swapped",
                lambda x, w, b: w @ x + b,
                "Weights and inputs have changed sides. In which order do "
                "the inner sizes meet?",
            ),
            Mistake(
                "bias along the wrong axis",
                lambda x, w, b: x @ w + b[:, None],
                "The biases were given to the samples, one a row. They "
                "belong to the neurons, one a column.",
            ),
            Mistake(
                "element by element",
                lambda x, w, b: x * w + b,
                "The sign * multiplies entry by entry and adds nothing up. "
                "Which sign makes dot products?",
            ),
        ),
        cases=(_square_case(), _square_case()),
        hint="Compute one entry with a loop over k, as the chapter does, and "
        "compare.",
    ),
    Exercise(
        "2.4",
        expected="a whole number",
        answer=_COUNT,
        mistakes=(
            Mistake(
                "forgotten biases",
                _WEIGHTS,
                "These are the weights alone. What else does a neuron own?",
            ),
            Mistake(
                "one bias a layer",
                _WEIGHTS + len(_PAIRS),
                "Each layer got a single bias. Each of its neurons has one.",
            ),
            Mistake(
                "biases for the inputs",
                _COUNT + _WIDTHS[0],
                "The inputs got biases, too. They are numbers from outside, "
                "not neurons.",
            ),
            Mistake(
                "forgotten output layer",
                _COUNT - (_WIDTHS[-2] + 1) * _WIDTHS[-1],
                "The output neuron is missing: it has weights and a bias as "
                "well.",
            ),
            Mistake(
                "neurons counted",
                sum(_WIDTHS[1:]),
                "These are the neurons. How many numbers does each of them "
                "own?",
            ),
        ),
        hint="Count layer by layer: how many numbers does one neuron own, and "
        "how many neurons are there?",
        tolerance=1e-9,
    ),
    Exercise(
        "2.5",
        expected="a shape: a tuple such as (3, 4)",
        answer=(6, 6),
        mistakes=(
            Mistake(
                "one difference a sample, as a column",
                (6, 1),
                "That would be welcome. But y has one axis only. NumPy "
                "puts the missing axis in front: as what does it see y then?",
            ),
            Mistake(
                "one difference a sample, as a row",
                (6,),
                "The second axis of z does not go away. What does NumPy do "
                "with an axis of length one?",
            ),
            Mistake(
                "the shape of the inputs",
                (6, 2),
                "That is the shape of x. The matrix product has used up its "
                "second axis.",
            ),
            Mistake(
                "an error",
                "error",
                "An error would be kind. NumPy stretches axes of length one "
                "until the shapes agree, and says nothing.",
            ),
        ),
        hint="Write the two shapes one under the other, flush right, and "
        "stretch every axis of length one. Or run it.",
    ),
    Exercise(
        "2.6",
        expected="a list of four arrays [W1, b1, W2, b2] of shapes (1, 2), "
        "(2,), (2, 1) and (1,)",
        answer=_step(np.abs(_PLACES - 2) < 1),
        mistakes=(
            Mistake(
                "only the lower end",
                [int(place > 1) for place in _PLACES],
                "It still says yes above three. One hidden neuron has to "
                "notice that and speak against it.",
            ),
            Mistake(
                "only the upper end",
                [int(place < 3) for place in _PLACES],
                "It says yes below one already. One hidden neuron has to "
                "guard that end.",
            ),
            Mistake(
                "inside out",
                [int(abs(place - 2) > 1) for place in _PLACES],
                "It says yes outside and no inside. Have a look at the signs "
                "in the output neuron.",
            ),
            Mistake(
                "always no",
                [0] * len(_PLACES),
                "It never says yes. What is the sum of the output neuron for "
                "an input of two?",
            ),
            Mistake(
                "always yes",
                [1] * len(_PLACES),
                "It always says yes. What is the sum of the output neuron "
                "for an input of zero?",
            ),
            Mistake(
                "transposed",
                "transposed",
                "The two kernels are transposed: a row for each input, a "
                "column for each neuron.",
            ),
        ),
        hint="Let one hidden neuron say 'above one' and the other 'above "
        "three'. You know an output neuron for such a pair.",
        read=_in_places,
    ),
)
