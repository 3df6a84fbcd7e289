"""The methods of the results table in PyTorch, at the table's budget.

    parity.py simclr|byol|mae --seed N [--out FOLDER] [--epochs N] [--steps N]
    parity.py views [--out FOLDER]

Encoder, method, data, augmentation, optimizer and schedule are the defaults of
the table's encoders, contrastive.SimCLR, contrastive.BYOL and mae.Autoencoder,
written again from their descriptions; the random numbers are PyTorch's own. The
encoder is left in FOLDER in the form of nn.Save, beside a JSON object that is
printed, too. `sslnotes results --peers FOLDER` judges it by the probe that
judges ours, after it has seen that its features of a picture are those that
PyTorch computed.

`views` prints what augmented pictures look like on the average, for
TestViewsAreThePeers.
"""
import argparse
import copy
import gzip
import hashlib
import json
import math
import os
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional as F

import models

DATA = "/data"


# The data: the training images that Set.Holdout leaves.


def idx(name):
    with gzip.open(os.path.join(DATA, name + ".gz")) as f:
        raw = f.read()
    dims = numpy.frombuffer(raw, ">u4", raw[3], 4)
    return numpy.frombuffer(raw, numpy.uint8, offset=4 + 4 * raw[3]).reshape(dims)


def finalise(x):
    """SplitMix64's finaliser."""
    m = 2**64 - 1
    x = (x + 0x9E3779B97F4A7C15) & m
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & m
    x = (x ^ x >> 27) * 0x94D049BB133111EB & m
    return x ^ x >> 31


def key(seed, purpose, *at):
    """The key of the stream that Go's rng.New gives, and its place."""
    h = finalise(seed ^ 0x9E3779B97F4A7C15)
    text = purpose.encode()
    for i in range(0, len(text), 8):
        h = finalise(h ^ int.from_bytes(text[i : i + 8].ljust(8, b"\0"), "little"))
    h = finalise(h ^ len(text) << 32 ^ len(at))
    g = finalise((h + 0x9E3779B97F4A7C15) & (2**64 - 1))
    for c in at:
        h = finalise(h ^ c)
        g = finalise((g + h) & (2**64 - 1))
    return h, g


def words(keys, n, start=0):
    """n words of each of several streams, from the block start on: Philox4x32-10."""
    low, shift = numpy.uint64(2**32 - 1), numpy.uint64(32)
    h, g = (numpy.array(v, dtype=numpy.uint64)[:, None] for v in zip(*keys))
    block = numpy.arange(start, start + (n + 3) // 4, dtype=numpy.uint64)[None]
    zero = numpy.zeros_like(h + block)
    c0, c1, c2, c3 = zero + block, zero, zero + (g & low), zero + (g >> shift)
    k0, k1 = h & low, h >> shift
    for _ in range(10):
        a, b = c0 * numpy.uint64(0xD2511F53), c2 * numpy.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = b >> shift ^ c1 ^ k0, b & low, a >> shift ^ c3 ^ k1, a & low
        k0, k1 = k0 + numpy.uint64(0x9E3779B9) & low, k1 + numpy.uint64(0xBB67AE85) & low
    return numpy.stack([c0, c1, c2, c3], 2).reshape(len(keys), -1)[:, :n]


def below(bound, stream):
    """What Go's Stream.IntN makes of the next words."""
    product = next(stream) * bound
    while product & 0xFFFFFFFF < 2**32 % bound:
        product = next(stream) * bound
    return product >> 32


def permutation(n, *of):
    """What Go's Stream.Perm makes of n."""
    stream = iter(words([key(*of)], 2 * n)[0].tolist())
    p = list(range(n))
    for i in range(n - 1, 0, -1):
        j = below(i + 1, stream)
        p[i], p[j] = p[j], p[i]
    return p


class Data:
    def __init__(self):
        pixels, labels = idx("train-images-idx3-ubyte"), idx("train-labels-idx1-ubyte")
        left, held = [], [0] * 10
        for i in permutation(len(labels), 0, "divide"):
            held[labels[i]] += 1
            if held[labels[i]] > 500:
                left.append(i)
        left.sort()
        self.digest = hashlib.sha256(pixels[left].tobytes() + labels[left].tobytes()).hexdigest()
        self.images = torch.from_numpy(pixels[left])[:, None]
        self.mean, self.std = pixels.mean() / 255, pixels.std() / 255
        self.first = torch.from_numpy(idx("t10k-images-idx3-ubyte")[:1].copy())[:, None].float() / 255

    def normalise(self, x):
        return (x - self.mean) / self.std


# Augmentation: one affine map, sampled once, then values.


def uniform(n, low, high):
    return low + (high - low) * torch.rand(n)


class Chance:
    """PyTorch's random numbers. same.py has Go's."""

    def order(self, epoch, n):
        return torch.randperm(n)

    def crops(self, epoch, index, v, least=0.3, most=1, ratio=4 / 3):
        """Half-widths and middles of crops in a picture from -1 to 1; who is flipped."""
        n, side = len(index), max(1, math.sqrt(most))
        area = uniform((n, 10), least, most)
        aspect = torch.exp(uniform((n, 10), -math.log(ratio), math.log(ratio)))
        w, h = (area * aspect).sqrt(), (area / aspect).sqrt()
        fits = (w <= side) & (h <= side)
        first = fits.int().argmax(1, keepdim=True)
        w, h = (torch.where(fits.any(1), side.gather(1, first)[:, 0], torch.ones(n)) for side in (w, h))
        return w, h, (1 - w) * uniform(n, -1, 1), (1 - h) * uniform(n, -1, 1), torch.rand(n) < 0.5

    def jitters(self, epoch, index, v):
        """Who is jittered, and the factors of brightness and contrast."""
        n = len(index)
        return torch.rand(n) < 0.8, uniform(n, 0.6, 1.4), uniform(n, 0.6, 1.4)

    def patches(self, step, index):
        """Orders of the 49 patches; the first of them are seen."""
        return torch.rand(len(index), 49).argsort(1)


def view(x, crops, jitters=None):
    """Views of pictures [N,1,28,28] with values from 0 to 1."""
    w, h, at_x, at_y, flipped = (v.to(x.dtype) for v in crops)
    w, none = w * (1 - 2 * flipped), torch.zeros_like(w)
    maps = torch.stack([torch.stack([w, none, at_x], 1), torch.stack([none, h, at_y], 1)], 1)
    grid = F.affine_grid(maps, list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)
    if jitters is None:
        return x
    who, brightness, contrast = (v.to(x.dtype).view(-1, 1, 1, 1) for v in jitters)
    y = (x * brightness).clamp(0, 1)
    mean = y.mean((1, 2, 3), keepdim=True)
    y = ((y - mean) * contrast + mean).clamp(0, 1)
    return torch.where(who > 0, y, x)


# Layers, as package nn initialises them.


def normal(weight, inputs, gain=1.0):
    nn.init.normal_(weight, std=math.sqrt(gain / inputs))


def glorot(weight, out, into):
    limit = math.sqrt(6 / (out + into))
    nn.init.uniform_(weight, -limit, limit)


def mlp(into, hidden, out):
    m = nn.Sequential(nn.Linear(into, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Linear(hidden, out))
    normal(m[0].weight, into)
    normal(m[3].weight, hidden)
    nn.init.zeros_(m[3].bias)
    return m


class ConvNet(nn.Module):
    """nn.ConvNet: convolutions of stride 2."""

    dim = 256

    def __init__(self, into=1, channels=(32, 64, dim)):
        super().__init__()
        self.layers = nn.Sequential()
        for out in channels:
            self.layers.append(nn.Sequential(nn.Conv2d(into, out, 3, 2, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU()))
            normal(self.layers[-1][0].weight, 9 * into, 2)
            into = out
        self.to(memory_format=torch.channels_last)

    def map(self, x):
        return self.layers(x.contiguous(memory_format=torch.channels_last))

    def forward(self, x):
        return self.map(x).mean((2, 3))

    def named(self):
        """Layers by their names in Go."""
        for i, layer in enumerate(self.layers):
            yield f"layer{i}.conv", layer[0]
            yield f"layer{i}.norm", layer[1]


def blocks(width, depth):
    """A stack of pre-LN blocks of four heads, and a LayerNorm."""
    stack = nn.Sequential(*[models.Block(width) for _ in range(depth)], nn.LayerNorm(width))
    for b in stack[:-1]:
        for layer, out, into in ((b.qkv, width, width), (b.out, width, width), (b.up, 4 * width, width), (b.down, width, 4 * width)):
            glorot(layer.weight, out, into)
            nn.init.zeros_(layer.bias)
    return stack


def stacked(name, stack):
    """The layers of a stack by their names in Go."""
    for i, b in enumerate(stack[:-1]):
        for part, layer in (("norm1", b.norm1), ("qkv", b.qkv), ("proj", b.out), ("norm2", b.norm2), ("fc1", b.up), ("fc2", b.down)):
            yield f"{name}.block{i}.{part}", layer
    yield name + ".norm", stack[-1]


def sines(rows, cols, width):
    """Fixed positions: sines and cosines of the row, then of the column."""
    n = width // 4
    frequency = 10000 ** (-torch.arange(n, dtype=torch.float64) / n)
    y, x = (v.reshape(-1, 1) * frequency for v in torch.meshgrid(torch.arange(rows), torch.arange(cols), indexing="ij"))
    return torch.cat([y.sin(), y.cos(), x.sin(), x.cos()], 1).float()


def patchify(x):
    return x.view(len(x), 7, 4, 7, 4).permute(0, 1, 3, 2, 4).reshape(len(x), 49, 16)


def pick(x, index):
    return torch.gather(x, 1, index[..., None].expand(-1, -1, x.shape[-1]))


class ViT(nn.Module):
    """nn.ViT{}: patches of 4×4, four blocks of width 128, features the tokens' mean."""

    dim = 128

    def __init__(self):
        super().__init__()
        self.embed, self.trunk = nn.Linear(16, 128), blocks(128, 4)
        glorot(self.embed.weight, 128, 16)
        nn.init.zeros_(self.embed.bias)
        self.register_buffer("places", sines(7, 7, 128))

    def tokens(self, patches, visible=None):
        places = self.places.expand(len(patches), -1, -1)
        if visible is not None:
            patches, places = pick(patches, visible), pick(places, visible)
        return self.trunk(self.embed(patches) + places)

    def forward(self, x):
        return self.tokens(patchify(x)).mean(1)

    def named(self):
        yield "embed", self.embed
        yield from stacked("trunk", self.trunk)


# Methods. Each is a module with an encoder and a loss of what it draws.


class Method(nn.Module):
    views, jitter = 2, True

    def total(self, n, epochs):
        """Steps of training on n pictures."""
        return (epochs or self.epochs) * (n // self.batch)

    def kind(self):
        return next(self.parameters()).dtype

    def draw(self, data, index, step, epoch, chance):
        """Normalised views, and an order of patches."""
        x, views = data.images[index].to(self.kind()) / 255, []
        for v in range(self.views):
            jitters = chance.jitters(epoch, index, v) if self.jitter else None
            views.append(data.normalise(view(x, chance.crops(epoch, index, v), jitters)))
        return views, None if self.jitter else chance.patches(step, index)

    def trained(self):
        return list(self.parameters())

    def decays(self, p):
        """Not biases, scales and MAE's token."""
        return p.dim() > 1

    def after(self, step, steps):
        pass

    def features(self, data):
        return {"features": self.encoder(data.normalise(data.first))[0].tolist()}

    def arrays(self):
        return arrays(self.encoder)


class SimCLR(Method):
    rate, decay, batch, epochs = 2e-3, 1e-4, 128, 8

    def __init__(self):
        super().__init__()
        self.encoder = ConvNet()
        self.projector = mlp(ConvNet.dim, ConvNet.dim, 64)

    def forward(self, views, _):
        n = len(views[0])
        z = F.normalize(self.projector(self.encoder(torch.cat(views))), dim=1)
        similar = (z @ z.t() / 0.2).masked_fill(torch.eye(len(z), dtype=torch.bool), float("-inf"))
        first = torch.arange(n)
        return F.cross_entropy(similar, torch.cat([first + n, first]))


class BYOL(Method):
    rate, decay, batch, epochs = 2e-3, 1e-4, 128, 8

    def __init__(self):
        super().__init__()
        self.encoder = ConvNet()
        self.projector, self.predictor = mlp(ConvNet.dim, 256, 64), mlp(64, 256, 64)
        self.target = copy.deepcopy(nn.Sequential(self.encoder, self.projector)).requires_grad_(False)

    def forward(self, views, _):
        p, q = (self.predictor(self.projector(self.encoder(v))) for v in views)
        with torch.no_grad():
            s, t = (self.target(v) for v in views)
        return self.regression(p, t) + self.regression(q, s)

    @staticmethod
    def regression(p, z):
        return (2 - 2 * F.cosine_similarity(p, z, dim=1)).mean()

    def trained(self):
        return [p for p in self.parameters() if p.requires_grad]

    @torch.no_grad()
    def after(self, step, steps):
        momentum = 1 - (1 - 0.99) * (1 + math.cos(math.pi * step / steps)) / 2
        online = nn.Sequential(self.encoder, self.projector)
        for t, o in zip(self.target.parameters(), online.parameters()):
            t.mul_(momentum).add_(o, alpha=1 - momentum)


class MAE(Method):
    rate, decay, batch, epochs, views, jitter = 1e-3, 0.05, 256, 6, 1, False
    seen = 12  # of 49 patches

    def __init__(self):
        super().__init__()
        self.encoder = ViT()
        self.bridge, self.decoder, self.out = nn.Linear(128, 64), blocks(64, 2), nn.Linear(64, 16)
        for layer in (self.bridge, self.out):
            normal(layer.weight, layer.in_features)
            nn.init.zeros_(layer.bias)
        self.hidden = nn.Parameter(0.02 * torch.randn(64))
        self.register_buffer("places", sines(7, 7, 64))

    def forward(self, views, order):
        patches = patchify(views[0])
        n = len(patches)
        back = order.argsort(1)
        z = self.bridge(self.encoder.tokens(patches, order[:, : self.seen]))
        z = torch.cat([z, self.hidden.expand(n, 49 - self.seen, -1)], 1)
        painted = self.out(self.decoder(pick(z, back) + self.places))
        mean, variance = patches.mean(-1, keepdim=True), patches.var(-1, keepdim=True)
        target = (patches - mean) / (variance + 1e-6).sqrt()
        mask = (back >= self.seen).to(patches.dtype)
        return (((painted - target) ** 2).mean(-1) * mask).sum() / mask.sum()


METHODS = {"simclr": SimCLR, "byol": BYOL, "mae": MAE}


# Training, as pipeline.Pretrain does it.


def rate(step, steps, peak):
    """Linear warm-up over a twentieth, then half a cosine to 0."""
    warmup = max(1, steps // 20)
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))) / 2


def adamw(method):
    groups = {True: [], False: []}
    for p in method.trained():
        groups[method.decays(p)].append(p)
    return torch.optim.AdamW([{"params": groups[True], "weight_decay": method.decay}, {"params": groups[False], "weight_decay": 0.0}], fused=True)


def train(method, data, steps, total, tell, chance, batch):
    """Takes steps of a schedule of total; the loss of each."""
    optimizer, losses, order = adamw(method), [], None
    per_epoch = len(data.images) // batch
    method.train()
    for step in range(steps):
        epoch, at = divmod(step, per_epoch)
        if at == 0:
            order = chance.order(epoch, len(data.images))
        index = order[at * batch : (at + 1) * batch]
        drawn = method.draw(data, index, step, epoch, chance)
        for group in optimizer.param_groups:
            group["lr"] = rate(step, total, method.rate)
        optimizer.zero_grad(set_to_none=True)
        loss = method(*drawn)
        loss.backward()
        optimizer.step()
        method.after(step, total)
        losses.append(loss.item())
        tell(step, losses[-1])
    return losses


# What is kept, in Go's form.


def arrays(encoder):
    norms = (nn.BatchNorm2d, nn.LayerNorm)
    for name, layer in encoder.named():
        if isinstance(layer, norms):
            yield name + ".gamma", layer.weight
            yield name + ".beta", layer.bias
        elif isinstance(layer, nn.Conv2d):
            yield name + ".weight", layer.weight.permute(2, 3, 1, 0)
        else:
            yield name + ".weight", layer.weight.t()
            if layer.bias is not None:
                yield name + ".bias", layer.bias
        if isinstance(layer, nn.BatchNorm2d):
            yield name + ".mean", layer.running_mean
            yield name + ".variance", layer.running_var


def save(path, arrays):
    head, body = {}, b""
    for name, v in arrays:
        raw = v.detach().contiguous().numpy().astype("<f4").tobytes()
        head[name] = {"dtype": "F32", "shape": list(v.shape), "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text + body)


def run(a, data, make, chance):
    torch.manual_seed(a.seed)
    method = make()
    total = method.total(len(data.images), a.epochs)
    steps = a.steps or total

    def tell(step, loss):
        if step % 20 == 0 or step == steps - 1:
            print(f"{a.what} {a.seed}: step {step + 1} of {steps}, loss {loss:.4f}", file=sys.stderr, flush=True)

    start, cpu = time.perf_counter(), time.process_time()
    losses = train(method, data, steps, total, tell, chance, method.batch)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    method.eval()
    with torch.no_grad():
        features = method.features(data)
    tenth = max(1, steps // 10)
    trained = sum(p.numel() for p in method.trained())
    encoder = sum(p.numel() for p in method.encoder.parameters())
    result = {
        "method": a.what, "seed": a.seed, "steps": steps, "batch": method.batch, "data": data.digest,
        "parameters": encoder, "head_parameters": trained - encoder,
        "first_loss": losses[0], "losses": [sum(losses[i : i + tenth]) / tenth for i in range(0, tenth * 10, tenth)] if steps >= 10 else losses,
        "seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1), "torch": torch.__version__,
        "command": f"peer {os.path.basename(sys.argv[0])[:-3]} DATA OUT " + " ".join(sys.argv[1:]).replace(" --out /out", ""), **features,
    }
    if a.out:
        name = os.path.join(a.out, f"{a.what}-{a.seed}")
        save(name + ".safetensors", method.arrays())
        with open(name + ".json", "w") as f:
            f.write(json.dumps(result) + "\n")
    print(json.dumps(result))


def views(a, data):
    """What views look like: means over views and standard deviations."""
    torch.manual_seed(a.seed)
    chance = Chance()
    all = {"torch": torch.__version__, "views": len(data.images)}
    for name, jitter in (("crop and flip", False), ("crop, flip and jitter", True)):
        v = torch.cat([
            view(x.float() / 255, chance.crops(0, x, 0), chance.jitters(0, x, 0) if jitter else None)
            for x in data.images.split(5000)])[:, 0]
        each = {
            "mean": v.mean((1, 2)),
            "square": (v * v).mean((1, 2)),
            "across": (v[..., 1:] - v[..., :-1]).abs().mean((1, 2)),
            "down": (v[:, 1:] - v[:, :-1]).abs().mean((1, 2)),
            "white": (v >= 1).float().mean((1, 2)),
            "black": (v <= 0).float().mean((1, 2)),
            "left": v[..., :14].mean((1, 2)) - v[..., 14:].mean((1, 2)),
            "top": v[:, :14].mean((1, 2)) - v[:, 14:].mean((1, 2)),
        }
        all[name] = {k: [x.double().mean().item(), x.double().std().item()] for k, x in each.items()}
    print(json.dumps(all))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what", choices=[*METHODS, "views"])
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--epochs", type=int, default=0)
    p.add_argument("--steps", type=int, default=0)
    p.add_argument("--out", default="")
    a = p.parse_args()
    torch.set_num_threads(1)
    if a.what == "views":
        views(a, Data())
    else:
        run(a, Data(), METHODS[a.what], Chance())


if __name__ == "__main__":
    main()
