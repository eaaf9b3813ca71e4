"""Times our host executor and its peers by turns on this machine, and prints the ratios of the medians.

    cargo bench --bench ours --no-run
    python benches/peers/compare.py --hypercoil PYTHON --pytorch PYTHON [--rounds 5] [--ours BINARY]

PYTHON is the interpreter of an environment that holds the peer; leave one out to skip it.
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
    given = arguments.parse_args()

    ours = Side(given.ours or built())
    peers = {}
    if given.hypercoil:
        peers["hypercoil"] = Side(given.hypercoil, "hypercoil_cpu.py")
    if given.pytorch:
        peers["pytorch"] = Side(given.pytorch, "pytorch_step.py")
    print(f"{os.cpu_count()} cores; load before {os.getloadavg()[0]:.2f}; median of {given.rounds} rounds, by turns")
    print(f"{'work':<22}{'peer':<11}{'ours ms':>9}{'theirs ms':>11}{'ours / theirs':>15}  range of rounds")
    for work, peer, runs in WORK:
        if peer not in peers:
            continue
        mine, theirs = [], []
        for _ in range(given.rounds):
            mine.append(ours.seconds(work, runs))
            theirs.append(peers[peer].seconds(work, runs))
        ratios = [m / t for m, t in zip(mine, theirs)]
        a, b = statistics.median(mine), statistics.median(theirs)
        middle = statistics.median(ratios)
        print(f"{work:<22}{peer:<11}{1e3 * a:>9.1f}{1e3 * b:>11.1f}{middle:>15.2f}  {min(ratios):.2f} to {max(ratios):.2f}", flush=True)
    print(f"load after {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
