"""Training in two phases: the generator alone first, then the adversarial game."""

from collections.abc import Callable


def phased_train_function(model, make_train_function: Callable, attribute: str) -> Callable:
    """Builds one graph per phase and picks between them before every step, outside the graph.

    A `tf.cond` would not do: optimizers cannot be applied inside one under `tf.distribute`.

    Args:
        model: The translator; `model.in_first_phase()` says which phase the next step belongs to.
        make_train_function: The base class' method, which sets `model.train_function`.
        attribute: Name of the model's attribute that `train_step` reads while it is traced.

    Returns:
        The function that `fit` calls with an iterator.
    """
    functions = {}
    for first in (True, False):
        make_train_function(force=True)
        functions[first] = model.train_function

    def train_function(iterator):
        first = model.in_first_phase()
        setattr(model, attribute, first)
        return functions[first](iterator)

    return train_function
