"""Writes sparse/, sparse matrices as SciPy writes them, which tests/data/sparse.rs holds the crate's writer and reader to.

    python -m venv VENV && VENV/bin/pip install numpy scipy && VENV/bin/python tests/goldens/make_sparse.py

Nothing of the crate runs here. The matrix has an empty row within and one at its end. In coordinates, one of its entries stands in two
parts, which SciPy adds up. The others are refused: a matrix in blocks, one that is not square, one with NaN, and one whose rows end before
their entries do.
"""

from pathlib import Path

import numpy as np
from scipy import sparse

ROWS = np.array([[0, 0.5, 0, -0.25], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=np.float32)
FOLDER = Path(__file__).parent / "sparse"
FOLDER.mkdir(exist_ok=True)
parts = sparse.coo_matrix((np.array([0.5, -0.5, 1, 0.25]), ([0, 0, 2, 0], [1, 3, 0, 3])), shape=(4, 4))
assert (parts.toarray() == ROWS).all()
matrices = {
    "csr": sparse.csr_matrix(ROWS),
    "csc": sparse.csc_matrix(ROWS),
    "coo": parts,
    "bsr": sparse.bsr_matrix(ROWS, blocksize=(2, 2)),
    "wide": sparse.csr_matrix(ROWS[:, :3]),
    "nan": sparse.csr_matrix(np.where(ROWS == 1, np.nan, ROWS)),
}
for name, matrix in matrices.items():
    sparse.save_npz(FOLDER / f"{name}.npz", matrix, compressed=name != "csr")
short = sparse.csr_matrix(ROWS)
short.indptr = np.array([0, 2, 2, 2, 2], dtype=np.int32)
np.savez(FOLDER / "short.npz", format=b"csr", shape=short.shape, data=short.data, indices=short.indices, indptr=short.indptr)
