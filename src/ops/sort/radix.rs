//! A radix sort of rows on a device: by reduce, scan and scatter, four bits a pass. Nothing waits for another workgroup, and no subgroup
//! is assumed (for what portable sorts reach see b0nes164/GPUSorting, `DeviceRadixSort`; it was learnt from, and not copied).

use crate::Result;
use crate::kernel::{Binding, Buffer, Lowering, Params, Source, kernel_source};
use crate::tensor::TensorType;

pub(in crate::ops) static COUNT: Source = kernel_source!("sort/count");
pub(in crate::ops) static SCAN: Source = kernel_source!("sort/scan");
pub(in crate::ops) static SCATTER: Source = kernel_source!("sort/scatter");

/// Bits of a digit, and elements of a block, in the kernels.
const BITS: usize = 4;
const BLOCK: usize = 1024;

/// Keys and places of rows, both u32 `[rows, m]`.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) struct Keys {
    pub(in crate::ops) key: Buffer,
    pub(in crate::ops) place: Buffer,
    pub(in crate::ops) rows: usize,
    pub(in crate::ops) m: usize,
}

/// Where the digit of a pass is found.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) enum Digit {
    Key { shift: usize },
    Place { shift: usize },
}

/// The passes that order keys of so many bits, the lowest first.
pub(in crate::ops) fn passes(bits: usize) -> Vec<Digit> {
    (0..bits).step_by(BITS).map(|shift| Digit::Key { shift }).collect()
}

impl Keys {
    /// Fresh keys and places of rows.
    pub(in crate::ops) fn scratch(cx: &mut Lowering<'_>, [rows, m]: [usize; 2]) -> Self {
        let ty = TensorType::u32([rows, m]);
        Self { key: cx.scratch(ty), place: cx.scratch(ty), rows, m }
    }

    /// The dispatches that order every row by these digits, one after another; also where the last digit's running counts are,
    /// `[rows, 16, blocks]`. Elements that agree in all digits keep their order.
    pub(in crate::ops) fn lower(
        self,
        cx: &mut Lowering<'_>,
        digits: &[Digit],
        last_place: Option<Buffer>,
    ) -> Result<(Self, Option<Buffer>)> {
        let (mut now, mut offsets) = (self, None);
        for (at, &digit) in digits.iter().enumerate() {
            let mut to = Self::scratch(cx, [self.rows, self.m]);
            if let Some(place) = last_place.filter(|_| at + 1 == digits.len()) {
                to.place = place;
            }
            offsets = Some(now.pass(cx, digit, to)?);
            now = to;
        }
        Ok((now, offsets))
    }

    fn pass(self, cx: &mut Lowering<'_>, digit: Digit, to: Self) -> Result<Buffer> {
        let (digits, shift) = match digit {
            Digit::Key { shift } => (self.key, shift),
            Digit::Place { shift } => (self.place, shift),
        };
        let blocks = self.m.div_ceil(BLOCK);
        let groups = self.rows * blocks;
        let counters = TensorType::u32([self.rows, 1 << BITS, blocks]);
        let (counts, offsets) = (cx.scratch(counters), cx.scratch(counters));
        let params = Params::new().u32(groups).u32(self.m).u32(blocks).u32(shift);
        let kernel = cx.kernel(&COUNT, &[]);
        cx.dispatch(kernel, vec![Binding::read(digits), Binding::write(counts)], params.clone(), groups, 0.0)?;
        lower_scan(cx, counts, offsets, [self.rows, blocks << BITS])?;
        let kernel = cx.kernel(&SCATTER, &[]);
        let reads = [digits, self.key, self.place, offsets].map(Binding::read);
        let bindings = reads.into_iter().chain([to.key, to.place].map(Binding::write)).collect();
        cx.dispatch(kernel, bindings, params, groups, 0.0)?;
        Ok(offsets)
    }
}

/// Running sums of rows of counts, each of those before it.
pub(in crate::ops) fn lower_scan(cx: &mut Lowering<'_>, x: Buffer, y: Buffer, [rows, m]: [usize; 2]) -> Result<()> {
    cx.check_iterations(2 * m.div_ceil(64) + 64)?;
    let kernel = cx.kernel(&SCAN, &[]);
    let workgroups = if m == 0 { 0 } else { rows };
    cx.dispatch(kernel, vec![Binding::read(x), Binding::write(y)], Params::new().u32(rows).u32(m), workgroups, 0.0)
}
