//! A radix sort of rows on a device: by reduce, scan and scatter, eight bits a pass. Nothing waits for another workgroup, and no subgroup
//! is assumed (for what portable sorts reach see b0nes164/GPUSorting, `DeviceRadixSort`; it was learnt from, and not copied).

use crate::Result;
use crate::kernel::{Binding, Buffer, Choice, Lowering, Params, Source, kernel_source};
use crate::tensor::TensorType;

pub(in crate::ops) static COUNT: Source = kernel_source!("sort/count").with_choices(&[LANES]);
pub(in crate::ops) static SUMS: Source = kernel_source!("sort/sums").with_choices(&[LANES]);
pub(in crate::ops) static SCAN: Source = kernel_source!("sort/scan").with_choices(&[LANES]);
pub(in crate::ops) static SCATTER: Source = kernel_source!("sort/scatter").with_choices(&[LANES]);

/// Bits of a digit in the kernels.
const BITS: usize = 8;

/// Invocations of a workgroup; short rows take few, of which fewer are idle.
const LANES: Choice = Choice::Constant("LANES", &["256u", "64u"]);

/// Elements of a block, or of a tile of a scan, eight an invocation, for rows of m; and the choice of lanes that goes with it.
fn block(m: usize) -> (usize, usize) {
    if m <= 512 { (512, 1) } else { (2048, 0) }
}

/// The values of a digit.
pub(in crate::ops) const VALUES: usize = 1 << BITS;

/// Keys and places of rows, both u32 `[rows, m]`.
#[derive(Debug, Clone, Copy)]
pub(in crate::ops) struct Keys {
    pub(in crate::ops) key: Buffer,
    pub(in crate::ops) place: Buffer,
    pub(in crate::ops) rows: usize,
    pub(in crate::ops) m: usize,
}

/// The word that holds the digit of a pass.
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
    /// `[rows, 256, blocks]`. Elements that agree in all digits keep their order.
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
        let (digits, shift, by_place) = match digit {
            Digit::Key { shift } => (self.key, shift, 0),
            Digit::Place { shift } => (self.place, shift, 1),
        };
        let (block, lanes) = block(self.m);
        let blocks = self.m.div_ceil(block);
        let groups = self.rows * blocks;
        let counters = TensorType::u32([self.rows, VALUES, blocks]);
        let (counts, offsets) = (cx.scratch(counters), cx.scratch(counters));
        let params = Params::new().u32(groups).u32(self.m).u32(blocks).u32(shift);
        let kernel = cx.kernel(&COUNT, &[lanes]);
        cx.dispatch(kernel, vec![Binding::read(digits), Binding::write(counts)], params.clone(), groups, 0.0)?;
        lower_scan(cx, counts, offsets, [self.rows, blocks * VALUES])?;
        let kernel = cx.kernel(&SCATTER, &[lanes]);
        let reads = [self.key, self.place, offsets].map(Binding::read);
        let bindings = reads.into_iter().chain([to.key, to.place].map(Binding::write)).collect();
        cx.dispatch(kernel, bindings, params.u32(by_place), groups, 0.0)?;
        Ok(offsets)
    }
}

/// Running sums of rows of counts, each of those before it. A row of several tiles takes the tiles' sums first.
pub(in crate::ops) fn lower_scan(cx: &mut Lowering<'_>, x: Buffer, y: Buffer, [rows, m]: [usize; 2]) -> Result<()> {
    let (block, lanes) = block(m);
    let tiles = m.div_ceil(block);
    cx.check_iterations(tiles.div_ceil(256))?;
    let (groups, mut sums) = (rows * tiles, x);
    let params = Params::new().u32(groups).u32(m).u32(tiles);
    if tiles > 1 {
        sums = cx.scratch(TensorType::u32([rows, tiles]));
        let kernel = cx.kernel(&SUMS, &[lanes]);
        cx.dispatch(kernel, vec![Binding::read(x), Binding::write(sums)], params.clone(), groups, 0.0)?;
    }
    let kernel = cx.kernel(&SCAN, &[lanes]);
    cx.dispatch(kernel, vec![Binding::read(x), Binding::read(sums), Binding::write(y)], params, groups, 0.0)
}
