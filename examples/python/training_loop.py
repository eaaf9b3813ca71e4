"""The smallest complete training loop: series with three hidden sources are summarised by three soft parcels.

The same as ``examples/training_loop.rs``, line by line: ``python training_loop.py``
"""

import numpy as np
from numpy.typing import NDArray
from tapetum import Adam, Device, Init, Tape, Var

PARCELS, VERTICES, TIME = 3, 90, 120


def data() -> NDArray[np.float32]:
    """Each vertex follows one of three oscillations, with some noise."""
    i = np.arange(VERTICES * TIME).reshape(VERTICES, TIME)
    t = (i % TIME).astype(np.float32)
    source = (i // TIME // (VERTICES // PARCELS)).astype(np.float32)
    return np.asarray(np.sin((0.1 + 0.13 * source) * t + source) + 0.3 * np.sin(i.astype(np.float32) * np.float32(78.233)))


def recorded() -> tuple[Tape, Var, Var]:
    """The recorded step, with its series and its loss."""
    # Record the step: every vertex is reconstructed from the series of its parcels.
    tape = Tape()
    series = tape.input("series", [VERTICES, TIME])
    logits = tape.parameter("logits", [PARCELS, VERTICES], Init.normal(0.0, 0.1, seed=0))
    parcels = tape.soft_parcellation(logits, series)
    rebuilt = parcels.memberships.matmul(parcels.series, transpose_self=True)
    loss = ((series - rebuilt) ** 2).mean()

    # Differentiate and update.
    [gradient] = tape.gradient(loss, [logits])
    Adam(0.1).apply(tape, [(logits, gradient)])
    return tape, series, loss


def main() -> list[float]:
    """Learns the parcels, and returns the losses that are printed."""
    device = Device()
    print(f"on {device.name}")

    # Compile once, then run repeatedly.
    tape, series, loss = recorded()
    program = device.compile(tape, [loss])
    program.write(series, data())
    losses = []
    for epoch in range(6):
        program.step()
        losses.append(float(program.read(loss)))
        print(f"step {epoch * 25 + 1:3}: loss {losses[-1]:.4f}")
        program.steps(24)

    # Another tape on the same state: the parcel that each vertex belongs to most. Each source should have a parcel of its own.
    tape = Tape()
    parcel = tape.parameter("logits", [PARCELS, VERTICES]).argmax(0)
    [found] = device.compile(tape, [parcel], program.state).run()
    for source, parcels in enumerate(found.reshape(PARCELS, -1)):
        print(f"vertices of source {source} in each parcel: {np.bincount(parcels, minlength=PARCELS).tolist()}")
    return losses


if __name__ == "__main__":
    main()
