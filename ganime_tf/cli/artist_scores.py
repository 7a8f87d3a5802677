"""The scores of `ganime artists`: Table 3 of the disentangling paper, a probe, and the truth."""

import numpy as np

_BATCH = 16
_PROBE_EPOCHS, _PROBE_WIDTH = 60, 256
_NEAREST_OF = 20  # drawings of an artist among which the nearest is looked for


def measure(model, args) -> dict:
    """All scores that were asked for, printed and returned."""
    found = {"model": str(args.model), "checkpoint": args.checkpoint, "seed": args.seed}
    if args.data is not None:
        found |= {"data": args.data, "judge": None if args.judge is None else str(args.judge)}
        found["accuracy"] = _accuracies(model, args)
        chance = 1 / len(model.label_names)
        print(f"\nShare of pictures whose artist is found (chance {chance:.2%}), top 1 and top 5:")
        for name, (first, five, count) in found["accuracy"].items():
            print(f"  {name:<44} {first:8.2%} {five:8.2%}   of {count}")
    if args.scenes:
        found["truth"] = measure_scenes(model, args.scenes, args.seed)
        print(f"\nDistance to the true drawing, {args.scenes} scenes:")
        print(f"  {'':<24} {'l1':>8} {'ssim':>8} {'ciede2000':>10}")
        for name, row in found["truth"].items():
            print(f"  {name:<24} {row['l1']:8.4f} {row['ssim']:8.4f} {row['ciede2000']:10.3f}")
    return found


def _accuracies(model, args) -> dict:
    from ganime_tf.inference import load

    judges = {}
    if args.judge is not None:
        trained = load(args.judge)
        if tuple(trained.label_names) != tuple(model.label_names):
            raise ValueError(f"{args.judge} knows other artists than {args.model}.")
        judges["a classifier of real pictures"] = lambda x: trained.run("default", reference=x)
    if hasattr(model, "classifier"):
        judges["the model's own classifier"] = lambda x: _own_scores(model, x)
    train, held_out = _pictures(model, args)
    rows = {}
    random = np.random.default_rng(args.seed)
    artists = random.choice(len(model.label_names), len(held_out[0]), p=_shares(train[1], model))
    redrawn = _in_batches(
        lambda at: model.run("default", image=held_out[0][at], label=artists[at].astype(np.int32)),
        len(artists),
    )
    for name, judge in judges.items():
        rows[f"real pictures, {name}"] = _score(judge, *held_out)
        rows[f"redrawn pictures, {name}"] = _score(judge, redrawn, artists)
    codes = {}
    for part, (pictures, _) in (("train", train), ("held_out", held_out)):
        codes[part] = _in_batches(
            lambda at, x=pictures: model.run("content_of", reference=x[at]), len(pictures)
        )
    if hasattr(model, "draw_codes"):
        drawn = _of_gaussian(model, codes["train"], artists, args.seed)
        for name, judge in judges.items():
            rows[f"drawn of random contents, {name}"] = _score(judge, drawn, artists)
    rows["a fresh probe of the content codes"] = _probe(
        codes["train"], train[1], codes["held_out"], held_out[1], len(model.label_names)
    )
    return rows


def _pictures(model, args):
    """`(pictures, labels)` to train a probe with, and held-out ones."""
    from ganime_tf.data import open_data
    from ganime_tf.ops.images import to_uint8

    source = open_data(args.data, kind=model.data_kind)
    if tuple(source.labels) != tuple(model.label_names):
        raise ValueError(
            f"{args.data} has {len(source.labels)} artists, and not those of {args.model}."
        )
    size = model.config.image_size if hasattr(model, "config") else 256
    if not source.num_validation:
        raise ValueError(f"{args.data} has no validation pictures.")
    steps = -(-min(source.num_train, args.limit) // _BATCH)
    streams = (
        source.train(batch_size=_BATCH, image_size=size, seed=args.seed, augment=False).take(steps),
        source.validation(batch_size=_BATCH, image_size=size, limit=args.limit),
    )
    found = []
    for stream in streams:
        batches = [(to_uint8(each["b"]).numpy(), each["label"].numpy()) for each in stream]
        found.append(tuple(np.concatenate(column) for column in zip(*batches, strict=True)))
    return found


def _own_scores(model, pictures):
    import tensorflow as tf

    from ganime_tf.ops.images import to_float

    return model.artist_scores(to_float(tf.constant(pictures))).numpy()


def _shares(labels, model):
    counts = np.bincount(labels, minlength=len(model.label_names)).astype(np.float64)
    return counts / counts.sum()


def _in_batches(function, count: int) -> np.ndarray:
    return np.concatenate(
        [function(slice(at, min(at + _BATCH, count))) for at in range(0, count, _BATCH)]
    )


def _score(judge, pictures, labels) -> tuple[float, float, int]:
    from ganime_tf.metrics import classifier_accuracy

    first, five = (classifier_accuracy(judge, pictures, labels, top=top) for top in (1, 5))
    return first, five, len(labels)


def _of_gaussian(model, codes, artists, seed):
    """Pictures of contents drawn from the normal distribution of all codes (appendix B.2)."""
    import tensorflow as tf

    from ganime_tf.inference.artists import gaussian_codes, style_codes
    from ganime_tf.ops.images import to_uint8

    contents, styles = gaussian_codes(codes, len(artists), seed), style_codes(model)[artists]
    draw = tf.function(model.draw_codes, reduce_retracing=True)
    return _in_batches(
        lambda at: to_uint8(draw(tf.constant(contents[at]), tf.constant(styles[at]))).numpy(),
        len(artists),
    )


def _probe(codes, labels, held_out, held_out_labels, num_artists: int):
    """How well a new classifier, trained on content codes, finds the artists of others.

    The adversary that was trained with the codes may be fooled by them and prove nothing
    (appendix B.1); the paper's probe has ten layers of 2048, this one two of 256.
    """
    import keras

    mean, std = codes.mean(0), codes.std(0) + 1e-6
    probe = keras.Sequential(
        [
            keras.Input((codes.shape[1],)),
            *(keras.layers.Dense(_PROBE_WIDTH, "relu") for _ in range(2)),
            keras.layers.Dense(num_artists, "softmax"),
        ]
    )
    probe.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    probe.fit((codes - mean) / std, labels, batch_size=64, epochs=_PROBE_EPOCHS, verbose=0)
    scores = probe.predict((held_out - mean) / std, verbose=0)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :5] == held_out_labels[:, None]
    return float(order[:, 0].mean()), float(order.any(1).mean()), len(held_out_labels)


def measure_scenes(model, count: int, seed: int = 0) -> dict:
    """Compares redrawings with the true drawings, which only the drawn world knows.

    Scenes of other numbers than any training's, each drawn by one artist and redrawn as another.

    Args:
        model: A model whose `label_names` are artists of the toy world.
        count: Scenes.
        seed: Of scenes and artists.

    Returns:
        `{"redrawn" | "the picture itself" | "nearest drawing": {"l1", "ssim", "ciede2000"}}`: the
        last is the drawing, among some by the other artist, that is nearest to the picture.

    Raises:
        ValueError: When the model was not trained on the toy world.
    """
    from ganime_tf import metrics, toy

    artists = {artist.name: artist for artist in toy.ARTISTS}
    if not set(model.label_names) <= set(artists):
        raise ValueError("--scenes needs a run on toy data: its artists are not those of the toy.")
    size = model.config.image_size if hasattr(model, "config") else 64
    random = np.random.default_rng(seed)
    names = model.label_names
    sources, truths, labels, nearest = [], [], [], []
    for number in range(count):
        own, other = random.choice(len(names), 2, replace=False)
        scene = toy.sample_scene(_SCENES + seed, number)
        sources.append(toy.render(scene, "colour", size, artists[names[own]]))
        truths.append(toy.render(scene, "colour", size, artists[names[other]]))
        labels.append(other)
        drawings = np.stack(
            [
                toy.render(toy.sample_scene(_SCENES + seed, count + at), "colour", size,
                           artists[names[other]])
                for at in range(_NEAREST_OF)
            ]
        )  # fmt: skip
        distance = np.abs(drawings.astype(np.float32) - sources[-1]).mean((1, 2, 3))
        nearest.append(drawings[distance.argmin()])
    sources, truths, labels = np.stack(sources), np.stack(truths), np.asarray(labels, np.int32)
    redrawn = _in_batches(
        lambda at: model.run("default", image=sources[at], label=labels[at]), count
    )
    rows = {"redrawn": redrawn, "the picture itself": sources, "nearest drawing": np.stack(nearest)}
    return {
        name: {
            metric: float(np.mean(getattr(metrics, metric)(truths, pictures)))
            for metric in ("l1", "ssim", "ciede2000")
        }
        for name, pictures in rows.items()
    }


_SCENES = 1_000_003  # seed of scenes; trainings use small ones
