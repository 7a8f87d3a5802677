"""What running several training steps in one call would win over one step a call.

python benchmarks/steps_per_call.py            # Pix2Pix from 32 px, where a step is shortest
"""

from __future__ import annotations

import harness

STEPS = 20


def serve_steps(spec: dict) -> None:
    """A worker that trains `STEPS` steps a repetition, one or ten of them in a call."""
    import dataclasses

    import tensorflow as tf

    from ganime_tf import open_data
    from ganime_tf.models import get_model, get_preset

    fields = {"image_size": spec["size"], "batch_size": 1, **SIZES[spec["size"]]}
    config = dataclasses.replace(get_preset("pix2pix", "pix2pix-tiny"), **fields)
    model = get_model("pix2pix")(config)
    model.compile(steps_per_epoch=STEPS)
    source = open_data("toy:32", kind="paired")
    size = {"image_size": config.image_size, "load_size": config.load_size}
    data = source.train(batch_size=config.batch_size, **size)
    batches = iter(data.take(8).cache().repeat())
    if spec["side"] == "one":
        model.make_train_function()

        def repetition():
            for _ in range(STEPS):
                model.train_function(batches)

    else:
        step = model._graph_of_step(model.plan(0))

        @tf.function(reduce_retracing=True)
        def several(iterator):
            logs = step(next(iterator))
            for _ in tf.range(9):
                logs = step(next(iterator))
            return logs

        def repetition():
            for _ in range(STEPS // 10):
                several(batches)

    harness.serve(repetition, STEPS * config.batch_size)


SIDES = {"one": serve_steps, "ten": serve_steps}
SIZES = {
    32: {"load_size": 36, "levels": 3, "filters": 4, "patch_size": 16},
    64: {},
    128: {"load_size": 143, "levels": 7, "filters": 32},
}


def main() -> None:
    """Run, print a table, write the JSON. A ratio above 1 means that ten a call are slower."""
    parser = harness.arguments(__doc__, repetitions=9)
    args = parser.parse_args()
    if harness.works(args, SIDES):
        return
    cases = [{"sides": list(SIDES), "size": size} for size in SIZES]
    harness.compare(
        __file__,
        args,
        cases,
        "size images_per_second peak_mib",
        what="Pix2Pix, batch 1: one training step a call against ten",
    )


if __name__ == "__main__":
    main()
