//! Test cases of the connectivity blocks, in the form of those of the ops; see [`crate::ops::case`].

use crate::ops::case::{Case, normal, one};

/// The test cases of this module.
pub(in crate::connectome) fn cases() -> Vec<Case> {
    [similarities(), super::covariance::cases(), super::shrinkage::cases(), super::spd::cases(), super::windows::cases()].concat()
}

fn similarities() -> Vec<Case> {
    let mut cases = Vec::new();
    for [n, m, d] in [[1, 1, 7], [7, 65, 3], [65, 7, 33]] {
        let two = || vec![normal([n, d]), normal([m, d])];
        cases.push(one("polynomial_kernel", two(), |t, x| t.polynomial_kernel(x[0], x[1], 3.0, None, 1.0)).within(1e-5, 2e-5));
        cases.push(one("sigmoid_kernel", two(), |t, x| t.sigmoid_kernel(x[0], x[1], None, 0.5)));
        cases.push(one("squared_distances", two(), |t, x| t.squared_distances(x[0], x[1])));
        cases.push(one("rbf_kernel", two(), |t, x| t.rbf_kernel(x[0], x[1], None)));
        cases.push(one("cosine_kernel", two(), |t, x| t.cosine_kernel(x[0], x[1])));
    }
    cases.push(one("cosine_kernel of itself", vec![normal([2, 7, 5])], |t, x| t.cosine_kernel(x[0], x[0])));
    cases.push(one("rbf_kernel of itself", vec![normal([2, 7, 5])], |t, x| t.rbf_kernel(x[0], x[0], Some(0.1))));
    cases.push(one("upper_triangle", vec![normal([3, 7, 7])], |t, x| t.upper_triangle(x[0])).within(0.0, 1e-6));
    cases.push(one("upper_triangle", vec![normal([1, 1])], |t, x| t.upper_triangle(x[0])).within(0.0, 1e-6));
    cases
}
