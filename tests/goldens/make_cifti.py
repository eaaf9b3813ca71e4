"""CIFTI-2 files as nibabel writes them, in tests/goldens/cifti/, and what nibabel and numpy read from them: cifti.json.

    python tests/goldens/make_cifti.py        (nibabel 5, numpy 2)
"""

import gzip
import json
from pathlib import Path

import nibabel
import numpy
from nibabel import cifti2
from nibabel.cifti2 import cifti2_axes as axes
from nibabel.cifti2.parse_cifti2 import Cifti2Extension

HERE = Path(__file__).parent
FOLDER = HERE / "cifti"
FOLDER.mkdir(exist_ok=True)
random = numpy.random.default_rng(15)
AFFINE = numpy.array([[-2.0, 0, 0, 90], [0, 2, 0, -126], [0, 0, 2, -72], [0, 0, 0, 1]])
DIMENSIONS = (91, 109, 91)


def surface(vertices, of, structure):
    return axes.BrainModelAxis.from_surface(vertices, of, name=structure)


def volume(voxels, structure, affine=AFFINE, dimensions=DIMENSIONS):
    return axes.BrainModelAxis(structure, voxel=voxels, affine=affine, volume_shape=dimensions)


LEFT = surface([0, 2, 3, 7, 11], 12, "CORTEX_LEFT")
RIGHT = surface([1, 2, 5, 9], 10, "CORTEX_RIGHT")
THALAMUS = volume([[40, 52, 38], [41, 52, 38], [40, 53, 39]], "THALAMUS_LEFT")
BRAIN = LEFT + RIGHT + THALAMUS
# The atlas has the right hemisphere first and another medial wall.
ATLAS_CORTEX = surface([2, 1, 9, 0], 10, "CORTEX_RIGHT") + surface([11, 7, 5, 3, 2], 12, "CORTEX_LEFT")
ATLAS_VOXELS = volume([[40, 53, 39], [40, 52, 38], [10, 10, 10]], "THALAMUS_LEFT")
SECONDS = axes.SeriesAxis(0, 0.72, 4)
PARCELS = axes.ParcelsAxis.from_brain_models([("V1", LEFT[:2]), ("A & <B>", LEFT[2:] + RIGHT[:2]), ("Thalamus", THALAMUS)])
COLOUR = (0.1, 0.2, 0.3, 1.0)
TABLE = {0: ("???", (0, 0, 0, 0)), 3: ("visual", COLOUR), 1: ("default", COLOUR), 8: ("unused", COLOUR), 5: ("elsewhere", COLOUR)}
OTHER = {0: ("Background", (0, 0, 0, 0)), 1: ("all", COLOUR)}


def image(data, *of, intent):
    made = cifti2.Cifti2Image(numpy.asarray(data), cifti2.Cifti2Header.from_axes(of))
    made.nifti_header.set_intent(intent)
    return made


def swapped(plain, kind, slope, offset):
    """The same axes in the other order of bytes, values stored as whole numbers to be scaled."""
    header = nibabel.Nifti2Header(endianness=">")
    header.set_data_dtype(numpy.dtype(kind).newbyteorder(">"))
    header.set_intent(plain.nifti_header.get_intent()[0])
    header.extensions.append(Cifti2Extension.from_bytes(plain.header.to_xml()))
    stored = random.integers(-3000, 3000, plain.shape).astype(kind)
    header["pixdim"][:4] = 1
    made = nibabel.Nifti2Image(stored.reshape((1, 1, 1, 1) + plain.shape), None, header)
    made.header.set_slope_inter(slope, offset)
    bytes_ = bytearray(made.to_bytes())
    # nibabel takes the slope off while writing unless it is given: the two fields are put where the standard has them.
    bytes_[176:192] = numpy.array([slope, offset], ">f8").tobytes()
    return bytes(bytes_), stored * slope + offset


def normal(*shape):
    return random.normal(100, 3, shape).astype("f4")


series = normal(4, len(BRAIN))
parcellated = normal(4, 3)
parcellated[:, 1] = numpy.nan
holes = series.copy()
holes[:, 2] = numpy.nan
partly = series.copy()
partly[2, 6] = numpy.nan
keys = numpy.array([[1, 3, 0, 3, 1, 3, 5, 1, 9], [1, 1, 1, 1, 1, 0, 1, 1, 1]], "f4")
whole_keys = numpy.array([[1, 1, 3, 5, 3, 0, 3, 3, 1, 1, 3, 8]], "i4")
dense = image(series, SECONDS, BRAIN, intent="ConnDenseSeries")
connections = normal(3, 3)
files = {
    "rest.dtseries.nii": dense,
    "holes.dtseries.nii": image(holes, SECONDS, BRAIN, intent="ConnDenseSeries"),
    "partly.dtseries.nii": image(partly, SECONDS, BRAIN, intent="ConnDenseSeries"),
    "parcels.ptseries.nii": image(parcellated, SECONDS, PARCELS, intent="ConnParcelSries"),
    "spectrum.ptseries.nii": image(normal(2, 3), axes.SeriesAxis(0.01, 0.02, 2, unit="HERTZ"), PARCELS, intent="ConnParcelSries"),
    "maps.dscalar.nii": image(normal(2, len(BRAIN)), axes.ScalarAxis(["thickness", "a & b"]), BRAIN, intent="ConnDenseScalar"),
    "maps.pscalar.nii": image(
        normal(2, 3).astype("f8"), axes.ScalarAxis(["thickness", "x"], [{"unit": "mm"}, {}]), PARCELS, intent="ConnParcelScalr"
    ),
    "cortex.dlabel.nii": image(keys, axes.LabelAxis(["networks", "one"], [TABLE, OTHER]), ATLAS_CORTEX, intent="ConnDenseLabel"),
    "whole.dlabel.nii": image(whole_keys, axes.LabelAxis(["all"], [TABLE]), ATLAS_CORTEX + ATLAS_VOXELS, intent="ConnDenseLabel"),
    "parcels.pconn.nii": image(connections, PARCELS, PARCELS, intent="ConnParcels"),
}
refused = {
    "dense.dconn.nii": image(normal(5, 5), LEFT, LEFT, intent="ConnDense"),
    "dense.pdconn.nii": image(normal(5, 3), LEFT, PARCELS, intent="ConnParcelDense"),
    "parcels.plabel.nii": image(numpy.ones((1, 3), "f4"), axes.LabelAxis(["all"], [OTHER]), PARCELS, intent="ConnUnknown"),
    "mesh.dlabel.nii": image(
        numpy.ones((1, 3), "f4"), axes.LabelAxis(["all"], [OTHER]), surface([0, 1, 2], 13, "CORTEX_LEFT"), intent="ConnDenseLabel"
    ),
    "space.dlabel.nii": image(
        numpy.ones((1, 1), "f4"),
        axes.LabelAxis(["all"], [OTHER]),
        volume([[40, 52, 38]], "THALAMUS_LEFT", affine=AFFINE * [[1.5], [1], [1], [1]]),
        intent="ConnDenseLabel",
    ),
}


def axis(of):
    """An axis as plain data."""
    if isinstance(of, axes.BrainModelAxis):
        places = [
            [str(name).removeprefix("CIFTI_STRUCTURE_"), int(vertex) if vertex >= 0 else [int(i) for i in voxel]]
            for name, vertex, voxel in zip(of.name, of.vertex, of.voxel)
        ]
        of_surface = {str(name).removeprefix("CIFTI_STRUCTURE_"): n for name, n in of.nvertices.items()}
        made = {"type": "grayordinates", "places": places, "surfaces": of_surface}
        if of.affine is not None:
            made |= {"affine": of.affine[:3].ravel().tolist(), "dimensions": list(of.volume_shape)}
        return made
    if isinstance(of, axes.ParcelsAxis):
        parcel = lambda name, voxels, vertices: {
            "name": str(name),
            "voxels": voxels.tolist(),
            "vertices": {str(on).removeprefix("CIFTI_STRUCTURE_"): [int(v) for v in these] for on, these in vertices.items()},
        }
        return {"type": "parcels", "parcels": [parcel(*p) for p in zip(of.name, of.voxels, of.vertices)]}
    if isinstance(of, axes.SeriesAxis):
        return {"type": "series", "start": of.start, "step": of.step, "unit": of.unit, "count": of.size}
    maps = [{"name": str(name), "meta": dict(meta)} for name, meta in zip(of.name, of.meta)]
    if isinstance(of, axes.LabelAxis):
        table = lambda labels: {str(int(key)): [name, list(colour)] for key, (name, colour) in labels.items()}
        maps = [m | {"table": table(labels)} for m, labels in zip(maps, of.label)]
        return {"type": "labels", "maps": maps}
    return {"type": "scalars", "maps": maps}


def numbers(array):
    """Values by rows of the file, nibabel's columns; NaN as null."""
    return [[None if numpy.isnan(x) else float(x) for x in row] for row in numpy.asarray(array, "f8").T]


def means(data, brain, labels, key_row, table):
    """Means over the grayordinates of each label, matched by structure and vertex or voxel."""
    place = lambda of, i: (of.name[i], int(of.vertex[i]), tuple(int(x) for x in of.voxel[i]))
    key_of = {place(labels, i): int(k) for i, k in enumerate(key_row)}
    used = [k for k in sorted(table) if k != 0 and table[k][0] != "???" and k in {int(k) for k in key_row}]
    rows = {k: [i for i in range(len(brain)) if key_of.get(place(brain, i)) == k] for k in used}
    mean = lambda k: numpy.nanmean(data[:, rows[k]].astype("f8"), 1) if rows[k] else numpy.full(len(data), numpy.nan)
    return {"names": [table[k][0] for k in used], "members": [rows[k] for k in used], "means": numbers(numpy.stack([mean(k) for k in used], 1))}


expected = {}
for name, made in {**files, **refused}.items():
    made.to_filename(FOLDER / name)
for name in files:
    read = nibabel.load(FOLDER / name)
    columns, rows = (read.header.get_axis(i) for i in (0, 1))
    expected[name] = {"rows": axis(rows), "columns": axis(columns), "values": numbers(read.get_fdata())}
for name, kind in [("big.dtseries.nii", "i2"), ("wide.dtseries.nii", "i8")]:
    file, values = swapped(dense, kind, 0.25, -3.5)
    (FOLDER / name).write_bytes(file)
    read = nibabel.load(FOLDER / name)
    assert isinstance(read, cifti2.Cifti2Image) and numpy.array_equal(read.get_fdata(), values), name
    expected[name] = {"rows": axis(BRAIN), "columns": axis(SECONDS), "values": numbers(values)}
(FOLDER / "packed.dtseries.nii").write_bytes(gzip.compress((FOLDER / "rest.dtseries.nii").read_bytes(), mtime=0))
first = (FOLDER / "rest.dtseries.nii").read_bytes().replace(b'CIFTI Version="2.0"', b'CIFTI Version="1.0"')
(FOLDER / "first.dtseries.nii").write_bytes(first)
by_label = {
    "cortex": means(series, BRAIN, ATLAS_CORTEX, keys[0], TABLE),
    "one": means(series, BRAIN, ATLAS_CORTEX, keys[1], OTHER),
    "whole": means(series, BRAIN, ATLAS_CORTEX + ATLAS_VOXELS, whole_keys[0], TABLE),
    "holes": means(holes, BRAIN, ATLAS_CORTEX, keys[0], TABLE),
}
made = {"files": expected, "by_label": by_label}
(HERE / "cifti.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")
