"""The exercises of chapter 11, real data.

Some answers are what a training in the chapter gave. They stand here as numbers, because the
trainings take long; the chapter's solutions compute them again and check them.
"""

from collections.abc import Sequence

import numpy as np

from nnbook.checks import Array
from nnbook.exercises import Exercise, Mistake

# Exercise 11.5, means over twenty splits: missed and false alarms at one half and as chosen
R = 10
HALF, CHOSEN = (2.50, 1.55), (1.40, 5.65)


def cost(missed: float, alarms: float) -> float:
    """Return what a threshold costs, eq-cost."""
    return R * missed + alarms


def dropout_back(grad: Array, m: Array, rho: float) -> Array:
    """Return the gradient by the inputs of a dropout layer, eq-dropout-back."""
    return grad * m / (1 - rho)


def stop(val_losses: Sequence[float], patience: int) -> tuple[int, int]:
    """Return the best epoch and the last one that is trained."""
    best = 1
    for epoch, value in enumerate(val_losses, 1):
        if value < val_losses[best - 1]:
            best = epoch
        elif epoch - best == patience:
            return best, epoch
    return best, len(val_losses)


def never_stop(val_losses: Sequence[float], patience: int) -> tuple[int, int]:
    """Look at losses that early stopping never gets to see."""
    return int(np.argmin(val_losses)) + 1, len(val_losses)


def compare_with_the_last(
    val_losses: Sequence[float], patience: int
) -> tuple[int, int]:
    """Wait anew after each loss that is lower than the one before it."""
    waited = epoch = 0
    for epoch, value in enumerate(val_losses, 1):
        falls = epoch == 1 or value < val_losses[epoch - 2]
        waited = 0 if falls else waited + 1
        if waited == patience:
            break
    return int(np.argmin(val_losses[:epoch])) + 1, epoch


def wait_in_all(val_losses: Sequence[float], patience: int) -> tuple[int, int]:
    """Never set the waiting back to zero."""
    best, waited = 1, 0
    for epoch, value in enumerate(val_losses[1:], 2):
        if value < val_losses[best - 1]:
            best = epoch
        else:
            waited += 1
        if waited == patience:
            return best, epoch
    return best, len(val_losses)


def from_zero(val_losses: Sequence[float], patience: int) -> tuple[int, int]:
    """Count the epochs from zero."""
    best, last = stop(val_losses, patience)
    return best - 1, last - 1


def too_patient(val_losses: Sequence[float], patience: int) -> tuple[int, int]:
    """Stop one epoch late."""
    return stop(val_losses, patience + 1)


def recalls(matrix: Array) -> Array:
    """Return the recall of each class."""
    return np.asarray(np.diag(matrix) / matrix.sum(axis=1))


_GRAD = np.array([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]])
_MASK = np.array([[1, 0, 1], [0, 1, 1]])

EXERCISES = (
    Exercise(
        "11.1",
        "the matrix, the accuracy and the recall",
        (np.array([[72, 0], [42, 0]]), 72 / 114, 0.0),
        [
            Mistake(
                "rows and columns swapped",
                (np.array([[72, 42], [0, 0]]), 72 / 114, 0.0),
                "The truth stands in the rows, the answer in the columns. Which column gets "
                "everybody?",
            ),
            Mistake(
                "the other class",
                (np.array([[72, 0], [42, 0]]), 72 / 114, 1.0),
                "That is the recall of the benign. How many of the *cancers* were found?",
            ),
            Mistake(
                "says malignant",
                (np.array([[0, 72], [0, 42]]), 42 / 114, 1.0),
                "That program says malignant to everybody. Ours says benign.",
            ),
            Mistake(
                "whole table",
                (np.array([[357, 0], [212, 0]]), 357 / 569, 0.0),
                "That is the whole file. The test set is a fifth of it.",
            ),
        ],
        hint="How many benign and how many malignant lumps has the test set? All answers are "
        "benign.",
        tolerance=0.005,
    ),
    Exercise(
        "11.2",
        "two thresholds between 0 and 1",
        (0.55, 0.10),
        [
            Mistake(
                "swapped",
                (0.10, 0.55),
                "The other way round: what happens to the threshold when a miss becomes dearer?",
            ),
            Mistake(
                "one half",
                (0.5, 0.5),
                "One half is where you end up without choosing. Compute the cost of each table.",
            ),
            Mistake(
                "the price of ten",
                (0.10, 0.10),
                "The second is right. If both mistakes cost the same, false alarms count more "
                "than before.",
            ),
            Mistake(
                "places instead of thresholds",
                (10, 1),
                "These are places in the list. Which thresholds stand there?",
            ),
        ],
        hint="Compute the cost for all tables of the chapter, with another r, and take the lowest.",
        tolerance=1e-3,
    ),
    Exercise(
        "11.3",
        "a share between 0 and 1",
        0.5,
        [
            Mistake(
                "the leak",
                0.70,
                "That is what you get if the test half had a say in the pick.",
            ),
            Mistake(
                "learnt",
                1.0,
                "What can noise tell about labels that were drawn at random?",
            ),
            Mistake("percent", 50, "As a share: between 0 and 1."),
            Mistake(
                "nothing",
                0.0,
                "Zero would be as hard to reach as one. What does a coin get?",
            ),
        ],
        hint="The labels are random. How often is a guess right?",
        tolerance=0.03,
    ),
    Exercise(
        "11.4",
        "a share between 0 and 1",
        112 / 114,
        [
            Mistake(
                "forty epochs",
                109 / 114,
                "That is after forty epochs. Give it ten times as many.",
            ),
            Mistake(
                "with the hidden layer",
                110 / 114,
                "That is what the chapter's network has. Take its hidden layer out.",
            ),
            Mistake(
                "percent", 100 * 112 / 114, "As a share: between 0 and 1."
            ),
        ],
        hint="Train on scaled_train, evaluate on scaled_val. The weights start from seed=11.",
        tolerance=0.003,
    ),
    Exercise(
        "11.5",
        "two mean costs, at one half and at the chosen threshold",
        (cost(*HALF), cost(*CHOSEN)),
        [
            Mistake(
                "swapped",
                (cost(*CHOSEN), cost(*HALF)),
                "The two stand in the other order: first one half.",
            ),
            Mistake(
                "all mistakes alike",
                (sum(HALF), sum(CHOSEN)),
                "You count all mistakes alike. A missed cancer counts r times.",
            ),
            Mistake(
                "the wrong one is dear",
                (cost(*HALF[::-1]), cost(*CHOSEN[::-1])),
                "You made the false alarms dear. The missed cancers are.",
            ),
        ],
        hint="For each split: scale, train, choose and test anew, with new_model(). Then average "
        "the costs on the test set.",
        tolerance=0.01,
    ),
    Exercise(
        "11.6",
        "the penalty and the two slopes",
        (1.3, np.array([1.4, 0.4])),
        [
            Mistake(
                "the two forgotten",
                (1.3, np.array([1.2, 0.7])),
                "The penalty is right. What is the slope of a square?",
            ),
            Mistake(
                "the bias counted",
                (3.8, np.array([1.4, 0.4])),
                "The slopes are right. The bias has no price.",
            ),
            Mistake(
                "only the price",
                (1.3, np.array([0.4, -0.6])),
                "These are the slopes of the penalty alone. The loss has slopes, too.",
            ),
            Mistake(
                "sizes instead of squares",
                (0.5, np.array([1.1, 0.9])),
                "That is L1: the sizes of the weights. L2 takes their squares.",
            ),
            Mistake(
                "sign of the weight lost",
                (1.3, np.array([1.4, 1.6])),
                "The second weight is negative. Where does the price pull it?",
            ),
        ],
        hint="Put the numbers into the two formulas of L2, one weight after the other.",
    ),
    Exercise(
        "11.7",
        "a function of the gradient, the mask and the rate",
        dropout_back,
        [
            Mistake(
                "factor forgotten",
                lambda grad, m, rho: grad * m,
                "The mask is there. What made the neurons louder on the way forward?",
            ),
            Mistake(
                "factor upside down",
                lambda grad, m, rho: grad * m * (1 - rho),
                "You make them quieter. On the way forward they became louder.",
            ),
            Mistake(
                "divided by the rate",
                lambda grad, m, rho: grad * m / rho,
                "The rate is the share that is silent. Divide by the share that stays.",
            ),
            Mistake(
                "the silent ones",
                lambda grad, m, rho: grad * (1 - m) / (1 - rho),
                "You keep the silent neurons. In the mask, one means: stays.",
            ),
            Mistake(
                "mask forgotten",
                lambda grad, m, rho: grad / (1 - rho),
                "The factor is there. A silent neuron had no influence: which slope has it?",
            ),
        ],
        cases=[(_GRAD, _MASK, 0.2), (_GRAD, 1 - _MASK, 0.75)],
        hint="Element by element: the mask, the gradient, and the factor of the way forward.",
    ),
    Exercise(
        "11.8",
        "a function that returns two whole numbers",
        stop,
        [
            Mistake(
                "reads the future",
                never_stop,
                "You look at losses that are not there yet when training stops.",
            ),
            Mistake(
                "compares with the last",
                compare_with_the_last,
                "You compare with the epoch before. Compare with the best so far.",
            ),
            Mistake(
                "waiting is not set back",
                wait_in_all,
                "You count all epochs that were not better. A better one begins the count anew.",
            ),
            Mistake(
                "counts from zero",
                from_zero,
                "Each number is one too small: the first epoch is one.",
            ),
            Mistake(
                "one too patient",
                too_patient,
                "You wait one epoch too long. A patience of one stops at the first that is not "
                "better.",
            ),
        ],
        cases=[
            ([5.0, 4.0, 6.0, 3.0, 4.0, 4.0, 1.0], 2),
            ([3.0, 4.0, 2.0, 3.0, 1.0, 5.0, 4.0, 3.0, 2.0, 0.5], 3),
            ([3.0, 2.0, 1.0], 1),
            ([2.0, 2.0, 2.0, 1.0], 1),
        ],
        hint="Keep the best loss and its epoch. How long is it ago?",
    ),
    Exercise(
        "11.9",
        "a function that returns one share a class",
        recalls,
        [
            Mistake(
                "precision",
                lambda matrix: np.diag(matrix) / matrix.sum(axis=0),
                "That is the precision: you divide by the answers. Divide by the truths.",
            ),
            Mistake(
                "share of all",
                lambda matrix: np.diag(matrix) / matrix.sum(),
                "You divide by all samples. Only those of the class are asked.",
            ),
            Mistake(
                "accuracy",
                lambda matrix: np.trace(matrix) / matrix.sum(),
                "That is the accuracy: one number for all classes.",
            ),
        ],
        cases=[
            (np.array([[5, 1, 0], [2, 6, 1], [0, 4, 7]]),),
            (np.array([[68, 3], [1, 42]]),),
        ],
        hint="What stands on the diagonal, divided by the sum of its row.",
    ),
)
