"""The peers' side of `compare.py` in Python: `WORK<tab>RUNS` or `CHECK<tab>WORK` a line in, a line of JSON out."""

import json
import statistics
import sys
import time

import numpy as np

WARM_UP = 3
LONG = 2.0  # seconds: what takes longer is warm after one run


def numbers(shape, operand):
    """The numbers that every side computes with: reproducible noise in -1/2..1/2, exact in f32."""
    h = np.arange(np.prod(shape), dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(operand * 0x85EBCA6B & 0xFFFFFFFF)
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return ((h >> np.uint32(8)).astype(np.float32) / 2**24 - np.float32(0.5)).reshape(shape)


def operands(kind, extents):
    """The operands of a work: the first is what its gradient is of."""
    p, q, r = extents
    if kind.startswith("correlation"):
        return [numbers((p, q, r), 0)]
    if kind.startswith("parcellation"):  # vertices, parcels, frames
        return [numbers((q, p), 0), numbers((p, r), 1)]
    if kind.startswith(("edge", "messages")):  # graphs, nodes, features
        return [numbers((p, q, r), 0), *(numbers((r, r), i) for i in (1, 2, 3))]
    if kind == "births_deaths":  # graphs, nodes, nodes
        x = numbers((p, q, r), 0)
        return [1 + (x + x.swapaxes(1, 2))]
    if kind == "tangent":  # subjects, regions, frames
        return [numbers((p, q, r), 0)]
    if kind == "denoise":  # vertices, frames, confounds
        return [numbers((p, q), 0), numbers((r, q), 1)]
    return [numbers((p, q), 0), numbers((q, r), 1)]


def sums(y):
    """Elements, sum, norm, and the sum weighted by the ninth operand."""
    y = y.astype(np.float64).ravel()
    return [float(n) for n in (y.size, y.sum(), np.sqrt((y * y).sum()), (y * numbers(y.shape, 9)).sum())]


def serve(side, device, make, read=np.asarray):
    """`make(work)` gives the function to time, which returns its results, on the device, when they are done; `read` reads one of them."""
    print(json.dumps({"side": side, "device": device}), flush=True)
    name, run, long = None, None, False
    for line in sys.stdin:
        first, second = line.rstrip("\n").split("\t")
        wanted = second if first == "CHECK" else first
        if wanted != name:
            run = None  # one work at a time holds memory on the device
            name, run = wanted, make(wanted)
            for _ in range(WARM_UP):
                start = time.perf_counter()
                run()
                if long := time.perf_counter() - start > LONG:
                    break
        if first == "CHECK":
            answer = {"sums": [sums(read(y)) for y in run()]}
        else:
            answer = timed(run, int(second), not long)
        print(json.dumps({"work": wanted} | answer), flush=True)


def timed(run, runs, warm_up):
    """The median of some runs, and how many there were with the one that warms up."""
    if warm_up:
        run()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return {"seconds": statistics.median(seconds), "runs": runs + warm_up}


def parse(work):
    """`KIND AxBxC`: the kind, and its extents."""
    kind, shape = work.rsplit(" ", 1)
    return kind, [int(n) for n in shape.split("x")]
