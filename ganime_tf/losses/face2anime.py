"""Losses of Face2Anime and XGAN: codes, domains, critics and teachers, as float32 scalars.

Papers: Girkin and Streltsov, Face2Anime; Royer et al. 2017, XGAN (arXiv 1711.05139); Ganin et al.
2016 (JMLR 17); Arjovsky et al. 2017, WGAN (arXiv 1701.07875). A domain classifier gives raw scores:
0 stands for domain a, 1 for domain b. A critic's scores are higher for real pictures.
"""

from keras import ops

NORMS = ("l2", "rms", "l1", "l1_sum")
DOMAIN_KINDS = ("lsgan", "bce")
DOMAIN_TARGETS = ("swap", "confuse", "reverse")


def norm_distance(x, y, norm: str = "rms"):
    """Mean over the batch of the norm of each sample's difference.

    Face2Anime's eq. (1) and XGAN's semantic, reconstruction and teacher terms, none of which is
    squared.

    Args:
        x: Float `(N, ...)`.
        y: The same shape.
        norm: "l2", the Euclidean norm; "rms", the same over the root of the number of values, so
            that it does not grow with the size of a code; "l1", the mean absolute difference;
            "l1_sum", the sum of absolute differences.

    Returns:
        float32 scalar.

    Raises:
        ValueError: On another norm.
    """
    if norm not in NORMS:
        raise ValueError(f"`norm` must be one of {NORMS}. Received {norm!r}.")
    difference = ops.cast(x, "float32") - ops.cast(y, "float32")
    axes = tuple(range(1, len(difference.shape)))
    if norm == "l1":
        return ops.mean(ops.abs(difference))
    if norm == "l1_sum":
        return ops.mean(ops.sum(ops.abs(difference), axis=axes))
    reduce = ops.sum if norm == "l2" else ops.mean
    # The root's slope is infinite at 0 without the addition.
    return ops.mean(ops.sqrt(reduce(ops.square(difference), axis=axes) + 1e-12))


def _towards(scores, target: float, kind: str):
    scores = ops.cast(scores, "float32")
    if kind == "lsgan":
        return ops.mean(ops.square(scores - target))
    if kind == "bce":  # log(1 + exp(x)) - target * x
        return ops.mean(ops.softplus(scores) - target * scores)
    raise ValueError(f"`kind` must be one of {DOMAIN_KINDS}. Received {kind!r}.")


def domain_loss(scores_a, scores_b, kind: str = "lsgan"):
    """What the domain classifier lowers: codes of a towards 0, of b towards 1.

    Args:
        scores_a: Scores of codes of domain a, any shape.
        scores_b: Scores of codes of domain b.
        kind: "lsgan" is `mean(D(e(a))**2 + (D(e(b)) - 1)**2)`, Face2Anime's eq. (2); "bce" the
            cross-entropy of XGAN and of Ganin et al.

    Returns:
        float32 scalar, the sum of both domains' means.
    """
    return _towards(scores_a, 0.0, kind) + _towards(scores_b, 1.0, kind)


def domain_confusion(scores_a, scores_b, kind: str = "lsgan", target: str = "swap"):
    """What the encoders lower against the domain classifier.

    Args:
        scores_a: Scores of codes of domain a, any shape.
        scores_b: Scores of codes of domain b.
        kind: As `domain_loss`.
        target: "swap" exchanges the labels (bounded below), "confuse" wants 1/2 of both, "reverse"
            is `-domain_loss`, the gradient of a reversal layer (unbounded with least squares).

    Returns:
        float32 scalar.

    Raises:
        ValueError: On another target.
    """
    if target == "swap":
        return domain_loss(scores_b, scores_a, kind)
    if target == "confuse":
        return _towards(scores_a, 0.5, kind) + _towards(scores_b, 0.5, kind)
    if target == "reverse":
        return -domain_loss(scores_a, scores_b, kind)
    raise ValueError(f"`target` must be one of {DOMAIN_TARGETS}. Received {target!r}.")


def critic_loss(real, fake):
    """What a Wasserstein critic lowers: the mean score of fakes minus that of real pictures.

    Minus this estimates the distance of the distributions as far as the critic is 1-Lipschitz: by
    clipped weights (Arjovsky et al.) or `regularizers.gradient_penalty` (Gulrajani et al.).
    """
    return ops.mean(ops.cast(fake, "float32")) - ops.mean(ops.cast(real, "float32"))


def critic_generator_loss(fake):
    """What the generator lowers against a critic: minus the mean score of its pictures."""
    return -ops.mean(ops.cast(fake, "float32"))


def feature_distance(x: dict, y: dict, relative: bool = True):
    """Distance of the features of two sets of pictures, the mean over layers.

    Args:
        x: `{layer: features (N, H, W, C)}` of generated pictures.
        y: The same of the pictures they should resemble; no gradient goes there.
        relative: Divide each picture's mean absolute difference by the mean absolute value of its
            `y`'s features: networks differ a hundredfold in scale, and so do the layers of VGG.

    Returns:
        float32 scalar.
    """
    total = 0.0
    for layer, features in x.items():
        wanted = ops.stop_gradient(ops.cast(y[layer], "float32"))
        distance = ops.mean(ops.abs(ops.cast(features, "float32") - wanted), axis=(1, 2, 3))
        if relative:
            distance /= ops.mean(ops.abs(wanted), axis=(1, 2, 3)) + 1e-8
        total += ops.mean(distance)
    return total / len(x)


def reversal_ramp(progress, gamma: float = 10.0):
    """Lambda of Ganin et al. (section 5.2.2): `2 / (1 + exp(-gamma * p)) - 1`, from 0 to about 1.

    Args:
        progress: Share of the training that is done, a number or tensor in [0, 1].
        gamma: How fast it rises; 10 in the paper.
    """
    return 2.0 / (1.0 + ops.exp(-gamma * ops.cast(progress, "float32"))) - 1.0
