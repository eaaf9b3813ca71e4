"""The peers' side of `compare.py`: `WORK<tab>RUNS` a line in, the median of RUNS as a line of JSON out."""

import json
import statistics
import sys
import time


def serve(jobs):
    """`jobs` maps a work's name to a function that makes the function to time; it must return when the work is done."""
    made = {}
    for line in sys.stdin:
        name, runs = line.rstrip("\n").split("\t")
        if name not in made:
            made[name] = jobs[name]()
        run = made[name]
        run()
        seconds = []
        for _ in range(int(runs)):
            start = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - start)
        print(json.dumps({"work": name, "seconds": statistics.median(seconds)}), flush=True)
