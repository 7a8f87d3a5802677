"""Learning-rate schedules of the papers, as Keras schedules owned by each optimizer."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ganime_tf")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Constant, then linearly to zero, one value per epoch (pytorch-CycleGAN-and-pix2pix).

    In epoch e, counted from 1, the factor is `1 - max(0, e + 1 - constant) / (decay + 1)`: the
    source since 2020 lowers the rate at the start of an epoch, so that of 100 + 100 epochs the
    100th has 1.98e-4 and the last has 0. Before, it was lowered at the end, one epoch later.

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
        late = ops.maximum(0.0, epoch + 1.0 - float(self.constant_epochs))
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


@keras.saving.register_keras_serializable("ganime_tf")
class StepDecay(keras.optimizers.schedules.LearningRateSchedule):
    """`learning_rate * decay_rate**floor((step + 1) / decay_steps)` (MUNIT).

    PyTorch's `StepLR`, of which the release takes a step before every update.

    Args:
        learning_rate: The first value.
        decay_steps: Optimizer steps between two changes.
        decay_rate: Factor of a change.
    """

    def __init__(self, learning_rate: float, decay_steps: int, decay_rate: float):
        self.learning_rate = learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate

    def __call__(self, step):
        """Returns the learning rate at optimizer step `step`, counted from 0."""
        changes = ops.floor_divide(ops.cast(step, "float32") + 1.0, float(self.decay_steps))
        return self.learning_rate * ops.power(self.decay_rate, changes)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            "learning_rate": self.learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
        }


@keras.saving.register_keras_serializable("ganime_tf")
class PolynomialDecay(keras.optimizers.schedules.LearningRateSchedule):
    """`learning_rate * (1 - t)**power` over the training, after an exponential warm-up.

    The "poly" schedule of segmentation (DANet, BiSeNet). During the warm-up the rate grows from
    `warmup_rate` to `learning_rate` by the same factor each step.

    Args:
        learning_rate: The highest value.
        num_steps: Steps of the training, warm-up included; the rate is 0 after them.
        power: Exponent of the decay.
        warmup_steps: Steps of the warm-up; 0 means none.
        warmup_rate: Value at step 0 of a warm-up.
    """

    def __init__(
        self,
        learning_rate: float,
        num_steps: int,
        power: float = 0.9,
        warmup_steps: int = 0,
        warmup_rate: float = 1e-5,
    ):
        self.learning_rate = learning_rate
        self.num_steps = num_steps
        self.power = power
        self.warmup_steps = warmup_steps
        self.warmup_rate = warmup_rate

    def __call__(self, step):
        """Returns the learning rate at optimizer step `step`, counted from 0."""
        step = ops.cast(step, "float32")
        warm = float(self.warmup_steps)
        done = (step - warm) / max(self.num_steps - warm, 1.0)
        rate = self.learning_rate * ops.power(1.0 - ops.clip(done, 0.0, 1.0), self.power)
        if not self.warmup_steps:
            return rate
        growth = self.learning_rate / self.warmup_rate
        warming = self.warmup_rate * ops.power(growth, step / warm)
        return ops.where(step <= warm, warming, rate)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            "learning_rate": self.learning_rate,
            "num_steps": self.num_steps,
            "power": self.power,
            "warmup_steps": self.warmup_steps,
            "warmup_rate": self.warmup_rate,
        }
