"""Write `ugatit_tf1.npz`: outputs and gradients of the TF1 release's networks, by its own code.

Needs a checkout of taki0112/UGATIT; its `ops.py` and `UGATIT.py` run under `tf.compat.v1` with the
few contrib functions that they use. Weights and pictures are those of make_unpaired.py, by the
release's variable names. Of every tensor the file holds its norm and its values at four places.

Run: python tests/golden/make_ugatit_tf1.py CHECKOUT
"""

import sys
import types
from pathlib import Path

import numpy as np
from make_unpaired import SIZE, picture, places, weight

FILTERS, NUM_BLOCKS, NUM_LAYERS = 4, 4, 4  # of the MLP: FILTERS * NUM_BLOCKS = 4 * FILTERS units


def summary(values: np.ndarray) -> np.ndarray:
    """Norm and values at four places, float64."""
    flat = np.asarray(values, np.float64).ravel()
    return np.array([np.linalg.norm(flat), *flat[places(flat.size)]])


def _old_tensorflow() -> types.ModuleType:
    """`tensorflow` as the release imports it."""
    import tensorflow.compat.v1 as tf

    tf.disable_eager_execution()

    def conv2d(inputs, filters, kernel_size, kernel_initializer, kernel_regularizer, strides,
               use_bias):  # fmt: skip
        with tf.variable_scope("conv2d"):
            shape = [kernel_size, kernel_size, inputs.shape[-1], filters]
            x = tf.nn.conv2d(inputs, tf.get_variable("kernel", shape), strides, "VALID")
            return x + tf.get_variable("bias", [filters]) if use_bias else x

    def dense(x, units, kernel_initializer, kernel_regularizer, use_bias):
        with tf.variable_scope("dense"):
            x = tf.matmul(x, tf.get_variable("kernel", [x.shape[-1], units]))
            return x + tf.get_variable("bias", [units]) if use_bias else x

    def instance_norm(x, epsilon, center, scale, scope):
        with tf.variable_scope(scope):
            gamma, beta = (tf.get_variable(name, [x.shape[-1]]) for name in ("gamma", "beta"))
            mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
            return tf.nn.batch_normalization(x, mean, variance, beta, gamma, epsilon)

    def flatten(x):
        return tf.reshape(x, [x.shape[0], int(np.prod(x.shape[1:]))])

    old = types.ModuleType("tensorflow")
    old.__dict__.update({name: getattr(tf, name) for name in dir(tf)})
    old.layers = types.SimpleNamespace(conv2d=conv2d, dense=dense, flatten=flatten)
    contrib = types.ModuleType("tensorflow.contrib")
    contrib.layers = types.SimpleNamespace(
        instance_norm=instance_norm, l2_regularizer=lambda scale: None
    )
    contrib.data = types.ModuleType("tensorflow.contrib.data")
    for name in ("prefetch_to_device", "shuffle_and_repeat", "map_and_batch"):
        setattr(contrib.data, name, None)
    utils = types.ModuleType("utils")
    sys.modules |= {
        "tensorflow": old,
        "tensorflow.contrib": contrib,
        "tensorflow.contrib.data": contrib.data,
        "utils": utils,
    }
    old.contrib = contrib
    return tf


def main(checkout: str) -> None:
    """Runs the generator and both discriminators once."""
    tf = _old_tensorflow()
    sys.path.insert(0, checkout)
    from UGATIT import UGATIT

    release = UGATIT.__new__(UGATIT)
    release.ch, release.n_res, release.n_dis = FILTERS, NUM_BLOCKS, NUM_LAYERS
    release.light, release.smoothing, release.sn = False, True, True
    x = picture("a").transpose(0, 2, 3, 1)
    assert x.shape[1] == SIZE
    release.batch_size = len(x)
    builders = {
        "generator": release.generator,
        "global": release.discriminator_global,
        "local": release.discriminator_local,
    }
    result = {}
    for network, build in builders.items():
        with tf.Graph().as_default(), tf.Session() as session:
            outputs = build(tf.constant(x), scope=network)
            loss = tf.add_n([tf.reduce_mean(tf.square(output)) for output in outputs])
            variables = tf.global_variables()
            for variable in variables:
                shape = tuple(variable.shape.as_list())
                key = variable.op.name.removeprefix(f"{network}/")
                variable.load(tf1_weight(network, key, shape), session)
            trained = tf.trainable_variables()
            values, gradients = session.run([outputs, tf.gradients(loss, trained)])
        for name, value in zip(("output", "logits", "heatmap"), values, strict=True):
            result[f"{network}:{name}"] = summary(value)
        for variable, gradient in zip(trained, gradients, strict=True):
            result[f"{network}/{variable.op.name.removeprefix(network + '/')}"] = summary(gradient)
    np.savez_compressed(Path(__file__).with_name("ugatit_tf1.npz"), **result)


def tf1_weight(network: str, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The value of a variable of the release: kernels scaled by their inputs, `u` of length 1."""
    values = weight(network, key, shape)
    if key.endswith("kernel"):
        factor = np.sqrt(np.prod(shape[1:])) / np.sqrt(np.prod(shape[:-1]))
        return (values * factor).astype(np.float32)
    return (values / np.linalg.norm(values)).astype(np.float32) if key.endswith("/u") else values


if __name__ == "__main__":
    main(sys.argv[1])
