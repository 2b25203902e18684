"""The exercises of chapter 3, on activations."""

import numpy as np

from nnbook.activations import leaky_relu, sigmoid, softmax
from nnbook.checks import Array
from nnbook.exercises import Exercise, Mistake


def _softmax_unshifted(z: Array) -> Array:
    e = np.exp(z)
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def _softmax_over_all(z: Array) -> Array:
    e = np.exp(z - z.max())
    return np.asarray(e / e.sum())


def _swish_slope(z: Array) -> Array:
    """Return the slope of swish, ``z sigmoid(z)``, from z."""
    a = sigmoid(z)
    return np.asarray(a + z * a * (1 - a))


_THREE = [0.25, 0.5, 0.25]  # the row of the exercise by hand
_UPSTREAM = [4.0, 0.0, 0.0]
_SIGNALS = np.array([[1.5, 0.0, -0.2], [-0.6, 2.0, 0.0]])
_GRADS = np.array([[1.0, 2.0, -3.0], [-4.0, -5.0, 6.0]])

EXERCISES = (
    Exercise(
        "3.1",
        "four values, each True or False",
        [True, False, True, False],
        [
            Mistake(
                "only what is invertible",
                [True, False, False, False],
                "You let only those pass that can be undone. That is enough, but it is not needed: "
                "look at the slopes of all the sums that one of the functions sends to the same "
                "output.",
            ),
            Mistake(
                "forgot the sign of the root",
                [True, True, True, False],
                "For one of them you know the output up to a sign of the input. Compare the slopes "
                "at -1 and at 1.",
            ),
            Mistake(
                "the slope as a function of a, on one branch",
                [True, False, True, True],
                "For one of them you have the slope as a root, and a root has two signs. Draw one "
                "full wave: it passes each height twice, once going up.",
            ),
            Mistake(
                "all of them",
                [True, True, True, True],
                "Draw the four curves. Where two sums share an output, do they share the slope?",
            ),
        ],
        hint="Draw the curve, lay a horizontal line through it, and compare the slopes where "
        "they meet.",
    ),
    Exercise(
        "3.2",
        "a number",
        3 / 16,
        [
            Mistake(
                "the derivative at z instead of a",
                np.log(3) * (1 - np.log(3)),
                "You put the sum z into the form that wants the output a. First compute the "
                "output.",
            ),
            Mistake(
                "the output",
                3 / 4,
                "That is the output of the neuron. The slope is one step further.",
            ),
            Mistake(
                "missing factor",
                1 / 4,
                "That is only one of the two factors, or the slope at z = 0.",
            ),
            Mistake(
                "1 - a²",
                7 / 16,
                "That is how a tanh gets its slope from its output. Here it is a sigmoid.",
            ),
            Mistake(
                "e to the plus z",
                27 / 16,
                "The form is right, but one exponent has lost its minus.",
            ),
        ],
        hint="e to the power -ln 3 is one third. Put that into the sigmoid.",
        tolerance=1e-3,
    ),
    Exercise(
        "3.3",
        "an array of shape (3,)",
        np.array([0.75, -0.5, -0.25]),
        [
            Mistake(
                "forgot to subtract the mean",
                np.array([1.0, 0.0, 0.0]),
                "You multiplied outputs with gradients and stopped. The mean of the gradients is "
                "to be taken away first: the other outputs depend on this sum, too.",
            ),
            Mistake(
                "missing factor",
                np.array([3.0, -1.0, -1.0]),
                "The bracket is right. The factor in front of it is missing.",
            ),
            Mistake(
                "the slope of a sigmoid",
                np.array([0.75, 0.0, 0.0]),
                "You took each output for itself, as if it were a sigmoid. In a softmax, every "
                "output moves with every sum.",
            ),
            Mistake(
                "an even mean",
                np.array([2 / 3, -2 / 3, -1 / 3]),
                "The mean in the bracket is not the plain one: each gradient counts with its "
                "output as its weight.",
            ),
        ],
        hint="First the sum of output times gradient: one number. Then the bracket for each of "
        "the three.",
        tolerance=2e-3,
    ),
    Exercise(
        "3.4",
        "a function of an array (n, k) that returns one of the same shape",
        softmax,
        [
            Mistake(
                "forgot the shift",
                _softmax_unshifted,
                "It is right for small sums. For three sums of 709.5, exp just fits into a "
                "float64, but adding them up does not, and all shares become zero. Subtract "
                "something first.",
            ),
            Mistake(
                "the wrong axis",
                lambda z: softmax(z.T).T,
                "Your columns add up to one, not your rows. A sample is a row: which axis runs "
                "along it?",
            ),
            Mistake(
                "one sum for the whole batch",
                _softmax_over_all,
                "All your numbers together add up to one. Each row should, by itself: look at "
                "`axis` and `keepdims`.",
            ),
            Mistake(
                "forgot to divide",
                lambda z: np.exp(z - z.max(axis=1, keepdims=True)),
                "The shift is right, but the rows do not add up to one yet.",
            ),
        ],
        cases=[
            (np.array([[0.0, 1.0, 2.0], [1.0, -1.0, 1.0]]),),
            (np.array([[3.0, -2.0], [0.5, 0.5], [0.0, 4.0]]),),
            (np.full((1, 3), 709.5),),
        ],
        hint="Test it on a row of equal sums: equal shares must come out.",
    ),
    Exercise(
        "3.5",
        "a whole number",
        89,
        [
            Mistake(
                "float64",
                710,
                "That is where float64 gives up. Did your argument stay a float32?",
            ),
            Mistake(
                "the last that works",
                88,
                "That is the last one that still works. The task asks for the first that does not.",
            ),
            Mistake(
                "float16",
                12,
                "That is where float16 gives up. Take np.float32.",
            ),
            Mistake(
                "the number of the text",
                1000,
                "exp overflows there, but also much earlier.",
            ),
        ],
        hint="Try one whole number after the other, and ask np.isinf of each result.",
    ),
    Exercise(
        "3.6",
        "a function of two arrays of one shape that returns a third",
        leaky_relu.vjp,
        [
            Mistake(
                "a >= 0",
                lambda a, grad: grad * np.where(a >= 0, 1, 0.2),
                "All is right but for the samples whose output is exactly zero: there it is the "
                "slope from below that counts.",
            ),
            Mistake(
                "a plain ReLU",
                lambda a, grad: grad * (a > 0),
                "It lets nothing through below zero. That is the ReLU without the leak.",
            ),
            Mistake(
                "the sign of the gradient",
                lambda a, grad: grad * np.where(grad > 0, 1, 0.2),
                "You asked for the sign of the gradient, or sent the gradient through the function "
                "itself. The slope depends on the output.",
            ),
            Mistake(
                "the branches swapped",
                lambda a, grad: grad * np.where(a > 0, 0.2, 1),
                "The two slopes have changed places.",
            ),
            Mistake(
                "the slope alone",
                lambda a, grad: np.where(a > 0, 1, 0.2),
                "That is the slope. The gradient that arrives is still to be multiplied with it.",
            ),
        ],
        cases=[(_SIGNALS, _GRADS), (_SIGNALS.T, _GRADS.T)],
        hint="There are two slopes. Which one holds is for the output to say.",
    ),
    Exercise(
        "3.7",
        "a function of an array that returns one of the same shape",
        _swish_slope,
        [
            Mistake(
                "only one term of the product rule",
                sigmoid,
                "A product of two factors that both depend on z: its derivative has two terms. "
                "You have one.",
            ),
            Mistake(
                "only the other term of the product rule",
                lambda z: z * sigmoid(z) * (1 - sigmoid(z)),
                "A product of two factors that both depend on z: its derivative has two terms. "
                "You have the one in which the sigmoid is differentiated.",
            ),
            Mistake(
                "the product of the derivatives",
                lambda z: sigmoid(z) * (1 - sigmoid(z)),
                "The derivative of a product is not the product of the derivatives.",
            ),
            Mistake(
                "the derivative at z instead of a",
                lambda z: sigmoid(z) + z * z * (1 - z),
                "In the slope of the sigmoid you used the sum z where its output belongs.",
            ),
            Mistake(
                "the value",
                lambda z: z * sigmoid(z),
                "That is swish itself. The task asks for its slope.",
            ),
        ],
        cases=[(np.array([[-3.0, -1.0, 0.0], [0.5, 2.0, 4.0]]),)],
        hint="Compare with a central difference, at z = 0 first.",
    ),
)
