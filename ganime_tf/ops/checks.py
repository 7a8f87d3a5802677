"""Checks of pictures that need no TensorFlow."""

import numpy as np


def check_uint8(images, name: str = "images") -> None:
    """Raises unless `images` is a uint8 RGB picture `(H, W, 3)` or batch `(N, H, W, 3)`.

    Raises:
        ValueError: On another type, rank or number of channels; says what was received.
    """
    dtype = np.dtype(images.dtype.as_numpy_dtype if hasattr(images.dtype, "as_numpy_dtype")
                     else images.dtype)  # fmt: skip
    if dtype != np.uint8:
        hint = ""
        if isinstance(images, np.ndarray) and images.size:
            hint = f" with range [{images.min():.4g}, {images.max():.4g}]"
        raise ValueError(
            f"`{name}` must be uint8 in [0, 255]. Received {dtype}{hint}. "
            "Convert it first, or call `model(images)` for float32 in [-1, 1]."
        )
    shape = tuple(images.shape)
    if len(shape) not in (3, 4) or shape[-1] != 3:
        raise ValueError(
            f"`{name}` must be RGB with shape (N, H, W, 3) or (H, W, 3). Received shape {shape}. "
            "Convert grey or RGBA pictures with `ganime_tf.data.io.read_image`."
        )
    if 0 in shape:
        raise ValueError(f"`{name}` is empty: shape {shape}.")
