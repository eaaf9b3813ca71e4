//! The parts of a step: which rank computes which, and the update by their mean.

use super::divided::Divided;
use super::draws::Draws;
use crate::communicator::{Communicator, share};
use crate::device::Reading;
use crate::ops::update::DRAW;
use crate::tape::{Tape, Var};
use crate::{Device, Error, HostTensor, Program, Result, State};

/// The number of parts of a batch, and the ranks that share them.
#[derive(Debug, Clone, Copy)]
pub struct Spread<'a> {
    /// The number of parts, each with its own inputs. The bits of a training depend on it, and not on the number of ranks.
    pub parts: usize,
    /// The ranks, whose number divides that of the parts.
    pub ranks: &'a dyn Communicator,
}

/// The rest of a step in parts, beside the program that computes a part.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    spread: Spread<'a>,
    packed: Var,
    /// The input that tells the random draws of the parts apart.
    draw: Option<Var>,
    mean: Var,
    update: Program,
    pub(super) results: Vec<(String, Var)>,
    pub(super) update_tape: Tape,
    /// The only part of this rank whose inputs do not change, once they are written.
    written: Option<usize>,
}

impl<'a> Parts<'a> {
    /// Compiles the tape of a part, and the update.
    pub(super) async fn new(device: &Device, tape: &Tape, divided: Divided, state: &State, spread: Spread<'a>) -> Result<(Program, Self)> {
        let (ranks, parts) = (spread.ranks.size(), spread.parts);
        if parts == 0 || !parts.is_multiple_of(ranks) {
            return Err(Error::argument(format!("a step of {parts} parts on {ranks} ranks: a multiple of the number of ranks expected")));
        }
        let Divided { packed, results, update: update_tape, mean } = divided;
        let program = device.compile_async(tape, &[packed], state).await?;
        let update = device.compile_async(&update_tape, &[], state).await?;
        let draw = tape.drawn_by().filter(|_| tape.lookup(DRAW) == tape.drawn_by());
        Ok((program, Self { spread, packed, draw, mean, update, results, update_tape, written: None }))
    }

    /// The number of parts.
    pub(super) fn count(&self) -> usize {
        self.spread.parts
    }

    /// The program that changes the parameters.
    pub(super) fn update(&self) -> &Program {
        &self.update
    }

    /// The value of the input that counts draws, in a part of a step.
    pub(super) fn draw(&self, step: u32, part: usize) -> Result<Option<(Var, HostTensor)>> {
        let number = step.wrapping_mul(self.spread.parts as u32).wrapping_add(part as u32);
        self.draw.map(|input| Ok((input, HostTensor::u32([1], vec![number])?))).transpose()
    }

    /// The mean over all parts of what `program` packs, the same at all ranks.
    pub(super) async fn mean(&mut self, program: &mut Program, draws: &mut Draws<'_>, step: u32) -> Result<(Var, HostTensor)> {
        let ranks = self.spread.ranks;
        let held = share(self.spread.parts, ranks.rank(), ranks.size());
        let only = (held.len() == 1 && draws.last()).then_some(held.start);
        let mut found = Vec::with_capacity(held.len());
        // A part is read while the device computes the next one.
        let mut reading: Option<Reading> = None;
        for part in held {
            if self.written.is_none_or(|written| written != part) {
                for (input, value) in draws.of(step, part)? {
                    program.write(input, &value)?;
                }
                self.written = only;
            }
            if let Some((input, number)) = self.draw(step, part)? {
                program.write(input, &number)?;
            }
            program.step_async().await?;
            if let Some(before) = reading.replace(program.begin_read(self.packed).await?) {
                found.push(numbers(before).await?);
            }
        }
        if let Some(last) = reading {
            found.push(numbers(last).await?);
        }
        let mut mean = ranks.sum(found, self.spread.parts)?;
        let parts = self.spread.parts as f32;
        mean.iter_mut().for_each(|x| *x /= parts);
        Ok((self.mean, HostTensor::f32([mean.len()], mean)?))
    }

    /// Changes the parameters by the mean of the parts.
    pub(super) async fn change(&mut self, (input, mean): (Var, HostTensor)) -> Result<()> {
        self.update.write(input, &mean)?;
        self.update.step_async().await
    }

    /// Refuses ranks whose states differ from that of rank 0, which devices with other arithmetic would leave.
    pub(super) fn compare(&self, step: u32, values: &[(String, HostTensor)]) -> Result<()> {
        let ranks = self.spread.ranks;
        if ranks.size() == 1 {
            return Ok(());
        }
        let mut own = step.to_le_bytes().to_vec();
        for (_, value) in values {
            own.extend(fingerprint(value).to_le_bytes());
        }
        let all = ranks.gather(&own)?;
        let other = all.iter().position(|found| *found != all[0]);
        let Some(rank) = other else { return Ok(()) };
        let place = (4..own.len().min(all[rank].len())).find(|at| all[rank].get(*at) != all[0].get(*at)).map_or(0, |at| (at - 4) / 8);
        let name = values.get(place).map_or("step", |(name, _)| name.as_str());
        Err(Error::tensor(
            name,
            format!("has other bits on rank {rank} than on rank 0 after {step} steps: their devices do not compute alike"),
        ))
    }
}

/// The packed results of a part.
async fn numbers(part: Reading) -> Result<Vec<f32>> {
    Ok(part.value().await?.to_real::<f32>().elements::<f32>()?.to_vec())
}

/// A number that tells values of different bits apart: FNV-1a over words of four bytes.
fn fingerprint(value: &HostTensor) -> u64 {
    let fold = |hash: u64, word: u32| (hash ^ u64::from(word)).wrapping_mul(0x0100_0000_01b3);
    let start = 0xcbf2_9ce4_8422_2325;
    match value.elements::<f64>() {
        Ok(double) => double.iter().flat_map(|x| [x.to_bits() as u32, (x.to_bits() >> 32) as u32]).fold(start, fold),
        Err(_) => value.bytes().unwrap_or_default().chunks(4).map(word).fold(start, fold),
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
}
