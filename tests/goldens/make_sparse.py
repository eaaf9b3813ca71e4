"""Writes sparse.npz, a sparse matrix as SciPy writes it, which tests/data/sparse.rs holds the crate's writer to.

    python -m venv VENV && VENV/bin/pip install numpy scipy && VENV/bin/python tests/goldens/make_sparse.py

Nothing of the crate runs here. The matrix has an empty row within and one at its end.
"""

from pathlib import Path

import numpy as np
from scipy import sparse

ROWS = np.array([[0, 0.5, 0, -0.25], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=np.float32)
sparse.save_npz(Path(__file__).parent / "sparse.npz", sparse.csr_matrix(ROWS), compressed=False)
