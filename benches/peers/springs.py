"""The springs of `cargo run --release --example c_elegans`, the same setting in PyTorch: edge accuracy and seconds.

    VENV/bin/python benches/peers/springs.py [--steps 2500] [--seed 0] [--threads 1]

Constants, networks, loss and optimiser are those of examples/c_elegans; draws differ, so accuracies are compared and not losses.
"""

import argparse
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

NODES, FRAMES, FEATURES, TYPES = 5, 49, 4, 2
TRAINING, TEST, BATCH, HIDDEN, HORIZON = 2000, 400, 32, 64, 8
SEGMENTS = (FRAMES - 1) // HORIZON
VARIANCE, TEMPERATURE = 5e-5, 0.5


def springs(simulations, seed):
    """Trajectories [simulation, node, frame, feature] and edges, as examples/c_elegans/systems.rs."""
    rng = np.random.default_rng(seed)
    lower = np.tril(rng.random((simulations, NODES, NODES)) < 0.5, -1)
    edges = lower | lower.transpose(0, 2, 1)
    place = 0.5 * rng.standard_normal((simulations, NODES, 2))
    velocity = rng.standard_normal((simulations, NODES, 2))
    velocity *= 0.5 / np.linalg.norm(velocity, axis=-1, keepdims=True)
    degree = edges.sum(-1, keepdims=True)

    def kick():
        return 0.001 * 0.1 * (edges @ place - degree * place)

    velocity += kick()
    frames = []
    for step in range(1, 100 * FRAMES + 1):
        place += 0.001 * velocity
        out = np.abs(place) > 5
        place[out] = np.sign(place[out]) * 10 - place[out]
        velocity[out] *= -1
        if step % 100 == 0:
            frames.append(np.concatenate([place / 3, velocity / 1.5], -1))
        velocity += kick()
    return torch.tensor(np.stack(frames, 2), dtype=torch.float32), torch.tensor(edges)


def mlp(inputs, hidden, outputs):
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ELU(), nn.Linear(hidden, outputs), nn.ELU())


class Norm(nn.BatchNorm1d):
    def forward(self, x):
        return super().forward(x.reshape(-1, x.shape[-1])).reshape(x.shape)


class Pairs(nn.Module):
    """An edge network of two layers, its first split into receiver and sender."""

    def __init__(self, inputs, hidden, outputs, activation, pair=None):
        super().__init__()
        self.receiver, self.sender = nn.Linear(inputs, hidden), nn.Linear(inputs, hidden, bias=False)
        self.pair = nn.Linear(pair, hidden, bias=False) if pair else None
        self.second, self.activation = nn.Linear(hidden, outputs), activation

    def forward(self, x, features=None):
        hidden = self.receiver(x)[:, :, None] + self.sender(x)[:, None]
        if self.pair is not None:
            hidden = hidden + self.pair(features)
        return self.activation(self.second(self.activation(hidden)))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(mlp(FRAMES * FEATURES, HIDDEN, HIDDEN), Norm(HIDDEN))
        self.node = nn.Sequential(mlp(HIDDEN, HIDDEN, HIDDEN), Norm(HIDDEN))
        self.first, self.second = Pairs(HIDDEN, HIDDEN, HIDDEN, F.elu), Pairs(HIDDEN, HIDDEN, HIDDEN, F.elu, HIDDEN)
        self.norms = nn.ModuleList([Norm(HIDDEN), Norm(HIDDEN)])
        self.out = nn.Linear(HIDDEN, TYPES)

    def forward(self, x):
        h = self.embed(x.flatten(2))
        edges = self.norms[0](self.first(h))
        h = self.node((edges * (1 - torch.eye(NODES))[:, :, None]).sum(2) / NODES)
        return self.out(self.norms[1](self.second(h, edges)))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.edges = Pairs(FEATURES, HIDDEN, HIDDEN, F.relu)
        self.out = nn.Sequential(
            nn.Linear(FEATURES + HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, FEATURES)
        )

    def forward(self, x, z):
        messages = (self.edges(x) * (z * (1 - torch.eye(NODES)))[..., None]).sum(2)
        return x + self.out(torch.cat([x, messages], -1))


def loss_of(encoder, decoder, x):
    logits = encoder(x)
    edges = F.gumbel_softmax(logits, TEMPERATURE, dim=-1)[..., 1].repeat_interleave(SEGMENTS, 0)
    frames = [x[:, :, k : k + (SEGMENTS - 1) * HORIZON + 1 : HORIZON].transpose(1, 2).flatten(0, 1) for k in range(HORIZON + 1)]
    state, misfit = frames[0], 0
    for truth in frames[1:]:
        state = decoder(state, edges)
        misfit = misfit + ((state - truth) ** 2).sum()
    log = F.log_softmax(logits, -1)
    kl = (log.exp() * (log + np.log(TYPES))).sum()
    return (0.5 / VARIANCE * misfit + kl) / (len(x) * NODES)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    data, (test, truth) = springs(TRAINING, given.seed + 1)[0], springs(TEST, given.seed + 1_000_000)
    encoder, decoder = Encoder(), Decoder()
    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(parameters, 1e-3)
    begun, used = time.perf_counter(), time.process_time()
    for step in range(given.steps):
        rate = 1e-5 + (1e-3 - 1e-5) * (1 + np.cos(np.pi * step / (given.steps - 1))) / 2
        for group in optimiser.param_groups:
            group["lr"] = rate
        loss = loss_of(encoder, decoder, data[torch.randint(TRAINING, (BATCH,))])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 10.0)
        optimiser.step()
        if step % 500 == 499:
            print(f"step {step + 1:>5}  log10 loss {loss.log10():.3f}", flush=True)
    seconds, processor = time.perf_counter() - begun, time.process_time() - used
    encoder.eval()
    with torch.no_grad():
        found = encoder(test)[..., 1] > encoder(test)[..., 0]
    off = ~torch.eye(NODES, dtype=torch.bool).expand(TEST, NODES, NODES)
    accuracy = (found == truth)[off].float().mean()
    print(f"seed {given.seed}: edge accuracy {accuracy:.4f}, {given.steps} steps in {seconds:.0f} s ({processor:.0f} s of processor time)")


if __name__ == "__main__":
    main()
