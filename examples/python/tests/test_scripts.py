"""The scripts of this folder, and the numbers of the training loop in Rust."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tapetum import parcellate

HERE = Path(__file__).parents[1]


def script(name, *arguments, cwd=HERE):
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    done = subprocess.run([sys.executable, HERE / name, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_training_loop():
    lines = script("training_loop.py").splitlines()
    losses = [float(line.split()[-1]) for line in lines if line.startswith("step")]
    assert len(losses) == 6 and losses[-1] < 0.5 * losses[0]
    members = np.array([eval(line.split(": ")[1]) for line in lines[-3:]])
    assert sorted(members.argmax(axis=1)) == [0, 1, 2] and (members.max(axis=1) == 30).all()


def test_the_connectome(tmp_path):
    assert "largest difference from nilearn" in script("connectome.py", tmp_path / "connectome.png", cwd=tmp_path)
    assert (tmp_path / "connectome.png").stat().st_size > 20_000


def on_a_sphere(vertices=300, frames=80, seed=0):
    """Series of three sources, each in a third of a sphere."""
    draw = np.random.default_rng(seed)
    xyz = draw.normal(size=(vertices, 3))
    xyz *= 100 / np.linalg.norm(xyz, axis=1, keepdims=True)
    source = (np.floor((np.arctan2(xyz[:, 1], xyz[:, 0]) + np.pi) / (2 * np.pi / 3)).astype(int)) % 3
    return draw.normal(size=(frames, 3))[:, source] + 0.3 * draw.normal(size=(frames, vertices)), xyz, source


def test_parcels_are_the_sources():
    series, xyz, source = on_a_sphere()
    series[:, 7] = 3
    seen = []
    labels, memberships, losses = parcellate(series, xyz, 3, steps=60, seed=1, device="cpu", callback=lambda *at: seen.append(at))
    assert labels.shape == (300,) and labels[7] == -1
    assert memberships.shape == (3, 299)
    np.testing.assert_allclose(memberships.sum(axis=0), 1, atol=1e-5)
    assert losses.shape == (60,) and seen[-1][0] == 60
    usable = np.arange(300) != 7
    table = np.histogram2d(labels[usable], source[usable], bins=3)[0]
    assert table.max(axis=1).sum() > 0.9 * 299


def test_parcels_that_cannot_be_are_refused():
    series, xyz, _ = on_a_sphere()
    for arguments, message in [
        ((series, xyz * np.linspace(1, 2, 300)[:, None], 3), "sphere"),
        ((series, xyz[:10], 3), "coordinates"),
        ((series, xyz, 0), "0 parcels"),
        ((series, xyz, 301), "301 parcels"),
        ((series[:, 0], xyz, 3), r"\[time, regions\]"),
    ]:
        with pytest.raises(ValueError, match=message):
            parcellate(*arguments, device="cpu")
    with pytest.raises(ZeroDivisionError):
        parcellate(series, xyz, 3, device="cpu", callback=lambda step, loss: 1 / 0)
