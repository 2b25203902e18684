"""The exercises of chapter 10, the Keras example."""

import numpy as np

from nnbook import Input, Sequential
from nnbook.exercises import Exercise, Mistake
from nnbook.layers import Dense
from nnbook.metrics import BinaryAccuracy


def patient(epochs: int) -> float:
    """Return the test accuracy of the chapter's network after so many epochs."""
    rng = np.random.default_rng(10)
    x = rng.random((1000, 8))
    rng.random((1000, 1))  # the random labels
    x_test = rng.random((1000, 8))
    y, y_test = x[:, :1] > x[:, 1:2], x_test[:, :1] > x_test[:, 1:2]
    model = Sequential(
        [Input((8,)), Dense(10, activation="relu"), Dense(1, "sigmoid")],
        seed=10,
    )
    model.compile("adam", "binary_crossentropy")
    model.fit(x, y, epochs=epochs, verbose=0)
    return BinaryAccuracy()(y_test, model.predict(x_test, verbose=0))


EXERCISES = (
    Exercise(
        "10.1",
        "a whole number",
        8 * 20 + 20 + 20 * 10 + 10 + 10 * 1 + 1,
        [
            Mistake(
                "forgotten bias",
                8 * 20 + 20 * 10 + 10 * 1,
                "These are the weights. Each neuron has one more number that is adjusted.",
            ),
            Mistake(
                "bias of the inputs",
                8 * 20 + 8 + 20 * 10 + 20 + 10 * 1 + 10,
                "You gave a bias to each input of a layer. Its neurons have one, its inputs none.",
            ),
            Mistake(
                "neurons",
                20 + 10 + 1,
                "These are the neurons. Count the numbers that each of them holds.",
            ),
        ],
        hint="Layer by layer: a weight for each pair of input and neuron, a bias for each neuron.",
    ),
    Exercise(
        "10.2",
        "two whole numbers, the updates with batches of 50 and with one batch",
        (10 * 1000 // 50, 10),
        [
            Mistake(
                "one epoch",
                (1000 // 50, 1),
                "That is one epoch. How many are there?",
            ),
            Mistake(
                "samples in place of batches",
                (10 * 1000, 10 * 1000),
                "You count samples. The weights move once for each batch.",
            ),
            Mistake(
                "epochs in place of updates",
                (10, 10),
                "The second is right. With batches of 50, the weights move many times in an epoch.",
            ),
            Mistake(
                "swapped",
                (10, 10 * 1000 // 50),
                "The two stand in the other order: first the batches of 50.",
            ),
        ],
        hint="How many batches does one epoch have, and how many epochs are there?",
    ),
    Exercise(
        "10.3",
        "a share between 0 and 1",
        0.5,
        [
            Mistake(
                "as on random reals",
                0.0,
                "Zero came from labels that were no classes. A coin shows one of two.",
            ),
            Mistake(
                "learnt",
                1.0,
                "What could the inputs say about a coin that knows nothing of them?",
            ),
            Mistake("percent", 50, "As a share: between 0 and 1."),
        ],
        hint="The new coins are as unknown to the network as they are to you.",
        tolerance=0.03,
    ),
    Exercise(
        "10.4",
        "the name of an argument, as text",
        "from_logits",
        [
            Mistake(
                "label smoothing",
                "label_smoothing",
                "That changes the labels. The outputs are what has gone wrong.",
            ),
            Mistake(
                "the activation",
                "activation",
                "That is an argument of the layer, and the other way out. Look at the loss.",
            ),
            Mistake(
                "the sigmoid",
                "sigmoid",
                "That is what is missing. Which argument of the loss makes up for it?",
            ),
        ],
        hint="Look at the arguments of BinaryCrossentropy in the pages of the library.",
        read=lambda answer: answer.partition("=")[0],
    ),
    Exercise(
        "10.5",
        "a share between 0 and 1",
        patient(100),
        [
            Mistake(
                "ten epochs",
                patient(10),
                "That is where the chapter stopped, after ten epochs.",
            ),
            Mistake(
                "percent", 100 * patient(100), "As a share: between 0 and 1."
            ),
        ],
        hint="Train a new_model() on x_train and y_train, and evaluate it on the test samples.",
        tolerance=0.01,
    ),
)
