"""Makes a cohort for tests/tools/mpi_cohorts.sh: python3 make_cohort.py FOLDER SUBJECTS (plain Python, always the same bytes).

`tree` is a BIDS tree of SUBJECTS participants of 12 regions and 40 frames with confounds, of which some have no result: one frame alone,
a word among the numbers, or no confounds. Others are to be warned of: a region without values, a constant region, no row in the
table of participants. `other` is the same, with one participant of 11 regions near the end. `table.csv` has a column of subjects, `graphs` holds a
matrix for each, and `asymmetric` one among them that is not symmetric.
"""

import json
import random
import sys
from pathlib import Path

REGIONS, FRAMES, SECONDS = 12, 40, 2.0
RUN = "task-rest_space-MNI152NLin2009cAsym_seg-Made12_stat-mean_timeseries"
NAMES = [f"Région{i + 1:02d}" for i in range(REGIONS)]
# Remainders of a participant's number, and what becomes of it.
ONE_FRAME, WORD, NO_CONFOUNDS, MISSING, CONSTANT = 37, 53, 71, 29, 41


def series(draw, frames=FRAMES):
    """Rows of frames: each region follows one of three waves."""
    waves = [[draw.gauss(0, 1) for _ in range(frames)] for _ in range(3)]
    return [[f"{waves[r % 3][t] + draw.gauss(0, 1) + 100:.5f}" for r in range(REGIONS)] for t in range(frames)]


def table(rows, header):
    """A table with tabs."""
    return "\n".join("\t".join(row) for row in [header, *rows]) + "\n"


def participant(root, number, draw, regions=REGIONS):
    """The files of a participant."""
    label = f"{number:04d}"
    folder = root / f"sub-{label}" / "func"
    folder.mkdir(parents=True)
    rows = series(draw, 1 if number % ONE_FRAME == 5 else FRAMES)
    if number % WORD == 7:
        rows[3][2] = "broken"
    for row in rows:
        if number % MISSING == 11:
            row[4] = "n/a"
        if number % CONSTANT == 13:
            row[9] = "1.5"
    rows = [row[:regions] for row in rows]
    (folder / f"sub-{label}_{RUN}.tsv").write_text(table(rows, NAMES[:regions]), encoding="utf-8")
    (folder / f"sub-{label}_task-rest_desc-denoised_bold.json").write_text(json.dumps({"RepetitionTime": SECONDS}) + "\n")
    if number % NO_CONFOUNDS != 17:
        confounds = [[f"{draw.gauss(0, 0.1):.6f}" for _ in range(6)] for _ in rows]
        header = ["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]
        (folder / f"sub-{label}_task-rest_desc-confounds_timeseries.tsv").write_text(table(confounds, header))


def tree(root, subjects, odd=None):
    """A BIDS tree; `odd` is the number of a participant that has a region less."""
    root.mkdir(parents=True)
    described = {"Name": "made", "BIDSVersion": "1.10.0", "DatasetType": "derivative", "GeneratedBy": [{"Name": "make_cohort.py"}]}
    (root / "dataset_description.json").write_text(json.dumps(described) + "\n")
    draw = random.Random(0)
    ages = [[f"sub-{n:04d}", str(draw.randrange(20, 60))] for n in range(subjects) if n % 50 != 49]
    (root / "participants.tsv").write_text(table(ages, ["participant_id", "age"]))
    for number in range(subjects):
        participant(root, number, draw, REGIONS - 1 if number == odd else REGIONS)


def graphs(root, count, asymmetric=None):
    """A symmetric matrix for each of `count` graphs."""
    root.mkdir()
    draw = random.Random(1)
    for number in range(count):
        weights = [[0.0] * REGIONS for _ in range(REGIONS)]
        for i in range(REGIONS):
            for j in range(i):
                weights[i][j] = weights[j][i] = round(draw.random(), 5)
        if number == asymmetric:
            weights[0][1] += 0.5
        rows = [[name, *map(str, row)] for name, row in zip(NAMES, weights)]
        (root / f"sub-{number:04d}_relmat.tsv").write_text(table(rows, ["Node", *NAMES]), encoding="utf-8")


def main(folder, subjects):
    """All of it."""
    tree(folder / "tree", subjects)
    tree(folder / "other", subjects, odd=subjects - 3)
    draw = random.Random(2)
    rows = [[f"s{n:03d}", *row] for n in range(subjects) for row in series(draw, 20 + n % 5)]
    (folder / "table.csv").write_text("\n".join(",".join(row) for row in [["subject", *NAMES], *rows]) + "\n", encoding="utf-8")
    graphs(folder / "graphs", subjects)
    graphs(folder / "asymmetric", subjects, asymmetric=subjects - 2)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
