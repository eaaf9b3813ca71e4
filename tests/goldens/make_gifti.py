"""Series on a surface as nibabel writes them, in every encoding, and what they hold: gifti.json.

    python tests/goldens/make_gifti.py        (nibabel 5, numpy 2)
"""

import base64
import json
import tempfile
from pathlib import Path

import nibabel
import numpy
from nibabel.freesurfer import read_annot, write_annot, write_geometry
from nibabel.gifti import GiftiDataArray, GiftiImage, GiftiLabel, GiftiLabelTable, GiftiMetaData

VERTICES, FRAMES = 7, 3
values = numpy.random.default_rng(11).normal(10, 3, (VERTICES, FRAMES)).astype("f4")
counts = numpy.arange(VERTICES, dtype="i4") * 1000 - 2500


def written(arrays):
    return GiftiImage(darrays=arrays).to_bytes().decode()


def frame(data, encoding, intent="NIFTI_INTENT_TIME_SERIES", **attributes):
    return GiftiDataArray(data, intent=intent, encoding=encoding, **attributes)


def frames(encoding, **attributes):
    return written([frame(values[:, t].copy(), encoding, **attributes) for t in range(FRAMES)])


cases = {
    "ascii": frames("ASCII"),
    "base64": frames("B64BIN"),
    "gzip": frames("B64GZ"),
    "one_array": written([frame(values, "B64GZ", ordering="C")]),
    "by_columns": written([frame(numpy.asfortranarray(values), "B64GZ", ordering="F")]),
    "whole_numbers": written([frame(counts, "B64GZ", intent="NIFTI_INTENT_SHAPE")]),
    "surface": written([frame(numpy.zeros((4, 3), "f4"), "B64GZ", intent="NIFTI_INTENT_POINTSET")]),
}
# nibabel writes little-endian arrays alone.
swapped = cases["base64"].replace("LittleEndian", "BigEndian")
for t in range(FRAMES):
    little, big = (base64.b64encode(values[:, t].astype(f"{order}f4").tobytes()).decode() for order in "<>")
    assert little in swapped
    swapped = swapped.replace(little, big)
cases["big"] = swapped
for name in ["ascii", "base64", "gzip", "big"]:
    read = nibabel.GiftiImage.from_bytes(cases[name].encode())
    assert numpy.allclose(numpy.stack([a.data for a in read.darrays], 1), values, rtol=1e-4), name
made = {"files": cases, "values": values.ravel().tolist(), "counts": counts.tolist(), "external": list(values.T.astype("<f4").tobytes())}
# ASCII arrays are written in few digits.
made["ascii_values"] = numpy.stack([a.data for a in nibabel.GiftiImage.from_bytes(cases["ascii"].encode()).darrays], 1).ravel().tolist()

# An octahedron on a sphere of 100 mm, and labels of its six vertices.
points = numpy.array([[100, 0, 0], [-100, 0, 0], [0, 100, 0], [0, -100, 0], [0, 0, 100], [0, 0, -100]], "f4")
faces = numpy.array([[a, b, c] for a in (0, 1) for b in (2, 3) for c in (4, 5)], "i4")
left = GiftiMetaData({"AnatomicalStructurePrimary": "CortexLeft"})
shifted = nibabel.gifti.GiftiCoordSystem(xform=numpy.diag([2.0, 2, 2, 1]))
made["files"]["mesh"] = written(
    [
        frame(points, "B64GZ", intent="NIFTI_INTENT_POINTSET", meta=left, coordsys=shifted),
        frame(faces, "B64GZ", intent="NIFTI_INTENT_TRIANGLE"),
    ]
)
keys = numpy.array([[4, 4, 0, 2, 2, 7], [1, 1, 1, 1, 1, 0]], "i4")
table = GiftiLabelTable()
for key, name in [(0, "???"), (4, "V1 & V2"), (2, "MT"), (1, "all")]:
    label = GiftiLabel(key, 0.25, 0.5, 0.75, 1.0)
    label.label = name
    table.labels.append(label)
arrays = [
    frame(k, "B64GZ", intent="NIFTI_INTENT_LABEL", meta=GiftiMetaData({"Name": name, "AnatomicalStructurePrimary": "CortexLeft"}))
    for k, name in zip(keys, ["areas", "one"])
]
made["files"]["labels"] = GiftiImage(darrays=arrays, labeltable=table).to_bytes().decode()
octahedron = numpy.random.default_rng(12).normal(10, 3, (6, 5)).astype("f4")
made["files"]["octahedron"] = written([frame(octahedron[:, t].copy(), "B64GZ") for t in range(5)])
made["octahedron"] = octahedron.ravel().tolist()
made["points"], made["faces"], made["keys"] = points.ravel().tolist(), faces.ravel().tolist(), keys.tolist()
# The same mesh and other parcels in FreeSurfer's own files.
with tempfile.TemporaryDirectory() as folder:
    sphere, annot = Path(folder) / "lh.sphere", Path(folder) / "lh.parcels.annot"
    write_geometry(sphere, points, faces, create_stamp="created by nibabel")
    colours = numpy.array([[25, 5, 25, 0], [10, 20, 30, 0], [200, 100, 50, 0]])
    write_annot(annot, numpy.array([1, 0, 2, 2, -1, 1]), colours, ["Unknown", "frontal", "occipital"], fill_ctab=True)
    assert read_annot(annot)[0].tolist() == [1, 0, 2, 2, -1, 1]
    made["sphere"], made["annot"] = (base64.b64encode(p.read_bytes()).decode() for p in (sphere, annot))
(Path(__file__).parent / "gifti.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")
