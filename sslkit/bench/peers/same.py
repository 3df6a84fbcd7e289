"""The first steps of parity.py's methods, and of clip.py's, with Go's random numbers.

    same.py simclr|byol|mae|clip [--steps N] [--batch N]

Weights, order, views, masks and phrases are those that Go draws from seed 1, so
the losses must be those of pipeline.Train, on fashion-mini or the set that
clip.py reads, to roundings. Prints a JSON object: the losses of each step in
float32 and in float64. How far the two are apart is what the roundings of float32
make of it.
"""
import argparse
import gzip
import json
import math
import sys

import numpy
import torch

import clip
import parity

SEED = 1


class Stream:
    """A stream of package rng."""

    def __init__(self, purpose):
        self.key, self.at = parity.key(SEED, purpose), 0

    def words(self, n):
        assert self.at % 4 == 0
        return parity.words([self.key], n, self.at // 4)[0]

    def uniform(self, n):
        """n numbers of Stream.Float32."""
        w = self.words(n)
        self.at += n
        return w.astype(numpy.float64) / 2**32 // 2**-24 * 2**-24

    def normal(self, n):
        """n numbers of Stream.Norm: pairs, by Marsaglia's polar method."""
        assert n % 2 == 0
        w = self.words(4 * (n + 100))
        u, v = ((w[i::4] | w[i + 1 :: 4] << numpy.uint64(32)) >> numpy.uint64(11) for i in (0, 2))
        u, v = (2 * (x.astype(numpy.float64) / 2**53) - 1 for x in (u, v))
        q = u * u + v * v
        good = numpy.flatnonzero((q < 1) & (q > 0))[: n // 2]
        self.at += 4 * (int(good[-1]) + 1)
        u, v, q = u[good], v[good], q[good]
        f = numpy.sqrt(-2 * numpy.log(q) / q)
        return numpy.stack([v * f, u * f], 1).reshape(-1).astype(numpy.float32)


@torch.no_grad()
def fill(weight, values):
    """Sets a weight to values in Go's order of axes."""
    axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[weight.dim()]
    shape = [0] * weight.dim()
    for i, axis in enumerate(axes):
        shape[axis] = weight.shape[i]
    weight.copy_(torch.from_numpy(numpy.asarray(values, dtype=numpy.float32)).reshape(shape).permute(axes))


def normal(weight, stream, inputs, gain=1.0):
    fill(weight, stream.normal(weight.numel()) * numpy.float32(math.sqrt(gain / inputs)))


def glorot(weight, stream, out, into):
    limit = numpy.float32(math.sqrt(6 / (out + into)))
    fill(weight, limit * (2 * stream.uniform(weight.numel()) - 1).astype(numpy.float32))


def blocks(stack, width, stream):
    for b in stack[:-1]:
        for layer, out, into in ((b.qkv, width, width), (b.out, width, width), (b.up, 4 * width, width), (b.down, width, 4 * width)):
            glorot(layer.weight, stream, out, into)


def mlp(m, stream):
    for layer in (m[0], m[3]):
        normal(layer.weight, stream, layer.in_features)


def initialise(method):
    """Gives a method the weights that Go gives it."""
    stream = Stream("weights")
    if isinstance(method, parity.MAE):
        glorot(method.encoder.embed.weight, stream, 128, 16)
        blocks(method.encoder.trunk, 128, stream)
        stream = Stream("decoder")
        normal(method.bridge.weight, stream, 128)
        blocks(method.decoder, 64, stream)
        normal(method.out.weight, stream, 64)
        fill(method.hidden, stream.normal(64) * numpy.float32(0.02))
        return
    for _, layer in method.encoder.named():
        if isinstance(layer, torch.nn.Conv2d):
            normal(layer.weight, stream, layer.kernel_size[0] ** 2 * layer.in_channels, 2)
    if isinstance(method, clip.CLIP):
        stream = Stream("text")
        for table, spread in ((method.words, 0.02), (method.places, 0.01)):
            fill(table.t(), stream.normal(table.numel()) * numpy.float32(spread))
        blocks(method.trunk, method.width, stream)
        stream = Stream("projections")
        for layer in (method.image_head, method.text_head):
            normal(layer.weight, stream, layer.in_features)
        return
    mlp(method.projector, Stream("projector"))
    if isinstance(method, parity.BYOL):
        mlp(method.predictor, Stream("predictor"))
        method.target.load_state_dict(torch.nn.Sequential(method.encoder, method.projector).state_dict())


class Given:
    """The random numbers that Go draws."""

    def order(self, epoch, n):
        return torch.tensor(parity.permutation(n, SEED, "order", epoch))

    def draws(self, epoch, index, v, least=0.3, most=1):
        """Half-widths of crops, and the eight numbers from 0 to 1 that each view draws next."""
        keys = [parity.key(SEED, "view", epoch, i, v) for i in index.tolist()]
        u = (parity.words(keys, 28) >> numpy.uint64(8)).astype(numpy.float32) / numpy.float32(2**24)
        area = numpy.float32(least) + u[:, 0:20:2] * (numpy.float32(most) - numpy.float32(least))
        aspect = numpy.exp((2 * u[:, 1:20:2] - 1).astype(numpy.float64) * math.log(numpy.float32(4 / 3))).astype(numpy.float32)
        w, h = numpy.sqrt(area * aspect), numpy.sqrt(area / aspect)
        side = max(1, numpy.sqrt(numpy.float32(most)))
        fits = (w <= side) & (h <= side)
        first = fits.argmax(1)
        rows = numpy.arange(len(u))
        some = fits.any(1)
        w, h = (numpy.where(some, side[rows, first], 1) for side in (w, h))
        used = numpy.where(some, 2 * first + 2, 20)
        return w, h, numpy.stack([u[rows, used + i] for i in range(8)])

    def crops(self, epoch, index, v, least=0.3, most=1):
        w, h, u = self.draws(epoch, index, v, least, most)
        all = w, h, (1 - w) * (2 * u[0] - 1), (1 - h) * (2 * u[1] - 1), u[2] < numpy.float32(0.5)
        return [torch.from_numpy(numpy.asarray(x)) for x in all]

    def jitters(self, epoch, index, v):
        u = self.draws(epoch, index, v)[2]
        return [torch.from_numpy(x) for x in (u[3] < numpy.float32(0.8), 0.6 + 0.8 * u[4], 0.6 + 0.8 * u[5])]

    def colours(self, epoch, index):
        u = self.draws(epoch, index, 0, 0.6, 1.2)[2]
        who = u[2] < numpy.float32(0.8)
        gray = numpy.where(who, u[7], u[3]) < numpy.float32(0.1)  # no factors are drawn for those left alone
        return [torch.from_numpy(x) for x in (who, 0.8 + 0.4 * u[3], 0.8 + 0.4 * u[4], 0.7 + 0.6 * u[5], 0.06 * u[6] - numpy.float32(0.03), gray)]

    def said(self, epoch, sample, n):
        if n == 1:
            return [True]
        stream = iter(parity.words([parity.key(SEED, "caption", epoch, sample)], n + 8)[0].tolist())
        sure = parity.below(n, stream)
        return [(next(stream) >> 8) / 2**24 < 0.75 or i == sure for i in range(n)]

    def patches(self, step, index):
        orders = [parity.permutation(49, SEED, "mask", step, i) for i in index.tolist()]
        return torch.tensor([sorted(o[:12]) + o[12:] for o in orders])


class Mini:
    """The training images of fashion-mini."""

    def __init__(self):
        with gzip.open(parity.DATA + "/fashion-mini.gz") as f:
            pixels = numpy.frombuffer(f.read(), numpy.uint8, 2000 * 28 * 28).reshape(-1, 1, 28, 28)
        self.images = torch.from_numpy(pixels.copy())
        self.mean, self.std = pixels.mean() / 255, pixels.std() / 255

    def normalise(self, x):
        return (x - self.mean) / self.std


def main():
    p = argparse.ArgumentParser()
    p.add_argument("method", choices=[*parity.METHODS, "clip"])
    p.add_argument("--steps", type=int, default=40)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--out")
    a = p.parse_args()
    torch.set_num_threads(1)
    data, total, losses = Mini, a.steps, {}
    if a.method == "clip":  # its rate is too high for a short warm-up
        data, total = clip.Data, clip.CLIP.steps
    data = data()
    for kind in (torch.float32, torch.float64):
        method = clip.CLIP(data) if a.method == "clip" else parity.METHODS[a.method]()
        initialise(method)
        if a.method == "clip":
            method.decay *= 100  # or so few steps would not tell what decays
        losses[str(kind)[6:]] = parity.train(method.to(kind), data, a.steps, total, lambda *_: None, Given(), a.batch)
    print(json.dumps({"method": a.method, "torch": torch.__version__, "steps": a.steps, "batch": a.batch, **losses}))


if __name__ == "__main__":
    main()
