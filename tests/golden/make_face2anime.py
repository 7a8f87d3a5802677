"""Write `face2anime.npz`: one update of Face2Anime and of XGAN, computed by PyTorch.

There is no official code: the twins below are written from the papers and from the decisions in
docs/models/face2anime.md and docs/models/xgan.md, with autograd's gradients. Weights and pictures
are not stored: `make_unpaired.formula` gives them by name, here and in the test. For each case the
file holds the losses, the names of the tensors and for each tensor how far PyTorch's float32
change is from its float64 one, then that change's norm and its values at four places.

Run: python tests/golden/make_face2anime.py
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from make_unpaired import formula, places, weight  # noqa: E402

SIZE = 32
RATE = 1e-3
RECOGNIZER = (4, 8, 8)
TINY = {"image_size": SIZE, "load_size": SIZE}
FACE2ANIME = TINY | {
    "filters": 4,
    "num_blocks": 2,
    "encoder_blocks": 1,
    "patch_size": 34,
    "pool_size": 0,
    "domain_filters": 4,
}
XGAN = TINY | {"filters": 4, "code_size": 16, "classifier_widths": (8,), "batch_size": 8}
CASES = {
    "face2anime": FACE2ANIME | {"perceptual": "anime-classifier", "classifier_filters": RECOGNIZER},
    "face2anime_critic": FACE2ANIME
    | {
        "adversarial": "wgan-gp",
        "identity_weight": 0.0,
        "semantic_norm": "l1",
        "semantic_detach": True,
        "perceptual_weight": 0.0,
        "domain_update": "reversal",
        "domain_loss": "bce",
    },
    "xgan": XGAN | {"gan": "both"},
    "xgan_iamigos": XGAN
    | {
        "order": "activation_first",
        "code_end": "relu",
        "up_kernel": 2,
        "semantic_norm": "l1_sum",
        "semantic_weight": 0.5,
        "semantic_detach": True,
        "classifier_norm": True,
        "domain_update": "reversal",
    },
}


def picture(name: str, count: int) -> np.ndarray:
    """A batch, float32 NCHW."""
    return (0.9 * formula(f"{name} {count}", (count, 3, SIZE, SIZE))).astype(np.float32)


def alpha(name: str, count: int) -> np.ndarray:
    """Where between real and generated pictures the penalty is taken, float32 `(N,)`."""
    return (0.5 + 0.5 * formula(name, (count,))).astype(np.float32)


def value(network: str, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The value of one tensor, in PyTorch's shape, float32."""
    if key.endswith("moving_mean"):
        return np.zeros(shape, np.float32)
    if key.endswith("moving_variance"):
        return np.ones(shape, np.float32)
    return weight(network, key, shape)


def _twins(torch, dtype):
    """The twins' layers and steps, over a PyTorch that is imported by the caller."""
    f = torch.nn.functional

    class Net:
        """Tensors by name, made when a layer first asks for them."""

        def __init__(self, name):
            self.name, self.tensors, self.before = name, {}, {}

        def get(self, key, *shape):
            if key not in self.tensors:
                tensor = torch.tensor(value(self.name, key, shape)).to(dtype)
                self.before[key] = tensor.clone()
                self.tensors[key] = tensor.requires_grad_("moving" not in key)
            return self.tensors[key]

        def conv(self, x, key, width, size, stride=1, pad=0, bias=True):
            kernel = self.get(f"{key}/kernel", width, x.shape[1], size, size)
            return f.conv2d(x, kernel, self._bias(key, width, bias), stride, pad)

        def up(self, x, key, width, size, stride, pad=0, extra=0, bias=True):
            kernel = self.get(f"{key}/kernel", x.shape[1], width, size, size)
            return f.conv_transpose2d(x, kernel, self._bias(key, width, bias), stride, pad, extra)

        def dense(self, x, key, width, bias=True):
            kernel = self.get(f"{key}/kernel", width, x.shape[1])
            return f.linear(x, kernel, self._bias(key, width, bias))

        def _bias(self, key, width, there):
            return self.get(f"{key}/bias", width) if there else None

        def batch_norm(self, x, key, training=True):
            names = ("moving_mean", "moving_variance", "gamma", "beta")
            parts = [self.get(f"{key}_norm/{name}", x.shape[1]) for name in names]
            return f.batch_norm(x, *parts, training, 0.1, 1e-5)

        @property
        def weights(self):
            return [t for t in self.tensors.values() if t.requires_grad]

    def gradients(loss, nets):
        return torch.autograd.grad(
            loss, [t for net in nets for t in net.weights], retain_graph=True, allow_unused=True
        )

    def descend(nets, found):
        tensors = [t for net in nets for t in net.weights]
        with torch.no_grad():
            for tensor, gradient in zip(tensors, found, strict=True):
                if gradient is not None:
                    # A new leaf: graphs of before the update stay usable.
                    tensor.data = tensor.data - RATE * gradient

    def distance(x, y, norm):
        difference = (x - y).flatten(1)
        return {
            "l1": lambda: difference.abs().mean(),
            "l1_sum": lambda: difference.abs().sum(1).mean(),
            "l2": lambda: (difference.square().sum(1) + 1e-12).sqrt().mean(),
            "rms": lambda: (difference.square().mean(1) + 1e-12).sqrt().mean(),
        }[norm]()

    def towards(scores, target, kind):
        if kind == "lsgan":
            return (scores - target).square().mean()
        return f.binary_cross_entropy_with_logits(scores, torch.full_like(scores, target))

    # Face2Anime.

    def block(net, x, index):
        y = f.relu(f.instance_norm(net.conv(_reflect(x, 1), f"block{index}_conv1", x.shape[1], 3)))
        return x + f.instance_norm(net.conv(_reflect(y, 1), f"block{index}_conv2", x.shape[1], 3))

    def _reflect(x, size):
        return f.pad(x, (size,) * 4, "reflect")

    def halves(config, way):
        width = config["filters"]
        encoder, decoder = Net(f"encoder_{way}"), Net(f"decoder_{way}")

        def encode(x):
            x = f.relu(f.instance_norm(encoder.conv(_reflect(x, 3), "first", width, 7)))
            for i in (0, 1):
                x = encoder.conv(x, f"down{i}", width * 2 ** (i + 1), 3, 2, 1)
                x = f.relu(f.instance_norm(x))
            for i in range(config["encoder_blocks"]):
                x = block(encoder, x, i)
            return x

        def decode(x):
            for i in range(config["encoder_blocks"], config["num_blocks"]):
                x = block(decoder, x, i)
            for i in (0, 1):
                x = decoder.up(x, f"up{i}", width * 2 ** (1 - i), 3, 2, 1, 1)
                x = f.relu(f.instance_norm(x))
            return torch.tanh(decoder.conv(_reflect(x, 3), "last", 3, 7))

        return (encoder, decoder), encode, decode

    def patch_judge(config, name):
        net, width, plain = Net(name), config["filters"], config.get("adversarial") is not None

        def judge(x):
            for i, (channels, stride) in enumerate(((width, 2), (2 * width, 2), (4 * width, 1))):
                x = net.conv(x, f"conv{i}", channels, 4, stride, 1)
                x = f.leaky_relu(x if plain or not i else f.instance_norm(x), 0.2)
            return net.conv(x, "conv3", 1, 4, 1, 1)

        return net, judge

    def code_judge(config):
        net, width = Net("domain_classifier"), config["domain_filters"]

        def judge(x):
            for i in (0, 1):
                x = f.leaky_relu(net.conv(x, f"conv{i}", width * (i + 1), 4, 2, 1), 0.2)
            return net.conv(x, "conv2", 1, 4, 1, 1)

        return net, judge

    def recognizer():
        net = Net("recognizer")

        def features(x):
            found = []
            for level, width in enumerate(RECOGNIZER, 1):
                for part, stride in ((1, 2), (2, 1)):
                    x = f.pad(x, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
                    x = net.conv(x, f"level{level}_conv{part}", width, 3, stride, bias=False)
                    x = f.relu(net.batch_norm(x, f"level{level}_conv{part}", training=False))
                found.append(x)
            return found[1:]

        return net, features

    def penalty(judge, real, fake, name):
        share = torch.tensor(alpha(name, len(real))).to(dtype)[:, None, None, None]
        between = (real + share * (fake.detach() - real)).requires_grad_()
        score = judge(between).mean((1, 2, 3)).sum()
        (slope,) = torch.autograd.grad(score, between, create_graph=True)
        return (slope.flatten(1).norm(dim=1) - 1).square().mean()

    def face2anime(config):
        critic = "adversarial" in config
        a, b = (torch.tensor(picture(name, 2)).to(dtype) for name in ("a", "b"))
        nets_ab, enc_ab, dec_ab = halves(config, "a2b")
        nets_ba, enc_ba, dec_ba = halves(config, "b2a")
        net_a, judge_a = patch_judge(config, "discriminator_a")
        net_b, judge_b = patch_judge(config, "discriminator_b")
        net_dom, judge_code = code_judge(config)
        loss = {}
        code_a, code_b = enc_ab(a), enc_ba(b)
        fake_b, fake_a = dec_ab(code_a), dec_ba(code_b)
        back_a, back_b = enc_ba(fake_b), enc_ab(fake_a)
        loss["g_cycle"] = (dec_ba(back_a) - a).abs().mean() + (dec_ab(back_b) - b).abs().mean()
        norm = config.get("semantic_norm", "rms")
        goals = [c.detach() if config.get("semantic_detach") else c for c in (code_a, code_b)]
        loss["g_semantic"] = distance(goals[0], back_a, norm) + distance(goals[1], back_b, norm)
        kind = config.get("domain_loss", "lsgan")
        loss["d_domain"] = towards(judge_code(code_a), 0.0, kind) + towards(
            judge_code(code_b), 1.0, kind
        )
        nets = [net_a, net_b, net_dom, *nets_ab, *nets_ba]
        if critic:
            loss["g_adversarial"] = -judge_a(fake_a).mean() - judge_b(fake_b).mean()
            sides = ((judge_a, a, fake_a, "a"), (judge_b, b, fake_b, "b"))
            loss["d_loss"] = sum(j(y.detach()).mean() - j(x).mean() for j, x, y, _ in sides)
            loss["d_penalty"] = sum(penalty(*side) for side in sides)
            d_total = loss["d_loss"] + 10.0 * loss["d_penalty"]
            total = loss["g_adversarial"] + 10.0 * loss["g_cycle"] + loss["g_semantic"]
            total = total - 0.5 * loss["d_domain"]  # the reversal layer, factor 0.5
        else:
            loss["g_adversarial"] = sum(
                towards(j(y), 1.0, "lsgan") for j, y in ((judge_a, fake_a), (judge_b, fake_b))
            )
            loss["d_loss"] = d_total = 0.5 * sum(
                towards(j(x), 1.0, "lsgan") + towards(j(y.detach()), 0.0, "lsgan")
                for j, x, y in ((judge_a, a, fake_a), (judge_b, b, fake_b))
            )
            loss["g_identity"] = (dec_ab(enc_ab(b)) - b).abs().mean()
            loss["g_identity"] += (dec_ba(enc_ba(a)) - a).abs().mean()
            loss["g_domain"] = towards(judge_code(code_a), 1.0, kind) + towards(
                judge_code(code_b), 0.0, kind
            )
            net_rec, features = recognizer()
            loss["g_perceptual"] = 0.0
            for x, y in ((a, fake_b), (b, fake_a)):
                wanted, found = features(x), features(y)
                for w, g in zip(wanted, found, strict=True):
                    share = (w - g).abs().mean((1, 2, 3)) / (w.abs().mean((1, 2, 3)) + 1e-8)
                    loss["g_perceptual"] += share.mean() / len(wanted)
            nets.append(net_rec)
            total = loss["g_adversarial"] + 10.0 * loss["g_cycle"] + 5.0 * loss["g_identity"]
            total = total + loss["g_semantic"] + loss["g_perceptual"] + 0.5 * loss["g_domain"]
        # All from one forward pass: every gradient is that of before the update.
        generators = [*nets_ab, *nets_ba]
        steps = [(group, gradients(goal, group)) for group, goal in (
            (generators, total), ([net_a, net_b], d_total), ([net_dom], loss["d_domain"]),
        )]  # fmt: skip
        for group, found in steps:
            descend(group, found)
        return loss, nets

    # XGAN.

    def xgan(config):
        a, b = (torch.tensor(picture(name, 8)).to(dtype) for name in ("a", "b"))
        width, size, first = config["filters"], config["code_size"], "order" not in config
        kernel, reversal = config.get("up_kernel", 4), "domain_update" in config
        names = ("encoder_a", "encoder_b", "shared_encoder", "shared_decoder", "decoder_a")
        nets = {n: Net(n) for n in (*names, "decoder_b", "domain_classifier", "discriminator_b")}
        if config.get("gan") == "both":
            nets["discriminator_a"] = Net("discriminator_a")

        def act(net, x, key, slope=0.0):
            if first:
                return f.leaky_relu(net.batch_norm(x, key), slope)
            return net.batch_norm(f.leaky_relu(x, slope), key)

        def encode(domain, x):
            net, shared = nets[f"encoder_{domain}"], nets["shared_encoder"]
            for i in (1, 2):
                x = act(net, net.conv(x, f"conv{i}", width * i, 3, 2, 1, False), f"conv{i}")
            for i, w in ((3, 4 * width), (4, 8 * width)):
                x = act(shared, shared.conv(x, f"conv{i}", w, 3, 2, 1, False), f"conv{i}")
            x = act(shared, shared.dense(x.flatten(1), "dense1", size, False), "dense1")
            x = shared.dense(x, "dense2", size, False)
            if "code_end" in config:
                return act(shared, x, "dense2")
            return shared.batch_norm(x, "dense2")

        def decode(domain, code):
            net, shared, pad = nets[f"decoder_{domain}"], nets["shared_decoder"], kernel // 2 - 1
            x = shared.up(code[:, :, None, None], "deconv1", 16 * width, SIZE // 16, 1, bias=False)
            x = act(shared, x, "deconv1")
            x = shared.up(x, "deconv2", 8 * width, kernel, 2, pad, bias=False)
            x = act(shared, x, "deconv2")
            for i, w in ((3, 4 * width), (4, 2 * width)):
                x = act(net, net.up(x, f"deconv{i}", w, kernel, 2, pad, bias=False), f"deconv{i}")
            return torch.tanh(net.up(x, "deconv5", 3, kernel, 2, pad))

        def judge(domain, x):
            net = nets[f"discriminator_{domain}"]
            for i, w in ((1, width // 2), (2, width), (3, width), (4, width)):
                plain = i in (1, 4)
                x = net.conv(x, f"conv{i}", w, 3, 2, 1, plain)
                x = f.leaky_relu(x, 0.2) if plain else act(net, x, f"conv{i}", 0.2)
            return net.dense(x.flatten(1), "dense", 1)

        def classify(code):
            net, x = nets["domain_classifier"], code
            for i, w in enumerate(config["classifier_widths"], 1):
                x = net.dense(x, f"dense{i}", w)
                x = net.batch_norm(x, f"dense{i}") if "classifier_norm" in config else x
                x = f.leaky_relu(x, 0.2)
            return net.dense(x, "scores", 1)

        def domain_of(codes):
            return towards(classify(codes[0]), 0.0, "bce") + towards(classify(codes[1]), 1.0, "bce")

        loss = {}
        codes = code_a, code_b = encode("a", a), encode("b", b)
        same_a, same_b = decode("a", code_a), decode("b", code_b)
        fakes = {"b": decode("b", code_a)}
        fakes["a"] = decode("a", code_b)
        judged = [d for d in "ab" if f"discriminator_{d}" in nets]
        real = {"a": a, "b": b}
        loss["d_loss"] = 0.0
        for d in judged:
            loss["d_loss"] += towards(judge(d, real[d]), 1.0, "bce")
            loss["d_loss"] += towards(judge(d, fakes[d].detach()), 0.0, "bce")
        judges = [nets[f"discriminator_{d}"] for d in judged]
        descend(judges, gradients(loss["d_loss"], judges))
        if not reversal:
            loss["d_domain"] = domain_of([code.detach() for code in codes])
            classifier = [nets["domain_classifier"]]
            descend(classifier, gradients(loss["d_domain"], classifier))
        loss["g_reconstruction"] = distance(same_a, a, "l2") + distance(same_b, b, "l2")
        goals = [c.detach() if config.get("semantic_detach") else c for c in codes]
        norm = config.get("semantic_norm", "l1")
        loss["g_semantic"] = distance(goals[0], encode("b", fakes["b"]), norm)
        loss["g_semantic"] = loss["g_semantic"] + distance(goals[1], encode("a", fakes["a"]), norm)
        loss["g_adversarial"] = sum(towards(judge(d, fakes[d]), 1.0, "bce") for d in judged)
        total = loss["g_reconstruction"] + loss["g_adversarial"]
        total = total + config.get("semantic_weight", 50.0) * loss["g_semantic"]
        against = domain_of(codes)
        loss["d_domain" if reversal else "g_domain"] = against if reversal else -against
        total = total - 0.7 * against
        group = [net for name, net in nets.items() if name.startswith(("encoder", "decoder", "sh"))]
        steps = [(group, gradients(total, group))]
        if reversal:
            classifier = [nets["domain_classifier"]]
            steps.append((classifier, gradients(against, classifier)))
        for part, found in steps:
            descend(part, found)
        return loss, list(nets.values())

    return {"face2anime": face2anime, "xgan": xgan}


def _update(case: str, double: bool):
    """Returns the losses and, by tensor, the flat change of one update."""
    import torch

    torch.set_num_threads(1)
    step = _twins(torch, torch.float64 if double else torch.float32)[case.partition("_")[0]]
    loss, nets = step(CASES[case])
    losses = {key: found.item() for key, found in loss.items()}
    changes = {
        f"{net.name}/{key}": (tensor.detach() - net.before[key]).double().numpy().ravel()
        for net in nets
        for key, tensor in net.tensors.items()
    }
    return losses, changes


def _make() -> dict[str, np.ndarray]:
    result = {}
    for case in CASES:
        losses, exact = _update(case, double=True)
        _, single = _update(case, double=False)
        rows = np.zeros((len(exact), 6), np.float32)
        for row, (key, change) in zip(rows, exact.items(), strict=True):
            some = change[places(change.size)]
            row[:2] = np.linalg.norm(single[key] - change), np.linalg.norm(change)
            row[2 : 2 + some.size] = some
        result[f"{case}/names"] = np.array(list(exact))
        result[f"{case}/changes"] = rows
        result[f"{case}/loss_names"] = np.array(list(losses))
        result[f"{case}/losses"] = np.array(list(losses.values()))
    return result


if __name__ == "__main__":
    np.savez_compressed(Path(__file__).with_name("face2anime.npz"), **_make())
