"""The settings of models and runs, importable without TensorFlow: `ganime train X --help` is quick.

One file a model, named as the model with `_` for `-`: the frozen dataclass that is the paper's
table of hyper-parameters, and `PRESETS`, the paper's values first.
"""

from ganime_tf.configs.base import TrainableConfig

__all__ = ["TrainableConfig"]
