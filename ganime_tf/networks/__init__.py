"""Architectures: functions `build_x(**kwargs) -> keras.Model` that know no loss or optimizer."""

from ganime_tf.networks.patchgan import build_patchgan
from ganime_tf.networks.unet import build_unet

__all__ = ["build_patchgan", "build_unet"]
