"""Writes series of 48 subjects, of whom 36 are trained on, an age for each, and the workflows that predict it: `people.json`, and `other.json`,
which differs. Into the current folder; `mpi.sh` and `slurm.sh` run them.

    make_people.py [FRAMES REGIONS]         40 frames and 6 regions where they are not given
"""

import json
import math
import struct
import sys

subjects = 48
frames, regions = map(int, sys.argv[1:] or (40, 6))


def noise(i):
    return math.sin(i * 78.233) * 43758.547 % 1.0 - 0.5


values = [noise(i) for i in range(subjects * frames * regions)]
header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({subjects}, {frames}, {regions}), }}"
header = header.ljust(117) + "\n"
with open("series.npy", "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}f", *values))
with open("people.csv", "w") as file:
    file.write("who,use,age\n")
    for s in range(subjects):
        file.write(f"s{s},{'judge' if s % 4 == 3 else 'train'},{20 + s * 7 % 31}\n")
workflow = {
    "data": {"series": {"series": "series.npy"}, "age": {"table": "people.csv", "column": "age", "standardise": True}},
    "parameters": {
        "frames": {"shape": ["series[2]"], "init": {"constant": 1.0}, "domain": "positive"},
        "slopes": {"shape": ["edges[1]", 1], "init": {"normal": 0.05}},
    },
    "blocks": [
        {"name": "connectome", "block": "correlation", "series": "series", "weights": "frames"},
        {"name": "edges", "block": "upper_triangle", "of": "connectome"},
        {"name": "years", "block": "linear", "of": "edges", "weights": "slopes"},
        {"name": "off", "block": "square_error", "predicted": "years", "target": "age"},
    ],
    "losses": [{"name": "age", "score": "off"}],
    "train": {"steps": 40, "batch": 24, "rate": {"cosine": [0.1, 0.01]}, "clip": 1, "checkpoint": 10, "microbatches": 12},
    "split": {"test": {"table": "people.csv", "column": "use"}, "values": ["judge"]},
    "metrics": [{"name": "years", "metric": "mean_absolute_error", "predicted": "years", "target": "age"}],
    "results": [{"value": "connectome"}, {"value": "frames"}, {"value": "slopes"}],
}
with open("people.json", "w") as file:
    json.dump(workflow, file)
workflow["train"]["clip"] = 2
with open("other.json", "w") as file:
    json.dump(workflow, file)
