"""Tapes, programs and optimisers, held to NumPy and to formulas."""

import threading
import time

import numpy as np
import pytest
import tapetum
from tapetum import Adam, Device, Init, Schedule, Sgd, State, Tape

CPU = Device("cpu")


def run(record, *arrays):
    """What is recorded on inputs of these arrays' shapes, computed."""
    tape = Tape()
    inputs = [tape.input(f"x{i}", array.shape) for i, array in enumerate(arrays)]
    [found] = CPU.compile(tape, [record(*inputs)]).run(zip(inputs, arrays))
    return found


def test_operators_are_numpys():
    draw = np.random.default_rng(0)
    x, y = (draw.uniform(0.5, 2, size=(3, 4)).astype(np.float32) for _ in range(2))
    for record in (
        lambda a, b: a + b,
        lambda a, b: a - b * 2,
        lambda a, b: 1 - a,
        lambda a, b: a / b,
        lambda a, b: 2 / a,
        lambda a, b: -a,
        lambda a, b: a**2,
        lambda a, b: a**1.5,
        lambda a, b: a + np.arange(4, dtype=np.float32),
        lambda a, b: np.arange(4, dtype=np.float32) - a,
        lambda a, b: np.float32(3) / a,
        lambda a, b: np.ones((2, 3), np.float32) @ a,
        lambda a, b: a @ np.ones((4, 2), np.float32),
        lambda a, b: a.sum(),
        lambda a, b: a.mean(1),
        lambda a, b: a.max(axis=0, keepdims=True),
        lambda a, b: a.min((0, 1)),
        lambda a, b: a.var(axis=1, ddof=1),
        lambda a, b: a.reshape(2, 6),
        lambda a, b: a.transpose(),
        lambda a, b: a.argmax(1),
    ):
        expected = record(x, y)
        found = run(record, x, y)
        assert found.shape == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_functions_are_numpys():
    x = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)
    cases = {"exp": np.exp, "tanh": np.tanh, "abs": np.abs, "square": np.square, "relu": lambda x: np.maximum(x, 0)}
    for name, expected in cases.items():
        np.testing.assert_allclose(run(lambda a: getattr(a, name)(), x), expected(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(run(lambda a: a.tape.pointwise("minimum", a, 0.5), x), np.minimum(x, 0.5))
    np.testing.assert_allclose(run(lambda a: a.softmax(), x), np.exp(x) / np.exp(x).sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(run(lambda a: a.slice(1, 1, 4, 2), x), x[:, 1:4:2])
    np.testing.assert_allclose(run(lambda a: a.tape.concatenate([a, a], 1), x), np.hstack([x, x]))
    np.testing.assert_allclose(run(lambda a: a.correlation(), x**3), np.corrcoef(x**3), rtol=1e-5)
    np.testing.assert_allclose(run(lambda a: a.covariance(ddof=0), x), np.cov(x, ddof=0), rtol=1e-5)


def test_a_gradient_is_its_formula():
    x = np.linspace(0.5, 2, 6, dtype=np.float32)
    tape = Tape()
    var = tape.input("x", [6])
    [slope] = tape.gradient((var.log() * var).sum(), [var])
    [found] = CPU.compile(tape, [slope]).run({var: x})
    np.testing.assert_allclose(found, np.log(x) + 1, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("optimiser", [Adam(0.1), Adam(Schedule.cosine(0.2, 0.01, 200)), Sgd(0.1, momentum=0.5)])
def test_a_line_is_fitted(optimiser):
    x, tape = np.linspace(-1, 1, 20), Tape()
    given, target = tape.input("x", [20]), tape.input("y", [20])
    slope, offset = tape.parameter("slope", [1]), tape.parameter("offset", [1], Init.full(1.0))
    loss = tape.mean_squared_error(given * slope + offset, target)
    optimiser.apply(tape, list(zip([slope, offset], tape.gradient(loss, [slope, offset]))))
    program = CPU.compile(tape, [loss])
    program.write(given, x)
    program.write(target, 3 * x - 2)
    program.steps(200)
    assert program.read(loss) < 1e-3
    assert program.state.read("slope") == pytest.approx(3, abs=0.05)
    assert program.state.read("offset") == pytest.approx(-2, abs=0.05)
    assert "slope" in program.state.names()


def test_adam_takes_the_steps_of_its_paper():
    rate, beta1, beta2, epsilon = 0.1, 0.9, 0.999, 1e-8
    w, m, v = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2)
    for step in range(1, 6):
        g = 2 * w
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        w = w - rate * (m / (1 - beta1**step)) / (np.sqrt(v / (1 - beta2**step)) + epsilon)
    tape = Tape()
    parameter = tape.parameter("w", [2], Init.value(np.array([1.0, -2.0])))
    [slope] = tape.gradient((parameter**2).sum(), [parameter])
    Adam(rate).apply(tape, [(parameter, slope)])
    program = CPU.compile(tape, [])
    program.steps(5)
    np.testing.assert_allclose(program.state.read("w"), w, rtol=1e-5)


def test_state_is_shared_and_written():
    tape, state = Tape(), State(CPU)
    count = tape.state("count", [1])
    tape.assign(count, count + 1)
    program = CPU.compile(tape, [], state)
    program.steps(3)
    assert state.read("count") == 3
    state.write("count", [10])
    program.step()
    assert state.read("count") == 11
    with pytest.raises(ValueError, match="count"):
        state.write("count", [1, 2])


def test_arrays_come_in_by_any_road():
    class ByDlpack:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **how):
            return self.array.__dlpack__(**how)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    for given in (x, x.astype(np.float64), x.astype(np.int16), x.tolist(), np.asfortranarray(x), np.repeat(x, 2, 1)[:, ::2], ByDlpack(x)):
        tape = Tape()
        var = tape.input("x", [3, 4])
        [found] = CPU.compile(tape, [var * 2]).run({var: given})
        np.testing.assert_array_equal(found, 2 * x)
    unaligned = np.frombuffer(b"-" + x.tobytes(), np.float32, offset=1).reshape(3, 4)
    assert not unaligned.flags.aligned
    np.testing.assert_array_equal(run(lambda a: a + 1, unaligned), x + 1)
    swapped = x.astype(">f4")
    np.testing.assert_array_equal(run(lambda a: a + 1, swapped), x + 1)
    read_only = x.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(run(lambda a: a + 1, read_only), x + 1)
    found[0, 0] = 7  # what comes out is the caller's own


def test_what_cannot_be_is_refused():
    tape = Tape()
    x = tape.input("x", [3, 4])
    other = Tape().input("x", [3, 4])
    program = CPU.compile(tape, [x * 2])
    for call, error, message in [
        (lambda: x @ x, ValueError, "matmul"),
        (lambda: x + other, ValueError, "tape"),
        (lambda: x + "a", TypeError, "Var, a number or an array"),
        (lambda: x.sum("all"), TypeError, "axis"),
        (lambda: tape.input("x", [1]), ValueError, "x"),
        (lambda: tape.input("z", [1] * 9), ValueError, "9 axes"),
        (lambda: tape.input("z", [2], "f64"), ValueError, "dtype \"f64\""),
        (lambda: tape.pointwise("tangle", x), ValueError, "tangle"),
        (lambda: tape.gradient(x, [x]), ValueError, "."),
        (lambda: program.write(x, np.zeros((4, 3))), ValueError, "x"),
        (lambda: program.step(), ValueError, "x"),
        (lambda: program.read(x), ValueError, "no output"),
        (lambda: program.run({x: np.array(["a"])}), TypeError, "numbers"),
        (lambda: Adam(-1.0), ValueError, "rate"),
        (lambda: Adam("fast"), TypeError, "rate"),
        (lambda: Device("no such adapter"), RuntimeError, "no such adapter"),
    ]:
        with pytest.raises(error, match=message):
            call()
    labels = Tape().input("labels", [2], "i32")
    with pytest.raises(ValueError, match="whole numbers"):
        CPU.compile(labels.tape, [labels + 0]).run({labels: [0.5, 1]})


def test_devices_are_told():
    assert all({"index", "name", "backend", "kind", "usable", "auto"} <= set(one) for one in tapetum.devices())
    assert CPU.name == "cpu" and not CPU.is_gpu and repr(CPU) == 'Device("cpu")'
    assert Device().name == ([one["name"] for one in tapetum.devices() if one["auto"]] or ["cpu"])[0]


def slow_program(steps=1):
    tape = Tape()
    x = tape.state("x", [400, 400], Init.normal(0, 0.01))
    y = x
    for _ in range(4):
        y = (y @ x).tanh()
    tape.assign(x, y + x)
    return CPU.compile(tape, [])


def test_the_interpreter_runs_while_something_is_computed():
    program, turns, done = slow_program(), [0], threading.Event()

    def count():
        while not done.is_set():
            turns[0] += 1
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    started = time.perf_counter()
    program.steps(30)
    seconds = time.perf_counter() - started
    done.set()
    counter.join()
    # Were the lock held, the counter would turn only where a step ends.
    assert turns[0] > 100 * seconds
