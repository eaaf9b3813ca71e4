"""Makes a small tree of BIDS derivatives, as XCP-D writes it: five participants, 400 parcels, 430 frames of 2 s.

    python make_tree.py [DIR]        (default: xcp_d; needs numpy)

The series are made: slow waves shared by networks, and noise. Participant 04 has one parcel without values, as XCP-D writes parcels that
the field of view does not cover, and 05 has fewer frames, as after censoring.
"""

import json
import sys
from pathlib import Path

import numpy as np

PARTICIPANTS = ["01", "02", "03", "04", "05"]
PARCELS, FRAMES, SECONDS, NETWORKS = 400, 430, 2.0, 7


def write_json(path, content):
    path.write_text(json.dumps(content, indent=2) + "\n")


def series(rng, frames):
    """[frames, parcels]: each parcel follows the wave of its network, by a share that differs between participants."""
    t = np.arange(frames)[:, None] * SECONDS
    frequency = rng.uniform(0.01, 0.08, (3, 1, NETWORKS))
    waves = np.sin(2 * np.pi * (frequency * t + rng.random((3, 1, NETWORKS)))).sum(0)
    network = np.arange(PARCELS) * NETWORKS // PARCELS
    share = rng.uniform(0.4, 1.0, PARCELS)
    return share * waves[:, network] + rng.normal(size=(frames, PARCELS))


def main(root):
    root.mkdir(parents=True)
    write_json(root / "dataset_description.json", {
        "Name": "made by make_tree.py", "BIDSVersion": "1.10.0", "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "make_tree.py"}],
    })
    rng = np.random.default_rng(0)
    ages = rng.integers(20, 60, len(PARTICIPANTS))
    rows = [f"sub-{label}\t{age}\n" for label, age in zip(PARTICIPANTS, ages)]
    (root / "participants.tsv").write_text("participant_id\tage\n" + "".join(rows))
    names = [f"Parcel{i + 1:03d}" for i in range(PARCELS)]
    for label in PARTICIPANTS:
        folder = root / f"sub-{label}" / "func"
        folder.mkdir(parents=True)
        run = f"sub-{label}_task-rest_space-MNI152NLin2009cAsym"
        values = series(rng, FRAMES - 25 if label == "05" else FRAMES)
        cells = [[f"{x:.6f}" for x in row] for row in values]
        if label == "04":
            for row in cells:
                row[17] = "n/a"
        table = "\t".join(names) + "\n" + "".join("\t".join(row) + "\n" for row in cells)
        (folder / f"{run}_seg-Made400_stat-mean_timeseries.tsv").write_text(table)
        write_json(folder / f"{run}_seg-Made400_stat-mean_timeseries.json", {"SamplingFrequency": "TR"})
        write_json(folder / f"{run}_desc-denoised_bold.json", {"RepetitionTime": SECONDS, "TaskName": "rest"})
    print(f"{root}: {len(PARTICIPANTS)} participants, {PARCELS} parcels")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "xcp_d"))
