"""The table of what the kernels are to reach on a GPU, filled from measurements.

    tapetum bench --out after                                                                   # after/bench.csv
    python benches/peers/compare.py --device auto --works large,edges --pytorch PYTHON --peer-device cuda --json peers.json
    python benches/peers/wanted.py after/bench.csv peers.json

Each file is a bench.csv or what compare.py wrote by --json, and a second run's files go on with the first's: `tapetum bench matmul
--precision f32` beside a run by default. Prints Markdown: the aim, the figure before and now, and whether it is met. *%* is the share of the
roofline, of a copy's bandwidth for kernels that move bytes: the mean over the large sizes of the kernels, weighted by their times. What no
file holds stays empty, and only what was measured counts as met. Rows beside which the clocks were low or the control unsteady are left out.

*% of what is gathered*: a product with a sparse matrix asks for a row of features for each entry, and a mesh for each neighbour, where the
roofline counts each row once. Its share is multiplied by the bytes that are asked for over those.
"""

import argparse
import csv
import json
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results"
BEFORE = [RESULTS / "h200-2026-11-26.csv", RESULTS / "h200-2026-11-26-peers.json"]


@dataclass
class Aim:
    """A figure to reach: of the rows of these works and of the kernels whose names begin so; of all where none are given."""

    title: str
    measure: str
    wanted: float
    works: tuple = ()
    kernels: tuple = ()
    direction: str = ""
    variant: str = ""
    peer: str = ""
    gathered: tuple = ()

    def takes(self, row):
        return (
            row["size"] == "large"
            and (not self.works or row["work"] in self.works)
            and (not self.kernels or row["kernel"].startswith(self.kernels))
            and row["direction"].startswith(self.direction)
            and (not self.variant or self.variant in row["variant"])
            and row.get("clocks") != "low"
            and row.get("steady") != "false"
        )

    def figure(self, found):
        """The measure over what was found; nothing where that holds none of it."""
        if self.peer:
            ratios = [work["faster"] for work in found.peers if work["work"] == self.peer and work["peer"].startswith("PyTorch")]
            return ratios[-1] if ratios else None
        rows = [row for row in found.rows if self.takes(row)]
        seconds = sum(float(row["median_ns"]) for row in rows) / 1e9
        if not rows or not seconds > 0:
            return None
        match self.measure:
            case "ms":
                return 1e3 * seconds
            case "TFLOP/s":
                return sum(float(row["flops"]) for row in rows) / seconds / 1e12
            case "%" | "% of what is gathered":
                return sum(self.asked(row) * float(row["percent_of_roofline"]) * float(row["median_ns"]) for row in rows) / seconds / 1e9
        return None

    def asked(self, row):
        """What the kernel of a row asks for over what its operands and results hold."""
        return next((ratio for kernel, ratio in self.gathered if row["kernel"] == kernel), 1.0)

    def met(self, figure):
        if figure is None:
            return ""
        reached = figure <= self.wanted if self.measure == "ms" else figure >= self.wanted
        return "met" if reached else "**missed**"


def peer(title, work, wanted):
    return Aim(title, "× PyTorch", wanted, peer=work)


# By the shapes of the large works. Sparse: 65,536 nodes of 128 features, 1,048,576 entries; a product reads a weight, its place, a column and
# a row of features for each entry and writes a row for each node, a sample reads a row for each entry and one for each node, a maximum no
# weights. Mesh: a word for each of 6 neighbours and for the vertex.
ROW, NODES, ENTRIES = 4 * 128, 1 << 16, 1 << 20
GATHERED = (
    ("sparse/product", (ENTRIES * (ROW + 12) + NODES * ROW) / (2 * NODES * ROW + 12 * ENTRIES)),
    ("sparse/sample", (ENTRIES * (ROW + 16) + NODES * ROW) / (2 * NODES * ROW + 16 * ENTRIES)),
    ("sparse/maximum", (ENTRIES * (ROW + 4) + NODES * ROW) / (2 * NODES * ROW + 4 * ENTRIES)),
    ("mesh/neighbour_mean", 3.5),
    ("mesh/neighbour_sum", 3.5),
)
MOVES = ("shape/", "optim/", "random/", "covariance/symmetrise", "sort/keys", "sort/take", "sort/put", "pointwise/chain")
PRODUCT = ("matmul/matmul",)
SQUARES = ("matmul", "matmul of odd rows")
AIMS = [
    Aim("product in f32, 4096³ (`--precision f32`)", "TFLOP/s", 32, SQUARES, PRODUCT, "forward", variant="shared"),
    Aim("product by halves on cooperative matrices, 4096³", "TFLOP/s", 70, SQUARES, PRODUCT, "forward", variant="cooperative"),
    Aim("few outputs of long sums: 400 × 1,200 of 20,484", "TFLOP/s", 0.8 * 32, ("parcel_series",), (*PRODUCT, "parcellation/parcel_series"), "forward"),
    Aim("matrix by vector, rows and columns", "%", 70, kernels=("matmul/narrow", "matmul/outer")),
    peer("correlation `[16, 400, 1200]`", "correlation 16x400x1200", 1.5),
    peer("the same with gradient", "correlation gradient 16x400x1200", 2.5),
    peer("soft parcellation, V = 20,484", "parcellation 20484x400x1200", 1.5),
    peer("the same with gradient", "parcellation gradient 20484x400x1200", 1.5),
    peer("edge network of two layers, 64 features, factored", "edges-factored gradient 32x100x64", 2),
    peer("the same, 256 features", "edges-factored gradient 32x100x256", 1.5),
    Aim("one element an invocation", "%", 85, kernels=MOVES),
    Aim("transposes", "%", 70, ("transpose",)),
    Aim("reductions and scans", "%", 75, kernels=("reduce/",)),
    Aim("softmax", "%", 75, kernels=("softmax/",)),
    Aim("scatter_rows", "%", 40, ("scatter_rows",), direction="forward"),
    Aim("Cholesky, `[32, 512, 512]`", "ms", 2, ("cholesky",), ("spd/",), "forward"),
    Aim("matrix logarithm, `[32, 512, 512]`", "ms", 150, ("matrix_log",), direction="forward"),
    Aim("FFT of 6,400 series of 1,200", "%", 60, ("rfft", "irfft")),
    Aim("orthonormalisation and confound regression", "%", 30, kernels=("confounds/",)),
    Aim("degree", "TFLOP/s", 32, ("degree",), ("covariance/degree", "covariance/correlation_rows"), "forward"),
    Aim("top-k neighbours", "TFLOP/s", 32, ("top_k_neighbours",), ("covariance/top_k", "covariance/correlation_rows"), "forward"),
    Aim("mean connectivity, which makes no product", "%", 75, ("mean_connectivity",), direction="forward"),
    Aim("sort", "%", 50, ("sort",), ("sort/",), "forward"),
    Aim("births and deaths of 200 graphs of 384 nodes", "ms", 10, ("birth_death",), direction="forward"),
    Aim("sparse products and samples", "% of what is gathered", 50, kernels=("sparse/",), gathered=GATHERED),
    Aim("meshes", "% of what is gathered", 50, kernels=("mesh/",), gathered=GATHERED),
]


class Found:
    """The rows of some files."""

    def __init__(self, paths):
        self.rows, self.peers = [], []
        for path in paths:
            text = path.read_text()
            if path.suffix == ".csv":
                self.rows += csv.DictReader(text.splitlines())
            else:
                self.peers += json.loads(text)["works"]


def shown(figure):
    return "" if figure is None else f"{figure:.3g}"


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("files", type=Path, nargs="+", help="bench.csv of `tapetum bench --out`, or what compare.py wrote by --json")
    asked.add_argument("--before", type=Path, nargs="+", default=BEFORE, help="those of an earlier run")
    given = asked.parse_args()
    before, now = Found(given.before), Found(given.files)
    print("| | measure | before | now | wanted | |\n|---|---|---|---|---|---|")
    for aim in AIMS:
        old, new = aim.figure(before), aim.figure(now)
        bound = "≤" if aim.measure == "ms" else "≥"
        print(f"| {aim.title} | {aim.measure} | {shown(old)} | {shown(new)} | {bound} {aim.wanted:g} | {aim.met(new)} |")


if __name__ == "__main__":
    main()
