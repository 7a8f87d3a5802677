"""Adam as the papers use it, with the update of a variable in one kernel."""

import keras
import tensorflow as tf

from ganime_tf.models.schedules import LinearDecay


@keras.saving.register_keras_serializable("ganime_tf")
class Adam(keras.optimizers.Adam):
    """Keras' Adam, equal to rounding, but each variable is read and written once.

    Keras composes the update of ten operations, each a pass over the whole variable; with the 57
    million parameters of Pix2Pix that is a fifth of a training step on a CPU.

    Args:
        epsilon_last: Add epsilon after the bias corrections, as the Adam paper's algorithm 1 and
            PyTorch; Keras, TensorFlow and Torch 7 add it before them (the paper's "epsilon hat"),
            which makes the first steps smaller by some percent where gradients are small.
    """

    def __init__(self, *args, epsilon_last: bool = False, **kwargs):
        super().__init__(*args, **kwargs)
        if epsilon_last and self.amsgrad:
            raise ValueError("`epsilon_last` and `amsgrad` cannot be combined.")
        self.epsilon_last = epsilon_last

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable and its two moments."""
        if self.amsgrad:
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        moments = (self._momentums[index].value, self._velocities[index].value)
        value = variable.value if isinstance(variable, keras.Variable) else variable
        step = tf.cast(self.iterations.value + 1, value.dtype)
        beta2_power = tf.pow(tf.cast(self.beta_2, value.dtype), step)
        # The kernel adds epsilon to sqrt(v), the other form to sqrt(v / (1 - beta_2^t)).
        shrunk = tf.sqrt(1 - beta2_power) if self.epsilon_last else 1.0
        tf.raw_ops.ResourceApplyAdam(
            var=value.handle,
            m=moments[0].handle,
            v=moments[1].handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, value.dtype), step),
            beta2_power=beta2_power,
            lr=tf.cast(learning_rate, value.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon * shrunk,
            grad=tf.cast(gradient, value.dtype),
        )

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "epsilon_last": self.epsilon_last}


@keras.saving.register_keras_serializable("ganime_tf")
class RMSpropAfterRoot(keras.optimizers.RMSprop):
    """RMSprop that adds epsilon to the root, as PyTorch; Keras adds it below the root."""

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable and its second moment."""
        ops = keras.ops
        velocity = self._velocities[self._get_variable_index(variable)]
        rate, gradient = (ops.cast(value, variable.dtype) for value in (learning_rate, gradient))
        self.assign(velocity, self.rho * velocity + (1 - self.rho) * ops.square(gradient))
        self.assign_sub(variable, rate * gradient / (ops.sqrt(velocity) + self.epsilon))


def decayed_adam(config, steps_per_epoch: int | None, epsilon_last: bool) -> Adam:
    """Returns Adam as a config says, linearly decayed over its last `decay_epochs`.

    Args:
        config: Has `learning_rate`, `beta_1`, `beta_2`, `epsilon`, `num_epochs`, `decay_epochs`.
        steps_per_epoch: Optimizer steps of an epoch; no decay when None.
        epsilon_last: Whether epsilon stands where PyTorch has it.
    """
    rate = config.learning_rate
    if steps_per_epoch and config.decay_epochs:
        constant = max(config.num_epochs - config.decay_epochs, 0)
        rate = LinearDecay(rate, constant, config.decay_epochs, steps_per_epoch)
    return Adam(rate, config.beta_1, config.beta_2, config.epsilon, epsilon_last=epsilon_last)
