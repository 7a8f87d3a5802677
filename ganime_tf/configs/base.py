"""The hyper-parameters that every paper has."""

import dataclasses

from ganime_tf.configs.fields import Count, CountOrNone, Decay, Weight, check_fields


@dataclasses.dataclass(frozen=True)
class TrainableConfig:
    """Hyper-parameters that every model has; a paper's config adds its own.

    A field's docstring is its help on the command line, its annotation the values it takes.
    """

    image_size: Count = 256
    """Height and width of a training picture in pixels."""
    load_size: Count = 286
    """Size that pictures are resized to before the random crop of `image_size`."""
    batch_size: Count = 1
    """Pictures in a step, over all replicas."""
    num_epochs: Count = 200
    """Epochs of the whole training; the learning rate follows it."""
    num_steps: CountOrNone = 0
    """Steps of the whole training instead of `num_epochs`; 0 counts in epochs."""
    ema_decay: Decay = 0.0
    """Decay of the generator's moving average, used for translation when above 0; the first steps n
    use (1 + n) / (10 + n) where that is smaller."""
    gradient_clip: Weight = 0.0
    """Largest norm of a group's gradient on each replica, 0 for no clipping."""

    def __post_init__(self):
        """Checks the fields; subclasses extend it.

        Raises:
            ValueError: Naming the field, its value and what is allowed.
            TypeError: When a value has another type.
        """
        check_fields(self)
        if self.load_size < self.image_size:
            better = round(self.image_size * 286 / 256)
            raise ValueError(
                f"`load_size` ({self.load_size}) must not be smaller than `image_size` "
                f"({self.image_size}): pictures are cropped, never grown, after loading. Give "
                f"both: --image-size {self.image_size} --load-size {better}."
            )

    def total_steps(self, steps_per_epoch: int) -> int:
        """Steps of the whole training."""
        return self.num_steps or self.num_epochs * steps_per_epoch

    def for_data(self, source) -> "TrainableConfig":
        """The config for this data: where labels or classes decide a size, with it filled in.

        Args:
            source: A `ganime_tf.data.Source`.
        """
        del source
        return self
