"""The exercises of chapter 8, back-propagation."""

from __future__ import annotations

import numpy as np

from nnbook.checks import Array
from nnbook.exercises import Exercise, Mistake

_RNG = np.random.default_rng(8)

# ---- 8.3: the output error -----------------------------------------------------------------------


def _output_error(y: Array, a: Array) -> Array:
    y = y.reshape(a.shape)
    error: Array = 2 * (a - y) / len(y) * a * (1 - a)
    return error


def _broadcast(y: Array, a: Array) -> Array:
    error: Array = 2 * (a - y) / len(y) * a * (1 - a)
    return error


def _without_slope(y: Array, a: Array) -> Array:
    error: Array = 2 * (a - y.reshape(a.shape)) / len(y)
    return error


def _difference(y: Array, a: Array) -> Array:
    error: Array = (a - y.reshape(a.shape)) / len(y)
    return error


def _of_the_output(y: Array, a: Array) -> Array:
    s = 1 / (1 + np.exp(-a))
    error: Array = 2 * (a - y.reshape(a.shape)) / len(y) * s * (1 - s)
    return error


_OUTPUTS = tuple(
    ((_RNG.random(n) > 0.5).astype(float), _RNG.uniform(0.1, 0.9, (n, 1)))
    for n in (3, 5)
)

# ---- 8.4: a dense layer --------------------------------------------------------------------------

Three = tuple[Array, Array, Array]


def _dense_back(x: Array, w: Array, delta: Array) -> Three:
    return x.T @ delta, delta.sum(axis=0), delta @ w.T


# Square layers and as many samples as neurons, so that every mistake runs.
_LAYERS = tuple(
    (
        _RNG.normal(size=(n, n)),
        _RNG.normal(size=(n, n)),
        _RNG.normal(size=(n, n)),
    )
    for n in (3, 4)
)

# ---- 8.6: a skip connection ----------------------------------------------------------------------


def _skip_back(grad: Array, h: Array, w: Array) -> Array:
    return grad + (grad * (1 - h**2)) @ w.T


_SKIPS = tuple(
    (
        _RNG.normal(size=(n, 3)),
        np.tanh(_RNG.normal(size=(n, 3))),
        _RNG.normal(size=(3, 3)),
    )
    for n in (1, 5)
)

EXERCISES = (
    Exercise(
        "8.1",
        'a list of names out of "W1", "b1", "W2" and "b2"',
        ["b2"],
        [
            Mistake(
                "all",
                ["W1", "W2", "b1", "b2"],
                "Blame goes back along the weights of the second layer. How large are they?",
            ),
            Mistake(
                "none",
                [],
                "The targets are not zero, so the output error is not. Who gets it unchanged?",
            ),
            Mistake(
                "hidden outputs forgotten",
                ["W2", "b2"],
                "The slope of a weight has two factors. What do the hidden neurons put out?",
            ),
            Mistake(
                "both biases",
                ["b1", "b2"],
                "A bias gets the error of its own neuron. How does the hidden error come about?",
            ),
        ],
        hint="Go forward first: what are the hidden outputs? Then take the equations in turn.",
        read=sorted,
    ),
    Exercise(
        "8.2",
        "a table of two rows and two columns",
        np.array([[1.0, 0.0], [0.5, 0.0]]),
        [
            Mistake(
                ">= on the output",
                np.array([[1.0, -2.0], [0.5, -1.0]]),
                "The sum of the second hidden neuron is negative. What is the slope of its ReLU?",
            ),
            Mistake(
                "missing factor two",
                np.array([[0.5, 0.0], [0.25, 0.0]]),
                "It is half of what it should be. Look at the slope of the squared error.",
            ),
            Mistake(
                "transposed",
                np.array([[1.0, 0.5], [0.0, 0.0]]),
                "It is transposed: a row belongs to an input, a column to a hidden neuron.",
            ),
            Mistake(
                "times the weights",
                np.array([[0.25, 0.0], [0.125, 0.0]]),
                "You multiplied the errors with the weights. What stands at the left end of a "
                "weight?",
            ),
            Mistake(
                "the chapter's input",
                np.array([[-2.0, 4.0], [-4.0, 8.0]]),
                "These are the slopes for the input of the chapter. Here the inputs have changed "
                "places.",
            ),
            Mistake(
                "wrong sign",
                np.array([[-1.0, 0.0], [-0.5, 0.0]]),
                "The signs are turned around. Is the error output minus target, or the reverse?",
            ),
        ],
        hint="Compute both sums of the hidden layer first, and compare with a nudge of one weight.",
    ),
    Exercise(
        "8.3",
        "a function of y and a that returns an array of the shape of a",
        _output_error,
        [
            Mistake(
                "(n,) against (n, 1)",
                _broadcast,
                "The result has shape (n, n): NumPy paired every target with every output. Give y "
                "the shape of a first.",
            ),
            Mistake(
                "missing factor f'(z)",
                _without_slope,
                "This is the slope along the outputs. The bend of the output layer is missing.",
            ),
            Mistake(
                "output minus truth",
                _difference,
                "Output minus target is right for a sigmoid with binary cross-entropy. The loss "
                "here is another one.",
            ),
            Mistake(
                "sum in place of mean",
                lambda y, a: _output_error(y, a) * len(y),
                "It is n times too large: the loss is a mean over the samples.",
            ),
            Mistake(
                "missing factor two",
                lambda y, a: _output_error(y, a) / 2,
                "It is half of what it should be. What is the slope of a square?",
            ),
            Mistake(
                "averaged twice",
                lambda y, a: _output_error(y, a) / len(y),
                "It is n times too small: the mean is taken twice.",
            ),
            Mistake(
                "slope at the output",
                _of_the_output,
                "You put the output through the sigmoid again. Its slope can be had from the "
                "output itself.",
            ),
        ],
        cases=_OUTPUTS,
        hint="Two factors: the slope of the loss along the output, and the slope of the sigmoid.",
    ),
    Exercise(
        "8.4",
        "a function of x, W and delta that returns three arrays",
        _dense_back,
        [
            Mistake(
                "weights not transposed",
                lambda x, w, delta: (
                    x.T @ delta,
                    delta.sum(axis=0),
                    delta @ w,
                ),
                "The blame for the inputs goes along the weights the wrong way. Square layers do "
                "not tell; try one that is not.",
            ),
            Mistake(
                "bias averaged",
                lambda x, w, delta: (
                    x.T @ delta,
                    delta.mean(axis=0),
                    delta @ w.T,
                ),
                "The slopes of the biases are too small: where does the mean of the batch enter?",
            ),
            Mistake(
                "everything averaged",
                lambda x, w, delta: (
                    x.T @ delta / len(x),
                    delta.mean(axis=0),
                    delta @ w.T,
                ),
                "Slopes of weights and biases are too small by n: the mean is in delta already.",
            ),
            Mistake(
                "wrong axis",
                lambda x, w, delta: (
                    x.T @ delta,
                    delta.sum(axis=1),
                    delta @ w.T,
                ),
                "The bias slopes add up along the wrong axis: one number for each neuron is due, "
                "not one for each sample.",
            ),
            Mistake(
                "inputs not transposed",
                lambda x, w, delta: (
                    x @ delta,
                    delta.sum(axis=0),
                    delta @ w.T,
                ),
                "The slopes of the weights must add over the samples. Which axis of x counts them?",
            ),
            Mistake(
                "weight slopes transposed",
                lambda x, w, delta: (
                    delta.T @ x,
                    delta.sum(axis=0),
                    delta @ w.T,
                ),
                "The slopes of the weights came out transposed: rows belong to inputs, as in W.",
            ),
            Mistake(
                "error handed back as it is",
                lambda x, w, delta: (x.T @ delta, delta.sum(axis=0), delta),
                "This hands the error back as it is. It has to travel along the weights.",
            ),
        ],
        cases=_LAYERS,
        hint="Write the shape of each array beside it. Then see which index has to be added up.",
    ),
    Exercise(
        "8.5",
        "a list of letters",
        ["b", "d"],
        [
            Mistake(
                "only b",
                ["b"],
                "One more of them is off by a constant factor. Compare the sizes, not the signs.",
            ),
            Mistake(
                "only d",
                ["d"],
                "One more of them takes the slope of tanh from the wrong quantity.",
            ),
            Mistake(
                "c for its looks",
                ["b", "c", "d"],
                "One of these three looks strange. Did you measure it?",
            ),
            Mistake(
                "b passed",
                ["c", "d"],
                "Do not judge by looks: measure all four, at numbers that are not zero.",
            ),
            Mistake(
                "only c",
                ["c"],
                "That one looks strange. Did the judge say that it is wrong?",
            ),
            Mistake(
                "the innocent",
                ["a", "c"],
                "These are the two that agree with the judge. The question is who does not.",
            ),
        ],
        hint="Nudge w up and down, divide the change by 2h, and compare with each of the four.",
        read=sorted,
    ),
    Exercise(
        "8.6",
        "a function of grad, h and W that returns an array of the shape of grad",
        _skip_back,
        [
            Mistake(
                "the way around forgotten",
                lambda grad, h, w: (grad * (1 - h**2)) @ w.T,
                "This is the path through the layer. The input also reaches the sum directly.",
            ),
            Mistake(
                "paths multiplied",
                lambda grad, h, w: grad * ((grad * (1 - h**2)) @ w.T),
                "Two paths meet in the input. What happens to blame where paths meet?",
            ),
            Mistake(
                "missing factor f'(z)",
                lambda grad, h, w: grad + grad @ w.T,
                "The bend is missing on the path through the layer.",
            ),
            Mistake(
                "slope on both paths",
                lambda grad, h, w: (
                    grad * (1 - h**2) + (grad * (1 - h**2)) @ w.T
                ),
                "The direct path does not go through tanh. Its slope is one.",
            ),
            Mistake(
                "transposed",
                lambda grad, h, w: grad + (grad * (1 - h**2)) @ w,
                "The blame goes along the weights the wrong way. Which index is added up?",
            ),
            Mistake(
                "only the way around",
                lambda grad, h, w: grad,
                "This is the direct path only. The other one goes through the layer.",
            ),
        ],
        cases=_SKIPS,
        hint="Draw the two paths from x to the sum. Multiply along each, then add.",
    ),
)
