"""clip.Recipe in PyTorch.

    clip.py --seed N [--out FOLDER] [--steps N]

Encoders, loss, pictures, captions, augmentation, optimizer and schedule, written
again from their descriptions; the random numbers are PyTorch's own. The folder
/data is what `sslnotes retrieve --export` writes: the pictures, what is said of
them, and the tokenizer. The model is left in FOLDER in the form of
clip.WriteWeights, beside a JSON object that is printed, too. `sslnotes retrieve
--peers FOLDER` asks it what it asks ours, after it has seen that its features of
a picture and of a caption are those that PyTorch computed.
"""
import argparse
import hashlib
import itertools
import json
import math
import os
import unicodedata

import numpy
import torch
from torch import nn
from torch.nn import functional as F

import parity

# The data.

PAD, START, END, SPECIALS = 0, 1, 2, 3
BASE = SPECIALS + 2 * 256  # bytes within a word, then bytes that end one


def kind(c):
    """What parts words: space, letters, digits and signs."""
    if c.isspace():
        return 0
    category = unicodedata.category(c)
    return 1 if category[0] in "LM" else 2 if category == "Nd" else 3


class Tokenizer:
    """Byte-pair encoding by merges in the order of their ranks."""

    def __init__(self, merges):
        self.merges, self.ranks = merges, {tuple(pair): i for i, pair in enumerate(merges)}
        self.known = {}

    def word(self, word):
        raw = word.encode()
        s = [SPECIALS + b for b in raw[:-1]] + [SPECIALS + 256 + raw[-1]]
        while True:
            best = min((self.ranks.get(pair, BASE**9) for pair in zip(s, s[1:])), default=BASE**9)
            if best == BASE**9:
                return s
            out, i = [], 0
            while i < len(s):
                joined = s[i : i + 2] == self.merges[best]
                out.append(BASE + best if joined else s[i])
                i += 2 if joined else 1
            s = out

    def tokens(self, text):
        all = []
        for k, letters in itertools.groupby(text.lower(), kind):
            word = "".join(letters)
            if k and word not in self.known:
                self.known[word] = self.word(word)
            all += self.known[word] if k else []
        return all

    def encode(self, texts, context):
        """Tokens of texts with start and end, padded to the longest, and how many each has."""
        all = [[START] + self.tokens(t)[: context - 2] + [END] for t in texts]
        lengths = [len(a) for a in all]
        padded = [a + [PAD] * (max(lengths) - len(a)) for a in all]
        return torch.tensor(padded), torch.tensor(lengths)


class Data:
    def __init__(self, folder=parity.DATA):
        with open(os.path.join(folder, "set.json")) as f:
            told = json.load(f)
        pixels = numpy.fromfile(os.path.join(folder, "pixels"), numpy.uint8).reshape(told["shape"])
        self.captions = told["captions"]
        quoted = "".join(json.dumps(c, ensure_ascii=False) for c in self.captions)
        self.digest = hashlib.sha256(pixels.tobytes() + bytes(told["labels"]) + quoted.encode()).hexdigest()
        assert self.digest == told["digest"], "other pictures, classes or captions than the digest tells"
        self.tokenizer, self.vocabulary = Tokenizer(told["merges"]), told["vocabulary"]
        for caption, tokens in zip(self.captions, told["tokens"], strict=True):
            assert self.tokenizer.tokens(caption) == tokens, f"other tokens of {caption!r} than {tokens}"
        self.images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
        channels = pixels.reshape(-1, pixels.shape[3]).astype(numpy.float64) / 255
        self.mean, self.std = (torch.from_numpy(v)[:, None, None] for v in (channels.mean(0), channels.std(0)))
        self.first = self.images[:1].float() / 255
        numbers = {}
        self.same = torch.tensor([numbers.setdefault(c, len(numbers)) for c in self.captions])

    def normalise(self, x):
        return (x - self.mean.to(x.dtype)) / self.std.to(x.dtype)


# Augmentation, and what is said.


class Chance(parity.Chance):
    """PyTorch's random numbers. same.py has Go's."""

    def colours(self, epoch, index):
        """Who is jittered, by which factors and by which turn, and who becomes gray."""
        n, uniform = len(index), parity.uniform
        return torch.rand(n) < 0.8, uniform(n, 0.8, 1.2), uniform(n, 0.8, 1.2), uniform(n, 0.7, 1.3), uniform(n, -0.03, 0.03), torch.rand(n) < 0.1

    def said(self, epoch, sample, n):
        """Which of n phrases are said."""
        said = torch.rand(n) < 0.75
        said[torch.randint(n, ())] = True
        return said.tolist()


def stretch(x, centre, by):
    return ((x - centre) * by + centre).clamp(0, 1)


def luminance(x):
    r, g, b = x.split(1, 1)
    return 0.299 * r + 0.587 * g + 0.114 * b


def turn(x, by):
    """Moves hues by a part of the circle, keeping the largest and the smallest value of each pixel."""
    r, g, b = x.split(1, 1)
    low, high = x.amin(1, keepdim=True), x.amax(1, keepdim=True)
    span = high - low
    part = span.where(span > 0, torch.ones_like(span))
    sixths = torch.where(r == high, (g - b) / part, torch.where(g == high, (b - r) / part + 2, (r - g) / part + 4)) + 6 * by
    away = sixths - torch.tensor([0.0, 2.0, 4.0], dtype=x.dtype).view(1, 3, 1, 1)
    away = (away + 3) % 6 - 3
    return low + span * (2 - away.abs()).clamp(0, 1)


def coloured(x, colours):
    who, brightness, contrast, saturation, hue, gray = (v.to(x.dtype).view(-1, 1, 1, 1) for v in colours)
    y = stretch(x, 0, brightness)
    y = stretch(y, y.mean((1, 2, 3), keepdim=True), contrast)
    y = turn(stretch(y, luminance(y), saturation), hue)
    x = torch.where(who > 0, y, x)
    return torch.where(gray > 0, luminance(x), x)


# The method.


class CLIP(parity.Method):
    rate, decay, batch, steps = 4e-3, 0.1, 256, 3000
    width, dim, context = 96, 64, 32

    def __init__(self, data):
        super().__init__()
        self.data = data
        self.encoder = parity.ConvNet(3, (32, 64, 128))
        self.words = nn.Parameter(0.02 * torch.randn(data.vocabulary, self.width))
        self.places = nn.Parameter(0.01 * torch.randn(self.context, self.width))
        self.trunk = parity.blocks(self.width, 1)
        self.image_head = nn.Linear(4 * 4 * 128, self.dim, bias=False)
        self.text_head = nn.Linear(self.width, self.dim, bias=False)
        for layer in (self.image_head, self.text_head):
            parity.normal(layer.weight, layer.in_features)
        self.scale = nn.Parameter(torch.tensor([-math.log(0.07)]))

    def total(self, n, epochs):
        return self.steps

    def draw(self, data, index, step, epoch, chance):
        """Normalised views, some phrases of each caption, and equal numbers for equal captions."""
        x = data.images[index].to(self.kind()) / 255
        w, h, at_x, at_y, flipped = chance.crops(epoch, index, 0, 0.6, 1.2)
        x = coloured(parity.view(x, (w, h, at_x, at_y, torch.zeros_like(flipped))), chance.colours(epoch, index))
        texts = [data.captions[i].split(", ") for i in index.tolist()]
        said = [", ".join(itertools.compress(t, chance.said(epoch, i, len(t)))) for t, i in zip(texts, index.tolist())]
        return data.normalise(x), said, data.same[index]

    def pictures(self, x):
        whole = self.encoder.map(x).permute(0, 2, 3, 1).flatten(1)
        return F.normalize(self.image_head(whole), dim=1)

    def texts(self, texts):
        ids, lengths = self.data.tokenizer.encode(texts, self.context)
        there = torch.arange(ids.shape[1]) < lengths[:, None]
        x = F.embedding(ids, self.words) + self.places[: ids.shape[1]]
        for block in self.trunk[:-1]:
            x = block(x, there[:, None, None])
        x = self.trunk[-1](x) * there[..., None]
        return F.normalize(self.text_head(x.sum(1) / lengths[:, None]), dim=1)

    def forward(self, x, said, same):
        logits = self.scale.exp() * self.pictures(x) @ self.texts(said).t()
        right = (same[:, None] == same).to(logits.dtype)
        right /= right.sum(1, keepdim=True)
        return (F.cross_entropy(logits, right) + F.cross_entropy(logits.t(), right)) / 2

    def decays(self, p):
        return p.dim() > 1 and p is not self.places

    @torch.no_grad()
    def after(self, step, steps):
        self.scale.clamp_(0, math.log(100))

    def features(self, data):
        """Of the first image and, padded beside others, of the first caption."""
        return {
            "features": self.pictures(data.normalise(data.first))[0].tolist(),
            "text_features": self.texts(data.captions[:16])[0].tolist(),
        }

    def named(self):
        """Layers by their names in Go."""
        for name, layer in self.encoder.named():
            yield "image." + name, layer
        yield from parity.stacked("text.text", self.trunk)
        yield "image projection", self.image_head
        yield "text projection", self.text_head

    def arrays(self):
        yield from parity.arrays(self)
        yield "text.embedding", self.words
        yield "text.positions", self.places
        yield "logit scale", self.scale
        merges = torch.full((2 * (self.data.vocabulary - BASE),), -1.0)
        pairs = torch.tensor(self.data.tokenizer.merges).flatten()
        merges[: len(pairs)] = pairs
        yield "tokenizer", merges
        yield "mean", self.data.mean.flatten()
        yield "std", self.data.std.flatten()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--steps", type=int, default=0)
    p.add_argument("--out", default="")
    p.set_defaults(what="clip", epochs=0)
    a = p.parse_args()
    torch.set_num_threads(1)
    data = Data()
    parity.run(a, data, lambda: CLIP(data), Chance())


if __name__ == "__main__":
    main()
