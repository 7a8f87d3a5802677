from ganime_tf.models.schedules import LinearDecay


def test_linear_decay_matches_the_authors_factor_in_every_epoch():
    schedule = LinearDecay(2e-4, 100, 100, steps_per_epoch=10)
    for epoch in (1, 50, 100, 101, 150, 200):
        factor = 1 - max(0, epoch - 100) / 101
        for step in ((epoch - 1) * 10, epoch * 10 - 1):
            assert abs(float(schedule(step)) - 2e-4 * factor) < 1e-10


def test_without_decay_the_rate_is_constant():
    assert abs(float(LinearDecay(1e-3, 5, 0, 1)(100)) - 1e-3) < 1e-10
