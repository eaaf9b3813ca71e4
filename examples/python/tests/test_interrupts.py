"""Ctrl-C ends whatever computes, at once."""

import signal
import subprocess
import sys
import textwrap
import time

import pytest

# Uninterrupted, each of these takes far more than ten seconds.
SLOW = {
    "distances": """
        weights = numpy.random.default_rng(0).random((3000, 40, 40))
        weights += weights.transpose(0, 2, 1)
        begin()
        tapetum.topology.distance(weights, order=1.7, device="cpu")
    """,
    "a compilation": """
        tape = tapetum.Tape()
        drawn = [tape.parameter(f"x{at}", [8000, 8000], tapetum.Init.normal(0, 1)) for at in range(60)]
        begin()
        tapetum.Device("cpu").compile(tape, drawn)
    """,
    "a step": """
        tape = tapetum.Tape()
        series = tape.state("x", [1500, 1600], tapetum.Init.normal(0, 1))
        program = tapetum.Device("cpu").compile(tape, [(series * (1 + at)).partial_correlation() for at in range(40)])
        begin()
        program.step()
    """,
    "many steps": """
        tape = tapetum.Tape()
        x = tape.state("x", [400, 400], tapetum.Init.normal(0, 0.01))
        tape.assign(x, (x @ x).tanh() + x)
        program = tapetum.Device("cpu").compile(tape, [])
        begin()
        program.steps(10**9)
    """,
    "a workflow": """
        workflow = {
            "data": {"rest": {"input": "rest"}},
            "blocks": [{"name": "connectome", "block": "partial_correlation", "series": "rest"}],
            "results": [{"value": "connectome"}],
        }
        rest = numpy.random.default_rng(0).normal(size=(20, 1600, 1500))
        begin()
        tapetum.Workflow(workflow).run({"rest": rest}, device="cpu")
    """,
    "parcels": """
        draw = numpy.random.default_rng(0)
        sphere = draw.normal(size=(20000, 3))
        sphere /= numpy.linalg.norm(sphere, axis=1, keepdims=True)
        begin()
        tapetum.parcellate(draw.normal(size=(200, 20000)), sphere, 400, device="cpu")
    """,
}


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("what", SLOW)
def test_an_interrupt_ends(what):
    begin = 'import numpy\nimport tapetum\n\ndef begin():\n    print("begun", flush=True)\n\n'
    script = begin + textwrap.dedent(SLOW[what]) + 'print("ended")\n'
    # A job in the background ignores interrupts, and hands that on.
    answers = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=answers)
    try:
        assert child.stdout.readline() == "begun\n"
        time.sleep(1)
        interrupted = time.monotonic()
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=60)
    finally:
        child.kill()
    assert time.monotonic() - interrupted < 10
    assert "ended" not in output and "KeyboardInterrupt" in errors
