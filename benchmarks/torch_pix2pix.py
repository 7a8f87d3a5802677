"""Pix2Pix in PyTorch, the yardstick of the benchmarks and of the checkpoint tests.

Written for this comparison from the published description of junyanz/pytorch-CycleGAN-and-pix2pix:
the same networks, module nesting and `state_dict` keys as that code's checkpoints, the same losses
and update order. It imports nothing of ganime_tf.
Needs PyTorch: `pip install "ganime-tf[convert]"`.
"""

from __future__ import annotations

import torch
from torch import nn


def _norm(kind: str, channels: int) -> nn.Module:
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    return nn.InstanceNorm2d(channels)  # no affine, no running statistics


class UNetBlock(nn.Module):
    """One level of the U-Net: down, the inner levels, up, and the skip around all three."""

    def __init__(
        self,
        outer: int,
        inner: int,
        inside: UNetBlock | None,
        *,
        norm: str,
        in_channels: int | None = None,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.outermost = in_channels is not None
        bias = norm == "instance"
        down = nn.Conv2d(in_channels or outer, inner, 4, 2, 1, bias=bias)
        up_in = inner if inside is None else 2 * inner
        up = nn.ConvTranspose2d(up_in, outer, 4, 2, 1, bias=bias or self.outermost)
        if self.outermost:
            layers = [down, inside, nn.ReLU(), up, nn.Tanh()]
        elif inside is None:
            layers = [nn.LeakyReLU(0.2), down, nn.ReLU(), up, _norm(norm, outer)]
        else:
            layers = [nn.LeakyReLU(0.2), down, _norm(norm, inner), inside, nn.ReLU(), up]
            layers.append(_norm(norm, outer))
            if dropout:
                layers.append(nn.Dropout(dropout))
        self.model = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.model(x)
        return y if self.outermost else torch.cat([x, y], 1)


class UNet(nn.Module):
    """The U-Net generator: 8 levels for 256 px, 7 for 128 px."""

    def __init__(
        self,
        levels: int = 8,
        filters: int = 64,
        norm: str = "batch",
        dropout: float = 0.5,
        channels: tuple[int, int] = (3, 3),
    ):
        super().__init__()
        top = 8 * filters
        block = UNetBlock(top, top, None, norm=norm)
        for _ in range(levels - 5):
            block = UNetBlock(top, top, block, norm=norm, dropout=dropout)
        for factor in (4, 2, 1):
            block = UNetBlock(factor * filters, 2 * factor * filters, block, norm=norm)
        self.model = UNetBlock(channels[1], filters, block, norm=norm, in_channels=channels[0])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


class PatchGAN(nn.Module):
    """The patch discriminator's logits; `num_layers=3` is the 70x70 one."""

    def __init__(
        self, in_channels: int = 6, filters: int = 64, num_layers: int = 3, norm: str = "batch"
    ):
        super().__init__()
        layers = [nn.Conv2d(in_channels, filters, 4, 2, 1), nn.LeakyReLU(0.2)]
        channels = filters
        for i in range(1, num_layers + 1):
            out = filters * min(2**i, 8)
            stride = 2 if i < num_layers else 1
            layers.append(nn.Conv2d(channels, out, 4, stride, 1, bias=norm == "instance"))
            layers += [_norm(norm, out), nn.LeakyReLU(0.2)]
            channels = out
        layers.append(nn.Conv2d(channels, 1, 4, 1, 1))
        self.model = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


def initialise(net: nn.Module) -> nn.Module:
    """N(0, 0.02) kernels, N(1, 0.02) norm scales, zero biases."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
            nn.init.normal_(module.weight, float(isinstance(module, nn.BatchNorm2d)), 0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return net


class Trainer:
    """Both networks, both optimizers and the authors' training step.

    Args:
        bf16: Run both networks under bfloat16 autocast; losses and weights stay float32.
        channels_last: Keep tensors in NHWC order, the quicker one on a CPU under bfloat16.
        filters: Channels of the first layer of both networks.
        size: Pictures' size, a power of two: as many levels as it has halvings.
    """

    def __init__(
        self,
        *,
        bf16: bool = False,
        channels_last: bool = False,
        filters: int = 64,
        size: int = 256,
    ):
        self.bf16 = bf16
        levels = size.bit_length() - 1
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.generator = initialise(UNet(levels=levels, filters=filters)).to(
            memory_format=self.format
        )
        self.discriminator = initialise(PatchGAN(filters=filters)).to(memory_format=self.format)
        adam = dict(lr=2e-4, betas=(0.5, 0.999))
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), **adam)
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), **adam)

    def _bce(self, logits: torch.Tensor, target: float) -> torch.Tensor:
        logits = logits.float()
        return nn.functional.binary_cross_entropy_with_logits(
            logits, torch.full_like(logits, target)
        )

    def step(self, a: torch.Tensor, b: torch.Tensor) -> tuple[float, float]:
        """One update on NCHW images in [-1, 1]: D, then G through the updated D."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            fake = self.generator(a)
            self.discriminator.requires_grad_(True)
            d_fake = self.discriminator(torch.cat([a, fake.detach().to(a.dtype)], 1))
            d_real = self.discriminator(torch.cat([a, b], 1))
        d_loss = 0.5 * (self._bce(d_fake, 0.0) + self._bce(d_real, 1.0))
        self.d_optimizer.zero_grad(set_to_none=True)
        d_loss.backward()
        self.d_optimizer.step()
        self.discriminator.requires_grad_(False)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            logits = self.discriminator(torch.cat([a, fake.to(a.dtype)], 1))
        g_loss = self._bce(logits, 1.0) + 100.0 * (b - fake.float()).abs().mean()
        self.g_optimizer.zero_grad(set_to_none=True)
        g_loss.backward()
        self.g_optimizer.step()
        return d_loss.item(), g_loss.item()

    @torch.inference_mode()
    def translate(self, a: torch.Tensor) -> torch.Tensor:
        """The generator in evaluation mode (moving statistics, no dropout)."""
        self.generator.eval()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            y = self.generator(a).float()
        self.generator.train()
        return y
