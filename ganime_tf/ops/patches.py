"""Receptive fields of PatchGANs: which there are, and what pictures they can judge."""

# Receptive field in pixels -> number of strided layers; 1 is the PixelGAN of 1x1 convolutions.
PATCH_LAYERS = {1: 0, 16: 1, 34: 2, 70: 3, 142: 4, 286: 5}


def check_patch_size(patch_size: int, image_size: int | None = None) -> None:
    """Checks that a PatchGAN of this receptive field exists and can judge pictures of this size.

    Raises:
        ValueError: On an unknown patch size, or pictures that leave less than one score.
    """
    if patch_size not in PATCH_LAYERS:
        raise ValueError(
            f"`patch_size` must be one of {list(PATCH_LAYERS)}. Received {patch_size}."
        )
    num_layers = PATCH_LAYERS[patch_size]
    least = 4 * 2**num_layers if num_layers else 1  # a PixelGAN takes any size
    if image_size is not None and image_size < least:
        raise ValueError(
            f"`image_size` {image_size} is too small for `patch_size` {patch_size}. Use at least "
            f"{least} pixels, or a smaller patch."
        )
