"""U-GAT-IT's variant "tf1" against the TF1 release's own code: make_ugatit_tf1.py."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.networks.ugatit import build_ugatit_discriminator, build_ugatit_generator

GOLDEN = Path(__file__).parents[1] / "golden"

# Our layers -> scopes of the release.
SCOPES = (
    (r"down0", "conv/conv2d"),
    (r"down0_norm", "ins_norm"),
    (r"down([12])", lambda m: f"conv_{int(m[1]) - 1}/conv2d"),
    (r"down([12])_norm", lambda m: f"ins_norm_{int(m[1]) - 1}"),
    (r"encode(\d)_conv(\d)", r"resblock_\1/res\2/conv_0/conv2d"),
    (r"encode(\d)_conv(\d)_norm", r"resblock_\1/res\2/instance_norm"),
    (r"cam/gap_fc", "CAM_logit"),
    (r"cam", "conv_1x1/conv2d"),
    (r"mlp(\d)", r"MLP/linear_\1/dense"),
    (r"(gamma|beta)", r"MLP/\1/dense"),
    (r"decode(\d)_conv(\d)", r"adaptive_resblock\1/res\2/conv_0/conv2d"),
    (r"decode(\d)_conv(\d)_norm", r"adaptive_resblock\1/res\2/instance_layer_norm"),
    (r"up(\d)", r"up_conv_\1/conv2d"),
    (r"up(\d)_norm", r"layer_ins_norm_\1"),
    (r"conv(\d)", r"conv_\1"),
)


def _release_name(path: str, kind: str, num_layers: int) -> str:
    layer, _, variable = path.rpartition("/")
    if layer == "last":
        scope = "G_logit/conv2d" if kind == "generator" else "D_logit"
    elif layer == f"conv{num_layers - 2}":
        scope = "conv_last"
    else:
        pattern, scope = next(pair for pair in SCOPES if re.fullmatch(pair[0], layer))
        scope = re.sub(pattern, scope, layer)
    return f"{scope}/{variable}"


@pytest.fixture(scope="module")
def make():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(GOLDEN))
        import make_ugatit_tf1

        yield make_ugatit_tf1
        for name in ("make_ugatit_tf1", "make_unpaired"):
            sys.modules.pop(name, None)


@pytest.mark.parametrize("kind", ["generator", "global", "local"])
def test_outputs_and_gradients_are_those_of_the_release(kind, make):
    golden = np.load(GOLDEN / "ugatit_tf1.npz")
    num_layers = {"generator": 0, "global": make.NUM_LAYERS + 1, "local": make.NUM_LAYERS - 1}[kind]
    if kind == "generator":
        network = build_ugatit_generator(
            image_size=make.SIZE, filters=make.FILTERS, num_blocks=make.NUM_BLOCKS, variant="tf1"
        )
    else:
        network = build_ugatit_discriminator(
            num_layers=num_layers, filters=make.FILTERS, variant="tf1"
        )
    for variable in network.variables:
        if variable.name == "v":
            continue  # follows from u
        name = _release_name(variable.path, kind, num_layers)
        shape = (1, *variable.shape) if variable.name == "u" else tuple(variable.shape)
        variable.assign(make.tf1_weight(kind, name, shape).reshape(variable.shape))

    @tf.function
    def run(x):
        with tf.GradientTape() as tape:
            outputs = network(x, training=True)
            loss = tf.add_n([tf.reduce_mean(tf.square(output)) for output in outputs])
        return outputs, tape.gradient(loss, [v.value for v in network.trainable_variables])

    outputs, gradients = run(make.picture("a").transpose(0, 2, 3, 1))
    for name, output in zip(("output", "logits", "heatmap"), outputs, strict=True):
        np.testing.assert_allclose(
            make.summary(output), golden[f"{kind}:{name}"], rtol=1e-4, atol=1e-5, err_msg=name
        )
    names = set()
    for variable, gradient in zip(network.trainable_variables, gradients, strict=True):
        name = f"{kind}/{_release_name(variable.path, kind, num_layers)}"
        names.add(name)
        # A bias before an instance norm has no gradient but rounding noise, below 1e-5.
        limit = 1e-4 * golden[name][0] + 2e-5
        assert np.abs(make.summary(gradient) - golden[name]).max() < limit, name
    assert names == {name for name in golden.files if name.startswith(f"{kind}/")}
