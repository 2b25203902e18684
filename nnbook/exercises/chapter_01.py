"""The exercises of chapter 1: what a network is for."""

import numpy as np

from nnbook.checks import Array
from nnbook.exercises import Exercise, Mistake

# --- 1.2 ------------------------------------------------------------------

_TRUTH = np.array([3, 0, 7, 7, 1, 9, 4, 3])
_SAID = np.array([3, 0, 1, 7, 1, 4, 4, 8])


def _accuracy(answers: Array, truth: Array) -> float:
    return float(np.mean(answers == truth))


# --- 1.3 ------------------------------------------------------------------


def _picture(seed: int) -> Array:
    """Return a picture with white paper, pale ink and black ink, no two rows alike."""
    rng = np.random.default_rng(seed)
    values: Array = rng.choice([0.0, 0.25, 1.0], (8, 8), p=[0.3, 0.45, 0.25])
    return values


def _inked(picture: Array) -> float:
    return float(np.mean(picture > 0))


EXERCISES = (
    Exercise(
        "1.1",
        expected='one of the words "none", "one", "five" and "nine"',
        answer="one",
        mistakes=(
            Mistake(
                "none",
                "none",
                "To be wrong every time, it would have to know what is right. "
                "What does somebody reach who only guesses?",
            ),
            Mistake(
                "half",
                "five",
                "That would be so with two possible answers. How many are "
                "there?",
            ),
            Mistake(
                "nearly all",
                "nine",
                "That is what it reaches after learning. The chapter prints "
                "both.",
            ),
        ),
        hint="Answer with one of the four words, as text in quotes.",
    ),
    Exercise(
        "1.2",
        expected="a function of two arrays of the same length",
        answer=_accuracy,
        mistakes=(
            Mistake(
                "count",
                lambda answers, truth: float(np.sum(answers == truth)),
                "This counts the right answers. A share is that count, "
                "compared with something.",
            ),
            Mistake(
                "share of wrong ones",
                lambda answers, truth: float(np.mean(answers != truth)),
                "This is the share of the wrong answers.",
            ),
            Mistake(
                "percent",
                lambda answers, truth: 100 * float(np.mean(answers == truth)),
                "This is in per cent. A share goes from zero to one.",
            ),
            Mistake(
                "near misses count as well",
                lambda answers, truth: float(
                    np.mean(np.abs(answers - truth) <= 5)
                ),
                "It calls some answers right that are near the truth. A "
                "four is no nine.",
            ),
            Mistake(
                "all or nothing",
                lambda answers, truth: float(np.all(answers == truth)),
                "It asks whether all are right at once. Ask each one, and "
                "take the mean.",
            ),
        ),
        cases=((_SAID, _TRUTH), (_SAID[1:], _TRUTH[1:])),
        hint="Go through both arrays at once, count where they agree, and "
        "divide by how many there are.",
    ),
    Exercise(
        "1.3",
        expected="a function of one picture, an array of shape (8, 8)",
        answer=_inked,
        mistakes=(
            Mistake(
                "count",
                lambda picture: float(np.sum(picture > 0)),
                "This is the number of pixels with ink. The task asks for "
                "their share.",
            ),
            Mistake(
                "mean ink",
                lambda picture: float(np.mean(picture)),
                "This is the mean of the numbers: a pale pixel counts less "
                "than a black one. Here each pixel with ink counts the same.",
            ),
            Mistake(
                "white paper",
                lambda picture: float(np.mean(picture == 0)),
                "This is the share of the white pixels.",
            ),
            Mistake(
                "only dark ink",
                lambda picture: float(np.mean(picture > 0.5)),
                "Pale ink is missing. Any ink at all counts.",
            ),
            Mistake(
                "pixels without condition",
                lambda picture: float(np.mean(picture >= 0)),
                "White paper is zero, and it was counted too.",
            ),
            Mistake(
                "row by row",
                lambda picture: np.mean(picture > 0, axis=0),
                "This is a share for each column. The task asks for one of "
                "the whole picture.",
            ),
        ),
        cases=((_picture(1),), (_picture(2),)),
        hint="Compare the whole array with zero, and take the mean of what "
        "comes out.",
    ),
    Exercise(
        "1.4",
        expected='one of "an error", "no difference", "it learns more '
        'slowly" and "it only gets worse"',
        answer="it only gets worse",
        mistakes=(
            Mistake(
                "an error",
                "an error",
                "Both are arrays of the same shape; Python subtracts them "
                "either way, without a word.",
            ),
            Mistake(
                "no difference",
                "no difference",
                "The sign goes into every step that follows. Where does a "
                "step with the other sign lead?",
            ),
            Mistake(
                "slower",
                "it learns more slowly",
                "The steps are as long as before. It is their direction that "
                "has changed.",
            ),
        ),
        hint="Answer with one of the four texts, in quotes. Trace the sign "
        "from d2 to the lines with -=.",
    ),
    Exercise(
        "1.5",
        expected='one of the words "higher", "the same" and "lower"',
        answer="lower",
        mistakes=(
            Mistake(
                "higher",
                "higher",
                "What would make the last pictures easier? Think of who has "
                "written them, and whether the network knows that hand.",
            ),
            Mistake(
                "the same",
                "the same",
                "It would be so if all pictures were alike. But people write "
                "differently, and in the file they come one after another.",
            ),
        ),
        hint="Answer with one of the three, in quotes. Or run it.",
    ),
)
