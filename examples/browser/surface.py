"""Writes the inflated surface and the sulci of the page's cortex: `python surface.py DIR`.

They come from the Python package nilearn (BSD-3-Clause), which brings fsaverage5; the vertices of fsaverage4 are its first 2,562. Without
them the page draws the sphere.
"""

import sys
from pathlib import Path

import nibabel
import nilearn
import numpy as np

VERTICES = 2562

brought = Path(nilearn.__file__).parent / "datasets" / "data" / "fsaverage5"
for name, file in [("inflated_xyz", "infl_left.gii.gz"), ("sulc", "sulc_left.gii.gz")]:
    values = nibabel.load(brought / file).darrays[0].data[:VERTICES]
    np.save(Path(sys.argv[1]) / f"fsa4_lh_{name}.npy", values.astype("<f4"))
