"""The demo's training step in PyTorch, as a practised user would write it: the loss of `src/connectome/parcels/learn_parcels.rs`, Adam, cosine
rate. `python pytorch_step.py` trains and prints the homogeneity on unseen frames; `pytorch_works.py` times the step.
"""

import math

import torch

from cortex import PARCELS, Cortex, homogeneity

STEPS, SPREAD, ENTROPY, AGREEMENT, RATE, LAST_RATE = 300, 0.07, 0.2, 0.1, 0.4, 0.04


class Learner:
    def __init__(self, cortex):
        torch.set_flush_denormal(True)  # as fast as PyTorch goes here
        as_f32 = lambda x: torch.tensor(x, dtype=torch.float32)
        self.x = as_f32(cortex.features())
        chords = ((cortex.centres()[:, None] - cortex.directions[None]) ** 2).sum(-1)
        self.logits = as_f32(-chords / (2 * SPREAD**2)).requires_grad_()
        self.near = torch.tensor(cortex.neighbours()).T.contiguous()
        self.adam = torch.optim.Adam([self.logits], lr=RATE, betas=(0.9, 0.95), eps=1e-8)
        self.step_number = 0

    def neighbour_mean(self, a):
        return sum(a.index_select(1, column) for column in self.near) / len(self.near)

    def step(self):
        done = min(self.step_number / (STEPS - 1), 1.0)
        self.adam.param_groups[0]["lr"] = LAST_RATE + (RATE - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done))
        logs = torch.log_softmax(self.logits, 0)
        a = logs.exp()
        mass = a.sum(1)
        sums = a @ self.x
        fit = ((sums * sums).sum(1) / mass).sum()  # Σ m |S|², S = A X / m
        entropy = -(a * logs).sum()
        # N is symmetric: the gradient of Σ A ∘ N A is 2 N A, so N A is held constant and counted twice.
        with torch.no_grad():
            mean = self.neighbour_mean(a)
        total = fit + ENTROPY * (1 - done) * entropy + 2 * AGREEMENT * (a * mean).sum()
        loss = -total / a.shape[1]
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        self.adam.step()
        self.step_number += 1


def train():
    cortex = Cortex()
    learner = Learner(cortex)
    for _ in range(STEPS):
        learner.step()
    labels = learner.logits.detach().argmax(0).numpy()
    print(f"{STEPS} steps of PyTorch, {PARCELS} parcels: homogeneity on unseen frames {homogeneity(labels, cortex.unseen):.4f}")


if __name__ == "__main__":
    train()
