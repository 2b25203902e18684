"""The exercises of chapter 4: losses."""

import numpy as np

from nnbook.checks import Array
from nnbook.exercises import Exercise, Mistake


def mse(y_true: Array, y_pred: Array) -> float:
    """Return the mean squared error, labels ``(n,)`` taken as a column ``(n, 1)``."""
    if y_true.ndim < y_pred.ndim:
        y_true = y_true[:, None]
    return float(((y_pred - y_true) ** 2).mean())


def _broadcast(y_true: Array, y_pred: Array) -> float:
    return float(((y_pred - y_true) ** 2).mean())


def _sum(y_true: Array, y_pred: Array) -> float:
    return mse(y_true, y_pred) * y_pred.size


def _over_samples(y_true: Array, y_pred: Array) -> float:
    return mse(y_true, y_pred) * y_pred.size / len(y_pred)


def _root(y_true: Array, y_pred: Array) -> float:
    return float(np.sqrt(mse(y_true, y_pred)))


def _half(y_true: Array, y_pred: Array) -> float:
    return mse(y_true, y_pred) / 2


def pinball(y_true: Array, y_pred: Array, q: float) -> float:
    """Return the mean of ``q`` times a shortfall and ``1 - q`` times an excess."""
    short = y_true - y_pred
    return float(np.maximum(q * short, (q - 1) * short).mean())


def _pinball_swapped(y_true: Array, y_pred: Array, q: float) -> float:
    return pinball(y_true, y_pred, 1 - q)


def _pinball_sum(y_true: Array, y_pred: Array, q: float) -> float:
    return pinball(y_true, y_pred, q) * len(y_true)


def _pinball_negative(y_true: Array, y_pred: Array, q: float) -> float:
    short = y_true - y_pred
    return float(np.where(short > 0, q * short, (1 - q) * short).mean())


def _pinball_absolute(y_true: Array, y_pred: Array, q: float) -> float:
    return float(np.abs(y_true - y_pred).mean())


_rng = np.random.default_rng(4)

EXERCISES = (
    Exercise(
        "4.1",
        "three numbers: [MSE, MAE, Huber]",
        [17 / 3, 5 / 3, 4 / 3],
        [
            Mistake(
                "sums in place of means",
                [17, 5, 4],
                "These are sums. A loss is a mean over the samples.",
            ),
            Mistake(
                "halved squares",
                [17 / 6, 5 / 3, 4 / 3],
                "Only Huber's parabola carries a half. The mean squared error has none.",
            ),
            Mistake(
                "square root",
                [float(np.sqrt(17 / 3)), 5 / 3, 4 / 3],
                "You took the square root of the mean squared error. That is a fine number to "
                "report, but it is another loss.",
            ),
            Mistake(
                "signs kept",
                [17 / 3, 1, 4 / 3],
                "In your absolute error, errors of opposite sign have cancelled.",
            ),
            Mistake(
                "Huber without its bend",
                [17 / 3, 5 / 3, 17 / 6],
                "Your Huber loss squares every error. Look at the one that is larger than the "
                "bend.",
            ),
            Mistake(
                "Huber's straight line too high",
                [17 / 3, 5 / 3, 1.5],
                "The straight part of your Huber loss does not meet the parabola at the bend. "
                "Look at the term that is subtracted.",
            ),
        ],
        hint="Write down the three errors first, output minus truth, with their signs.",
        tolerance=0.002,
    ),
    Exercise(
        "4.2",
        "one number, the loss with three decimals",
        float(-np.log(0.1)),
        [
            Mistake(
                "logarithm to base two",
                float(-np.log2(0.1)),
                "You took the logarithm to base two. That is the loss in bits; the book and "
                "Keras use another base.",
            ),
            Mistake(
                "logarithm to base ten",
                float(-np.log10(0.1)),
                "You took the logarithm to base ten. In Python, math.log is the right one.",
            ),
            Mistake(
                "missing minus",
                float(np.log(0.1)),
                "The logarithm of a probability is negative, a loss is not. Something in front "
                "is missing.",
            ),
            Mistake(
                "classes counted from one",
                float(-np.log(0.4)),
                "You looked at the first output. Python counts from zero, and so do class "
                "numbers.",
            ),
            Mistake(
                "all outputs",
                float(-np.log([0.4, 0.1, 0.5]).sum()),
                "You added up all three outputs. Which of them does the label look at?",
            ),
            Mistake(
                "binary cross-entropy of each output",
                float(-np.log([0.6, 0.1, 0.5]).sum()),
                "You charged the wrong classes too, as binary cross-entropy does. Their outputs "
                "add up to one: only one of them has to be looked at.",
            ),
            Mistake(
                "divided by the classes",
                float(-np.log(0.1) / 3),
                "The mean goes over samples, and here is one. It does not go over classes.",
            ),
        ],
        hint="Which output belongs to the right class? Only that one counts.",
        tolerance=0.001,
    ),
    Exercise(
        "4.3",
        "a function of two arrays that returns a number",
        mse,
        [
            Mistake(
                "broadcast",
                _broadcast,
                "For labels (n,) and outputs (n, 1) you compared every label with every output. "
                "Print the shape of the difference.",
            ),
            Mistake(
                "sum in place of mean",
                _sum,
                "You returned a sum. It would grow with the number of samples.",
            ),
            Mistake(
                "mean over samples only",
                _over_samples,
                "With several outputs you divided by the number of samples alone. The mean goes "
                "over all outputs of all samples.",
            ),
            Mistake(
                "square root",
                _root,
                "You returned the root of the mean squared error.",
            ),
            Mistake(
                "half",
                _half,
                "You divided by two. That makes a tidy gradient, but Keras does not.",
            ),
        ],
        cases=[
            (_rng.normal(size=(5, 1)), _rng.normal(size=(5, 1))),
            (_rng.normal(size=(4, 3)), _rng.normal(size=(4, 3))),
            (_rng.normal(size=5), _rng.normal(size=(5, 1))),
        ],
        hint="Subtract, square, take the mean; and give flat labels their missing axis first.",
    ),
    Exercise(
        "4.4",
        "one number, the smallest loss",
        float(np.log1p(np.exp(-1))),
        [
            Mistake(
                "zero",
                0,
                "It would be zero if the loss took the output for a probability. But it takes it "
                "for a logit.",
            ),
            Mistake(
                "output zero",
                float(np.log(2)),
                "That is the loss for an output of zero. For a label of one a larger output is "
                "better; how large can a sigmoid's be?",
            ),
            Mistake(
                "the probability",
                float(1 / (1 + np.exp(-1))),
                "That is the probability after the second sigmoid. What does it cost?",
            ),
            Mistake(
                "label zero",
                float(np.log1p(np.exp(1))),
                "That is what the best output costs if the label is zero.",
            ),
        ],
        hint="Put the largest output that a sigmoid can have into the loss from logits.",
        tolerance=0.001,
    ),
    Exercise(
        "4.5",
        "a function of y_true, y_pred and q that returns a number",
        pinball,
        [
            Mistake(
                "sides swapped",
                _pinball_swapped,
                "The two sides are swapped. When the truth is larger than the prediction, the "
                "factor is q.",
            ),
            Mistake(
                "sum in place of mean",
                _pinball_sum,
                "You returned a sum. Every loss of this chapter is a mean.",
            ),
            Mistake(
                "negative costs",
                _pinball_negative,
                "A prediction that is too large has a negative cost in your function. Too much is "
                "a mistake as well.",
            ),
            Mistake(
                "both sides alike",
                _pinball_absolute,
                "Both sides cost the same: this is the absolute error, and q is not in it.",
            ),
        ],
        cases=[
            (_rng.normal(size=8), _rng.normal(size=8), 0.9),
            (np.array([1.0, 2.0]), np.array([3.0, 3.0]), 0.9),
            (_rng.normal(size=8), _rng.normal(size=8), 0.3),
        ],
        hint="Take one prediction that is too small and one that is too large, and compute both "
        "by hand.",
    ),
)
