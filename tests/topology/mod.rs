//! Births and deaths against SciPy's minimum spanning tree, and what is made of them against NumPy and SciPy, whose values
//! `tests/goldens/make_topology.py` writes.

mod golden;
mod groups;
mod layers;
mod lists;
mod trees;
