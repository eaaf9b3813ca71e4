//! The widest vectors that a processor has, for loops that the compiler vectorises.

/// Work that [`widest`] compiles for vectors of each width. `run`, and all that has its loops, must be inlined into it.
pub(crate) trait Wide {
    /// The result of the work.
    type Made;

    /// Does the work.
    fn run(self) -> Self::Made;
}

/// Does the work with the widest vectors that the processor has, which is asked at run time; with those of the target without the feature
/// `host`. The compiler neither fuses products and sums nor changes their order, so that the results are the same.
pub(crate) fn widest<W: Wide>(work: W) -> W::Made {
    #[cfg(feature = "host")]
    return pulp::Arch::new().dispatch(Widest(work));
    #[cfg(not(feature = "host"))]
    work.run()
}

#[cfg(feature = "host")]
struct Widest<W>(W);

#[cfg(feature = "host")]
impl<W: Wide> pulp::WithSimd for Widest<W> {
    type Output = W::Made;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> W::Made {
        self.0.run()
    }
}
