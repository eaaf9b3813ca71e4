//! A scalar that counts its operations, and the ledger of the counts of each kernel.

use std::cell::Cell;
use std::ops::{Add, Div, Mul, Neg, Sub};

thread_local! {
    static FLOPS: Cell<u64> = const { Cell::new(0) };
}

/// An f64 each of whose operations is one FLOP, by the convention of `tapetum::kernel::Cost`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counted(pub f64);

/// A number that the definition states: free.
pub const fn c(value: f64) -> Counted {
    Counted(value)
}

/// One FLOP.
fn once<T>(value: T) -> T {
    FLOPS.with(|f| f.set(f.get() + 1));
    value
}

macro_rules! operators {
    ($($Trait:ident $method:ident $op:tt;)*) => {$(
        impl $Trait for Counted {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                once(Self(self.0 $op other.0))
            }
        }
    )*};
}

operators! {
    Add add +;
    Sub sub -;
    Mul mul *;
    Div div /;
}

impl Neg for Counted {
    type Output = Self;
    fn neg(self) -> Self {
        once(Self(-self.0))
    }
}

impl Counted {
    /// An elementary function, however it is computed.
    pub fn apply(self, f: impl Fn(f64) -> f64) -> Self {
        once(Self(f(self.0)))
    }

    pub fn sqrt(self) -> Self {
        self.apply(f64::sqrt)
    }

    pub fn exp(self) -> Self {
        self.apply(f64::exp)
    }

    pub fn ln(self) -> Self {
        self.apply(f64::ln)
    }

    pub fn abs(self) -> Self {
        self.apply(f64::abs)
    }

    pub fn max(self, other: Self) -> Self {
        once(Self(self.0.max(other.0)))
    }

    pub fn min(self, other: Self) -> Self {
        once(Self(self.0.min(other.0)))
    }

    pub fn above(self, other: Self) -> bool {
        once(self.0 > other.0)
    }

    pub fn at_least(self, other: Self) -> bool {
        once(self.0 >= other.0)
    }

    pub fn is_zero(self) -> bool {
        once(self.0 == 0.0)
    }

    /// Chooses one of two numbers, at no cost. Both are computed, so that the cost of a kernel does not depend on its data.
    pub fn choose(condition: bool, yes: Self, no: Self) -> Self {
        if condition { yes } else { no }
    }

    /// Σ of n terms, n additions: it begins at 0.
    pub fn sum(terms: impl Iterator<Item = Self>) -> Self {
        terms.fold(c(0.0), |sum, x| sum + x)
    }
}

/// The size of a definition's result in 4-byte words.
pub trait Words {
    fn words(&self) -> usize;
}

impl Words for Vec<Counted> {
    fn words(&self) -> usize {
        self.len()
    }
}

impl<A: Words, B: Words> Words for (A, B) {
    fn words(&self) -> usize {
        self.0.words() + self.1.words()
    }
}

impl<A: Words, const N: usize> Words for [A; N] {
    fn words(&self) -> usize {
        self.iter().map(Words::words).sum()
    }
}

impl<A: Words> Words for Option<A> {
    fn words(&self) -> usize {
        self.as_ref().map_or(0, Words::words)
    }
}

/// A kernel's cost.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub struct Entry {
    pub kernel: String,
    pub flops: f64,
    pub bytes: f64,
}

/// The kernels of a work by their definitions.
#[derive(Debug, Default)]
pub struct Ledger(pub Vec<Entry>);

impl Ledger {
    /// Runs a kernel's definition, which reads operands of these sizes in words, and records its cost.
    pub fn run<T: Words>(&mut self, kernel: &str, operands: &[usize], definition: impl FnOnce() -> T) -> T {
        FLOPS.with(|f| f.set(0));
        let made = definition();
        let words = operands.iter().sum::<usize>() + made.words();
        self.0.push(Entry { kernel: kernel.into(), flops: FLOPS.with(Cell::get) as f64, bytes: 4.0 * words as f64 });
        made
    }

    /// A kernel that moves words and computes nothing.
    pub fn moves(&mut self, kernel: &str, read: &[usize], written: usize) {
        let words = read.iter().sum::<usize>() + written;
        self.0.push(Entry { kernel: kernel.into(), flops: 0.0, bytes: 4.0 * words as f64 });
    }
}
