"""What a translation keeps of the person: hair colour, eyes, turn of the head, glasses.

A small network learns these from true drawings of other scenes, for which the drawn world knows
them, and is asked about the pictures that the methods made: a number for "semantic content".
"""

import functools

import numpy as np
from methods import IMAGE_SIZE

NUM_DRAWINGS = 4000
NUM_HAIRS = 6
_SEED = 77_000  # scenes that no run draws
ATTRIBUTES = ("hair", "eyes", "turn", "glasses")


def labels(scenes, hairs: np.ndarray) -> dict[str, np.ndarray]:
    """Class numbers of scenes, int `(N,)` by attribute.

    Args:
        scenes: Of the drawn world.
        hairs: CIE L*a*b* of the classes of hair, `(NUM_HAIRS, 3)`.
    """
    from ganime_tf.metrics.colour import rgb_to_lab

    colours = rgb_to_lab(np.array([scene.hair for scene in scenes], np.uint8)[None])[0]
    distance = np.linalg.norm(colours[:, None] - hairs, axis=-1)
    return {
        "hair": distance.argmin(1),
        "eyes": np.array([scene.eyes != "open" for scene in scenes], int),
        "turn": np.array([np.digitize(scene.yaw, (-0.25, 0.25)) for scene in scenes]),
        "glasses": np.array([scene.glasses != "none" for scene in scenes], int),
    }


@functools.cache
def reader():
    """The trained network, and the classes of hair."""
    import keras
    import scipy.cluster.vq

    from ganime_tf.metrics.colour import rgb_to_lab
    from ganime_tf.toy import render, sample_scene

    scenes = [sample_scene(_SEED, index) for index in range(NUM_DRAWINGS)]
    colours = rgb_to_lab(np.array([scene.hair for scene in scenes], np.uint8)[None])[0]
    hairs, _ = scipy.cluster.vq.kmeans2(
        colours.astype(float), NUM_HAIRS, minit="++", seed=np.random.default_rng(0)
    )
    pictures = np.stack([render(scene, "colour", IMAGE_SIZE) for scene in scenes])
    keras.utils.set_random_seed(0)
    x = image = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1)(x)
    for width in (24, 48, 96, 96):
        x = keras.layers.Conv2D(width, 3, padding="same", activation="relu")(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Dropout(0.3)(keras.layers.Flatten()(x))
    found = labels(scenes, hairs)
    outputs = {
        name: keras.layers.Dense(int(classes.max()) + 1, activation="softmax", name=name)(x)
        for name, classes in found.items()
    }
    network = keras.Model(image, outputs)
    loss = dict.fromkeys(ATTRIBUTES, "sparse_categorical_crossentropy")
    network.compile(keras.optimizers.Adam(1e-3), loss)
    network.fit(pictures, found, batch_size=64, epochs=8, verbose=0)
    return network, hairs


def kept(pictures: np.ndarray, scenes) -> dict[str, float]:
    """Share of pictures in which an attribute is the scene's, by attribute.

    Eyes and glasses are rare, so theirs is the mean over both classes: 0.5 is chance.
    """
    network, hairs = reader()
    found = network.predict(pictures, verbose=0)
    result = {}
    for name, true in labels(scenes, hairs).items():
        right = found[name].argmax(-1) == true
        classes = [right[true == k].mean() for k in np.unique(true)]
        result[name] = float(np.mean(classes))
    return result


def scenes_of(seed: int, number: int) -> list:
    """The held-out scenes of a run of this seed."""
    from ganime_tf.data.drawn import VALIDATION_START
    from ganime_tf.toy import sample_scene

    return [sample_scene(seed, VALIDATION_START + index) for index in range(number)]


def add(record: dict, seeds: list[int], place, held_out) -> None:
    """Writes the shares into a record: of every method, and of the true drawings.

    Args:
        record: Of `run.collect`.
        seeds: Of the runs.
        place: `run.Place`.
        held_out: `scoring.held_out`.
    """
    count = record["budget"]["num_train"]
    truth = {}
    for seed in seeds:
        _, truths = held_out("unpaired", seed, count)
        scenes = scenes_of(seed, len(truths))
        truth[str(seed)] = kept(truths, scenes)
        for name, method in record["methods"].items():
            with np.load(place.of(name, seed) / "outputs.npz") as file:
                method["runs"][str(seed)]["scores"] |= kept(file["outputs"], scenes)
    record["of_true_drawings"] = truth
