"""Write `pix2pix_*.npz`: Pix2Pix forward passes, losses and update steps computed by PyTorch.

Nothing here imports `ganime_tf`. The networks are written a second time, in float64 PyTorch, from
the two published descriptions:

* variant `authors`: the U-Net and PatchGAN of junyanz/pytorch-CycleGAN-and-pix2pix (activation
  before the convolution, LeakyReLU 0.2, no norm at the bottleneck, skip before decoder in the
  concatenation, BN epsilon 1e-5), D first, D's loss halved, G through the updated D;
* variant `ganime`: the TensorFlow tutorial's networks as used by GANime (activation after the norm,
  LeakyReLU 0.3, norm at the bottleneck, decoder before skip, BN epsilon 1e-3), both gradients taken
  from one forward pass at the old weights, D's loss not halved.

Weights and images are not stored: `formula` gives them, here and in the test. Of every updated
tensor the file holds the change at `picks(size)` positions and its Euclidean norm, both divided by
the learning rate. SGD shows the gradient itself; Adam shows its moments and epsilon.

Adam's epsilon: Keras adds it to sqrt(v) before the bias correction, PyTorch to the corrected
sqrt(v / (1 - beta2^t)). The same number therefore acts 1/sqrt(1 - beta2^t) times larger in Keras
(31.6 times at t = 1, once in the limit). Both forms are computed: `adam_*` is Keras',
`adam_torch_*` PyTorch's. Dropout is off and batch norm uses batch statistics in every update.

Run: python tests/golden/make_pix2pix.py
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

SIZE, BATCH, LEVELS, FILTERS = 32, 3, 5, 4  # 32 = 2**5: the bottleneck is 1x1, as at full size
L1_WEIGHT, TV_WEIGHT = 100.0, 1e-4
SGD_RATE = {"generator": 0.1, "discriminator": 0.2}
ADAM_RATE, BETA_1, BETA_2, ADAM_STEPS = 2e-4, 0.5, 0.999, 2
ADAM_EPSILON = {"authors": 1e-8, "ganime": 1e-7}


# ---------------------------------------------------------------- shared with the test (NumPy only)
def formula(index: int, shape: tuple[int, ...]) -> np.ndarray:
    """Pseudo-random float64 values in [-1, 1): the fractional part of a large sine."""
    i = np.arange(1, math.prod(shape) + 1, dtype=np.float64)
    x = 43758.5453 * np.sin(12.9898 * i + 78.233 * index)
    return (2.0 * (x - np.floor(x)) - 1.0).reshape(shape)


def images(index: int) -> np.ndarray:
    """A batch of images, NCHW float64 in [-0.9, 0.9]."""
    return 0.9 * formula(1000 + index, (BATCH, 3, SIZE, SIZE))


def filters_at(level: int) -> int:
    """Channels of encoder level 1, 2, ...: doubling, at most 8 times the first."""
    return FILTERS * min(2 ** (level - 1), 8)


def generator_shapes(variant: str, norm: str) -> dict[str, tuple[int, ...]]:
    """Name -> PyTorch shape of every tensor of the generator, encoder first, then decoder.

    Names are the variant-neutral `down3.kernel`, `up1.scale`, ...; `up1` is the innermost.
    """
    authors, affine = variant == "authors", norm == "batch" or variant == "ganime"
    bias = authors and norm == "instance"
    shapes: dict[str, tuple[int, ...]] = {}

    def block(name: str, kernel: tuple[int, ...], out: int, has_norm: bool, has_bias: bool) -> None:
        shapes[f"{name}.kernel"] = kernel
        if has_bias:
            shapes[f"{name}.bias"] = (out,)
        if has_norm and affine:
            shapes[f"{name}.scale"] = shapes[f"{name}.offset"] = (out,)
        if has_norm and norm == "batch":
            shapes[f"{name}.mean"] = shapes[f"{name}.variance"] = (out,)

    for i in range(1, LEVELS + 1):
        channels = 3 if i == 1 else filters_at(i - 1)
        has_norm = i > 1 and (i < LEVELS or not authors)
        block(f"down{i}", (filters_at(i), channels, 4, 4), filters_at(i), has_norm, bias)
    for i in range(1, LEVELS + 1):
        level = LEVELS + 1 - i  # the encoder level whose resolution this block leaves
        channels = filters_at(level) * (1 if i == 1 else 2)
        out = 3 if level == 1 else filters_at(level - 1)
        block(f"up{i}", (channels, out, 4, 4), out, level > 1, bias or level == 1)
    return shapes


def discriminator_shapes(variant: str, norm: str) -> dict[str, tuple[int, ...]]:
    """Name -> PyTorch shape of every tensor of the 70x70 PatchGAN on 6 channels."""
    bias = variant == "authors" and norm == "instance"
    shapes: dict[str, tuple[int, ...]] = {}
    channels = 6
    for i, out in enumerate((FILTERS, 2 * FILTERS, 4 * FILTERS, 8 * FILTERS, 1), start=1):
        shapes[f"conv{i}.kernel"] = (out, channels, 4, 4)
        if i == 5 or bias or (i == 1 and variant == "authors"):
            shapes[f"conv{i}.bias"] = (out,)
        if 1 < i < 5 and (norm == "batch" or variant == "ganime"):
            shapes[f"conv{i}.scale"] = shapes[f"conv{i}.offset"] = (out,)
        if 1 < i < 5 and norm == "batch":
            shapes[f"conv{i}.mean"] = shapes[f"conv{i}.variance"] = (out,)
        channels = out
    return shapes


def formula_weights(shapes: dict[str, tuple[int, ...]], start: int = 0) -> dict[str, np.ndarray]:
    """Weights of about unit gain for the given names and PyTorch shapes, float64."""
    weights = {}
    for index, (name, shape) in enumerate(shapes.items(), start=start):
        u = formula(index, shape)
        kind = name.rsplit(".", 1)[1]
        if kind == "kernel":
            inputs = shape[0] * 4 if name.startswith("up") else math.prod(shape[1:])
            u = u * math.sqrt(3.0 / inputs)
        elif kind in ("scale", "variance"):
            u = 1.0 + 0.4 * u
        else:  # bias, offset, mean
            u = 0.2 * u
        weights[name] = u
    return weights


def picks(size: int) -> np.ndarray:
    """Flat positions, in PyTorch order, at which a tensor of `size` values is recorded."""
    return np.unique(np.linspace(0, size - 1, 8).round().astype(int))


def compared(shapes: dict) -> list[str]:
    """The names whose update is recorded.

    Left out: moving statistics, and under instance norm the biases that the norm cancels (their
    true gradient is 0; a float32 Adam step follows the sign of rounding).
    """
    plain = ("down1.", f"down{LEVELS}.", f"up{LEVELS}.", "conv1.", "conv5.")
    return [
        name
        for name in shapes
        if not name.endswith((".mean", ".variance"))
        and (not name.endswith(".bias") or name.startswith(plain))
    ]


# ---------------------------------------------------------------- PyTorch
def _norm(x, weights, name: str, norm: str, variant: str, training: bool, stats: dict | None):
    """Batch or instance norm by its definition; biased batch statistics, as Keras stores them."""
    epsilon = 1e-3 if (variant, norm) == ("ganime", "batch") else 1e-5
    axes = (0, 2, 3) if norm == "batch" else (2, 3)
    if norm == "batch" and not training:
        mean = weights[f"{name}.mean"][None, :, None, None]
        variance = weights[f"{name}.variance"][None, :, None, None]
    else:
        mean = x.mean(axes, keepdim=True)
        variance = ((x - mean) ** 2).mean(axes, keepdim=True)
        if stats is not None:
            stats[f"{name}.mean"] = mean.detach().flatten().numpy()
            stats[f"{name}.variance"] = variance.detach().flatten().numpy()
    x = (x - mean) / (variance + epsilon).sqrt()
    if f"{name}.scale" in weights:
        x = x * weights[f"{name}.scale"][None, :, None, None]
        x = x + weights[f"{name}.offset"][None, :, None, None]
    return x


def generator(weights, x, variant: str, norm: str, training: bool = True, stats=None):
    """The U-Net of either variant on NCHW input."""
    import torch
    import torch.nn.functional as F

    authors = variant == "authors"
    skips = []
    for i in range(1, LEVELS + 1):
        if authors and i > 1:
            x = F.leaky_relu(x, 0.2)
        x = F.conv2d(x, weights[f"down{i}.kernel"], weights.get(f"down{i}.bias"), 2, 1)
        if i > 1 and (i < LEVELS or not authors):
            x = _norm(x, weights, f"down{i}", norm, variant, training, stats)
        if not authors:
            x = F.leaky_relu(x, 0.3)
        skips.append(x)
    for i in range(1, LEVELS + 1):
        if authors:
            x = F.relu(x)
        x = F.conv_transpose2d(x, weights[f"up{i}.kernel"], weights.get(f"up{i}.bias"), 2, 1)
        if i == LEVELS:
            return torch.tanh(x)
        x = _norm(x, weights, f"up{i}", norm, variant, training, stats)
        skip = skips[LEVELS - 1 - i]
        x = torch.cat([skip, x] if authors else [F.relu(x), skip], 1)


def discriminator(weights, x, y, variant: str, norm: str):
    """The 70x70 PatchGAN's logits on the condition `x` and the picture `y`, NCHW."""
    import torch
    import torch.nn.functional as F

    h = torch.cat([x, y], 1)
    for i in range(1, 6):
        kernel, bias = weights[f"conv{i}.kernel"], weights.get(f"conv{i}.bias")
        h = F.conv2d(h, kernel, bias, 2 if i < 4 else 1, 1)
        if 1 < i < 5:
            h = _norm(h, weights, f"conv{i}", norm, variant, True, None)
        if i < 5:
            h = F.leaky_relu(h, 0.2 if variant == "authors" else 0.3)
    return h


def total_variation(y, reduction: str):
    """Sum of absolute neighbour differences per image (the paper) or their means (the code)."""
    dy, dx = (y[:, :, 1:] - y[:, :, :-1]).abs(), (y[:, :, :, 1:] - y[:, :, :, :-1]).abs()
    return (dy.sum() + dx.sum()) / y.shape[0] if reduction == "sum" else dy.mean() + dx.mean()


def gan(logits, target: float, mode: str):
    """The GAN loss of a logit map against a constant target."""
    import torch
    import torch.nn.functional as F

    goal = torch.full_like(logits, target)
    if mode == "bce":
        return F.binary_cross_entropy_with_logits(logits, goal)
    return F.mse_loss(logits, goal)


class Adam:
    """Adam by its formula, with Keras' or PyTorch's place for epsilon."""

    def __init__(self, epsilon: float, place: str):
        self.epsilon, self.place, self.t, self.m, self.v = epsilon, place, 0, {}, {}

    def __call__(self, weights: dict, grads: dict) -> None:
        self.t += 1
        c1, c2 = 1 - BETA_1**self.t, 1 - BETA_2**self.t
        for name, g in grads.items():
            m = self.m[name] = BETA_1 * self.m.get(name, 0.0) + (1 - BETA_1) * g
            v = self.v[name] = BETA_2 * self.v.get(name, 0.0) + (1 - BETA_2) * g * g
            if self.place == "keras":
                step = m * (math.sqrt(c2) / c1) / (v.sqrt() + self.epsilon)
            else:
                step = (m / c1) / ((v / c2).sqrt() + self.epsilon)
            weights[name] = (weights[name] - ADAM_RATE * step).detach()


class SGD:
    """Plain gradient descent with the group's rate."""

    def __init__(self, group: str):
        self.rate = SGD_RATE[group]

    def __call__(self, weights: dict, grads: dict) -> None:
        for name, g in grads.items():
            weights[name] = (weights[name] - self.rate * g).detach()


def _grads(loss, weights: dict, names: list[str]) -> dict:
    import torch

    grads = torch.autograd.grad(loss, [weights[n] for n in names], retain_graph=True)
    return dict(zip(names, grads, strict=True))


def step(g: dict, d: dict, a, b, optimizers, *, variant, norm, order, halve, mode, tv, stats=None):
    """One training step in place on the weight dicts; returns the unweighted losses."""
    g_names = [n for n in g if not n.endswith((".mean", ".variance"))]
    d_names = [n for n in d if not n.endswith((".mean", ".variance"))]
    for weights, names in ((g, g_names), (d, d_names)):
        for name in names:
            weights[name] = weights[name].detach().requires_grad_(True)
    fake = generator(g, a, variant, norm, stats=stats)
    real_logits = discriminator(d, a, b, variant, norm)
    d_loss = gan(real_logits, 1.0, mode) + gan(
        discriminator(d, a, fake.detach(), variant, norm), 0.0, mode
    )
    d_loss = d_loss * (0.5 if halve else 1.0)
    d_grads = _grads(d_loss, d, d_names)
    if order == "discriminator_first":
        optimizers["discriminator"](d, d_grads)
    adversarial = gan(discriminator(d, a, fake, variant, norm), 1.0, mode)
    l1 = (b - fake).abs().mean()
    variation = total_variation(fake, tv or "sum")
    loss = adversarial + L1_WEIGHT * l1 + (TV_WEIGHT * variation if tv else 0.0)
    g_grads = _grads(loss, g, g_names)
    if order == "simultaneous":
        optimizers["discriminator"](d, d_grads)
    optimizers["generator"](g, g_grads)
    losses = {"d_loss": d_loss, "g_adversarial": adversarial, "g_l1": l1, "g_tv": variation}
    return {k: v.item() for k, v in losses.items()}, {**g_grads, **d_grads}


def _tensors(weights: dict[str, np.ndarray]) -> dict:
    import torch

    return {k: torch.tensor(v) for k, v in weights.items()}


def record(out: dict, key: str, before: dict, after: dict, rate: float, grads: list | None) -> None:
    """Store the change of every trainable tensor; NaN where Adam follows the sign of rounding."""
    values, norms = [], []
    for name in compared(before):
        change = (after[name].detach().numpy() - before[name]) / rate
        flat = change.ravel()[picks(change.size)].copy()
        for grad in grads or []:
            g = grad[name].detach().numpy()
            flat[np.abs(g.ravel()[picks(g.size)]) < 1e-3 * np.abs(g).max()] = np.nan
        values.append(flat)
        norms.append(np.linalg.norm(change))
    out[f"{key}_values"] = np.concatenate(values).astype(np.float32)
    out[f"{key}_norms"] = np.array(norms)


def make(variant: str, norm: str) -> dict[str, np.ndarray]:
    """All golden values of one variant and norm."""
    shapes = {
        "generator": generator_shapes(variant, norm),
        "discriminator": discriminator_shapes(variant, norm),
    }
    start = {
        "generator": formula_weights(shapes["generator"]),
        "discriminator": formula_weights(shapes["discriminator"], start=500),
    }
    a, b = _tensors({"a": images(1), "b": images(2)}).values()
    out: dict[str, np.ndarray] = {}

    g, d = _tensors(start["generator"]), _tensors(start["discriminator"])
    fake, stats = None, {}
    for training in (True, False):
        fake = generator(g, a, variant, norm, training, stats if training else None)
        key = "fake_training" if training else "fake_inference"
        out[key] = fake.numpy()[:, :, ::5, ::3].astype(np.float32)
        out[f"{key}_norm"] = np.array(np.linalg.norm(fake.numpy()))
        if norm == "instance":
            break
    logits = discriminator(d, a, b, variant, norm).numpy()
    out["real_logits"] = logits
    if norm == "batch":
        names = [n for n in shapes["generator"] if n.endswith((".mean", ".variance"))]
        out["batch_statistics"] = np.concatenate([stats[n] for n in names]).astype(np.float32)

    own = ("discriminator_first", True) if variant == "authors" else ("simultaneous", False)
    other = ("simultaneous", True) if variant == "authors" else ("discriminator_first", False)
    runs = [("", *own, "bce", None), ("other_order_", *other, "bce", None)]
    runs += [("lsgan_", *own, "lsgan", None)]
    if variant == "ganime":
        runs += [("tv_sum_", *own, "bce", "sum"), ("tv_mean_", *own, "bce", "mean")]
    for prefix, order, halve, mode, tv in runs:
        g, d = _tensors(start["generator"]), _tensors(start["discriminator"])
        options = dict(variant=variant, norm=norm, order=order, halve=halve, mode=mode, tv=tv)
        optimizers = {group: SGD(group) for group in SGD_RATE}
        losses, _ = step(g, d, a, b, optimizers, **options)
        out[f"{prefix}losses"] = np.array(list(losses.values()))
        for group, after in (("generator", g), ("discriminator", d)):
            record(out, f"{prefix}sgd_{group}", start[group], after, SGD_RATE[group], None)
        if prefix:
            continue
        for place, key in (("keras", "adam"), ("torch", "adam_torch")):
            g, d = _tensors(start["generator"]), _tensors(start["discriminator"])
            optimizers = {group: Adam(ADAM_EPSILON[variant], place) for group in SGD_RATE}
            steps = [step(g, d, a, b, optimizers, **options) for _ in range(ADAM_STEPS)]
            grads = [grad for _, grad in steps]
            out[f"{key}_losses"] = np.array([list(losses.values()) for losses, _ in steps])
            for group, after in (("generator", g), ("discriminator", d)):
                record(out, f"{key}_{group}", start[group], after, ADAM_RATE, grads)
    return out


def main() -> None:
    """Write one file per (variant, norm) beside this script."""
    import torch

    torch.set_num_threads(1)
    for variant, norm in (("authors", "batch"), ("authors", "instance"), ("ganime", "batch")):
        path = Path(__file__).with_name(f"pix2pix_{variant}_{norm}.npz")
        np.savez_compressed(path, **make(variant, norm))
        print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
