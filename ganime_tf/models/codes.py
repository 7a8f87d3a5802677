"""Codes from the prior, by the number of a seed."""

import tensorflow as tf


def normal_codes(seed, size: int):
    """Draws standard normal codes, a pure function of the seed.

    Args:
        seed: int64 `(N,)`.
        size: Length of a code.

    Returns:
        float32 `(N, size)`; equal seeds give equal codes, whatever the batch.
    """
    seed = tf.cast(seed, tf.int64)
    keys = tf.stack([seed, tf.zeros_like(seed)], -1)
    return tf.map_fn(
        lambda key: tf.random.stateless_normal((size,), key), keys, fn_output_signature="float32"
    )


def check_code_length(tensors: dict, size: int) -> None:
    """Checks a use's `style`, `(N, K)`, where it takes one.

    Raises:
        ValueError: When its codes have not `size` numbers.
    """
    style = tensors.get("style")
    if style is not None and style.shape[-1] != size:
        raise ValueError(
            f"`style` must be a code of {size} numbers, as the use style_of gives. Received "
            f"{style.shape[-1]}."
        )
