"""Write `tfa.npz`: what tensorflow-addons' instance and spectral normalization compute.

tensorflow-addons ended in 2024 and does not import beside today's TensorFlow, so this runs in an
environment of its own (Python 3.11 or older) and its values are committed:

    python3.11 -m venv .venv-tfa
    .venv-tfa/bin/pip install tensorflow-cpu==2.15.1 tensorflow-addons==0.23.0
    .venv-tfa/bin/python tests/golden/tfa/make_tfa.py

Of `SpectralNormalization` this records, for a given raw kernel W and starting vector u, the output
and the gradient with respect to the wrapped kernel after 1 and after 3 training calls, then the
output of an inference call. The wrapper overwrites the kernel by W / sigma in every training call;
without an optimizer in between the n-th kernel is W / (v_n' W u_n) of the raw W all the same,
because power iteration does not see the scale of W.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore", message=".*TensorFlow Addons")


def instance_norm(rng, out: dict) -> None:
    """`tfa.layers.InstanceNormalization`: output and gradients of sum(sin(y))."""
    import tensorflow as tf
    import tensorflow_addons as tfa

    inputs = {
        "plain": rng.normal(size=(2, 6, 5, 3)),
        "offset": rng.normal(40.0, 0.05, size=(2, 6, 5, 3)),  # variance of the size of epsilon
        "single": rng.normal(size=(2, 1, 1, 3)),  # a 1x1 map: nothing but beta is left
    }
    gamma, beta = rng.normal(1.0, 0.3, size=3), rng.normal(0.0, 0.3, size=3)
    out["in_gamma"], out["in_beta"] = gamma.astype("float32"), beta.astype("float32")
    for name, x in inputs.items():
        x = x.astype("float32")
        out[f"in_{name}_x"] = x
        for affine in (True, False):
            for epsilon in (1e-3, 1e-5):
                layer = tfa.layers.InstanceNormalization(
                    epsilon=epsilon, center=affine, scale=affine
                )
                layer.build(x.shape)
                if affine:
                    layer.set_weights([gamma, beta])
                tensor = tf.constant(x)
                with tf.GradientTape() as tape:
                    tape.watch(tensor)
                    y = layer(tensor)
                    loss = tf.reduce_sum(tf.sin(y))
                key = f"in_{name}_{'affine' if affine else 'plain'}_{epsilon:.0e}"
                out[f"{key}_y"] = y.numpy()
                out[f"{key}_gradient"] = tape.gradient(loss, tensor).numpy()


def spectral_norm(rng, out: dict) -> None:
    """`tfa.layers.SpectralNormalization` around a convolution and a dense layer."""
    import tensorflow as tf
    import tensorflow_addons as tfa

    for name, shape in (("conv", (2, 8, 7, 3)), ("dense", (4, 6))):
        if name == "conv":
            layer, kernel = tf.keras.layers.Conv2D(5, 4, 2, "same"), (4, 4, 3, 5)
        else:
            layer, kernel = tf.keras.layers.Dense(5), (6, 5)
        x = rng.normal(size=shape).astype("float32")
        w, bias = rng.normal(size=kernel).astype("float32"), rng.normal(size=5).astype("float32")
        u = rng.normal(size=(1, 5)).astype("float32")
        wrapper = tfa.layers.SpectralNormalization(layer)
        wrapper.build(x.shape)
        layer.kernel.assign(w)
        layer.bias.assign(bias)
        wrapper.u.assign(u)
        for key, value in (("x", x), ("kernel", w), ("bias", bias), ("u", u)):
            out[f"sn_{name}_{key}"] = value
        for call in (1, 2, 3):
            with tf.GradientTape() as tape:
                y = wrapper(x, training=True)
                loss = tf.reduce_sum(tf.sin(y))
            if call == 2:
                continue
            out[f"sn_{name}_y{call}"] = y.numpy()
            out[f"sn_{name}_gradient{call}"] = tape.gradient(loss, layer.kernel).numpy()
            out[f"sn_{name}_kernel{call}"] = layer.kernel.numpy()
            out[f"sn_{name}_u{call}"] = wrapper.u.numpy()
        out[f"sn_{name}_inference"] = wrapper(x, training=False).numpy()


def main() -> None:
    """Write the file beside this script."""
    import tensorflow as tf
    import tensorflow_addons as tfa

    out: dict[str, np.ndarray] = {}
    rng = np.random.default_rng(0)
    instance_norm(rng, out)
    spectral_norm(rng, out)
    out["versions"] = np.array([tf.__version__, tfa.__version__])
    path = Path(__file__).with_name("tfa.npz")
    np.savez_compressed(path, **out)
    print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB, tensorflow {tf.__version__}")


if __name__ == "__main__":
    main()
