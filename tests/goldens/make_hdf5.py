"""Files of HDF5, NWB and MATLAB as h5py, scipy and hdf5storage write them, and what they hold: hdf5/*, hdf5/expected.json.

    python tests/goldens/make_hdf5.py        (h5py 3, hdf5storage 0.2, numpy 2, scipy 1)

Every value is of the formula `values`, so that the expected ones do not come from a reader.
"""

import json
import struct
from pathlib import Path

import h5py
import hdf5storage
import numpy
import scipy.io
import scipy.sparse

HERE = Path(__file__).parent / "hdf5"


def values(frames, regions, shift=0.0):
    """[time, regions], of which every number is exact in f32 and tells its place."""
    t, r = numpy.mgrid[:frames, :regions]
    return ((t * 37 + r * 101) % 64 - 32) * 0.25 + r * 4 + shift


def plain(array):
    return {"shape": list(array.shape), "data": array.astype("f8").ravel().tolist()}


def cells(items):
    held = numpy.empty(len(items), dtype=object)
    held[:] = items
    return held


series, names = values(40, 7), [f"region-{i}" for i in range(7)]
text = h5py.string_dtype()

# The format of old: groups by symbol tables, chunks by version 1 B-trees.
with h5py.File(HERE / "series.h5", "w", libver="earliest") as f:
    f.create_dataset("series", data=series, chunks=(16, 4), compression="gzip", shuffle=True, fletcher32=True)
    f["names"] = numpy.array(names, dtype=text)
    f["time"] = numpy.arange(40.0)
    f["group/big"] = series.astype(">f4")
    f["group/labels"] = numpy.array([n.encode() for n in names])
    f["group/again"] = h5py.SoftLink("/group")
    f["group/hard"] = f["group"]
    f["nowhere"] = h5py.SoftLink("/nothing")
    f["elsewhere"] = h5py.ExternalLink("other.h5", "/x")
    f["wrong_names/x"] = series
    f["wrong_names/names"] = numpy.array(names[:5], dtype=text)

# The newest format: compact links, fixed and extensible arrays of chunks.
with h5py.File(HERE / "latest.h5", "w", libver="latest") as f:
    f.create_dataset("only", data=values(12, 5).astype("i4"), chunks=(5, 2), maxshape=(None, None), compression="gzip")
    f.attrs["made"] = "by h5py"

with h5py.File(HERE / "kinds.h5", "w") as f:
    for kind in ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">i2", ">f8"]:
        f[kind.replace(">", "big_")] = numpy.abs(values(6, 3)).astype(kind) if kind[-2] == "u" else values(6, 3).astype(kind)
    f["truth"] = values(6, 3) > 0
    f["subjects"] = numpy.stack([values(6, 3), values(6, 3, 1)])
    f.create_dataset("extended", data=values(6, 3), maxshape=(None, 3), chunks=(4, 3))
    f.create_dataset("filled", shape=(6, 3), dtype="f4", fillvalue=1.5, chunks=(4, 3))

with h5py.File(HERE / "refused.h5", "w") as f:
    f["complex"] = values(6, 3).astype("c8")
    f["text"] = numpy.array(["a", "b"], dtype=text)
    f["empty"] = numpy.zeros((0, 4))
    f["scalar"] = 3.5
    f["vector"] = numpy.arange(3.0)
    f["nine"] = numpy.zeros((1,) * 9)
    f["references"] = numpy.array([f["scalar"].ref], dtype=h5py.ref_dtype)
    f["not_finite"] = numpy.array([[1.0, 2.0], [3.0, numpy.nan], [5.0, 6.0]])
    f.create_dataset("huge", shape=(1 << 40, 8), chunks=(1024, 8), dtype="f8")
    f.create_dataset("lzf", data=values(6, 3), compression="lzf")
    bfloat = h5py.h5t.IEEE_F32LE.copy()
    bfloat.set_fields(15, 7, 8, 0, 7)
    bfloat.set_size(2)
    bfloat.set_ebias(127)
    timeless = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    timeless.set_obj_track_times(False)
    h5py.h5d.create(f.id, b"bfloat16", bfloat, h5py.h5s.create_simple((6, 3)), timeless)
    f["colour"] = numpy.array([[0, 1], [1, 0]], dtype=h5py.enum_dtype({"RED": 0, "BLUE": 1}, basetype="i1"))

# The parts of an NWB file of calcium imaging that its schema asks for. pynwb links objects softly.
with h5py.File(HERE / "plane.nwb", "w") as f:
    responses = f.create_group("processing/ophys/Fluorescence/RoiResponseSeries")
    responses.attrs["neurodata_type"] = "RoiResponseSeries"
    responses["data"] = values(30, 4).astype("f4")
    responses["starting_time"] = 0.0
    responses["starting_time"].attrs.update({"rate": 4.0, "unit": "seconds"})
    responses["rois"] = numpy.arange(4)
    f["processing/ophys/plane/imaging_plane"] = h5py.SoftLink("/general/optophysiology/plane")
    f["general/optophysiology/plane/location"] = "head"
    f["session_description"] = "made"

few, three, five = values(20, 3), names[:3], names[:5]
variables = {
    "x": few,
    "names": cells(three),
    "small": values(3, 4).astype("i1"),
    "mask": values(6, 3) > 0,
    "single": values(6, 3).astype("f4"),
    "volume": numpy.stack([values(6, 3), values(6, 3, 1)]),
    "title": "rest",
    "st": {"x": few + 1, "labels": cells(three), "parts": cells([values(6, 3), values(4, 3)])},
}
extra = {
    "rows": numpy.array(["left ", "right"]),
    "complex": values(6, 3).astype("c16"),
    "sparse": scipy.sparse.eye(3).tocsc(),
    "array": numpy.array([(1.0, "a"), (2.0, "b")], dtype=[("number", "O"), ("letter", "O")]),
    "greek": "αβγ",
    "none": numpy.zeros((0, 0)),
}
scipy.io.savemat(HERE / "level5.mat", {**variables, **extra}, oned_as="column")
scipy.io.savemat(HERE / "level5_deflated.mat", {**variables, **extra}, oned_as="column", do_compression=True)
scipy.io.savemat(HERE / "one.mat", {"q": values(12, 5), "fps": 2.0, "tv": numpy.arange(12.0)[:, None]}, do_compression=True)
with open(HERE / "level4.mat", "wb") as f:
    scipy.io.savemat(f, {"q": values(12, 5)}, format="4")
options = hdf5storage.Options(store_python_metadata=False, matlab_compatible=True, oned_as="row", compress=True)
hdf5storage.write(variables, path="/", filename=str(HERE / "version73.mat"), truncate_existing=True, options=options)


def big_endian(name, array):
    """A file of level 5 as a big-endian machine writes it (MAT-File Format, level 5)."""

    def element(ty, data):
        return struct.pack(">II", ty, len(data)) + data + bytes(-len(data) % 8)

    inner = element(6, struct.pack(">II", 6, 0)) + element(5, struct.pack(">ii", *array.shape)) + element(1, name.encode())
    inner += element(9, array.T.astype(">f8").tobytes())
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(">H", 0x100) + b"MI" + element(14, inner)


(HERE / "big.mat").write_bytes(big_endian("quantity", values(12, 5)))

# Multiples of 1/64: text holds them as they are.
matrix = numpy.round(numpy.corrcoef(values(40, 5).T) * 64) / 64
with h5py.File(HERE / "matrices.h5", "w") as f:
    f["connectome"], f["other"] = matrix, matrix + 1
    f["region_names"] = numpy.array(five, dtype=text)
scipy.io.savemat(HERE / "matrices.mat", {"connectome": matrix, "other": matrix + 1, "region_names": cells(five)})

# Subjects by name, with frames of different numbers.
frames = {"sub-01": 20, "sub-02": 25, "sub-10": 17}
cohort = {name: values(n, 5, i) for i, (name, n) in enumerate(frames.items())}
with h5py.File(HERE / "cohort.h5", "w") as f:
    for name, x in cohort.items():
        f[f"rest/{name}"] = x
    f["rest/names"] = numpy.array([f"r{i}" for i in range(5)], dtype=text)
    f["made"] = "by h5py"
numpy.savez_compressed(HERE / "cohort.npz", **cohort, names=[f"r{i}" for i in range(5)])
with h5py.File(HERE / "cohort_nested.h5", "w") as f:
    for name, x in cohort.items():
        f[f"{name}/rest/series"] = x[:15]
scipy.io.savemat(HERE / "cohort.mat", {"rest": {n.replace("-", "_"): x for n, x in cohort.items()}, "all": cells(list(cohort.values()))}, do_compression=True)

# Worms as the laboratory of Zimmer publishes them: one structure, and in each field a cell for each worm (WT_NoStim.mat of OSF 2395t).
lengths, rates = [12, 15], [2.5, 4.0]
neurons = [["AVAL", "2", "RIMR"], ["AVAL", "RIMR", "AVBL", "4"]]
worms = [values(n, len(who), i) for i, (n, who) in enumerate(zip(lengths, neurons))]
forward, reverse = [(numpy.arange(n) % 4 < 2).astype("f8")[:, None] for n in lengths], [(numpy.arange(n) % 4 == 2).astype("f8")[:, None] for n in lengths]
nostate = [(numpy.arange(n) % 4 == 3).astype("f8")[:, None] for n in lengths]
still = {
    "deltaFOverF": cells([w + 1 for w in worms]), "deltaFOverF_bc": cells(worms), "NeuronNames": cells([cells(who) for who in neurons]),
    "fps": cells(rates), "tv": cells([numpy.arange(n)[:, None] / r for n, r in zip(lengths, rates)]),
    "States": cells([{"fwd": f, "nostate": n, "rev1": r} for f, n, r in zip(forward, nostate, reverse)]),
}
# The other form: up to three names of a neuron in a cell, no rates, codes of states with a key.
named = [cells([cells([who]) if not who.isdigit() else numpy.zeros((0, 0)) for who in names_of]) for names_of in neurons]
codes = [numpy.where(f, 2.0, numpy.where(r, 1.0, 3.0)) for f, r in zip(forward, reverse)]
moved = {
    "traces": cells(worms), "IDs": cells(named), "timeVectorSeconds": still["tv"], "States": cells(codes),
    "States_key": cells(["rev1", "fwd", "nostate"]),
}
scipy.io.savemat(HERE / "kato.mat", {"WT_NoStim": still}, do_compression=True)
scipy.io.savemat(HERE / "kato_codes.mat", {"WT_Stim": moved, "note": "made"}, do_compression=True)
each = {f"N{i + 1}": {"deltaFOverF_bc": w, "NeuronNames": cells(who), "fps": r} for i, (w, who, r) in enumerate(zip(worms, neurons, rates))}
scipy.io.savemat(HERE / "kato_each.mat", {"WT_data": each}, do_compression=True)
small = {key: cells(list(value)[:1]) for key, value in still.items() if key not in ("deltaFOverF", "tv")}
hdf5storage.write({"WT_NoStim": small}, path="/", filename=str(HERE / "kato73.mat"), truncate_existing=True, options=options)

# A processed file of WormWideWeb: Julia's arrays [neuron, frame] have their axes turned in the file. The JSON is made of it (WormWideWebData.jl).
www, at, reversal = values(15, 4, 1), numpy.arange(15) * 0.6 + 3, numpy.zeros(15, "i8")
at[8:] += 100
reversal[[2, 3, 4, 9]] = 1
with h5py.File(HERE / "wormwideweb.h5", "w") as f:
    f["gcamp/trace_array_original"], f["gcamp/trace_array"] = www, (www - www.mean(0)) / www.std(0)
    f["timing/timestamp_confocal"], f["behavior/reversal_vec"], f["behavior/velocity"] = at, reversal, at * 0
label = {"1": {"label": "AVAL", "confidence": 5.0}, "3": {"label": "RIM?"}, "4": {"label": "AVBL"}}
made = {
    "metadata": {"uid": "2000-01-01-01", "n_neuron": 4}, "label": label,
    "timing": {"timestamp_confocal": at.tolist(), "max_t": 15},
    "behavior": {"reversal_events": [[3, 5], [10, 10]], "velocity": (at * 0).tolist()},
    "gcamp": {"trace_array": (www * 0).T.tolist(), "trace_array_original": www.T.tolist()},
}
(HERE / "wormwideweb.json").write_text(json.dumps(made))

# The head of a MATLAB file has the time at which it was written: the same files shall come of every run.
for path in HERE.glob("*.mat"):
    data = path.read_bytes()
    if path.name != "level4.mat":
        path.write_bytes(data[:19].ljust(116) + data[116:])

expected = {
    "worms": [plain(w) for w in worms], "www": plain(www),
    "series": plain(series), "few": plain(few), "names": names, "latest": plain(values(12, 5).astype("i4")), "one": plain(values(12, 5)), "kinds": plain(values(6, 3)), "plane": plain(values(30, 4)),
    "whole": plain(values(6, 3).astype("i1")), "absolute": plain(numpy.abs(values(6, 3)).astype("u1")),
    "matrix": plain(matrix), "truth": plain(values(6, 3) > 0), "subjects": plain(variables["volume"]), "small": plain(variables["small"]),
    "parts": [plain(part) for part in variables["st"]["parts"]], "cohort": {name: plain(x) for name, x in cohort.items()},
    "correlations": {name: plain(numpy.corrcoef(x.T)) for name, x in cohort.items()},
}
(HERE / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
