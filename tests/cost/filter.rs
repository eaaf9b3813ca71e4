//! Recursive filters, block by block. The state is that of the transposed direct form II and not the kernels' own, which makes no
//! difference to the output frames.

use super::counted::{Counted, c};
use super::work::Work;
use tapetum::Result;
use tapetum::ops::case::Draw;
use tapetum::ops::filter::Section;

/// Frames of a block.
const BLOCK: usize = 64;

/// A frame in, a frame out, z the state.
fn step(s: &Section, x: f64, z: &mut [f64; 2]) -> f64 {
    let y = s.b[0] * x + z[0];
    *z = [s.b[1] * x - s.a[0] * y + z[1], s.b[2] * x - s.a[1] * y];
    y
}

/// The section's response over `frames` frames to an impulse of size `first` followed by zeros.
fn impulse(s: &Section, z: &mut [f64; 2], first: f64, frames: usize) -> Vec<f64> {
    (0..frames).map(|t| step(s, if t == 0 { first } else { 0.0 }, z)).collect()
}

fn filtered([rows, time]: [usize; 2], reversed: bool) -> Result<Work> {
    let section = Section { b: [0.03, 0.0, -0.03], a: [-1.935, 0.94] };
    let mut w = Work::new(format!("section_filter of {rows} × {time}, reversed {reversed}"));
    let (vx, x) = w.input([rows, time], Draw::Normal)?;
    let y = w.tape.section_filter(vx, &[section], reversed)?;
    let carries = time.div_ceil(BLOCK) - 1;
    let levels = carries.max(1).next_power_of_two().ilog2() as usize;
    let maps = BLOCK * 5 + 4 * levels;
    let place = |row: usize, t: usize| row * time + if reversed { time - 1 - t } else { t };

    let mut state = Vec::new();
    if carries > 0 {
        let left_behind = |frame: usize| {
            let mut z = [0.0; 2];
            impulse(&section, &mut z, 1.0, BLOCK - frame);
            z
        };
        let left: Vec<[f64; 2]> = (0..BLOCK).map(left_behind).collect();
        state = w.ledger.run("filter/drive", &[x.len(), maps], || {
            let number = |at: usize| {
                let (row, block, i) = (at / 2 / carries, at / 2 % carries, at % 2);
                Counted::sum((0..BLOCK).map(|j| c(left[j][i]) * x[place(row, block * BLOCK + j)]))
            };
            (0..rows * carries * 2).map(number).collect::<Vec<_>>()
        });
    }
    for level in 0..levels {
        let apart = 1 << level;
        let column = |i: usize| {
            let mut z = [f64::from(u8::from(i == 0)), f64::from(u8::from(i == 1))];
            impulse(&section, &mut z, 0.0, BLOCK * apart);
            z
        };
        let power = [column(0), column(1)];
        state = w.ledger.run("filter/carry", &[state.len(), maps], || {
            let number = |at: usize| {
                let (block, i) = (at / 2 % carries, at % 2);
                if block < apart {
                    return state[at];
                }
                let before = at - i - 2 * apart;
                state[at] + Counted::sum((0..2).map(|k| c(power[k][i]) * state[before + k]))
            };
            (0..state.len()).map(number).collect::<Vec<_>>()
        });
    }
    let h = impulse(&section, &mut [0.0; 2], 1.0, BLOCK);
    let of_state = |i: usize| {
        let mut z = [f64::from(u8::from(i == 0)), f64::from(u8::from(i == 1))];
        impulse(&section, &mut z, 0.0, BLOCK)
    };
    let added = [of_state(0), of_state(1)];
    // Where no state is handed on, the maps stand in for states.
    let bound = if carries > 0 { state.len() } else { 0 };
    let mut made = vec![c(0.0); x.len()];
    w.ledger.run("filter/apply", &[x.len(), maps, bound], || {
        for row in 0..rows {
            for t in 0..time {
                let (block, i) = (t / BLOCK, t % BLOCK);
                let own = Counted::sum((0..=i).map(|j| c(h[i - j]) * x[place(row, t - i + j)]));
                made[place(row, t)] = match block {
                    0 => own,
                    _ => {
                        let from = (row * carries + block - 1) * 2;
                        own + Counted::sum((0..2).map(|k| c(added[k][i]) * state[from + k]))
                    }
                };
            }
        }
        made.clone()
    });
    w.output(y, &made);
    Ok(w)
}

pub fn works() -> Result<Vec<Work>> {
    [([3, 40], false), ([1, 64], true), ([2, 150], false), ([2, 333], true)].into_iter().map(|(shape, r)| filtered(shape, r)).collect()
}
