//! Reverse rules of whole matrix functions, which are exact where those of the steps they are composed of would blow up.

use super::MatrixFunction;
use crate::Result;
use crate::kernel::Lowering;
use crate::tape::{Inversion, Op, OpKey, Reverse, Tape, Var};
use crate::tensor::{HostTensor, TensorType};

/// The function of A that y is, with the rule of its reverse.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// V f(λ) Vᵀ, given λ and V: Daleckiĭ and Kreĭn, Ā = V (Γ ∘ (Vᵀ Ȳ V)) Vᵀ, Γ the divided differences of f.
    Function { function: MatrixFunction, floor: f32 },
    /// A⁻¹: Ā = −Y Ȳ Y.
    Inverse,
    /// ln |A|, given A⁻¹: Ā = ȳ A⁻¹.
    LogDeterminant,
}

/// (y, A, what else the rule wants) → y, differentiated by A as the rule says and by nothing else.
#[derive(Debug, Clone, Copy)]
struct Ruled {
    rule: Rule,
}

impl Op for Ruled {
    fn key(&self) -> OpKey {
        OpKey::of("matrix_rule", self)
    }

    fn infer(&self, inputs: &[TensorType]) -> Result<Vec<TensorType>> {
        Ok(vec![inputs[0]])
    }

    fn evaluate(&self, inputs: &[HostTensor]) -> Result<Vec<HostTensor>> {
        Ok(vec![inputs[0].clone()])
    }

    fn inversion(&self) -> Option<Inversion> {
        match self.rule {
            Rule::Function { function, floor } => function.inverts().then_some(Inversion::Spectrum { floor }),
            Rule::Inverse => Some(Inversion::Inverse),
            Rule::LogDeterminant => None,
        }
    }

    fn reverse(&self, cx: &mut Reverse<'_>) -> Result<Vec<Option<Var>>> {
        let (inputs, y, g) = (cx.inputs().to_vec(), cx.output(0), cx.cotangent_or_zeros(0)?);
        let tape = cx.tape();
        let found = match self.rule {
            Rule::Function { function, floor } => {
                let (values, vectors) = (inputs[2], inputs[3]);
                let g = tape.symmetric_part(g)?;
                let left = tape.matmul_with(vectors, g, true, false)?;
                let inner = tape.matmul(left, vectors)?;
                let differences = function.divided_differences(tape, values, floor)?;
                let inner = tape.mul(inner, differences)?;
                tape.congruence(vectors, inner)?
            }
            Rule::Inverse => {
                let g = tape.symmetric_part(g)?;
                let found = tape.congruence(y, g)?;
                tape.neg(found)?
            }
            Rule::LogDeterminant => {
                let matrices = tape.shape(inputs[2]);
                let rank = matrices.rank();
                let g = tape.reshape(g, matrices.with(rank - 1, 1).with(rank - 2, 1))?;
                tape.mul(g, inputs[2])?
            }
        };
        Ok((0..inputs.len()).map(|i| if i == 1 { Some(found) } else { None }).collect())
    }

    fn lower(&self, cx: &mut Lowering<'_>) -> Result<()> {
        cx.alias(0, 0);
        Ok(())
    }
}

impl Tape {
    /// y, differentiated by x as `rule` says.
    pub(super) fn ruled(&mut self, rule: Rule, y: Var, x: Var, more: &[Var]) -> Result<Var> {
        let inputs: Vec<Var> = [y, x].into_iter().chain(more.iter().copied()).collect();
        self.record_one(Ruled { rule }, &inputs)
    }
}
