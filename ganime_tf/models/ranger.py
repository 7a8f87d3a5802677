"""Ranger: rectified Adam with centred gradients and lookahead, as pSp and StyleAnime train."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ganime_tf")
class Ranger(keras.optimizers.Optimizer):
    """Rectified Adam (Liu et al. 2020) that looks ahead (Zhang et al. 2019), release 20.4.11.

    Gradients of kernels are centred over all axes but the outputs' (Yong et al. 2020). While the
    variance's estimate is not to be trusted (5 steps at beta_2 = .999) it is momentum alone.

    Args:
        learning_rate: Step size or schedule.
        beta_1: Decay of the first moment.
        beta_2: Decay of the second moment.
        epsilon: Added to the root of the second moment.
        lookahead_steps: Every so many steps the slow weights follow and are taken over.
        lookahead_share: How far they follow.
        **kwargs: Of `keras.optimizers.Optimizer`.
    """

    def __init__(
        self,
        learning_rate=1e-4,
        beta_1=0.95,
        beta_2=0.999,
        epsilon=1e-5,
        lookahead_steps=6,
        lookahead_share=0.5,
        name="ranger",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon
        self.lookahead_steps, self.lookahead_share = lookahead_steps, lookahead_share

    def build(self, variables):
        """Makes the moments and the slow weights."""
        if self.built:
            return
        super().build(variables)
        self._firsts, self._seconds, self._slow = self.add_optimizer_variables(
            variables, ["first", "second", "slow"]
        )

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable, its moments and its slow copy."""
        index = self._get_variable_index(variable)
        first, second, slow = (x[index] for x in (self._firsts, self._seconds, self._slow))
        rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        if len(gradient.shape) > 1:
            axes = tuple(range(len(gradient.shape) - 1))
            gradient = gradient - ops.mean(gradient, axis=axes, keepdims=True)
        step = ops.cast(self.iterations + 1, variable.dtype)
        # The slow weights start as the variable of the first step, whatever was loaded into it.
        begin = ops.where(self.iterations == 0, variable, slow)
        moment = self.beta_1 * first + (1.0 - self.beta_1) * gradient
        square = self.beta_2 * second + (1.0 - self.beta_2) * ops.square(gradient)
        self.assign(first, moment)
        self.assign(second, square)
        trusted, factor = self._rectification(step)
        bias = 1.0 - ops.power(ops.cast(self.beta_1, variable.dtype), step)
        adapted = factor * moment / (ops.sqrt(square) + self.epsilon)
        moved = variable - rate / bias * ops.where(trusted, adapted, moment)
        follows = ops.equal((self.iterations + 1) % self.lookahead_steps, 0)
        ahead = begin + self.lookahead_share * (moved - begin)
        self.assign(slow, ops.where(follows, ahead, begin))
        self.assign(variable, ops.where(follows, ahead, moved))

    def _rectification(self, step):
        """Whether the variance is trusted at a step, and the factor of the rate then."""
        most = 2.0 / (1.0 - self.beta_2) - 1.0
        decayed = ops.power(ops.cast(self.beta_2, step.dtype), step)
        length = most - 2.0 * step * decayed / (1.0 - decayed)
        safe = ops.maximum(length, 5.0)
        share = (safe - 4.0) * (safe - 2.0) * most / ((most - 4.0) * (most - 2.0) * safe)
        return length > 5.0, ops.sqrt((1.0 - decayed) * share)

    def get_config(self):
        """Returns the constructor's arguments."""
        return super().get_config() | {
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "lookahead_steps": self.lookahead_steps,
            "lookahead_share": self.lookahead_share,
        }
