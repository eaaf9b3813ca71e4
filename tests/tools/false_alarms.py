"""The rate at which `tapetum bench --compare` calls kernels slower that are not.

One binary is run again and again, and each run is compared with the one before: what is called slower is a false alarm. The machine
should be as busy as those that the rate is meant for; `--load N` keeps N processes at work on and off meanwhile.

    false_alarms.py [--pairs 50] [--filter soft] [--load 4] -- TAPETUM --device cpu

prints a line for each alarm, and at the end the runs with alarms and the rows that were judged. Fails where more than one run in a
hundred has one.
"""

import argparse
import json
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def load(seed):
    """Keeps a core at work for a while, and rests for a while, both of random lengths."""
    draw = random.Random(seed)
    while True:
        end = time.monotonic() + draw.expovariate(1.0)
        while time.monotonic() < end:
            sum(i * i for i in range(10_000))
        time.sleep(draw.expovariate(1.0))


def run(command, given, out, earlier):
    compare = ["--compare", str(earlier / "bench.json")] if earlier else []
    line = [*command, "bench", given.filter, "--quick", "--json", "--out", str(out), *compare]
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(f"{' '.join(line)}\nended with {done.returncode}: {done.stderr}")
    return done.returncode == 3, json.loads(done.stdout).get("comparison", {"rows": []})["rows"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=50)
    parser.add_argument("--filter", default="soft", help="of the works that are timed")
    parser.add_argument("--load", type=int, default=0, help="processes that keep the machine busy")
    parser.add_argument("--keep", type=Path, help="a folder for the runs")
    parser.add_argument("command", nargs="+")
    given = parser.parse_args()
    for i in range(given.load):
        multiprocessing.Process(target=load, args=(i,), daemon=True).start()
    folder = given.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    alarms, verdicts = 0, {}
    run(given.command, given, folder / "0", None)
    for pair in range(1, given.pairs + 1):
        alarm, rows = run(given.command, given, folder / str(pair), folder / str(pair - 1))
        alarms += alarm
        for row in rows:
            verdicts[row["verdict"]] = verdicts.get(row["verdict"], 0) + 1
            if row["verdict"] == "slower":
                print(f"pair {pair}: {row['work']} {row['direction']} {row['kernel']} {row['shape']}: {row['old_ns']:.0f} to "
                      f"{row['new_ns']:.0f} ns, judged {row['judged']:.2f}", flush=True)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    print(f"{alarms} of {given.pairs} runs raised a false alarm; of {sum(verdicts.values())} rows: {counts}")
    sys.exit(1 if alarms > given.pairs / 100 else 0)


main()
