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


def test_epsilon_last_is_the_update_of_pytorch():
    # Gradients of the size of epsilon show where it stands; m, v and the update as in torch.optim.
    lr, beta_1, beta_2, epsilon = 0.1, 0.5, 0.9, 1e-3
    gradients = np.array([[1e-3, -2e-3], [3e-3, 5e-4], [-1e-3, 1e-3]], "float32")
    updated = {}
    for last in (False, True):
        variable = keras.Variable(np.ones(2, "float32"))
        optimizer = Adam(lr, beta_1, beta_2, epsilon, epsilon_last=last)
        for gradient in gradients:
            optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        updated[last] = variable.numpy()
    x, m, v = np.ones(2), np.zeros(2), np.zeros(2)
    for step, g in enumerate(gradients.astype("float64"), 1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        root = np.sqrt(v) / np.sqrt(1 - beta_2**step)
        x = x - lr / (1 - beta_1**step) * m / (root + epsilon)
    np.testing.assert_allclose(updated[True], x, rtol=1e-6)
    assert np.abs(updated[False] - x).max() > 1e-2


def test_adam_keeps_its_state_when_it_is_serialized():
    optimizer = Adam(1e-3, 0.5, 0.99, 1e-8, epsilon_last=True)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert type(copy) is Adam
    assert copy.get_config() == optimizer.get_config()
    assert copy.epsilon_last
