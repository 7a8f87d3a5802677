"""CycleGAN and U-GAT-IT in PyTorch: the other side of the parity tests and of the speed comparison.

Written for this comparison from the published descriptions; module names give the `state_dict` keys
of the released checkpoints. Deviations of the releases' training loops: none in the numbers.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import spectral_norm


class _Residual(nn.Module):
    def __init__(self, width, bias):
        super().__init__()
        parts = []
        for index in range(2):
            parts += [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3, bias=bias)]
            parts += [nn.InstanceNorm2d(width)] + ([nn.ReLU(True)] if index == 0 else [])
        self.conv_block = nn.Sequential(*parts)

    def forward(self, x):
        return x + self.conv_block(x)


class ResNet(nn.Module):
    """CycleGAN's generator; keys `model.1`, `model.4`, `model.10.conv_block.1`, ..."""

    def __init__(self, filters=64, num_blocks=9):
        super().__init__()
        model = [nn.ReflectionPad2d(3), nn.Conv2d(3, filters, 7)]
        model += [nn.InstanceNorm2d(filters), nn.ReLU(True)]
        for width in (filters, filters * 2):
            model += [nn.Conv2d(width, width * 2, 3, 2, 1)]
            model += [nn.InstanceNorm2d(width * 2), nn.ReLU(True)]
        model += [_Residual(filters * 4, True) for _ in range(num_blocks)]
        for width in (filters * 4, filters * 2):
            model += [nn.ConvTranspose2d(width, width // 2, 3, 2, 1, output_padding=1)]
            model += [nn.InstanceNorm2d(width // 2), nn.ReLU(True)]
        model += [nn.ReflectionPad2d(3), nn.Conv2d(filters, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*model)

    def forward(self, x):
        return self.model(x)


class PatchGAN(nn.Module):
    """Unconditional PatchGAN with instance norm; keys `model.0`, `model.2`, `model.5`, ..."""

    def __init__(self, filters=64, num_layers=3):
        super().__init__()
        model = [nn.Conv2d(3, filters, 4, 2, 1), nn.LeakyReLU(0.2, True)]
        width = filters
        for index in range(1, num_layers + 1):
            out = filters * min(2**index, 8)
            model += [nn.Conv2d(width, out, 4, 2 if index < num_layers else 1, 1)]
            model += [nn.InstanceNorm2d(out), nn.LeakyReLU(0.2, True)]
            width = out
        self.model = nn.Sequential(*model, nn.Conv2d(width, 1, 4, 1, 1))

    def forward(self, x):
        return self.model(x)


def _score(scores, target):
    return F.mse_loss(scores, torch.full_like(scores, target))


class CycleGAN:
    """Both directions, and the authors' step with an identity term and no pool."""

    def __init__(self, filters=64, num_blocks=9, num_layers=3):
        self.g_a2b, self.g_b2a = (ResNet(filters, num_blocks) for _ in range(2))
        self.d_a, self.d_b = (PatchGAN(filters, num_layers) for _ in range(2))
        self.networks = {
            "generator_a2b": self.g_a2b,
            "generator_b2a": self.g_b2a,
            "discriminator_a": self.d_a,
            "discriminator_b": self.d_b,
        }
        self.generators, self.discriminators = (self.g_a2b, self.g_b2a), (self.d_a, self.d_b)

    def step(self, a, b, g_optimizer, d_optimizer):
        """One update of all networks; returns unweighted losses."""
        for network in self.discriminators:
            network.requires_grad_(False)
        g_optimizer.zero_grad()
        fake_b, fake_a = self.g_a2b(a), self.g_b2a(b)
        adversarial = _score(self.d_b(fake_b), 1.0) + _score(self.d_a(fake_a), 1.0)
        cycle = F.l1_loss(self.g_b2a(fake_b), a) + F.l1_loss(self.g_a2b(fake_a), b)
        identity = F.l1_loss(self.g_b2a(a), a) + F.l1_loss(self.g_a2b(b), b)
        (adversarial + 10.0 * cycle + 5.0 * identity).backward()
        g_optimizer.step()
        for network in self.discriminators:
            network.requires_grad_(True)
        d_optimizer.zero_grad()
        total = 0.0
        for network, real, fake in ((self.d_a, a, fake_a), (self.d_b, b, fake_b)):
            loss = 0.5 * (_score(network(real), 1.0) + _score(network(fake.detach()), 0.0))
            loss.backward()
            total += loss.detach()
        d_optimizer.step()
        return {
            "d_loss": total,
            "g_adversarial": adversarial.detach(),
            "g_cycle": cycle.detach(),
            "g_identity": identity.detach(),
        }


class AlternatingCycleGAN(CycleGAN):
    """The order of the authors' Lua: G, D_Y, F, D_X, each after the update of the one before.

    Each generator's gradient has both cycles; its discriminator's loss is halved as in PyTorch.
    """

    def step(self, a, b, g_optimizer, d_optimizer):
        """One update of all networks; returns unweighted losses. Needs plain SGD."""
        sums = dict.fromkeys(("d_loss", "g_adversarial", "g_cycle", "g_identity"), 0.0)
        for x, y, generator, inverse, discriminator in (
            (a, b, self.g_a2b, self.g_b2a, self.d_b),
            (b, a, self.g_b2a, self.g_a2b, self.d_a),
        ):
            for network in self.networks.values():
                network.requires_grad_(network is generator)
            g_optimizer.zero_grad()
            fake = generator(x)
            adversarial = _score(discriminator(fake), 1.0)
            cycle = F.l1_loss(inverse(fake), x)
            other_cycle = F.l1_loss(generator(inverse(y)), y)
            identity = F.l1_loss(generator(y), y)
            (adversarial + 10.0 * (cycle + other_cycle) + 5.0 * identity).backward()
            g_optimizer.step()
            discriminator.requires_grad_(True)
            d_optimizer.zero_grad()
            real, made = discriminator(y), discriminator(fake.detach())
            d_loss = 0.5 * (_score(real, 1.0) + _score(made, 0.0))
            d_loss.backward()
            d_optimizer.step()
            for key, value in zip(sums, (d_loss, adversarial, cycle, identity), strict=True):
                sums[key] = sums[key] + value.detach()
        return sums


class _Norm(nn.Module):
    """AdaLIN (scale and shift given) or ILN (its own)."""

    def __init__(self, width, adaptive):
        super().__init__()
        shape = (1, width, 1, 1)
        self.rho = nn.Parameter(torch.full(shape, 0.9 if adaptive else 0.0))
        if not adaptive:
            self.gamma = nn.Parameter(torch.ones(shape))
            self.beta = nn.Parameter(torch.zeros(shape))

    def forward(self, x, gamma=None, beta=None):
        gamma = self.gamma if gamma is None else gamma[:, :, None, None]
        beta = self.beta if beta is None else beta[:, :, None, None]
        parts = []
        for axes in ((2, 3), (1, 2, 3)):
            variance, mean = torch.var_mean(x, axes, keepdim=True)  # divides by n - 1
            parts.append((x - mean) / torch.sqrt(variance + 1e-5))
        return gamma * (self.rho * parts[0] + (1 - self.rho) * parts[1]) + beta


class _AdaptiveResidual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, bias=False)
        self.norm1 = _Norm(width, True)
        self.conv2 = nn.Conv2d(width, width, 3, bias=False)
        self.norm2 = _Norm(width, True)

    def forward(self, x, gamma, beta):
        y = self.conv1(F.pad(x, (1,) * 4, mode="reflect"))
        y = F.relu(self.norm1(y, gamma, beta))
        y = self.conv2(F.pad(y, (1,) * 4, mode="reflect"))
        return x + self.norm2(y, gamma, beta)


def _attention(module, x):
    """CAM logits and the features scaled by both classifiers' raw weights."""
    weights, logits = [], []
    for name, pooled in (("gap_fc", x.mean((2, 3))), ("gmp_fc", x.amax((2, 3)))):
        layer = getattr(module, name)
        logits.append(layer(pooled))
        weights.append(layer.weight_orig if hasattr(layer, "weight_orig") else layer.weight)
    scaled = torch.cat([x * w[:, :, None, None] for w in weights], 1)
    return torch.cat(logits, 1), scaled


class Generator(nn.Module):
    """U-GAT-IT's generator; keys `DownBlock.1`, `UpBlock1_1.norm1.rho`, `UpBlock2.2`, ..."""

    def __init__(self, filters=64, num_blocks=4, image_size=256, light=False):
        super().__init__()
        width = filters * 4
        down = [nn.ReflectionPad2d(3), nn.Conv2d(3, filters, 7, bias=False)]
        down += [nn.InstanceNorm2d(filters), nn.ReLU(True)]
        for channels in (filters, filters * 2):
            down += [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels * 2, 3, 2, bias=False)]
            down += [nn.InstanceNorm2d(channels * 2), nn.ReLU(True)]
        self.DownBlock = nn.Sequential(*down, *(_Residual(width, False) for _ in range(num_blocks)))
        self.gap_fc = nn.Linear(width, 1, bias=False)
        self.gmp_fc = nn.Linear(width, 1, bias=False)
        self.conv1x1 = nn.Conv2d(width * 2, width, 1)
        inputs = width if light else (image_size // 4) ** 2 * width
        self.FC = nn.Sequential(
            nn.Linear(inputs, width, bias=False),
            nn.ReLU(True),
            nn.Linear(width, width, bias=False),
            nn.ReLU(True),
        )
        self.gamma = nn.Linear(width, width, bias=False)
        self.beta = nn.Linear(width, width, bias=False)
        for index in range(num_blocks):
            setattr(self, f"UpBlock1_{index + 1}", _AdaptiveResidual(width))
        up = []
        for channels in (width, width // 2):
            up += [nn.Upsample(scale_factor=2, mode="nearest"), nn.ReflectionPad2d(1)]
            up += [nn.Conv2d(channels, channels // 2, 3, bias=False), _Norm(channels // 2, False)]
            up += [nn.ReLU(True)]
        up += [nn.ReflectionPad2d(3), nn.Conv2d(filters, 3, 7, bias=False), nn.Tanh()]
        self.UpBlock2 = nn.Sequential(*up)
        self.light, self.num_blocks = light, num_blocks

    def forward(self, x):
        x = self.DownBlock(x)
        logits, x = _attention(self, x)
        x = F.relu(self.conv1x1(x))
        style = self.FC(x.mean((2, 3)) if self.light else x.flatten(1))
        gamma, beta = self.gamma(style), self.beta(style)
        y = x
        for index in range(self.num_blocks):
            y = getattr(self, f"UpBlock1_{index + 1}")(y, gamma, beta)
        return self.UpBlock2(y), logits, x.sum(1, keepdim=True)


class Discriminator(nn.Module):
    """U-GAT-IT's discriminator; keys `model.1.weight_orig`, `gap_fc.weight_u`, `conv1x1`, ..."""

    def __init__(self, filters=64, num_layers=7):
        super().__init__()
        model, channels = [], 3
        for index in range(num_layers - 1):
            stride, width = 2 if index < num_layers - 2 else 1, filters * 2**index
            model += [nn.ReflectionPad2d(1), spectral_norm(nn.Conv2d(channels, width, 4, stride))]
            model += [nn.LeakyReLU(0.2, True)]
            channels = width
        self.model = nn.Sequential(*model)
        self.gap_fc = spectral_norm(nn.Linear(channels, 1, bias=False))
        self.gmp_fc = spectral_norm(nn.Linear(channels, 1, bias=False))
        self.conv1x1 = nn.Conv2d(channels * 2, channels, 1)
        self.conv = spectral_norm(nn.Conv2d(channels, 1, 4, bias=False))

    def forward(self, x):
        logits, x = _attention(self, self.model(x))
        x = F.leaky_relu(self.conv1x1(x), 0.2)
        scores = self.conv(F.pad(x, (1,) * 4, mode="reflect"))
        return scores, logits, x.sum(1, keepdim=True)


def _binary(logits, target):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


class UGATIT:
    """Both generators, four discriminators, and the release's step with weights 1, 10, 10, 1000."""

    def __init__(
        self,
        filters=64,
        num_blocks=4,
        image_size=256,
        light=False,
        global_layers=7,
        local_layers=5,
    ):
        shape = (filters, num_blocks, image_size, light)
        self.networks = {
            "genA2B": Generator(*shape),
            "genB2A": Generator(*shape),
            "disGA": Discriminator(filters, global_layers),
            "disGB": Discriminator(filters, global_layers),
            "disLA": Discriminator(filters, local_layers),
            "disLB": Discriminator(filters, local_layers),
        }
        nets = self.networks
        self.g_a2b, self.g_b2a = nets["genA2B"], nets["genB2A"]
        self.generators = (self.g_a2b, self.g_b2a)
        self.d_a, self.d_b = (nets["disGA"], nets["disLA"]), (nets["disGB"], nets["disLB"])
        self.discriminators = (*self.d_a, *self.d_b)

    def step(self, a, b, g_optimizer, d_optimizer, cam_weight=1000.0):
        """One update of all networks and the clipping of rho; returns unweighted losses."""
        d_optimizer.zero_grad()
        with torch.no_grad():
            fake_b, fake_a = self.g_a2b(a)[0], self.g_b2a(b)[0]
        d_loss = 0.0
        for networks, real, fake in ((self.d_a, a, fake_a), (self.d_b, b, fake_b)):
            for network in networks:
                for outputs, target in ((network(real), 1.0), (network(fake), 0.0)):
                    d_loss = d_loss + _score(outputs[0], target) + _score(outputs[1], target)
        d_loss.backward()
        d_optimizer.step()

        g_optimizer.zero_grad()
        fake_b, cam_fake_b, _ = self.g_a2b(a)
        fake_a, cam_fake_a, _ = self.g_b2a(b)
        cycle = F.l1_loss(self.g_b2a(fake_b)[0], a) + F.l1_loss(self.g_a2b(fake_a)[0], b)
        same_a, cam_same_a, _ = self.g_b2a(a)
        same_b, cam_same_b, _ = self.g_a2b(b)
        identity = F.l1_loss(same_a, a) + F.l1_loss(same_b, b)
        adversarial = 0.0
        for networks, fake in ((self.d_a, fake_a), (self.d_b, fake_b)):
            for network in networks:
                scores, logits, _ = network(fake)
                adversarial = adversarial + _score(scores, 1.0) + _score(logits, 1.0)
        cam = _binary(cam_fake_a, 1.0) + _binary(cam_same_a, 0.0)
        cam = cam + _binary(cam_fake_b, 1.0) + _binary(cam_same_b, 0.0)
        total = adversarial + 10.0 * cycle + 10.0 * identity + cam_weight * cam
        total.backward()
        g_optimizer.step()
        for network in self.generators:
            for name, value in network.named_parameters():
                if name.endswith("rho"):
                    value.data.clamp_(0.0, 1.0)
        return {
            "d_loss": d_loss.detach(),
            "g_adversarial": adversarial.detach(),
            "g_cycle": cycle.detach(),
            "g_identity": identity.detach(),
            "g_cam": cam.detach(),
        }


def make_optimizers(model, kind="adam", rate=None, weight_decay=0.0):
    """The releases' optimizers, `(generators, discriminators)`; `kind` "adam" or "sgd"."""
    result = []
    for networks in (model.generators, model.discriminators):
        parameters = itertools.chain(*(network.parameters() for network in networks))
        if kind == "sgd":
            result.append(torch.optim.SGD(parameters, rate, weight_decay=weight_decay))
        else:
            result.append(
                torch.optim.Adam(parameters, rate, (0.5, 0.999), weight_decay=weight_decay)
            )
    return result
