"""Times our host executor and its peers by turns on this machine, and prints the ratios of the medians.

    cargo bench --bench ours --no-run
    python benches/peers/compare.py --hypercoil PYTHON --pytorch PYTHON [--rounds 5] [--cores N]

PYTHON is the interpreter of an environment that holds the peer; leave one out to skip it. Where other programs want the cores, wall
time misleads (PyTorch's threads wait for one another at every op); then hold all sides to one core, and read the processor time.
"""

import argparse
import json
import os
import statistics
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = [
    ("correlation forward", "hypercoil", 5),
    ("correlation gradient", "hypercoil", 5),
    ("atlas forward", "hypercoil", 3),
    ("atlas gradient", "hypercoil", 3),
    ("demo step", "pytorch", 20),
]


class Side:
    """A program that answers `WORK<tab>RUNS` with a line of JSON."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE)

    def seconds(self, work, runs):
        """The median of some runs, and the processor time of one."""
        before = self.processor()
        seconds = self.answer(work, runs)
        return seconds, (self.processor() - before) / (runs + 1)  # the first run warms up

    def processor(self):
        """Seconds of all cores so far (Linux)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def answer(self, work, runs):
        self.process.stdin.write(f"{work}\t{runs}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args[0]} ended at `{work}`")
        return json.loads(line)["seconds"]


def built():
    """The bench binary that Cargo made, as Cargo names it."""
    command = ["cargo", "bench", "--bench", "ours", "--no-run", "--message-format=json"]
    lines = subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    made = [json.loads(line) for line in lines]
    return next(m["executable"] for m in made if m.get("target", {}).get("name") == "ours" and m.get("executable"))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--hypercoil", metavar="PYTHON")
    arguments.add_argument("--pytorch", metavar="PYTHON")
    arguments.add_argument("--ours", metavar="BINARY")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--cores", type=int, help="hold all sides to so many cores (Linux)")
    given = arguments.parse_args()
    if given.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.cores])

    ours = Side(given.ours or built())
    peers = {}
    if given.hypercoil:
        peers["hypercoil"] = Side(given.hypercoil, "hypercoil_cpu.py")
    if given.pytorch:
        peers["pytorch"] = Side(given.pytorch, "pytorch_step.py")
    print(f"{len(os.sched_getaffinity(0))} of {os.cpu_count()} cores; load before {os.getloadavg()[0]:.2f}; median of {given.rounds} rounds, by turns")
    print(f"{'work':<22}{'peer':<11}{'ours ms':>9}{'theirs ms':>11}{'ours / theirs':>15}   {'rounds':<14}processor time, ours / theirs")
    for work, peer, runs in WORK:
        if peer not in peers:
            continue
        sides = [ours, peers[peer]]
        for side in sides:
            side.answer(work, 1)  # compiles, and makes the data
        rounds = [[side.seconds(work, runs) for side in sides] for _ in range(given.rounds)]
        a, b = (1e3 * statistics.median(r[side][0] for r in rounds) for side in (0, 1))
        wall = [mine[0] / theirs[0] for mine, theirs in rounds]
        processor = statistics.median(mine[1] / theirs[1] for mine, theirs in rounds)
        span = f"{min(wall):.2f} to {max(wall):.2f}"
        print(f"{work:<22}{peer:<11}{a:>9.1f}{b:>11.1f}{statistics.median(wall):>15.2f}   {span:<14}{processor:.2f}", flush=True)
    print(f"load after {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
