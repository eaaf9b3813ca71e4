//! The uniform struct of a kernel, and the words that a dispatch fills it with.

use super::Kernel;
use crate::Result;
use naga::{AddressSpace, ArraySize, Module, Scalar, TypeInner};

/// The words of a kernel's uniform struct, in order. Each is one `u32` or `f32`, or a component of a vector of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Params {
    words: Vec<u32>,
    types: Vec<WordType>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum WordType {
    U32,
    F32,
}

impl Params {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a `u32`. A kernel addresses fewer than 2³² elements; a plan refuses larger tensors.
    pub fn u32(self, value: usize) -> Self {
        self.push(value as u32, WordType::U32)
    }

    /// Appends an `f32`.
    pub fn f32(self, value: f32) -> Self {
        self.push(value.to_bits(), WordType::F32)
    }

    /// The words.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    fn push(mut self, word: u32, ty: WordType) -> Self {
        self.words.push(word);
        self.types.push(ty);
        self
    }
}

impl Kernel {
    /// The kernel as naga sees it.
    ///
    /// # Errors
    /// [`Error::Shader`](crate::Error::Shader) where it does not parse.
    pub fn parse(&self) -> Result<Module> {
        naga::front::wgsl::parse_str(&self.wgsl).map_err(|e| self.error(e.emit_to_string(&self.wgsl)))
    }

    /// The members of the kernel's uniform struct with these values, each as a word of the member's type.
    ///
    /// # Errors
    /// [`Error::Shader`](crate::Error::Shader) where the kernel does not parse, the struct has another number of words, or one cannot hold
    /// its value.
    pub fn params(&self, values: &[f64]) -> Result<Params> {
        let module = self.parse()?;
        let uniform = module.global_variables.iter().find(|(_, v)| v.space == AddressSpace::Uniform);
        let members = uniform.map_or(Some(Vec::new()), |(_, v)| words(&module, v.ty)).unwrap_or_default();
        let mut params = Params::new();
        for ((name, ty), &value) in members.iter().zip(values) {
            params = match ty {
                WordType::U32 if value.fract() != 0.0 || !(0.0..=f64::from(u32::MAX)).contains(&value) => {
                    return Err(self.error(format!("`{name}` is a u32, and {value} is given")));
                }
                WordType::U32 => params.u32(value as usize),
                WordType::F32 => params.f32(value as f32),
            };
        }
        if members.len() != values.len() {
            return Err(self.error(format!("its uniform struct has {} words, and {} are given", members.len(), values.len())));
        }
        self.check_params(&params)?;
        Ok(params)
    }

    /// An error unless `params` are the members of the kernel's uniform struct: as many words, in the same order, of the same types. A kernel
    /// without such a struct takes none.
    ///
    /// # Errors
    /// [`Error::Shader`](crate::Error::Shader) where the kernel does not parse, or `params` differ from its struct.
    pub fn check_params(&self, params: &Params) -> Result<()> {
        let module = self.parse()?;
        let mut uniforms = module.global_variables.iter().filter(|(_, v)| v.space == AddressSpace::Uniform);
        let Some((_, variable)) = uniforms.next() else {
            if params.words.is_empty() {
                return Ok(());
            }
            return Err(self.error("a uniform struct at @group(1) @binding(0) expected, none found"));
        };
        let Some(members) = words(&module, variable.ty) else {
            return Err(self.error("a uniform struct expected whose members are u32, f32 or vectors of them, without gaps"));
        };
        let types: Vec<WordType> = members.iter().map(|(_, ty)| *ty).collect();
        if types == params.types {
            return Ok(());
        }
        let members: Vec<_> = members.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
        let given: Vec<_> = params.types.iter().map(WordType::to_string).collect();
        Err(self.error(format!("its uniform struct is [{}], and the dispatch fills it with [{}]", members.join(", "), given.join(", "))))
    }
}

impl std::fmt::Display for WordType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::U32 => "u32",
            Self::F32 => "f32",
        })
    }
}

/// Name and type of each word of a uniform struct; `None` where it has members of other types, or gaps between them.
fn words(module: &Module, ty: naga::Handle<naga::Type>) -> Option<Vec<(String, WordType)>> {
    let TypeInner::Struct { members, .. } = &module.types[ty].inner else { return None };
    let mut found = Vec::new();
    for member in members {
        // An array without gaps is its elements, one after the other.
        let (ty, times) = match module.types[member.ty].inner {
            TypeInner::Array { base, size: ArraySize::Constant(n), stride } if stride == module.types[base].inner.size(module.to_ctx()) => {
                (base, n.get() as usize)
            }
            _ => (member.ty, 1),
        };
        let (scalar, components) = match module.types[ty].inner {
            TypeInner::Scalar(scalar) => (scalar, 1),
            TypeInner::Vector { size, scalar } => (scalar, size as usize),
            _ => return None,
        };
        let components = times * components;
        let ty = match scalar {
            Scalar::U32 => WordType::U32,
            Scalar::F32 => WordType::F32,
            _ => return None,
        };
        if member.offset as usize != 4 * found.len() {
            return None;
        }
        let name = member.name.clone().unwrap_or_default();
        found.extend((0..components).map(|_| (name.clone(), ty)));
    }
    Some(found)
}
