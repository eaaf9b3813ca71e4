"""Writes bids.json, what tests/data/bids and tests/command/bids.rs expect of trees of BIDS derivatives.

    pip install numpy nibabel nilearn pandas
    python tests/goldens/make_bids.py

numpy 2.4, nibabel 5.4, nilearn 0.14, pandas 3.0 made the file in the repository.
"""

import base64
import io
import json
import tempfile
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from nilearn.connectome import ConnectivityMeasure
from nilearn.interfaces.fmriprep import load_confounds
from nilearn.maskers import NiftiLabelsMasker

HERE = Path(__file__).parent
rng = np.random.default_rng(15)
REGIONS = [f"LH_Region{i}" for i in range(1, 8)]


def tensor(x):
    x = np.asarray(x)
    return {"shape": list(x.shape), "data": [float(f"{v:.12g}") for v in x.ravel()]}


def table(values, missing=()):
    """A table as XCP-D writes it, n/a where a region has no coverage."""
    cells = lambda row: "\t".join("n/a" if i in missing else f"{x:.5f}" for i, x in enumerate(row))
    return "\t".join(REGIONS) + "\n" + "".join(cells(row) + "\n" for row in values)


def cohort():
    """Five participants of 7 regions; their series differ in length, as censoring makes them."""
    series = []
    for frames in (40, 40, 33, 40, 36):
        common = rng.normal(size=(frames, 2)) @ rng.normal(size=(2, 7))
        series.append(np.round(100 + 3 * rng.random(7) * (common + rng.normal(size=(frames, 7))), 5))
    return series


def tangents(series):
    measure = ConnectivityMeasure(kind="tangent", standardize=False)
    return measure.fit_transform(series), measure.mean_


def bold(root):
    """A run as fMRIPrep writes it: an image, its confounds, and the series of an atlas' regions cleaned by nilearn."""
    frames, shape = 60, (4, 4, 3)
    names = [f"{a}_{b}" for a in ("trans", "rot") for b in "xyz"]
    columns = {}
    for name in names + ["csf", "white_matter"]:
        x = np.cumsum(rng.normal(size=frames)) * (3 if "_" not in name else 0.1)
        columns[name] = x
        if name in names:
            step = np.concatenate([[np.nan], np.diff(x)])
            columns |= {f"{name}_derivative1": step, f"{name}_power2": x**2, f"{name}_derivative1_power2": step**2}
    confounds = pd.DataFrame(columns)
    noise = confounds.bfill().to_numpy() @ rng.normal(size=(confounds.shape[1], 48))
    values = 1000 + noise + 20 * rng.normal(size=(frames, 48))
    image = nib.Nifti1Image(np.round(values.T.reshape(*shape, frames)).astype(np.int16), np.diag([2.0, 2, 2, 1]))
    image.header.set_zooms((2, 2, 2, 0.8))
    labels = nib.Nifti1Image((np.arange(48) % 4).reshape(shape).astype(np.uint8), image.affine)
    func = root / "sub-01" / "func"
    func.mkdir(parents=True)
    run = func / "sub-01_task-rest_run-1"
    text = confounds.to_csv(sep="\t", index=False, na_rep="n/a", float_format="%.9g")
    Path(f"{run}_desc-confounds_timeseries.tsv").write_text(text)
    Path(f"{run}_desc-confounds_timeseries.json").write_text("{}")
    path = f"{run}_space-MNI152NLin2009cAsym_res-2_desc-preproc_bold.nii.gz"
    nib.save(image, path)
    found, _ = load_confounds(path, strategy=("motion", "wm_csf"), motion="full", wm_csf="basic")
    masker = NiftiLabelsMasker(labels, standardize=None, resampling_target=None)
    clean = masker.fit_transform(path, confounds=found)
    return {
        "image": base64.b64encode(image.to_bytes()).decode(),
        "atlas": base64.b64encode(labels.to_bytes()).decode(),
        "confounds": text, "columns": list(found.columns),
        # nilearn leaves the mean in where it does not standardise.
        "expected": tensor(clean - clean.mean(0)),
    }


def main():
    series = cohort()
    made, mean = tangents(series)
    without = [np.delete(x, 2, axis=1) for x in series]
    made_without, mean_without = tangents(without)
    golden = {
        "regions": REGIONS,
        "tables": [table(x) for x in series],
        # The same, with a region that the fourth participant lacks.
        "uncovered": table(series[3], missing=(2,)),
        "correlations": [tensor(np.corrcoef(x.T)) for x in series],
        "tangents": tensor(made), "mean": tensor(mean),
        "tangents_without": tensor(made_without), "mean_without": tensor(mean_without),
    }
    with tempfile.TemporaryDirectory() as root:
        golden["bold"] = bold(Path(root))
    text = json.dumps(golden, separators=(",", ":")) + "\n"
    (HERE / "bids.json").write_text(text)
    print(len(text), "bytes")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
