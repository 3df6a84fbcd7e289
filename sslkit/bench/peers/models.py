"""The models of package bench in PyTorch, timed the same way.

    models.py mae|clip|simclr [--threads N] [--batch N] [--steps N] [--compile] [--channels-last]
    models.py gemm --shapes 256x256x256,… [--threads N] [--steps N]

Prints one JSON object. Everything that PyTorch offers on a CPU may be used:
fused attention, the fused optimizer, torch.compile, channels-last memory.
"""
import argparse
import json
import math
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    """A pre-LN transformer block with an MLP four times as wide."""

    def __init__(self, width, heads=4):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attend(self, x, seen=None):
        n, t, width = x.shape
        q, k, v = self.qkv(x).view(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        else:
            assert seen is None
            y = (q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.out(y.transpose(1, 2).reshape(n, t, width))

    def forward(self, x, seen=None):
        x = x + self.attend(self.norm1(x), seen)
        return x + self.down(F.gelu(self.up(self.norm2(x))))


def small(*shape):
    return nn.Parameter(0.02 * torch.randn(*shape))


class MAE(nn.Module):
    tokens, seen = 49, 12

    def __init__(self, batch):
        super().__init__()
        self.batch, self.optimizer = batch, adamw
        self.embed, self.places = nn.Linear(16, 128), small(1, self.tokens, 128)
        self.encoder = nn.Sequential(*[Block(128) for _ in range(6)], nn.LayerNorm(128))
        self.bridge, self.hidden, self.spots = nn.Linear(128, 64), small(1, 1, 64), small(1, self.tokens, 64)
        self.decoder = nn.Sequential(*[Block(64) for _ in range(2)], nn.LayerNorm(64), nn.Linear(64, 16))
        pictures = torch.randn(4096, 7, 4, 7, 4)
        self.pool = pictures.permute(0, 1, 3, 2, 4).reshape(4096, self.tokens, 16).contiguous()

    def draw(self):
        patches = self.pool[torch.randint(0, len(self.pool), (self.batch,))]
        order = torch.rand(self.batch, self.tokens).argsort(1)
        back = order.argsort(1)
        return patches, order[:, : self.seen].contiguous(), back, (back >= self.seen).float()

    def forward(self, patches, visible, back, mask):
        n = len(patches)

        def pick(x, index):
            return torch.gather(x, 1, index[..., None].expand(-1, -1, x.shape[-1]))

        x = self.embed(pick(patches, visible)) + pick(self.places.expand(n, -1, -1), visible)
        x = self.bridge(self.encoder(x))
        x = torch.cat([x, self.hidden.expand(n, self.tokens - self.seen, -1)], 1)
        y = self.decoder(pick(x, back) + self.spots)
        return (((y - patches) ** 2).mean(-1) * mask).sum() / mask.sum()


class CLIP(nn.Module):
    def __init__(self, batch):
        super().__init__()
        self.batch, self.optimizer = batch, adamw
        self.embed, self.places = nn.Linear(48, 128), small(1, 64, 128)
        self.vision = nn.Sequential(*[Block(128) for _ in range(4)], nn.LayerNorm(128))
        self.words, self.spots = nn.Embedding(1024, 128), small(1, 16, 128)
        self.language = nn.Sequential(*[Block(128) for _ in range(2)], nn.LayerNorm(128))
        self.image_out, self.text_out = nn.Linear(128, 128, bias=False), nn.Linear(128, 128, bias=False)
        self.heat = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.pictures, self.texts = torch.randn(2048, 3, 32, 32), torch.randint(0, 1024, (2048, 16))

    def draw(self):
        i = torch.randint(0, 2048, (self.batch,))
        return self.pictures[i], self.texts[i]

    def forward(self, pictures, texts):
        n = len(pictures)
        x = pictures.view(n, 3, 8, 4, 8, 4).permute(0, 2, 4, 1, 3, 5).reshape(n, 64, 48)
        image = F.normalize(self.image_out(self.vision(self.embed(x) + self.places).mean(1)), dim=1)
        text = F.normalize(self.text_out(self.language(self.words(texts) + self.spots).mean(1)), dim=1)
        logits, pairs = self.heat.exp() * image @ text.t(), torch.arange(n)
        return (F.cross_entropy(logits, pairs) + F.cross_entropy(logits.t(), pairs)) / 2


class Residual(nn.Module):
    def __init__(self, into, out, stride):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(into, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(),
            nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out))
        self.short = nn.Identity()
        if into != out:
            self.short = nn.Sequential(nn.Conv2d(into, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        return F.relu(self.main(x) + self.short(x))


class SimCLR(nn.Module):
    def __init__(self, batch):
        super().__init__()
        self.batch, self.optimizer = batch, sgd
        stages = [(32, 32, 1), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2), (128, 128, 1)]
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), *[Residual(*s) for s in stages])
        self.projector = nn.Sequential(
            nn.Linear(128, 128, bias=False), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 64))
        self.pool = torch.randn(4096, 1, 28, 28)
        self.channels_last = False

    def view(self, x):
        shift = torch.randint(-3, 4, (2,)).tolist()
        return torch.roll(x, shift, (2, 3)).flip(3) + 0.1 * torch.randn_like(x)

    def draw(self):
        x = self.pool[torch.randint(0, len(self.pool), (self.batch,))]
        views = torch.cat([self.view(x), self.view(x)])
        if self.channels_last:
            views = views.contiguous(memory_format=torch.channels_last)
        return (views,)

    def forward(self, views):
        z = F.normalize(self.projector(self.encoder(views).mean((2, 3))), dim=1)
        similar = (z @ z.t() / 0.2).masked_fill(torch.eye(len(z), dtype=torch.bool), float("-inf"))
        first = torch.arange(self.batch)
        return F.cross_entropy(similar, torch.cat([first + self.batch, first]))


def adamw(parameters):
    options = {"lr": 1e-3, "weight_decay": 0.05}
    try:
        return torch.optim.AdamW(parameters, fused=True, **options)
    except (RuntimeError, TypeError):  # older versions fuse on GPUs alone
        return torch.optim.AdamW(parameters, **options)


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.05, momentum=0.9, weight_decay=1e-4)


def gemm(a):
    """The rates of matrix products of [m,k] and [k,n], written as mxnxk."""
    rates = []
    for m, n, k in (map(int, shape.split("x")) for shape in a.shapes.split(",")):
        x, y, z = torch.randn(m, k), torch.randn(k, n), torch.empty(m, n)
        flops = 2 * m * n * k
        repeat = max(1, int(2e8 / flops))
        times = []
        for _ in range(a.warmup + a.steps):
            start = time.perf_counter()
            for _ in range(repeat):
                torch.mm(x, y, out=z)
            times.append((time.perf_counter() - start) / repeat)
        rates.append(flops / statistics.median(times[a.warmup:]) / 1e9)
    print(json.dumps({"torch": torch.__version__, "threads": a.threads, "gflops": rates}), flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model", choices=["mae", "clip", "simclr", "gemm"])
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--batch", type=int, default=256)
    p.add_argument("--steps", type=int, default=8)
    p.add_argument("--warmup", type=int, default=2)
    p.add_argument("--compile", action="store_true")
    p.add_argument("--channels-last", action="store_true")
    p.add_argument("--shapes", default="")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    if a.model == "gemm":
        gemm(a)
        return

    model = {"mae": MAE, "clip": CLIP, "simclr": SimCLR}[a.model](a.batch)
    if a.channels_last:
        model.channels_last = True
        model = model.to(memory_format=torch.channels_last)
    optimizer = model.optimizer(model.parameters())
    forward = torch.compile(model) if a.compile else model

    def step():
        inputs = model.draw()
        optimizer.zero_grad(set_to_none=True)
        loss = forward(*inputs)
        loss.backward()
        optimizer.step()
        return loss.item()

    losses = [step() for _ in range(a.warmup)]
    times = []
    for _ in range(a.steps):
        start = time.perf_counter()
        losses.append(step())
        times.append(1e3 * (time.perf_counter() - start))
    print(json.dumps({
        "model": a.model, "torch": torch.__version__, "threads": a.threads, "batch": a.batch,
        "compile": a.compile, "channels_last": a.channels_last,
        "step_ms": statistics.median(times), "step_ms_min": min(times),
        "images_per_second": 1e3 * a.batch / statistics.median(times),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10,
        "first_loss": losses[0], "last_loss": losses[-1],
    }), flush=True)


if __name__ == "__main__":
    main()
