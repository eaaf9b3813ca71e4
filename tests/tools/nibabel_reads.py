"""nibabel reads the CIFTI-2 and GIFTI files that the command writes, and finds in them what went in.

    python tests/tools/nibabel_reads.py TAPETUM...        the command `tapetum`, as it is run here (nibabel 5, numpy 2)
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel
import numpy

GOLDENS = Path(__file__).parent.parent / "goldens"


def tapetum(folder, line):
    done = subprocess.run([*sys.argv[1:], *line.split(), "--device", "cpu"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, (line, done.stderr)


def image(path):
    read = nibabel.load(path)
    assert isinstance(read, nibabel.cifti2.Cifti2Image), path
    return read, [read.header.get_axis(i) for i in (0, 1)]


def same(found, wanted):
    assert found == wanted, (found, wanted)


with tempfile.TemporaryDirectory() as folder:
    folder = Path(folder)
    for path in (GOLDENS / "cifti").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    gifti = json.loads((GOLDENS / "gifti.json").read_text())["files"]
    (folder / "lh.func.gii").write_text(gifti["octahedron"])
    (folder / "lh.surf.gii").write_text(gifti["mesh"])
    (folder / "confounds.tsv").write_text("a\tb\n0.1\t1\n0.5\t0\n0.2\t1\n0.9\t1\n")
    (folder / "five.tsv").write_text("a\tb\n0.1\t1\n0.5\t0\n0.2\t1\n0.9\t1\n0.3\t0\n")

    tapetum(folder, "connectivity parcels.ptseries.nii -o out.pconn.nii")
    read, axes = image(folder / "out.pconn.nii")
    _, wanted = image(folder / "parcels.pconn.nii")
    same(axes[0], wanted[0]), same(axes[1], wanted[1])
    values = nibabel.load(folder / "parcels.ptseries.nii").get_fdata()
    assert numpy.allclose(read.get_fdata(), numpy.corrcoef(values.T), atol=1e-5, equal_nan=True)
    same(read.nifti_header.get_intent()[0], "ConnParcels")

    tapetum(folder, "connectivity rest.dtseries.nii --atlas whole.dlabel.nii -o dense.pconn.nii")
    read, axes = image(folder / "dense.pconn.nii")
    same(list(axes[0].name), ["default", "visual", "elsewhere", "unused"])
    same(axes[0].voxels[1].tolist(), [[40, 52, 38]])
    same(axes[0].vertices[0]["CIFTI_STRUCTURE_CORTEX_LEFT"].tolist(), [2])

    for name, intent in [
        ("rest.dtseries.nii", "ConnDenseSeries"),
        ("parcels.ptseries.nii", "ConnParcelSries"),
        ("rest.dscalar.nii", "ConnDenseScalar"),
        ("parcels.pscalar.nii", "ConnParcelScalr"),
    ]:
        source = {"rest": "rest.dtseries.nii", "parcels": "parcels.ptseries.nii"}[name.split(".")[0]]
        tapetum(folder, f"denoise {source} --confounds confounds.tsv --columns a -o clean.{name}")
        read, axes = image(folder / f"clean.{name}")
        before, wanted = image(folder / source)
        same(read.nifti_header.get_intent()[0], intent)
        same(axes[1], wanted[1])
        if name.endswith("series.nii"):
            same(axes[0], wanted[0])
        there = ~numpy.isnan(before.get_fdata())
        assert (numpy.isnan(read.get_fdata()) == ~there).all()

    tapetum(folder, "denoise lh.func.gii --confounds five.tsv --columns a -o clean.func.gii")
    clean = nibabel.load(folder / "clean.func.gii")
    assert len(clean.darrays) == 5 and clean.darrays[0].data.shape == (6,) and clean.darrays[0].data.dtype == "f4"
    same({a.intent for a in clean.darrays}, {nibabel.nifti1.intent_codes["NIFTI_INTENT_TIME_SERIES"]})

    tapetum(folder, "parcellate lh.func.gii --coordinates lh.surf.gii --parcels 2 --steps 5 --hold-out 0 -o parcels")
    labels = nibabel.load(folder / "parcels/parcels.label.gii")
    same(labels.darrays[0].data.tolist(), (numpy.load(folder / "parcels/labels.npy") + 1).tolist())
    same(labels.labeltable.get_labels_as_dict(), {0: "???", 1: "0", 2: "1"})
    same(labels.meta["AnatomicalStructurePrimary"], "CortexLeft")

    # Grayordinates of one surface, made by nibabel, and the labels of the parcels learnt on them.
    places = nibabel.cifti2.BrainModelAxis.from_surface([0, 1, 2, 3, 5], 6, name="CORTEX_LEFT")
    series = numpy.stack([a.data for a in nibabel.load(folder / "lh.func.gii").darrays])[:, [0, 1, 2, 3, 5]]
    header = nibabel.cifti2.Cifti2Header.from_axes((nibabel.cifti2.SeriesAxis(0, 2, 5), places))
    nibabel.cifti2.Cifti2Image(series, header).to_filename(folder / "one.dtseries.nii")
    tapetum(folder, "parcellate one.dtseries.nii --coordinates lh.surf.gii --parcels 2 --steps 5 --hold-out 0 -o dense")
    read, axes = image(folder / "dense/parcels.dlabel.nii")
    same(axes[1], places)
    same(axes[0].label[0][2][0], "1")
    same(read.get_fdata()[0].tolist(), (numpy.load(folder / "dense/labels.npy")[[0, 1, 2, 3, 5]] + 1.0).tolist())
print("nibabel reads what is written")
