"""MUNIT, its hybrid and AniGAN in PyTorch: the other side of golden values and of the comparison.

Written for that from the papers and from what is known of the releases (docs/models/munit.md and
anigan.md). Layers are named as in ganime_tf. Both steps encode every picture once: what the
releases compute again, with the same weights, is not counted against PyTorch.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional as F


def _conv(inputs, outputs, size, stride=1, pad=0, bias=True, mode="reflect"):
    return nn.Conv2d(inputs, outputs, size, stride, pad, bias=bias, padding_mode=mode)


class _Named(nn.Module):
    """Layers by name."""

    def add(self, name, layer):
        self.add_module(name, layer)

    def run(self, name, x):
        return getattr(self, name)(x)


class ContentEncoder(_Named):
    """Instance norm throughout; halves, then residual blocks."""

    def __init__(self, filters, num_downsample, num_blocks):
        super().__init__()
        self.sizes = num_downsample, num_blocks
        self.add("stem", _conv(3, filters, 7, 1, 3, False))
        for index in range(num_downsample):
            self.add(f"down{index}", _conv(filters, 2 * filters, 4, 2, 1, False))
            filters *= 2
        for index, part in itertools.product(range(num_blocks), (0, 1)):
            self.add(f"block{index}_conv{part}", _conv(filters, filters, 3, 1, 1, False))

    def forward(self, x):
        for name in ("stem", *(f"down{index}" for index in range(self.sizes[0]))):
            x = F.relu(F.instance_norm(self.run(name, x)))
        for index in range(self.sizes[1]):
            y = F.relu(F.instance_norm(self.run(f"block{index}_conv0", x)))
            x = x + F.instance_norm(self.run(f"block{index}_conv1", y))
        return x


class StyleEncoder(_Named):
    """No norm: it would remove the style."""

    def __init__(self, filters, style_dim, num_doublings):
        super().__init__()
        self.add("stem", _conv(3, filters, 7, 1, 3))
        for index in range(4):
            outputs = filters * (2 if index < num_doublings else 1)
            self.add(f"down{index}", _conv(filters, outputs, 4, 2, 1))
            filters = outputs
        self.add("code", nn.Linear(filters, style_dim))

    def forward(self, x):
        for name in ("stem", "down0", "down1", "down2", "down3"):
            x = F.relu(self.run(name, x))
        return self.code(x.mean((2, 3)))


class _Affine(nn.Module):
    """MUNIT's layer norm: unbiased, epsilon beside the deviation."""

    def __init__(self, width):
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.rand(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x):
        deviation, mean = torch.std_mean(x, (1, 2, 3), keepdim=True)
        x = (x - mean) / (deviation + 1e-5)
        return x * self.gamma[:, None, None] + self.beta[:, None, None]


class _Mixer(nn.Module):
    """PoLIN, and with a scale and a shift AdaPoLIN, which has no bias."""

    def __init__(self, width, adaptive):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width, 2 * width) * width**-0.5)
        self.bias = None if adaptive else nn.Parameter(torch.zeros(width))

    def forward(self, x, gamma=None, beta=None):
        both = []
        for axes in ((2, 3), (1, 2, 3)):
            variance, mean = torch.var_mean(x, axes, keepdim=True)  # divides by n - 1
            both.append((x - mean) * torch.rsqrt(variance + 1e-5))
        x = F.conv2d(torch.cat(both, 1), self.weight[:, :, None, None], self.bias)
        return x if gamma is None else x * gamma[:, :, None, None] + beta[:, :, None, None]


def _adain(x, gamma, beta):
    """Batch norm of each picture's channels, as the release."""
    count, channels, height, width = x.shape
    y = F.batch_norm(
        x.reshape(1, count * channels, height, width),
        None, None, gamma.reshape(-1).to(x.dtype), beta.reshape(-1).to(x.dtype), True,
    )  # fmt: skip
    return y.reshape(x.shape)


def _double(x):
    return F.interpolate(x, scale_factor=2, mode="nearest")


class Decoder(_Named):
    """The MLP and either MUNIT's body or AniGAN's, with or without a last plain doubling."""

    def __init__(self, width, style_dim, mlp_width, doublings, blocks=0, plain=False):
        super().__init__()
        self.blocks, self.doublings, self.plain = blocks, doublings, plain
        outputs = 4 * blocks * width
        if not blocks:
            outputs = 4 * width + sum(2 * width // 2**i for i in range(1, doublings + 1))
            outputs += 2 * width // 2 ** (doublings + 1) if plain else 0
        for index, pair in enumerate(
            ((style_dim, mlp_width), (mlp_width, mlp_width), (mlp_width, outputs))
        ):
            self.add(f"dense{index}", nn.Linear(*pair))
        for index, part in itertools.product(range(blocks), (0, 1)):
            self.add(f"block{index}_conv{part}", _conv(width, width, 3, 1, 1, False))
        for index, part in itertools.product(range(0 if blocks else 2), (0, 1)):
            self.add(f"asc{index}_conv{part}", _conv(width, width, 3, 1, 1, False))
            self.add(f"asc{index}_conv{part}_norm", _Mixer(width, True))
        for index in range(doublings):
            half = width // 2
            if blocks:
                self.add(f"up{index}", _conv(width, half, 5, 1, 2))
                self.add(f"up{index}_norm", _Affine(half))
            else:
                for part, inputs in enumerate((width, half)):
                    self.add(f"fst{index}_conv{part}", _conv(inputs, half, 5, 1, 2))
                    self.add(f"fst{index}_conv{part}_norm", _Mixer(half, part == 1))
            width = half
        if plain:
            self.add("up", _conv(width, width // 2, 5, 1, 2))
            self.add("up_norm", _Mixer(width // 2, False))
            width //= 2
        self.add("image", _conv(width, 3, 7, 1, 3))

    def forward(self, x, style):
        parameters = self.dense2(F.relu(self.dense1(F.relu(self.dense0(style)))))
        taken = 0

        def take(channels):
            nonlocal taken
            pair = parameters[:, taken : taken + 2 * channels].split(channels, 1)
            taken += 2 * channels
            return pair

        for index in range(self.blocks):
            skip = x
            for part in (0, 1):
                beta, gamma = take(x.shape[1])  # the shift first
                x = _adain(self.run(f"block{index}_conv{part}", x), gamma, beta)
                x = x if part else F.relu(x)
            x = skip + x
        for index in range(0 if self.blocks else 2):
            pair = take(x.shape[1])  # the scale first, for both convolutions
            for part in (0, 1):
                x = self.run(f"asc{index}_conv{part}", x)
                x = getattr(self, f"asc{index}_conv{part}_norm")(x, *pair)
                x = x if part else F.relu(x)
        for index in range(self.doublings):
            x = _double(x)
            if self.blocks:
                x = F.relu(self.run(f"up{index}_norm", self.run(f"up{index}", x)))
                continue
            name = f"fst{index}_conv"
            x = F.relu(self.run(f"{name}0_norm", self.run(f"{name}0", x)))
            x = self.run(f"{name}1", x)
            x = F.relu(getattr(self, f"{name}1_norm")(x, *take(x.shape[1])))
        if self.plain:
            x = F.relu(self.up_norm(self.up(_double(x))))
        return torch.tanh(self.image(x))


class MultiScale(_Named):
    """MUNIT's discriminators, of the picture and its halved copies."""

    def __init__(self, filters, num_layers, num_scales):
        super().__init__()
        self.sizes = num_layers, num_scales
        for scale in range(num_scales):
            width = 3
            for index in range(num_layers):
                layer = _conv(width, filters * 2**index, 4, 2, 1)
                self.add(f"scale{scale}_conv{index}", layer)
                width = filters * 2**index
            self.add(f"scale{scale}_logits", _conv(width, 1, 1))

    def forward(self, x):
        maps = []
        for scale in range(self.sizes[1]):
            y = x
            for index in range(self.sizes[0]):
                y = F.leaky_relu(self.run(f"scale{scale}_conv{index}", y), 0.2)
            maps.append(self.run(f"scale{scale}_logits", y))
            x = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        return maps


def _towards(logits, target, kind):
    if kind == "bce":
        return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))
    return F.mse_loss(logits, torch.full_like(logits, target))


class _Pair:
    """Networks by ganime_tf's names, and one update of one half of them."""

    def _close(self, networks):
        self.networks = networks
        self.discriminators = [n for key, n in networks.items() if key.startswith("disc")]
        self.generators = [n for key, n in networks.items() if not key.startswith("disc")]

    def _descend(self, optimizer, loss, judging):
        for network in (*self.generators, *self.discriminators):
            network.requires_grad_((network in self.discriminators) == judging)
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        for network in (*self.generators, *self.discriminators):
            network.requires_grad_(True)


class MUNIT(_Pair):
    """All networks of both domains, and the release's step with weights 1, 10, 1, 1 and `cycle`."""

    def __init__(
        self, filters=64, style_size=8, num_downsample=2, num_blocks=4, mlp_width=256,
        discriminator_filters=64, discriminator_layers=4, num_scales=3,
        decoder="munit", adversarial="lsgan", cycle_weight=0.0,
    ):  # fmt: skip
        self.style_size, self.kind, self.cycle = style_size, adversarial, cycle_weight
        networks = {}
        for domain in "ab":
            networks[f"content_encoder_{domain}"] = ContentEncoder(
                filters, num_downsample, num_blocks
            )
            networks[f"style_encoder_{domain}"] = StyleEncoder(filters, style_size, 2)
            networks[f"decoder_{domain}"] = Decoder(
                filters * 2**num_downsample, style_size, mlp_width, num_downsample,
                num_blocks if decoder == "munit" else 0,
            )  # fmt: skip
            networks[f"discriminator_{domain}"] = MultiScale(
                discriminator_filters, discriminator_layers, num_scales
            )
        self._close(networks)

    def step(self, a, b, g_optimizer, d_optimizer, draw=None):
        """One update of D, then of encoders and decoders; returns unweighted losses.

        Args:
            a, b: Batches.
            g_optimizer, d_optimizer: Of the two halves.
            draw: Function of a name to a batch of styles.
        """
        draw = draw or (lambda name: torch.randn(len(a), self.style_size))
        nets = self.networks
        content_encoder, style_encoder, decoder, judge = (
            {domain: nets[f"{part}_{domain}"] for domain in "ab"}
            for part in ("content_encoder", "style_encoder", "decoder", "discriminator")
        )
        x, other = {"a": a, "b": b}, {"a": "b", "b": "a"}
        content = {d: content_encoder[d](x[d]) for d in "ab"}
        styles = {d: draw(f"judged_style_{d}") for d in "ab"}
        with torch.no_grad():
            judged = {d: decoder[d](content[other[d]], styles[d]) for d in "ab"}
        found = {}

        def d_loss():
            found["d_loss"] = sum(
                _towards(real, 1.0, self.kind) + _towards(fake, 0.0, self.kind)
                for d in "ab"
                for real, fake in zip(judge[d](x[d]), judge[d](judged[d]), strict=True)
            )
            return found["d_loss"]

        self._descend(d_optimizer, d_loss, judging=True)
        styles = {d: draw(f"style_{d}") for d in "ab"}

        def g_loss():
            own = {d: style_encoder[d](x[d]) for d in "ab"}
            same = {d: decoder[d](content[d], own[d]) for d in "ab"}
            fake = {d: decoder[d](content[other[d]], styles[d]) for d in "ab"}
            again = {d: content_encoder[other[d]](fake[other[d]]) for d in "ab"}
            found["g_adversarial"] = sum(
                _towards(each, 1.0, self.kind) for d in "ab" for each in judge[d](fake[d])
            )
            found["g_image"] = sum(F.l1_loss(same[d], x[d]) for d in "ab")
            found["g_style"] = sum(F.l1_loss(style_encoder[d](fake[d]), styles[d]) for d in "ab")
            found["g_content"] = sum((again[d] - content[d]).abs().mean() for d in "ab")
            total = found["g_adversarial"] + 10.0 * found["g_image"]
            total = total + found["g_style"] + found["g_content"]
            if self.cycle:
                back = {d: decoder[d](again[d], own[d]) for d in "ab"}
                found["g_cycle"] = sum(F.l1_loss(back[d], x[d]) for d in "ab")
                total = total + self.cycle * found["g_cycle"]
            return total

        self._descend(g_optimizer, g_loss, judging=False)
        return {name: value.detach() for name, value in found.items()}


class _Residual(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        least = min(inputs, outputs)
        self.conv0, self.conv1 = _conv(inputs, least, 3, 1, 1), _conv(least, outputs, 3, 1, 1)
        self.shortcut = _conv(inputs, outputs, 1, bias=False) if inputs != outputs else None

    def forward(self, x):
        y = self.conv1(F.leaky_relu(self.conv0(F.leaky_relu(x, 0.2)), 0.2))
        return y + (x if self.shortcut is None else self.shortcut(x))


def _halve(x):
    return F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), 3, 2)


class Trunk(_Named):
    """The layers of D that both domains share: two features."""

    def __init__(self, filters):
        super().__init__()
        self.add("stem", _conv(3, filters, 7, 1, 3))
        for level, block in itertools.product((0, 1), (0, 1)):
            width = filters * 2**level
            self.add(f"level{level}_block{block}", _Residual(width, width * 2**block))

    def forward(self, x):
        x, features = self.stem(x), []
        for level in (0, 1):
            for block in (0, 1):
                x = self.run(f"level{level}_block{block}", x)
            x = _halve(x)
            features.append(x)
        return features


class Branch(_Named):
    """The layers of a domain: a feature and logits."""

    def __init__(self, filters):
        super().__init__()
        self.add("block0", _Residual(4 * filters, 4 * filters))
        self.add("block1", _Residual(4 * filters, 8 * filters))
        self.add("deep", _conv(8 * filters, 16 * filters, 4, 2, 1, mode="zeros"))
        self.add("logits", _conv(16 * filters, 1, 3, 1, 1, False, "zeros"))

    def forward(self, x):
        x = F.leaky_relu(_halve(self.block1(self.block0(x))), 0.2)
        feature = F.leaky_relu(self.deep(x), 0.2)
        return feature, self.logits(feature)


class AniGAN(_Pair):
    """One generator, the double-branch discriminator, and a step of both directions."""

    def __init__(
        self, filters=64, mlp_width=256, encoders="anigan", adversarial="hinge",
        gradient_penalty=10.0, adversarial_reconstruction=False, feature_matching="reconstruction",
    ):  # fmt: skip
        self.kind, self.penalty = adversarial, gradient_penalty
        self.halved, self.both = adversarial_reconstruction, feature_matching == "both"
        if encoders == "munit":
            generator = {
                "content_encoder": ContentEncoder(filters, 2, 4),
                "style_encoder": StyleEncoder(filters, 8, 2),
                "decoder": Decoder(4 * filters, 8, mlp_width, 2),
            }
        else:
            generator = {
                "content_encoder": ContentEncoder(filters, 3, 2),
                "style_encoder": StyleEncoder(filters, filters, 3),
                "decoder": Decoder(8 * filters, filters, mlp_width, 2, plain=True),
            }
        judges = {
            "discriminator_trunk": Trunk(filters),
            "discriminator_a": Branch(filters),
            "discriminator_b": Branch(filters),
        }
        self._close(generator | judges)
        self._averages = None

    def _judge(self, domain, x):
        shared = self.networks["discriminator_trunk"](x)
        feature, logits = self.networks[f"discriminator_{domain}"](shared[-1])
        return [*shared, feature], logits

    def _fooled(self, logits):
        return -logits.mean() if self.kind == "hinge" else _towards(logits, 1.0, self.kind)

    def _told_apart(self, real, fake):
        if self.kind == "hinge":
            return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
        return _towards(real, 1.0, self.kind) + _towards(fake, 0.0, self.kind)

    def step(self, a, b, g_optimizer, d_optimizer):
        """One update of D, then of the generator; returns unweighted losses."""
        nets, x = self.networks, {"a": a, "b": b}
        content, style = (
            dict(zip("ab", nets[name](torch.cat([a, b])).chunk(2), strict=True))
            for name in ("content_encoder", "style_encoder")
        )
        rows = [("a", "b"), ("b", "a"), ("a", "a"), ("b", "b")]  # content, style
        made = nets["decoder"](
            torch.cat([content[c] for c, _ in rows]), torch.cat([style[s] for _, s in rows])
        ).chunk(4)
        fake, same = {"b": made[0], "a": made[1]}, {"a": made[2], "b": made[3]}
        found = {}

        def d_loss():
            found["d_loss"] = found["d_penalty"] = 0.0
            for domain in "ab":
                real = x[domain].detach().requires_grad_(bool(self.penalty))
                logits = self._judge(domain, real)[1]
                if self.penalty:
                    # FUNIT's: of the mean over batch and places.
                    (slope,) = torch.autograd.grad(logits.mean(), real, create_graph=True)
                    found["d_penalty"] += slope.square().sum() / len(real)
                fakes = self._judge(domain, fake[domain].detach())[1]
                found["d_loss"] += self._told_apart(logits, fakes)
            return found["d_loss"] + self.penalty * found["d_penalty"]

        self._descend(d_optimizer, d_loss, judging=True)

        def g_loss():
            names = ("g_adversarial", "g_reconstruction", "g_features", "g_domain_features")
            found.update(dict.fromkeys(names, 0.0))
            for domain in "ab":
                fakes, logits = self._judge(domain, fake[domain])
                sames, same_logits = self._judge(domain, same[domain])
                fooled = self._fooled(logits)
                if self.halved:
                    fooled = (fooled + self._fooled(same_logits)) / 2
                found["g_adversarial"] += fooled
                found["g_reconstruction"] += F.l1_loss(same[domain], x[domain])
                with torch.no_grad():
                    wanted = [each.mean((2, 3)) for each in self._judge(domain, x[domain])[0]]
                for made in (sames, fakes) if self.both else (sames,):
                    shared_0, shared_1, own = (
                        F.l1_loss(each.mean((2, 3)), goal)
                        for each, goal in zip(made, wanted, strict=True)
                    )
                    found["g_features"] += shared_0 + shared_1
                    found["g_domain_features"] += own
            total = found["g_adversarial"] + 1.2 * found["g_reconstruction"]
            return total + found["g_features"] + found["g_domain_features"]

        self._descend(g_optimizer, g_loss, judging=False)
        if not self.penalty:
            del found["d_penalty"]
        return {name: value.detach() for name, value in found.items()}

    def average(self, decay=0.999):
        """Moves the average of the generator, which starts as a copy of it."""
        values = [value.detach() for net in self.generators for value in net.parameters()]
        if self._averages is None:
            self._averages = [value.clone() for value in values]
        torch._foreach_lerp_(self._averages, values, 1 - decay)


def make_rmsprop(model):
    """AniGAN's optimizers, `(generators, discriminators)`."""
    return [
        torch.optim.RMSprop(
            [value for network in networks for value in network.parameters()],
            1e-4, alpha=0.99, eps=1e-8, weight_decay=1e-4,
        )
        for networks in (model.generators, model.discriminators)
    ]  # fmt: skip
