"""The exercises of chapter 12, on what grows and what stays hard."""

from collections.abc import Callable, Sequence

import numpy as np

from nnbook.activations import sigmoid, softplus
from nnbook.checks import Array
from nnbook.exercises import Exercise, Mistake

Predict = Callable[[Array], Array]


def _put_together(gradients: Sequence[Array], sizes: Sequence[int]) -> Array:
    weights = np.array(sizes) / sum(sizes)
    return np.asarray(weights @ np.array(gradients))


def _wrong(predict: Predict, x: Array, y: Array) -> float:
    return float(np.mean(predict(x) != y))


def _with_column(x: Array, k: int, values: Array) -> Array:
    changed = x.copy()
    changed[:, k] = values
    return changed


def _one_shuffle(
    predict: Predict, x: Array, y: Array, k: int, order: Array
) -> float:
    shuffled = _with_column(x, k, x[order, k])
    return _wrong(predict, shuffled, y) - _wrong(predict, x, y)


def _first_decides(x: Array) -> Array:
    return np.asarray(x[:, 0] + 0.5 * x[:, 1] > 0).astype(int)


def _sum_decides(x: Array) -> Array:
    return np.asarray(x.sum(axis=1) > 0.5).astype(int)


_SHARDS = [
    np.array([1.0, -2.0, 0.0]),
    np.array([3.0, 2.0, 4.0]),
    np.array([-1.0, 0.5, 2.0]),
]
_TABLE = np.array(
    [[2.0, 1.0], [-1.0, 3.0], [1.5, -2.0], [-2.0, -1.0], [0.5, -3.0]]
)
_TRUTH = np.array([1, 0, 1, 0, 0])
_ORDER = np.array([3, 0, 4, 2, 1])
_SUMS = np.array([[-3.0, -1.0, 0.0], [0.5, 2.0, 4.0]])

EXERCISES = (
    Exercise(
        "12.1",
        "a whole number",
        840,
        [
            Mistake(
                "only the way forward",
                360,
                "That is the way forward. A step also goes back.",
            ),
            Mistake(
                "the first layer hands its error down",
                1080,
                "You counted three products for both layers. Who would need the error of the "
                "inputs?",
            ),
            Mistake(
                "multiplications only",
                420,
                "You counted the multiplications. Each product is also added to something.",
            ),
            Mistake(
                "one sample",
                84,
                "That is the bill of one sample. The batch has more.",
            ),
            Mistake(
                "two products a layer",
                720,
                "Forward and the gradient of the weights are in it. One product of the second "
                "layer is missing.",
            ),
        ],
        hint="Count the weights of each layer, then how often a step uses each of them.",
    ),
    Exercise(
        "12.2",
        "a function of a list of arrays and a list of sizes that returns an array",
        _put_together,
        [
            Mistake(
                "plain mean",
                lambda gradients, sizes: np.mean(gradients, axis=0),
                "All machines count the same in your mean, so the samples of a small shard count "
                "more than others.",
            ),
            Mistake(
                "sum in place of mean",
                lambda gradients, sizes: np.sum(gradients, axis=0),
                "You added the gradients up. Each of them is a mean already: what you want is "
                "their mean, weighted.",
            ),
            Mistake(
                "forgot to divide by all",
                lambda gradients, sizes: np.array(sizes) @ np.array(gradients),
                "Each counts by its size, that is right. But now the result grows with the number "
                "of samples.",
            ),
            Mistake(
                "divided twice",
                lambda gradients, sizes: (
                    _put_together(gradients, sizes) / len(sizes)
                ),
                "The weights add up to one already; it is too much to divide by the number of "
                "machines, too.",
            ),
        ],
        cases=[
            (_SHARDS, [10, 30, 20]),
            (_SHARDS[:2], [5, 5]),
            (_SHARDS[1:], [1, 7]),
        ],
        hint="Try it with one machine: its gradient must come back unchanged.",
    ),
    Exercise(
        "12.3",
        "a number",
        2.5,
        [
            Mistake(
                "only the last use",
                1.5,
                "You followed the term 3u alone. The other use of u sends back something, too.",
            ),
            Mistake(
                "only the first use",
                1.0,
                "You followed the square alone. The other use of u sends back something, too.",
            ),
            Mistake(
                "stopped at u",
                5.0,
                "That is the slope along u. From u to w it is one step more.",
            ),
            Mistake(
                "times w",
                10.0,
                "From u back to w: which of the two factors is the slope of w x along w?",
            ),
            Mistake(
                "the value",
                4.0,
                "That is C itself. Asked is its slope along w.",
            ),
        ],
        hint="Collect what each use of u sends back, add, and go on to w.",
    ),
    Exercise(
        "12.4",
        "a function of predict, x, y, k and order that returns a number",
        _one_shuffle,
        [
            Mistake(
                "shuffled whole rows",
                lambda predict, x, y, k, order: (
                    _wrong(predict, x[order], y) - _wrong(predict, x, y)
                ),
                "You put all columns in the new order. Then the patients themselves have changed "
                "places. Only column k may move.",
            ),
            Mistake(
                "the error itself",
                lambda predict, x, y, k, order: _wrong(
                    predict, _with_column(x, k, x[order, k]), y
                ),
                "That is the error after the shuffle. Asked is by how much it has risen.",
            ),
            Mistake(
                "rights in place of wrongs",
                lambda predict, x, y, k, order: (
                    -_one_shuffle(predict, x, y, k, order)
                ),
                "The sign is wrong: did you count the right answers, or subtract the other way "
                "round?",
            ),
            Mistake(
                "zeros in place of a shuffle",
                lambda predict, x, y, k, order: (
                    _wrong(predict, _with_column(x, k, np.zeros(len(x))), y)
                    - _wrong(predict, x, y)
                ),
                "You blanked the column out. The network may never have seen such values; put the "
                "other samples' values there.",
            ),
            Mistake(
                "a row in place of a column",
                lambda predict, x, y, k, order: 0.0,
                "Nothing changes in your function. Does the shuffled array reach `predict`?",
            ),
        ],
        cases=[
            (_first_decides, _TABLE, _TRUTH, 0, _ORDER),
            (_first_decides, _TABLE, _TRUTH, 1, _ORDER),
            (_sum_decides, _TABLE, _TRUTH, 0, _ORDER),
        ],
        hint="Copy x, replace one column of the copy, and compare two shares of wrong answers.",
    ),
    Exercise(
        "12.5",
        "a whole number",
        2049,
        [
            Mistake(
                "the last that works",
                2048,
                "That one can still be held: it is a power of two. Look at the next.",
            ),
            Mistake(
                "the leading one forgotten",
                1025,
                "You counted the ten stored digits. The leading one is not stored, and counts "
                "all the same.",
            ),
            Mistake(
                "too large altogether",
                65505,
                "From about there numbers are too large. But holes between the whole numbers "
                "begin much earlier.",
            ),
            Mistake(
                "float32",
                2**24 + 1,
                "That is the first hole of float32. Did your number become a float16?",
            ),
        ],
        hint="Compare np.float16(i) with i, for one whole number after the other.",
    ),
    Exercise(
        "12.6",
        "four values, each True or False",
        [False, False, True, False],
        [
            Mistake(
                "importance of the column",
                [True, False, True, False],
                "Think of the feature that was copied seven times. What was its importance, and "
                "what did it have to do with the answer?",
            ),
            Mistake(
                "saliency of a flat place",
                [False, True, True, False],
                "Think of the patient of whom the network was surest. Was she of no interest to "
                "it?",
            ),
            Mistake(
                "zero training error",
                [False, False, True, True],
                "Look at the learning curve again: at the training error of the smallest samples, "
                "and at the test error beside it.",
            ),
            Mistake(
                "uneven shards",
                [False, False, False, False],
                "The plain mean was wrong for uneven shards. Which mean was right?",
            ),
            Mistake(
                "all of them",
                [True, True, True, True],
                "For three of them the chapter shows a counterexample.",
            ),
        ],
        hint="For each sentence, look for an experiment that contradicts it.",
    ),
    Exercise(
        "12.7",
        "a function of an array that returns a pair of arrays",
        lambda z: (softplus(z), sigmoid(z)),
        [
            Mistake(
                "the slope of the inside forgotten",
                lambda z: (softplus(z), 1 / (1 + np.exp(z))),
                "The value is right. In the slope, the chain rule asks for the slope of what "
                "stands inside the logarithm, too.",
            ),
            Mistake(
                "only the inside",
                lambda z: (softplus(z), np.exp(z)),
                "The value is right. The slope of the logarithm itself is missing.",
            ),
            Mistake(
                "slope from the value",
                lambda z: (softplus(z), sigmoid(softplus(z))),
                "The value is right. But the slope is taken at the value, and `apply` gives you "
                "the sum z.",
            ),
            Mistake(
                "slope first",
                lambda z: (sigmoid(z), softplus(z)),
                "Both are right, but they have changed places: first the value.",
            ),
            Mistake(
                "the slope of the sigmoid",
                lambda z: (softplus(z), sigmoid(z) * (1 - sigmoid(z))),
                "The value is right. Your slope is one derivative too far.",
            ),
        ],
        cases=[(_SUMS,)],
        hint="The slope of ln(q) is one over q, times the slope of q.",
    ),
)
