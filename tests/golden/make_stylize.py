"""Writes stylize.npz: losses and gradients of AnimeGAN's and CartoonGAN's steps, by PyTorch.

Run `python tests/golden/make_stylize.py`. The networks are written here from the layouts of the
released checkpoints, in plain torch functions; nothing of ganime_tf is imported.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import stylize_states as states  # noqa: E402

RATE = 1e-3  # of plain gradient descent, for D before G's turn


def nchw(x):
    return torch.tensor(np.asarray(x)).permute(0, 3, 1, 2)


def leaves(state, names=None):
    return {k: torch.tensor(v.copy(), requires_grad=not k.endswith(".u")) for k, v in state.items()}


def reflect(x, left, right):
    return F.pad(x, (left, right, left, right), mode="reflect")


def cartoon(s, x):
    """The released generator on BGR."""
    blocks = sum(k.startswith("conv") and k.endswith("_2.weight") for k in s) - 2

    def conv(x, name, stride=1, mirrored=False):
        w = s[f"{name}.weight"]
        pad = w.shape[-1] // 2
        x = reflect(x, pad, pad) if mirrored else F.pad(x, (pad,) * 4)
        return F.conv2d(x, w, s[f"{name}.bias"], stride)

    def norm(x, name):
        return F.instance_norm(x, weight=s[f"{name}.scale"], bias=s[f"{name}.shift"], eps=1e-9)

    def up(x, name):
        weight, bias = s[f"{name}_1.weight"], s[f"{name}_1.bias"]
        x = F.conv_transpose2d(x, weight, bias, stride=2, padding=1, output_padding=1)
        return conv(x, f"{name}_2")

    x = F.relu(norm(conv(x, "conv01_1", mirrored=True), "in01_1"))
    x = F.relu(norm(conv(conv(x, "conv02_1", 2), "conv02_2"), "in02_1"))
    x = F.relu(norm(conv(conv(x, "conv03_1", 2), "conv03_2"), "in03_1"))
    for i in range(4, 4 + blocks):
        y = F.relu(norm(conv(x, f"conv{i:02}_1", mirrored=True), f"in{i:02}_1"))
        x = x + norm(conv(y, f"conv{i:02}_2", mirrored=True), f"in{i:02}_2")
    x = F.relu(norm(up(x, "deconv01"), "in12_1"))
    x = F.relu(norm(up(x, "deconv02"), "in13_1"))
    return torch.tanh(conv(x, "deconv03_1", mirrored=True))


def animegan(s, x, align_corners=True):
    """The generator of the PyTorch port of AnimeGANv2."""

    def norm(x, name):
        return F.group_norm(x, 1, s[f"{name}.weight"], s[f"{name}.bias"], eps=1e-5)

    def cnl(x, name, stride=1):
        w = s[f"{name}.1.weight"]
        pad = w.shape[-1] // 2
        if stride == 2:
            x = reflect(x, 0, 1)
        elif pad:
            x = reflect(x, pad, pad)
        return F.leaky_relu(norm(F.conv2d(x, w, stride=stride), f"{name}.2"), 0.2)

    def block(x, name):
        y = cnl(x, f"{name}.0")
        w, b = s[f"{name}.1.1.weight"], s[f"{name}.1.1.bias"]
        y = F.conv2d(reflect(y, 1, 1), w, b, groups=w.shape[0])
        y = F.leaky_relu(norm(y, f"{name}.1.2"), 0.2)
        y = norm(F.conv2d(y, s[f"{name}.2.weight"]), f"{name}.3")
        return x + y if x.shape == y.shape else y

    def enlarge(x, like):
        # With align_corners the port goes back to recorded sizes, else it doubles.
        size = like.shape[2:] if align_corners else [2 * side for side in x.shape[2:]]
        return F.interpolate(x, size, mode="bilinear", align_corners=align_corners)

    image = x
    half = x = cnl(cnl(cnl(x, "block_a.0"), "block_a.1", 2), "block_a.2")
    x = cnl(cnl(x, "block_b.0", 2), "block_b.1")
    x = cnl(x, "block_c.0")
    for i in range(1, 5):
        x = block(x, f"block_c.{i}.layers")
    x = enlarge(cnl(x, "block_c.5"), half)
    x = enlarge(cnl(cnl(x, "block_d.0"), "block_d.1"), image)
    x = cnl(cnl(cnl(x, "block_e.0"), "block_e.1"), "block_e.2")
    return torch.tanh(F.conv2d(x, s["out_layer.0.weight"]))


def discriminator(s, x, norm, spectral):
    """The patch discriminator; one power iteration a call where `spectral`."""
    for i, stride in enumerate((1, 2, 1, 2, 1, 1, 1)):
        w = s[f"conv{i}.weight"]
        if spectral:
            matrix = w.permute(2, 3, 1, 0).reshape(-1, w.shape[0])
            with torch.no_grad():
                v = F.normalize(matrix @ s[f"conv{i}.u"], dim=0)
                s[f"conv{i}.u"] = F.normalize(v @ matrix, dim=0)
            w = w / (v @ matrix @ s[f"conv{i}.u"])
        x = F.conv2d(x, w, stride=stride, padding=1)
        if i in (2, 4, 5):
            gamma, beta = s[f"norm{i}.weight"], s[f"norm{i}.shift"]
            if norm == "layer":
                x = F.group_norm(x, 1, gamma, beta, eps=1e-12)
            else:
                x = F.instance_norm(x, weight=gamma, bias=beta, eps=1e-5)
        if i < 6:
            x = F.leaky_relu(x, 0.2)
    return x


def vgg(s, x):
    """conv4_4 before ReLU."""
    for block, count in enumerate((2, 2, 4, 4), 1):
        for index in range(1, count + 1):
            name = f"block{block}_conv{index}"
            x = F.conv2d(x, s[f"{name}.weight"], s[f"{name}.bias"], padding=1)
            if name == "block4_conv4":
                return x
            x = F.relu(x)
        x = F.max_pool2d(x, 2)


def gram(x):
    flat = x.flatten(2)
    return flat @ flat.transpose(1, 2) / (x.shape[1] * x.shape[2] * x.shape[3])


def yuv(x):
    r, g, b = ((x + 1) / 2).unbind(1)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    u = -0.14714119 * r - 0.28886916 * g + 0.43601035 * b
    v = 0.61497538 * r - 0.51496512 * g - 0.10001026 * b
    return y, u, v


def colour(x, y):
    (y1, u1, v1), (y2, u2, v2) = yuv(x), yuv(y)
    return F.l1_loss(y1, y2) + F.smooth_l1_loss(u1, u2) + F.smooth_l1_loss(v1, v2)


def variation(x):
    rows, columns = x[:, :, 1:] - x[:, :, :-1], x[:, :, :, 1:] - x[:, :, :, :-1]
    return 0.5 * (rows.square().mean() + columns.square().mean())


def descend(state, loss):
    names = [k for k, v in state.items() if v.requires_grad]
    gradients = torch.autograd.grad(loss, [state[k] for k in names])
    with torch.no_grad():
        for name, gradient in zip(names, gradients, strict=True):
            state[name] -= RATE * gradient
    return dict(zip(names, gradients, strict=True))


def animegan_step():
    """AnimeGANv2 with the Hayao weights of the discriminator, least squares."""
    batch = {k: nchw(v) for k, v in states.pictures(("a", "b", "b_grey", "b_smooth_grey")).items()}
    g, d = leaves(states.animegan_state()), leaves(states.discriminator_state())
    features = {k: torch.tensor(v) for k, v in states.vgg_state().items()}
    fake = animegan(g, batch["a"])
    pictures = torch.cat([batch["b"], fake.detach(), batch["b_grey"], batch["b_smooth_grey"]])
    real, fakes, grey, smooth = discriminator(d, pictures, "layer", True).chunk(4)
    d_loss = 1.2 * (real - 1).square().mean() + 1.2 * fakes.square().mean()
    d_loss = d_loss + 1.2 * grey.square().mean() + 0.8 * smooth.square().mean()
    d_gradients = descend(d, 3.0 * d_loss)
    wanted, style, got = (vgg(features, x) for x in (batch["a"], batch["b_grey"], fake))
    parts = {
        "g_adversarial": (discriminator(d, fake, "layer", True) - 1).square().mean(),
        "g_content": F.l1_loss(got, wanted),
        "g_style": F.l1_loss(gram(got), gram(style)),
        "g_colour": colour(fake, batch["a"]),
        "g_tv": variation(fake),
    }
    weights = {"g_adversarial": 3.0, "g_content": 1.5, "g_style": 2.5, "g_colour": 15.0, "g_tv": 1}
    gradients = descend(g, sum(weights[k] * v for k, v in parts.items()))
    return {"d_loss": d_loss, **parts}, gradients, d_gradients


def cartoon_step():
    """CartoonGAN with cross-entropy; the generator of the release sees BGR."""
    batch = {k: nchw(v) for k, v in states.pictures(("a", "b", "b_smooth")).items()}
    g, d = leaves(states.cartoon_state()), leaves(states.discriminator_state())
    features = {k: torch.tensor(v) for k, v in states.vgg_state().items()}
    fake = cartoon(g, batch["a"].flip(1)).flip(1)
    pictures = torch.cat([batch["b"], fake.detach(), batch["b_smooth"]])
    real, fakes, smooth = discriminator(d, pictures, "instance", False).chunk(3)
    d_loss = F.softplus(-real).mean() + F.softplus(fakes).mean() + F.softplus(smooth).mean()
    d_gradients = descend(d, d_loss)
    parts = {
        "g_adversarial": F.softplus(-discriminator(d, fake, "instance", False)).mean(),
        "g_content": F.l1_loss(vgg(features, fake), vgg(features, batch["a"])),
    }
    gradients = descend(g, parts["g_adversarial"] + 10.0 * parts["g_content"])
    return {"d_loss": d_loss, **parts}, gradients, d_gradients


def main():
    torch.set_num_threads(1)
    out = {}
    for name, step in (("animegan", animegan_step), ("cartoongan", cartoon_step)):
        losses, generator, critic = step()
        out |= {f"{name}/loss/{k}": v.detach().numpy() for k, v in losses.items()}
        for group, gradients in (("generator", generator), ("discriminator", critic)):
            for key, value in gradients.items():
                if value.numel() < 220:  # keeps the file small; every kind of array is among them
                    out[f"{name}/{group}/{key}"] = value.detach().numpy()
    np.savez_compressed(HERE / "stylize.npz", **out)


if __name__ == "__main__":
    main()
