"""Parcellations of the demo's cortex by scikit-learn, on the frames the demo learns on, judged on those it does not see."""

import numpy as np
from scipy.sparse import coo_matrix
from sklearn.cluster import AgglomerativeClustering, KMeans

from cortex import PARCELS, Cortex, homogeneity

cortex = Cortex()
a, b = cortex.edges.T
ones, n = np.ones(len(a)), cortex.vertices
adjacency = coo_matrix((ones, (a, b)), (n, n))
ward = AgglomerativeClustering(PARCELS, connectivity=adjacency + adjacency.T, linkage="ward").fit_predict(cortex.seen)
print(f"Ward, spatial adjacency          {homogeneity(ward, cortex.unseen):.4f}")
for compactness in [0.0, 1.0, 2.0]:
    means = KMeans(PARCELS, n_init=4, random_state=0).fit_predict(cortex.features(compactness))
    print(f"k-means, compactness {compactness:.1f}, 4 starts {homogeneity(means, cortex.unseen):.4f}")
