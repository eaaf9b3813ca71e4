"""Series on a surface as nibabel writes them, in every encoding, and what they hold: gifti.json.

    python tests/goldens/make_gifti.py        (nibabel 5, numpy 2)
"""

import base64
import json
from pathlib import Path

import nibabel
import numpy
from nibabel.gifti import GiftiDataArray, GiftiImage

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
(Path(__file__).parent / "gifti.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")
