import keras
import numpy as np
import pytest

from ganime_tf.models.optimizers import Adam
from ganime_tf.models.schedules import LinearDecay


@pytest.mark.parametrize("options", [{}, {"amsgrad": True}, {"clipnorm": 0.5}, {"beta_1": 0.0}])
def test_adam_equals_keras_adam_for_many_steps(options):
    rng = np.random.default_rng(0)
    start = rng.normal(size=(7, 5)).astype("float32")
    values = []
    for cls in (Adam, keras.optimizers.Adam):
        gradients = np.random.default_rng(1)
        variable = keras.Variable(start)
        optimizer = cls(LinearDecay(1e-2, 2, 4, 3), **{"beta_1": 0.5, **options})
        for _ in range(10):
            gradient = gradients.normal(size=start.shape).astype("float32")
            optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        values.append([v.numpy() for v in (variable, *optimizer.variables)])
    assert np.abs(values[0][0] - start).max() > 0.01
    for ours, theirs in zip(*values, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_adam_keeps_its_state_when_it_is_serialized():
    optimizer = Adam(1e-3, 0.5, 0.99, 1e-8)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(copy) is Adam
    assert copy.get_config() == optimizer.get_config()
