"""Learning-rate schedules of the papers, as Keras schedules owned by each optimizer."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ganime_tf")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Constant, then linearly to zero, one value per epoch (pytorch-CycleGAN-and-pix2pix).

    In epoch e, counted from 1, the factor is `1 - max(0, e - constant) / (decay + 1)`.

    Args:
        learning_rate: The constant value.
        constant_epochs: Epochs before the decay.
        decay_epochs: Epochs of the decay; 0 means none.
        steps_per_epoch: Optimizer steps of an epoch.
    """

    def __init__(
        self, learning_rate: float, constant_epochs: int, decay_epochs: int, steps_per_epoch: int
    ):
        self.learning_rate = learning_rate
        self.constant_epochs = constant_epochs
        self.decay_epochs = decay_epochs
        self.steps_per_epoch = steps_per_epoch

    def __call__(self, step):
        """Returns the learning rate at optimizer step `step`, counted from 0."""
        epoch = ops.floor_divide(ops.cast(step, "float32"), float(self.steps_per_epoch)) + 1.0
        late = ops.maximum(0.0, epoch - float(self.constant_epochs))
        factor = 1.0 - late / float(self.decay_epochs + 1)
        return self.learning_rate * (ops.maximum(factor, 0.0) if self.decay_epochs else 1.0)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            "learning_rate": self.learning_rate,
            "constant_epochs": self.constant_epochs,
            "decay_epochs": self.decay_epochs,
            "steps_per_epoch": self.steps_per_epoch,
        }
