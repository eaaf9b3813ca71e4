//! The reverse sweep: cotangents appended to the same tape.

use super::recompute::Recomputed;
use super::{Origin, Tape, Var};
use crate::tensor::DType;
use crate::{Error, Result};
use std::collections::BTreeMap;

/// The argument of a reverse rule: one op mid-sweep.
#[derive(Debug)]
pub struct Reverse<'a> {
    tape: &'a mut Tape,
    inputs: &'a [Var],
    outputs: &'a [Var],
    cotangents: &'a [Option<Var>],
    wanted: &'a [bool],
    products: Vec<(usize, [Var; 2])>,
}

impl Reverse<'_> {
    /// The tape, to append to.
    pub fn tape(&mut self) -> &mut Tape {
        self.tape
    }

    /// The op's operand.
    pub fn input(&self, i: usize) -> Var {
        self.inputs[i]
    }

    /// All operands.
    pub fn inputs(&self) -> &[Var] {
        self.inputs
    }

    /// The op's result.
    pub fn output(&self, i: usize) -> Var {
        self.outputs[i]
    }

    /// The cotangent of a result; `None` where the differentiated value does not depend on it.
    pub fn cotangent(&self, i: usize) -> Option<Var> {
        self.cotangents[i]
    }

    /// The cotangent of a result, zeros where there is none.
    pub fn cotangent_or_zeros(&mut self, i: usize) -> Result<Var> {
        match self.cotangents[i] {
            Some(var) => Ok(var),
            None => {
                let shape = self.tape.shape(self.outputs[i]);
                self.tape.full(shape, 0.0)
            }
        }
    }

    /// True where the cotangent of operand `i` is wanted.
    pub fn wanted(&self, i: usize) -> bool {
        self.wanted[i]
    }

    /// Says that leftᵀ right is a term of the cotangent of an operand: left `[rows, m]`, right `[rows, n]`, the operand `[m, n]`. The terms of
    /// all its uses are put one below the other, and made by one product once the sweep is past them.
    pub fn add_product(&mut self, operand: usize, [left, right]: [Var; 2]) {
        self.products.push((operand, [left, right]));
    }

    /// The cotangents of an op that equals a composition of differentiable ops: `compose` records that composition over
    /// the op's inputs, and it is differentiated instead.
    pub fn by_composition(&mut self, compose: impl FnOnce(&mut Tape, &[Var]) -> Result<Vec<Var>>) -> Result<Vec<Option<Var>>> {
        let first = self.tape.nodes.len();
        // Fresh names for the inputs, so that the sweep ends at them.
        let inputs = self.inputs.iter().map(|&v| self.tape.detach(v)).collect::<Result<Vec<_>>>()?;
        let outputs = compose(self.tape, &inputs)?;
        let seeds: Vec<_> = outputs.into_iter().zip(self.cotangents).filter_map(|(o, c)| c.map(|c| (o, c))).collect();
        let wrt: Vec<_> = inputs.iter().zip(self.wanted).filter(|(_, w)| **w).map(|(v, _)| *v).collect();
        let mut found = self.tape.sweep(first, &seeds, &wrt)?.into_iter();
        Ok(self.wanted.iter().map(|&w| if w { found.next().flatten() } else { None }).collect())
    }
}

/// # Differentiation
impl Tape {
    /// The gradient of the one-element f32 value `of` with respect to each of `wrt`, appended to this tape.
    /// A value that `of` does not depend on has a gradient of zeros.
    ///
    /// ```
    /// use tapetum::{Device, HostTensor, Tape, TensorType};
    ///
    /// // The gradient of Σ x³ is 3 x², and its own gradient can be taken again.
    /// let mut tape = Tape::new();
    /// let x = tape.input("x", TensorType::f32([3]))?;
    /// let square = tape.square(x)?;
    /// let cube = tape.mul(square, x)?;
    /// let sum = tape.sum(cube, &[], false)?;
    /// let slope = tape.gradient(sum, &[x])?[0];
    /// let slopes = tape.sum(slope, &[], false)?;
    /// let curvature = tape.gradient(slopes, &[x])?[0];
    ///
    /// let mut program = Device::cpu().compile(&tape, &[slope, curvature])?;
    /// let found = program.run(&[(x, &HostTensor::f32([3], vec![0.0, 1.0, 2.0])?)])?;
    /// assert_eq!(found[0].to_f64_vec(), [0.0, 3.0, 12.0]);
    /// assert_eq!(found[1].to_f64_vec(), [0.0, 6.0, 12.0]);
    /// # Ok::<(), tapetum::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where `of` has more than one element, `wrt` is not f32, or an op in between has no reverse rule.
    pub fn gradient(&mut self, of: Var, wrt: &[Var]) -> Result<Vec<Var>> {
        self.expect_f32("gradient", "the differentiated value", of)?;
        let shape = self.shape(of);
        if shape.elements() != 1 {
            return Err(Error::op("gradient", format!("a value of one element expected, found {shape}; sum it, or use `vjp`")));
        }
        let one = self.full(shape, 1.0)?;
        self.vjp(&[(of, one)], wrt)
    }

    /// Pulls cotangents of several values back to `wrt`: Σ cotangentᵀ · ∂value/∂wrt.
    ///
    /// # Errors
    /// As [`Tape::gradient`], and where a cotangent is not of its value's shape.
    pub fn vjp(&mut self, seeds: &[(Var, Var)], wrt: &[Var]) -> Result<Vec<Var>> {
        for &(value, cotangent) in seeds {
            self.expect_f32("vjp", "a differentiated value", value)?;
            self.expect_f32("vjp", "a cotangent", cotangent)?;
            if self.shape(value) != self.shape(cotangent) {
                let what = format!("a cotangent of shape {} expected, found {}", self.shape(value), self.shape(cotangent));
                return Err(Error::op("vjp", what));
            }
        }
        for &var in wrt {
            self.expect_f32("gradient", "what to differentiate by", var)?;
        }
        let found = self.sweep(0, seeds, wrt)?;
        found.into_iter().zip(wrt).map(|(c, &v)| c.map_or_else(|| self.full(self.shape(v), 0.0), Ok)).collect()
    }

    /// The sweep over the nodes from `first` on.
    fn sweep(&mut self, first: usize, seeds: &[(Var, Var)], wrt: &[Var]) -> Result<Vec<Option<Var>>> {
        let end = self.nodes.len();
        let mut cotangents: Vec<Option<Var>> = vec![None; self.values.len()];
        let mut active = vec![false; self.values.len()];
        for var in wrt {
            active[var.index()] = true;
        }
        for node in &self.nodes[first..end] {
            if node.inputs.iter().any(|v| active[v.index()]) {
                for i in node.outputs.clone() {
                    active[i] |= self.values[i].ty.dtype == DType::F32;
                }
            }
        }
        for &(value, cotangent) in seeds {
            self.accumulate(&mut cotangents[value.index()], cotangent)?;
        }
        let mut recomputed = Recomputed::new(self);
        let mut products: BTreeMap<Var, Vec<[Var; 2]>> = BTreeMap::new();
        for index in (first..end).rev() {
            // All uses of what a node makes come after it.
            for i in self.nodes[index].outputs.clone() {
                self.multiply(&mut products, self.var(i), &mut cotangents)?;
            }
            let node = &self.nodes[index];
            let Origin::Op(op) = &node.origin else { continue };
            let wanted: Vec<bool> = node.inputs.iter().map(|v| active[v.index()]).collect();
            let given: Vec<Option<Var>> = node.outputs.clone().map(|i| cotangents[i]).collect();
            if !wanted.contains(&true) || given.iter().all(Option::is_none) {
                continue;
            }
            let (op, original) = (op.clone(), node.inputs.clone());
            let outputs: Vec<Var> = node.outputs.clone().map(|i| self.var(i)).collect();
            recomputed.enter(self, index)?;
            let inputs: Vec<Var> = original.iter().map(|&v| recomputed.of(v)).collect();
            let outputs: Vec<Var> = outputs.into_iter().map(|v| recomputed.of(v)).collect();
            let mut cx =
                Reverse { tape: self, inputs: &inputs, outputs: &outputs, cotangents: &given, wanted: &wanted, products: Vec::new() };
            let found = op.reverse(&mut cx)?;
            for (operand, product) in cx.products {
                products.entry(original[operand]).or_default().push(product);
            }
            if found.len() != inputs.len() {
                let what = format!("its reverse rule gives {} cotangents for {} operands", found.len(), inputs.len());
                return Err(Error::op(op.key().name, what));
            }
            for ((input, cotangent), wanted) in original.iter().zip(found).zip(wanted) {
                let Some(cotangent) = cotangent.filter(|_| wanted) else { continue };
                if self.ty(cotangent) != self.ty(*input) {
                    let what = format!("its reverse rule gives a cotangent {} for an operand {}", self.ty(cotangent), self.ty(*input));
                    return Err(Error::op(op.key().name, what));
                }
                self.accumulate(&mut cotangents[input.index()], cotangent)?;
            }
        }
        for &var in wrt {
            self.multiply(&mut products, var, &mut cotangents)?;
        }
        Ok(wrt.iter().map(|v| cotangents[v.index()]).collect())
    }

    /// Makes the product of all that was said of the cotangent of `var` by [`Reverse::add_product`], and adds it to that.
    fn multiply(&mut self, products: &mut BTreeMap<Var, Vec<[Var; 2]>>, var: Var, cotangents: &mut [Option<Var>]) -> Result<()> {
        let Some(terms) = products.remove(&var) else { return Ok(()) };
        let mut stack = |side: usize| {
            let rows: Vec<Var> = terms.iter().map(|term| term[side]).collect();
            if let [one] = rows[..] { Ok(one) } else { self.concatenate(&rows, 0) }
        };
        let (left, right) = (stack(0)?, stack(1)?);
        let product = self.matmul_with(left, right, true, false)?;
        if self.ty(product) != self.ty(var) {
            let what = format!("products of {} were added to the cotangent of {}", self.ty(product), self.ty(var));
            return Err(Error::op("gradient", what));
        }
        self.accumulate(&mut cotangents[var.index()], product)
    }

    fn accumulate(&mut self, into: &mut Option<Var>, cotangent: Var) -> Result<()> {
        *into = Some(match *into {
            Some(sum) => self.add(sum, cotangent)?,
            None => cotangent,
        });
        Ok(())
    }
}
