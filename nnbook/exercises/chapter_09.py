"""The exercises of chapter 9, on gradient descent."""

import math

import numpy as np

from nnbook.checks import Array
from nnbook.exercises import Exercise, Mistake
from nnbook.schedules import CosineDecay

_warm_cosine = CosineDecay(0.0, 100, warmup_target=0.5, warmup_steps=10)


def _join(gradients: Array, sizes: Array) -> Array:
    """Return the mean gradient over all samples, from the means over parts of them."""
    return np.asarray(sizes / sizes.sum() @ gradients)


def _rmsprop(
    theta: Array, g: Array, v: Array, alpha: float, rho: float, epsilon: float
) -> tuple[Array, Array]:
    """Return parameters and running mean after one update."""
    v = rho * v + (1 - rho) * g**2
    return theta - alpha * g / np.sqrt(v + epsilon), v


def _rmsprop_too_early(
    theta: Array, g: Array, v: Array, alpha: float, rho: float, epsilon: float
) -> tuple[Array, Array]:
    moved = theta - alpha * g / np.sqrt(v + epsilon)
    return moved, rho * v + (1 - rho) * g**2


def _rmsprop_without_root(
    theta: Array, g: Array, v: Array, alpha: float, rho: float, epsilon: float
) -> tuple[Array, Array]:
    v = rho * v + (1 - rho) * g**2
    return theta - alpha * g / (v + epsilon), v


def _rmsprop_epsilon_outside(
    theta: Array, g: Array, v: Array, alpha: float, rho: float, epsilon: float
) -> tuple[Array, Array]:
    v = rho * v + (1 - rho) * g**2
    return theta - alpha * g / (np.sqrt(v) + epsilon), v


def _rmsprop_not_squared(
    theta: Array, g: Array, v: Array, alpha: float, rho: float, epsilon: float
) -> tuple[Array, Array]:
    v = rho * v + (1 - rho) * np.abs(g)
    return theta - alpha * g / np.sqrt(v + epsilon), v


def _late_wave(t: int) -> float:
    """Return a cosine that has been falling since t = 0."""
    if t < 10:
        return 0.5 * t / 10
    return 0.25 * (1 + math.cos(math.pi * min(t, 100) / 100))


_THETA = np.array([1.0, -2.0, 0.5])
_G = np.array([2.0, -0.5, 0.1])
_V = np.array([1.0, 4.0, 0.0])

EXERCISES = (
    Exercise(
        "9.1",
        "a whole number",
        96,
        [
            Mistake(
                "dropped the rest",
                84,
                "You made only full batches. What becomes of the samples that are left over at the "
                "end of an epoch?",
            ),
            Mistake("one epoch", 8, "That is one epoch. How many are there?"),
            Mistake(
                "rounded once, at the end",
                94,
                "You let a batch reach over from one epoch into the next. Each epoch ends with a "
                "batch of its own: round up first, then multiply.",
            ),
            Mistake(
                "did not round",
                93.75,
                "There is no fraction of an update. What happens to the last, smaller batch of "
                "each epoch?",
            ),
            Mistake(
                "an update a sample",
                6000,
                "That is how many samples are seen. An update is made once a batch.",
            ),
            Mistake(
                "an update an epoch",
                12,
                "That would be the full batch: one update an epoch.",
            ),
        ],
        hint="Count the batches of one epoch first, the last and smaller one included.",
    ),
    Exercise(
        "9.2",
        "a number",
        0.46,
        [
            Mistake(
                "no momentum",
                0.64,
                "That is where plain gradient descent stands. The second step also carries a share "
                "of the first.",
            ),
            Mistake(
                "one step", 0.8, "That is after one update. Asked were two."
            ),
            Mistake(
                "the old gradient",
                0.42,
                "In the second step you used the gradient of the start. Take the slope where you "
                "stand now.",
            ),
            Mistake(
                "momentum one",
                0.44,
                "You carried the whole velocity over. Only the share mu of it survives.",
            ),
            Mistake(
                "Nesterov",
                0.2224,
                "That is Nesterov's rule. Asked was plain momentum.",
            ),
            Mistake(
                "the slope of theta squared",
                0.72,
                "Your gradient is theta. What is the slope of theta squared?",
            ),
            Mistake(
                "the velocity",
                -0.34,
                "That is the velocity after two steps. Where do you stand?",
            ),
        ],
        hint="The slope is 2 theta. Write down g, v and theta after each step.",
        tolerance=1e-3,
    ),
    Exercise(
        "9.3",
        "a function of arrays (parts, parameters) and (parts,) that returns one (parameters,)",
        _join,
        [
            Mistake(
                "a plain mean",
                lambda gradients, sizes: gradients.mean(axis=0),
                "You gave each part the same weight. A part with more samples has more to say.",
            ),
            Mistake(
                "a sum",
                lambda gradients, sizes: gradients.sum(axis=0),
                "You added the gradients. Each of them is a mean already; what you want is a mean, "
                "too.",
            ),
            Mistake(
                "a sum over samples",
                lambda gradients, sizes: sizes @ gradients,
                "That is the sum over all samples. Their mean is asked.",
            ),
            Mistake(
                "divided twice",
                lambda gradients, sizes: (
                    sizes @ gradients / sizes.sum() / len(sizes)
                ),
                "The weights are right, but you also divided by the number of parts. A weighted "
                "mean is complete without that.",
            ),
            Mistake(
                "weights upside down",
                lambda gradients, sizes: (
                    (1 / sizes) / (1 / sizes).sum() @ gradients
                ),
                "Your weights are the wrong way round: the smallest part counts most.",
            ),
        ],
        cases=[
            (
                np.array([[1.0, -2.0], [4.0, 0.0], [0.0, 8.0]]),
                np.array([1, 2, 5]),
            ),
            (
                np.array([[1.0, 0.0, 3.0], [0.0, 2.0, -1.0]]),
                np.array([30, 10]),
            ),
        ],
        hint="If all parts say the same, the answer must be what they say. Test that first.",
    ),
    Exercise(
        "9.4",
        "a function that returns two arrays, the new theta and the new v",
        _rmsprop,
        [
            Mistake(
                "the old mean",
                _rmsprop_too_early,
                "You made the step with the old v. Bring v up to date first.",
            ),
            Mistake(
                "forgot the root",
                _rmsprop_without_root,
                "You divided by the mean of the squares itself. Its root has the size of a "
                "gradient.",
            ),
            Mistake(
                "the shares swapped",
                lambda theta, g, v, alpha, rho, epsilon: _rmsprop(
                    theta, g, v, alpha, 1 - rho, epsilon
                ),
                "rho is the share of the old mean that is kept. You gave it to the new gradient.",
            ),
            Mistake(
                "epsilon outside the root",
                _rmsprop_epsilon_outside,
                "Look where epsilon stands: under the root here, beside it in Adam.",
            ),
            Mistake(
                "forgot the square",
                _rmsprop_not_squared,
                "v must be a mean of the squares of the gradients.",
            ),
            Mistake(
                "uphill",
                lambda theta, g, v, alpha, rho, epsilon: _rmsprop(
                    theta, g, v, -alpha, rho, epsilon
                ),
                "You walk uphill: one sign is wrong.",
            ),
            Mistake(
                "the order of the results",
                lambda theta, g, v, alpha, rho, epsilon: _rmsprop(
                    theta, g, v, alpha, rho, epsilon
                )[::-1],
                "The two results have changed places: first theta, then v.",
            ),
        ],
        cases=[
            (_THETA, _G, _V, 0.1, 0.9, 1e-2),
            (_V, _THETA, np.abs(_G), 0.5, 0.75, 1e-3),
        ],
        hint="Two lines: first the running mean, then the step with it.",
    ),
    Exercise(
        "9.5",
        "a number",
        1 / 3,
        [
            Mistake(
                "the curvature without its two",
                2 / 3,
                "You took the factor of the loss for the curvature. What is the slope of "
                "3 theta squared?",
            ),
            Mistake(
                "the gentle direction",
                1.0,
                "You asked the gentle direction. Which of the two flies away first?",
            ),
            Mistake(
                "straight to the bottom",
                1 / 6,
                "With that rate the steep direction lands exactly at the bottom. It can take more.",
            ),
            Mistake(
                "both directions added",
                1 / 4,
                "You added the two directions. They do not know of each other, and the steeper one "
                "decides.",
            ),
            Mistake(
                "upside down",
                3.0,
                "Steeper walls need smaller steps: your fraction is upside down.",
            ),
        ],
        hint="Write the step of each parameter as a factor times the parameter. When is the factor "
        "minus one?",
        tolerance=5e-3,
    ),
    Exercise(
        "9.6",
        "a function of a whole number that returns a number",
        _warm_cosine,
        [
            Mistake(
                "the wave began too early",
                _late_wave,
                "Your wave has been falling since t = 0. It should begin when the rise is over.",
            ),
            Mistake(
                "forgot the half",
                lambda t: (2 if t > 10 else 1) * _warm_cosine(t),
                "One plus a cosine reaches two. Something is missing in front of it.",
            ),
            Mistake(
                "never ending wave",
                lambda t: (
                    _warm_cosine(t)
                    if t < 10
                    else 0.25 * (1 + math.cos(math.pi * (t - 10) / 100))
                ),
                "After its end your wave rises again. It should stay down.",
            ),
            Mistake(
                "no warm-up",
                lambda t: CosineDecay(0.5, 100)(max(t - 10, 0)),
                "The fall is right. Before it the rate should rise from zero.",
            ),
            Mistake(
                "fell to the hundredth step",
                lambda t: (
                    _warm_cosine(t) if t < 10 else CosineDecay(0.5, 90)(t - 10)
                ),
                "Your wave ends at step 100. It should take so many steps after the rise.",
            ),
        ],
        cases=[(t,) for t in (0, 5, 9, 10, 11, 60, 105, 110, 111, 150)],
        hint="Print it at 0, 5, 10, 60 and 110: 0, a quarter, a half, a quarter, 0.",
    ),
)
