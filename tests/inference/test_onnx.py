"""The way to ONNX that docs/export.md shows."""

import keras
import numpy as np
import pytest

from ganime_tf.models import get_model, get_preset
from ganime_tf.ops.images import to_float, to_uint8

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
def test_onnx_runtime_paints_what_the_model_paints(tmp_path):
    model = get_model("pix2pix")(get_preset("pix2pix", "pix2pix-tiny"))
    picture = keras.Input((64, 64, 3), batch_size=1)
    network = keras.Model(picture, model.for_inference(model.generator)(picture, training=False))
    network(np.zeros(picture.shape, np.float32))
    network.export(tmp_path / "lines.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(tmp_path / "lines.onnx")
    sketch = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)).astype(np.uint8)
    (entry,) = session.get_inputs()
    (out,) = session.run(None, {entry.name: to_float(sketch).numpy()})
    difference = to_uint8(out).numpy().astype(int) - model.translate(sketch)
    assert np.abs(difference).max() <= 1
