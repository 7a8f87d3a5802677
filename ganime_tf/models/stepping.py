"""How Keras' `fit` runs a `Trainable`'s steps: which graph, on which replica, and when it looks.

And what a step calls: `minimize`, `noise`, `track`.
"""

import time

import keras
import tensorflow as tf

from ganime_tf.layers.random import current_randomness, random_scope


class Stepping:
    """The part of `Trainable` between `fit` and the optimizers."""

    def minimize(self, tape: tf.GradientTape, loss, group: str) -> None:
        """Applies one step of a group's optimizer: the only place where gradients are scaled.

        Optimizers sum gradients over replicas, so each replica's loss counts 1 / replicas.
        """
        optimizer = self.optimizers[group]
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        variables = self.group_variables(group)
        scale = optimizer.scale_loss(tf.constant(1.0 / replicas))
        gradients = tape.gradient(loss, variables, output_gradients=scale * tf.ones_like(loss))
        for index, variable in enumerate(variables):
            decay = self.weight_decay(variable)
            if decay and gradients[index] is not None:
                with tf.control_dependencies([gradients[index]]):  # not before: it takes memory
                    gradients[index] += scale * decay * variable.value
        if self.config.gradient_clip:
            present = [gradient for gradient in gradients if gradient is not None]
            clipped = iter(tf.clip_by_global_norm(present, self.config.gradient_clip * scale)[0])
            gradients = [None if gradient is None else next(clipped) for gradient in gradients]
        optimizer.apply(gradients, variables)

    def track(self, **losses) -> dict:
        """Updates the running means of the losses and returns them."""
        for key, value in losses.items():
            self.loss_trackers[key].update_state(value)
        return {key: tracker.result() for key, tracker in self.loss_trackers.items()}

    def noise(self, count, *shape, stream: str, uniform: bool = False):
        """Draws the random numbers of a training step.

        A pure function of (seed, step, stream), drawn for the joined batch of all replicas: N
        replicas draw what one device draws.

        Args:
            count: Pictures on this replica.
            *shape: Shape of one picture's numbers.
            stream: A name; the same name gives the same numbers in a step.
            uniform: In [0, 1) instead of normal with mean 0 and deviation 1.

        Returns:
            float32 `(count, *shape)`.
        """
        randomness = current_randomness()
        if randomness is None:  # a step called by hand
            with random_scope(self.seed, self.step):
                return self.noise(count, *shape, stream=stream, uniform=uniform)
        return (randomness.uniform if uniform else randomness.normal)(count, shape, stream)

    @staticmethod
    def read(counter) -> int:
        """Reads a counter back from the device, under any strategy."""
        return int(keras.ops.convert_to_numpy(counter))

    def _step_on_replica(self, batch, plan):
        if missing := [key for key in self.batch_keys if key not in batch]:
            raise ValueError(
                f"A batch of {type(self).__name__} needs the keys {self.batch_keys}. "
                f"Received {sorted(batch)}, without {missing}."
            )
        context = tf.distribute.get_replica_context()
        replica, replicas = context.replica_id_in_sync_group, context.num_replicas_in_sync
        with random_scope(self.seed, self.step.value, replica, replicas):
            logs = self.train_step(batch, **plan)
        self.step.assign_add(1)
        if self.ema_networks:
            decay = self.average_decay(self.step.value)
            for network in self.generators:
                self._average(self.ema_networks[network.name], network, decay)
        return logs

    @staticmethod
    def _average(average, network, decay):
        """Moves an average towards a network; statistics of batch norm and the like are copied."""
        trained = {id(variable) for variable in network.trainable_variables}
        for mean, value in zip(average.variables, network.variables, strict=True):
            if not mean.dtype.startswith("float"):
                continue  # seeds of dropout
            mixed = decay * mean + (1.0 - decay) * value if id(value) in trained else value
            mean.assign(mixed)

    def make_train_function(self, force=False):
        """Builds the function that `fit` calls, for any `tf.distribute` strategy.

        One graph for each combination that `plan` returns; the host picks it. Keras' own function
        fails under MultiWorkerMirroredStrategy: it reduces what is not per replica.
        """
        self._own.step = int(
            keras.ops.convert_to_numpy(self.step)
        )  # the only reading of it; from here Python counts along
        if self.train_function is not None and not force:
            return
        graphs = {}

        def train_function(iterator):
            plan = self.plan(self._own.step)
            key = tuple(sorted(plan.items()))
            if key not in graphs:
                graphs[key] = self._graph_of_step(plan)
            self._own.step += 1
            self._own.logs = graphs[key](next(iterator))
            now = time.monotonic()
            if now - self._own.looked < self.look_seconds:
                return {}
            self._own.looked = now
            return self._own.logs

        self.train_function = train_function

    def _graph_of_step(self, plan: dict):
        strategy = self.distribute_strategy

        def one_step(batch):
            logs = strategy.run(self._step_on_replica, args=(batch, plan))
            logs = {key: strategy.reduce("MEAN", value, axis=None) for key, value in logs.items()}
            finite = tf.reduce_all([tf.math.is_finite(value) for value in logs.values()])
            known, step = self.bad_step.value, self.step.value
            keep = tf.logical_or(finite, tf.convert_to_tensor(known) >= 0)
            self.bad_step.assign(tf.where(keep, tf.convert_to_tensor(known), step))
            return logs

        if self.run_eagerly:
            return one_step
        return tf.function(one_step, jit_compile=self.jit_compile, reduce_retracing=True)

    def _get_metrics_result_or_logs(self, logs):
        """The losses at the end of an epoch; in a step, Keras sees them only when looked at."""
        del logs
        return dict(self._own.logs)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Does nothing: a model is built when it is made; Keras would eat a batch here."""


class NotTracked:
    """What Keras must not save or track: counters of the host, compiled graphs."""

    def __init__(self):
        self.step, self.logs, self.looked, self.graphs = 0, {}, 0.0, {}
        self.wrap = None
