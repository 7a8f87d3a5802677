"""How a `Trainable` goes into a `.keras` file and comes out again."""

import dataclasses

import keras


class Saving:
    """The part of `Trainable` that Keras' files ask."""

    def load_own_variables(self, store):
        """Reads the counters of a `.keras` file; those of 0.1.0 have none."""
        if len(store.keys()):
            super().load_own_variables(store)

    def get_config(self) -> dict:
        """Returns what `from_config` needs."""
        return {
            "config": dataclasses.asdict(self.config),
            "name": self.name,
            "dtype": self.dtype_policy.name,
        }

    @classmethod
    def from_config(cls, config: dict):
        """Rebuilds the model from `get_config`."""
        fields = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in config["config"].items()
        }
        return cls(cls.Config(**fields), name=config["name"], dtype=config["dtype"])

    def get_compile_config(self) -> dict:
        """Returns what training goes on with, so that `.keras` files restore it."""
        serialize = keras.saving.serialize_keras_object
        return {
            "optimizers": {key: serialize(value) for key, value in self.optimizers.items()},
            "steps_per_epoch": self.steps_per_epoch,
            "seed": self.seed,
        }

    def compile_from_config(self, config: dict) -> None:
        """Compiles as `get_compile_config` says."""
        load = keras.saving.deserialize_keras_object
        self.compile(
            {key: load(value) for key, value in config["optimizers"].items()},
            steps_per_epoch=config.get("steps_per_epoch"),
            seed=config.get("seed", 0),
        )
