"""The loss curves of models.py from weights and batches that Go knows too.

    curves.py mae|clip|simclr [--steps N]

Every weight, picture, mask, shift and word is an integer hash of its place, so
nothing but this text has to be shared. Prints a JSON object: the losses of each
step in float32 and in float64. How far the two are apart is what the roundings
of float32 make of a step; curves_test.go holds the Go models against that.
"""
import argparse
import json
import sys

import numpy
import torch

import models

BATCH, POOL = 16, 128
RATES = {"mae": 1e-3, "clip": 1e-3, "simclr": 0.00005}


def mix(place, i):
    """32 bits from a place and the numbers i."""
    h = numpy.asarray(i, dtype=numpy.uint64)
    low = numpy.uint64(0xFFFFFFFF)
    h = (h * numpy.uint64(2654435761) + numpy.uint64(place) * numpy.uint64(2246822519) + numpy.uint64(3266489917)) & low
    h ^= h >> numpy.uint64(15)
    h = h * numpy.uint64(2246822519) & low
    h ^= h >> numpy.uint64(13)
    h = h * numpy.uint64(3266489917) & low
    return h ^ h >> numpy.uint64(16)


def uniform(place, n, bound):
    """n numbers in [-bound, bound), exact in float32 if bound is a power of two."""
    return torch.from_numpy(((mix(place, numpy.arange(n)) >> numpy.uint64(8)).astype(numpy.float64) / 2**23 - 1) * bound)


def pictures():
    """[POOL,28,28] of six rectangles each, one on another, in steps of 1/128 from -1 to 1."""
    all = numpy.zeros((POOL, 28, 28))
    for i in range(POOL):
        for k in range(6):
            top, left, height, width, level = (int(v) for v in mix(500 + k, i * 5 + numpy.arange(5)) % numpy.uint64(256))
            top, left = top % 24, left % 24
            all[i, top : top + 4 + height % 16, left : left + 4 + width % 16] = level / 128 - 1
    return all


def blocks(stack):
    for b in list(stack)[:-1]:
        yield from [b.norm1.weight, b.norm1.bias, b.qkv.weight, b.qkv.bias, b.out.weight, b.out.bias]
        yield from [b.norm2.weight, b.norm2.bias, b.up.weight, b.up.bias, b.down.weight, b.down.bias]
    yield from stack[-1].parameters()


def parameters(name, m):
    """The parameters in Go's order."""
    if name == "mae":
        yield from [m.embed.weight, m.embed.bias, m.bridge.weight, m.bridge.bias, m.decoder[-1].weight, m.decoder[-1].bias]
        yield from blocks(m.encoder)
        yield from blocks(m.decoder[:-1])
        yield from [m.places, m.hidden, m.spots]
    elif name == "clip":
        yield from [m.embed.weight, m.embed.bias, m.image_out.weight, m.text_out.weight]
        yield from blocks(m.vision)
        yield from blocks(m.language)
        yield from [m.places, m.words.weight, m.spots, m.heat]
    else:
        yield from m.encoder[0].parameters()
        yield from m.encoder[1].parameters()
        for b in list(m.encoder)[3:]:
            for layer in [b.main[0], b.main[1], b.main[3], b.main[4], b.short]:
                yield from layer.parameters()
        yield from m.projector.parameters()


def turned(p, free):
    """The shape of a parameter in Go, and the order of its axes."""
    if p.dim() == 4:
        return [p.shape[i] for i in (2, 3, 1, 0)], (3, 2, 0, 1)
    if p.dim() == 2 and not free:
        return [p.shape[1], p.shape[0]], (1, 0)
    return list(p.shape), tuple(range(p.dim()))


def initialise(name, m):
    free = {id(p) for p in [getattr(m, n, None) for n in ("places", "spots", "hidden")] if p is not None}
    if name == "clip":
        free.add(id(m.words.weight))
    scales = {id(q.weight) for q in m.modules() if type(q).__name__ in ("LayerNorm", "BatchNorm2d", "BatchNorm1d")}
    with torch.no_grad():
        for place, p in enumerate(parameters(name, m)):
            shape, axes = turned(p, id(p) in free)
            if id(p) in free:
                bound = 2.0**-5  # as small as models.small makes them
            elif id(p) in scales:
                p.fill_(1)
                continue
            elif p.dim() == 0:
                p.fill_(2.6593)
                continue
            elif p.dim() == 1:
                p.zero_()
                continue
            else:
                bound = 1.0
                while bound * bound * numpy.prod(shape[:-1]) > 3:
                    bound /= 2
            v = uniform(place, p.numel(), bound).reshape(shape)
            if name == "clip" and p is m.embed.weight:  # here a patch has its channels first, there last
                v = v.reshape(4, 4, 3, -1).permute(2, 0, 1, 3).reshape(shape)
            p.copy_(v.permute(axes))


def batch(name, step, shown):
    index = (step * BATCH + numpy.arange(BATCH)) % POOL
    x = shown[index]
    if name == "mae":
        order = numpy.stack([mix(1000 + step, i * 49 + numpy.arange(49)) for i in range(BATCH)]).argsort(1, kind="stable")
        order = torch.from_numpy(order)
        back = order.argsort(1)
        patches = x.view(BATCH, 7, 4, 7, 4).permute(0, 1, 3, 2, 4).reshape(BATCH, 49, 16)
        return patches, order[:, :12].contiguous(), back, (back >= 12).to(x.dtype)
    if name == "clip":
        words = numpy.stack([mix(2000, i * 16 + numpy.arange(16)) % numpy.uint64(1024) for i in index]).astype(numpy.int64)
        x = torch.nn.functional.pad(x[:, None], (2, 2, 2, 2)).expand(-1, 3, -1, -1).contiguous()
        return x, torch.from_numpy(words)
    views = []
    for v in range(2):
        down, right = (int(n) - 3 for n in mix(3000 + v, step * 2 + numpy.arange(2)) % numpy.uint64(7))
        views.append(torch.roll(x, (down, right), (1, 2)).flip(2))
    return (torch.cat(views)[:, None],)


def curve(name, steps, kind):
    model = {"mae": models.MAE, "clip": models.CLIP, "simclr": models.SimCLR}[name](BATCH)
    initialise(name, model)
    model, shown = model.to(kind), torch.from_numpy(pictures()).to(kind)
    decayed = [p for p in parameters(name, model) if p.dim() != 1]
    kept = [p for p in parameters(name, model) if all(p is not q for q in decayed)]
    groups = [{"params": decayed, "weight_decay": 1e-4 if name == "simclr" else 0.05}, {"params": kept, "weight_decay": 0}]
    if name == "simclr":
        optimizer = torch.optim.SGD(groups, lr=RATES[name], momentum=0.9)
    else:
        optimizer = torch.optim.AdamW(groups, lr=RATES[name])
    losses = []
    for step in range(steps):
        optimizer.zero_grad(set_to_none=True)
        loss = model(*batch(name, step, shown))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model", choices=["mae", "clip", "simclr"])
    p.add_argument("--steps", type=int, default=200)
    a = p.parse_args()
    torch.set_num_threads(1)
    both = {str(kind)[6:]: curve(a.model, a.steps, kind) for kind in (torch.float32, torch.float64)}
    print(json.dumps({"model": a.model, "torch": torch.__version__, "command": "peer curves " + " ".join(sys.argv[1:]), **both}))


if __name__ == "__main__":
    main()
