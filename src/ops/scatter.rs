//! Rows summed where an index sends them.

use super::Family;
use super::case::{Case, Draw, f32s, i32s};
use super::rows::{clamped, indices};
use super::sort::{Keys, passes};
use super::work::{Instance, Work};
use crate::kernel::common::{FLAT_NUMBERS, flat_groups, flat_width};
use crate::kernel::{Algorithms, Binding, Buffer, Choice, Lowering, Params, Source, Target, kernel_source};
use crate::tape::{Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{DType, HostTensor, Real, TensorType, buffer, parallel, real_inputs};
use crate::{Error, Result};

pub(super) static FAMILY: Family = Family { sources: &[&SCATTER_KEYS, &SCATTER_ROWS, &SCATTER_STARTS, &SCATTER_SUM], cases, works };

pub(super) static SCATTER_ROWS: Source = kernel_source!("shape/scatter_rows");
pub(super) static SCATTER_KEYS: Source =
    kernel_source!("shape/scatter_keys").with_choices(&[Choice::Constant("RANKED", &["false", "true"])]);
pub(super) static SCATTER_STARTS: Source = kernel_source!("shape/scatter_starts");
pub(super) static SCATTER_SUM: Source = kernel_source!("shape/scatter_sum").with_choices(&[FLAT_NUMBERS]);

/// Each element of a row looks through all indices for its own; or the indices are put in order first.
pub(super) static ALGORITHMS: Algorithms = Algorithms {
    name: "shape/scatter",
    all: &[("direct", "shape/scatter_rows"), ("ordered", "shape/scatter_sum")],
    classes: &["few", "many"],
    rule,
};

/// So many indices are looked through faster than ordered.
const FEW: usize = 64;
/// So many are ordered by comparing each with all.
const RANKED: usize = 2048;

fn rule(target: &Target, class: &str) -> &'static str {
    if target.software || class == "few" { "direct" } else { "ordered" }
}

/// Sums of rows by index.
#[derive(Debug, Clone, Copy)]
struct ScatterRows {
    rows: usize,
}

impl ScatterRows {
    fn run<R: Real>(&self, x: &HostTensor, index: &[i32]) -> Result<HostTensor> {
        let width: usize = x.shape()[1..].iter().product();
        let data = x.elements::<R>()?;
        let (begins, order) = self.by_row(index);
        let mut y = buffer(self.rows * width);
        parallel::rows(&mut y, width, (1 + index.len() / self.rows.max(1)) * width, |row, y| {
            y.fill(R::zero());
            for &j in &order[begins[row]..begins[row + 1]] {
                y.iter_mut().zip(&data[j * width..]).for_each(|(y, &x)| *y += x);
            }
        });
        HostTensor::real(x.shape().with(0, self.rows), y)
    }
}

impl ScatterRows {
    /// The places of `index` by the rows they name, those of a row in their order; and where each row's begin, with the end of the last.
    fn by_row(&self, index: &[i32]) -> (Vec<usize>, Vec<usize>) {
        let mut begins = vec![0; self.rows + 1];
        for &i in index {
            begins[clamped(i, self.rows) + 1] += 1;
        }
        for row in 0..self.rows {
            begins[row + 1] += begins[row];
        }
        let (mut next, mut order) = (begins.clone(), vec![0; index.len()]);
        for (j, &i) in index.iter().enumerate() {
            let next = &mut next[clamped(i, self.rows)];
            order[*next] = j;
            *next += 1;
        }
        (begins, order)
    }
}

impl Op for ScatterRows {
    fn key(&self) -> OpKey {
        OpKey::of("scatter_rows", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        let (x, index) = (inputs[0], inputs[1]);
        if x.dtype != DType::F32 || x.shape.rank() == 0 {
            return Err(Error::op("scatter_rows", format!("`x` must be f32 rows, found {x}")));
        }
        if index.dtype != DType::I32 || *index.shape != x.shape[..1] {
            return Err(Error::op("scatter_rows", format!("`index` must be i32[{}], found {index}", x.shape[0])));
        }
        Ok(vec![TensorType::f32(x.shape.with(0, self.rows))])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        let index = indices(&inputs[1])?;
        real_inputs!(inputs, R => self.run::<R>(&inputs[0], index)).map(|t| vec![t])
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (index, g) = (cx.input(1), cx.cotangent_or_zeros(0)?);
        Ok(vec![Some(cx.tape().gather_rows(g, index)?), None])
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        let (n, width) = (cx.input_shape(0)[0], cx.input_shape(0)[1..].iter().product());
        let class = if n <= FEW { "few" } else { "many" };
        if ALGORITHMS.choose(cx.target(), class) == "ordered" && self.rows > 0 && n > 0 {
            return self.ordered(cx, [n, width]);
        }
        cx.check_iterations(n + n / 64)?;
        let elements = self.rows * width;
        let bindings = vec![Binding::read(cx.input(0)), Binding::read(cx.input(1)), Binding::write(cx.output(0))];
        let kernel = cx.kernel(&SCATTER_ROWS, &[]);
        let params = Params::new().u32(elements).u32(width).u32(self.rows).u32(n);
        cx.dispatch(kernel, bindings, params, elements.div_ceil(64), (n * width) as f64)
    }
}

impl ScatterRows {
    /// The rows of x in the order of their indices, where each index begins in it, and the sums.
    fn ordered(&self, cx: &mut Lowering<'_>, [n, width]: [usize; 2]) -> Result<()> {
        let (x, index, y) = (cx.input(0), cx.input(1), cx.output(0));
        let sorted = self.sorted(cx, index, n)?;
        let starts = cx.scratch(TensorType::u32([self.rows + 1]));
        let kernel = cx.kernel(&SCATTER_STARTS, &[]);
        let bindings = vec![Binding::read(sorted.key), Binding::write(starts)];
        cx.dispatch(kernel, bindings, Params::new().u32(self.rows + 1).u32(n), (self.rows + 1).div_ceil(256), 0.0)?;
        let (choice, unit) = flat_width(&[width]);
        let kernel = cx.kernel(&SCATTER_SUM, &[choice]);
        let bindings = [x, sorted.place, starts].map(Binding::read).into_iter().chain([Binding::write(y)]).collect();
        let params = Params::new().u32(self.rows * width / unit).u32(width / unit);
        cx.dispatch(kernel, bindings, params, flat_groups(self.rows * width), (n * width) as f64)
    }

    /// The indices in order, and where they stood; those that are equal keep theirs.
    fn sorted(&self, cx: &mut Lowering<'_>, index: Buffer, n: usize) -> Result<Keys> {
        let keys = Keys::scratch(cx, [1, n]);
        let ranked = n <= RANKED;
        let kernel = cx.kernel(&SCATTER_KEYS, &[ranked.into()]);
        let bindings = vec![Binding::read(index), Binding::write(keys.key), Binding::write(keys.place)];
        cx.dispatch(kernel, bindings, Params::new().u32(n).u32(self.rows), n.div_ceil(256), 0.0)?;
        if ranked {
            return Ok(keys);
        }
        let bits = usize::BITS - (self.rows - 1).leading_zeros();
        Ok(keys.lower(cx, &passes(bits as usize), None)?.0)
    }
}

/// # Sums of rows
impl Tape {
    /// Sums of the rows of x `[n, ..]` that `index` `[n]` sends to each of `rows` rows: `[rows, ..]`.
    ///
    /// # Errors
    /// Where `index` is not i32 with an entry a row.
    pub fn scatter_rows(&mut self, x: Var, index: Var, rows: usize) -> Result<Var> {
        self.record_one(ScatterRows { rows }, &[x, index])
    }
}

pub(super) fn cases() -> Vec<Case> {
    let case = |[n, width, rows]: [usize; 3]| {
        let operands = vec![f32s([n, width], Draw::Normal), i32s([n], Draw::Index(rows as u32))];
        Case::new("scatter_rows", operands, move |t, x| Ok(vec![t.scatter_rows(x[0], x[1], rows)?])).within(1e-6, 1e-6)
    };
    [[1, 1, 1], [7, 8, 1], [65, 7, 9], [257, 4, 65], [2049, 3, 257]].map(case).into()
}

pub(super) fn works() -> Vec<Work> {
    let sizes = [[16, 64], [256, 4096], [1024, 16_384]];
    let operands = |[rows, width]: [usize; 2]| vec![f32s([rows, width], Draw::Normal), i32s([rows], Draw::Index(rows as u32))];
    let scatter = |s: [usize; 2]| Instance::new(operands(s), move |t, x| Ok(vec![t.scatter_rows(x[0], x[1], s[0])?]));
    vec![Work::new("scatter_rows", sizes.map(scatter))]
}
