//! Matrix products on the host: packed and parallel through `gemm` where the feature `host` is on, plain loops otherwise.

use super::Real;

/// A matrix within a slice: offset, and the strides of its rows and columns.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// The first element.
    pub offset: usize,
    /// From one row to the next.
    pub row: usize,
    /// From one column to the next.
    pub col: usize,
}

impl Layout {
    /// `[rows, cols]` row-major from `offset` on, or its transpose.
    pub fn new(offset: usize, [rows, cols]: [usize; 2], transposed: bool) -> Self {
        if transposed { Self { offset, row: 1, col: rows } } else { Self { offset, row: cols, col: 1 } }
    }

    fn holds(&self, len: usize, rows: usize, cols: usize) -> bool {
        rows == 0 || cols == 0 || self.offset + (rows - 1) * self.row + (cols - 1) * self.col < len
    }
}

/// C = A B: A is `[m, k]`, B is `[k, n]`, C is `[m, n]` row-major.
pub fn product<R: Real>(c: &mut [R], [m, k, n]: [usize; 3], a: &[R], la: Layout, b: &[R], lb: Layout) {
    assert!(c.len() >= m * n && la.holds(a.len(), m, k) && lb.holds(b.len(), k, n), "a product's operands are as large as it says");
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        c[..m * n].fill(R::zero());
        return;
    }
    #[cfg(feature = "host")]
    {
        let work = m * n * k;
        let parallelism =
            if work < 1 << 18 || cfg!(target_arch = "wasm32") { gemm::Parallelism::None } else { gemm::Parallelism::Rayon(0) };
        // SAFETY: the assertion above holds every index of the three operands within its slice; C is row-major, does not
        // overlap A or B (it is borrowed mutably), and is only written (`read_dst` is false).
        unsafe {
            gemm::gemm(
                m,
                n,
                k,
                c.as_mut_ptr(),
                1,
                n as isize,
                false,
                a.as_ptr().add(la.offset),
                la.col as isize,
                la.row as isize,
                b.as_ptr().add(lb.offset),
                lb.col as isize,
                lb.row as isize,
                R::zero(),
                R::one(),
                false,
                false,
                false,
                parallelism,
            );
        }
    }
    #[cfg(not(feature = "host"))]
    for i in 0..m {
        let row = &mut c[i * n..(i + 1) * n];
        row.fill(R::zero());
        for t in 0..k {
            let x = a[la.offset + i * la.row + t * la.col];
            for (j, out) in row.iter_mut().enumerate() {
                *out += x * b[lb.offset + t * lb.row + j * lb.col];
            }
        }
    }
}
