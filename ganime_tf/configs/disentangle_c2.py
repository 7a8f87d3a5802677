"""C2 of the disentangling paper: whose picture is it?"""

import dataclasses

from ganime_tf.configs.disentangle import CODE, SMALL, TINY, DisentangleConfig
from ganime_tf.configs.fields import Positive


@dataclasses.dataclass(frozen=True)
class ClassifierConfig(DisentangleConfig):
    """Hyper-parameters of the classifier of artists.

    The paper's step size is unreadable in the text used here; it is the author's code's.
    """

    learning_rate: Positive = 1e-4
    """Adam's step size."""


PRESETS = {
    "disentangle-c2": ClassifierConfig(batch_size=16, num_steps=200_000),
    "disentangle-c2-code": ClassifierConfig(
        **CODE, batch_size=16, num_steps=200_000, regularization_weight=1.0
    ),
    "disentangle-c2-32": ClassifierConfig(**SMALL, num_steps=500, learning_rate=3e-4),
    "disentangle-c2-tiny": ClassifierConfig(**TINY, num_steps=500, learning_rate=3e-4),
}
