//! Losses: what of which value, reduced how, weighted by how much.

use super::place::Place;
use crate::Result;
use crate::connectome::loss::{GradientPath, Reduction, Scalarise};
use crate::optim::Schedule;
use crate::training::LOSS;

/// A term of the loss.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub(super) name: String,
    pub(super) score: String,
    pub(super) weight: Schedule,
    pub(super) reduce: Scalarise,
    /// Its place, for errors.
    pub(super) at: String,
}

const REDUCTIONS: [&str; 5] = ["mean", "sum", "mean_square", "max", "min"];
const BY_NUMBER: [&str; 3] = ["norm", "soft_maximum", "soft_minimum"];

impl Term {
    pub(super) fn parse(place: &Place<'_>, steps: u32) -> Result<Self> {
        place.only(&["name", "score", "weight", "reduce"])?;
        let name = place.get("name")?;
        if name.name()? == LOSS {
            return Err(name.error(format!("the sum of all terms is called `{LOSS}`")));
        }
        Ok(Self {
            name: name.name()?.to_owned(),
            score: place.get("score")?.text()?.to_owned(),
            weight: place.find("weight").map_or(Ok(Schedule::Constant(1.0)), |p| schedule(&p, steps))?,
            reduce: place.find("reduce").map_or(Ok(Reduction::Mean.into()), |p| scalarise(&p))?,
            at: place.at().to_owned(),
        })
    }
}

/// A number, or one that follows the step: `{"linear": [a, b]}`, `{"cosine": [a, b]}`, `{"step": [start, factor, every]}`; with `warm_up`
/// beside it, over so many steps from nothing.
pub(super) fn schedule(place: &Place<'_>, steps: u32) -> Result<Schedule> {
    if place.value().is_number() {
        return Ok(Schedule::Constant(place.single_precision()?));
    }
    place.only(&["linear", "cosine", "step", "constant", "warm_up"])?;
    let kinds: Vec<(&str, Place<'_>)> = place.entries()?.into_iter().filter(|(key, _)| *key != "warm_up").collect();
    let [(kind, of)] = kinds.as_slice() else {
        return Err(place.error("one of linear, cosine, step and constant is expected"));
    };
    let then = match *kind {
        "constant" => Schedule::Constant(of.single_precision()?),
        "step" => {
            let items = of.items()?;
            let [start, factor, every] = items.as_slice() else { return Err(of.error("[start, factor, every] is expected")) };
            Schedule::Step { start: start.single_precision()?, factor: factor.single_precision()?, every: every.whole(1)? as u32 }
        }
        kind => {
            let [start, end] = of.pair()?.map(|x| x as f32);
            if kind == "linear" { Schedule::Linear { start, end, steps } } else { Schedule::Cosine { start, end, steps } }
        }
    };
    Ok(match place.find("warm_up") {
        Some(warm) => Schedule::WarmUp { steps: warm.whole(1)? as u32, then: Box::new(then) },
        None => then,
    })
}

/// One reduction, or several in order, each over `axes` or over all.
fn scalarise(place: &Place<'_>) -> Result<Scalarise> {
    let parts = if place.value().is_array() { place.items()? } else { vec![place.clone()] };
    let mut made: Option<Scalarise> = None;
    for part in &parts {
        let (reduction, axes) = reduction(part)?;
        made = Some(match made {
            Some(before) => before.then(reduction, &axes),
            None => Scalarise::over(reduction, &axes),
        });
    }
    made.ok_or_else(|| place.error("at least one reduction is expected"))
}

fn reduction(place: &Place<'_>) -> Result<(Reduction, Vec<isize>)> {
    if place.value().is_string() {
        return Ok((plain(place)?, Vec::new()));
    }
    place.only(&[&REDUCTIONS[..], &BY_NUMBER[..], &["axes"]].concat())?;
    let axes = place.find("axes").map_or(Ok(Vec::new()), |p| p.axes())?;
    let kinds: Vec<(&str, Place<'_>)> = place.entries()?.into_iter().filter(|(key, _)| *key != "axes").collect();
    let path = GradientPath::default();
    match kinds.as_slice() {
        [("norm", p)] => Ok((Reduction::Norm(p.single_precision()?), axes)),
        [("soft_maximum", t)] => Ok((Reduction::SoftMaximum { temperature: t.single_precision()?, path }, axes)),
        [("soft_minimum", t)] => Ok((Reduction::SoftMinimum { temperature: t.single_precision()?, path }, axes)),
        [(kind, on)] if on.flag()? => Ok((named(kind), axes)),
        _ => Err(place.error(format!("one of {} or {} is expected", REDUCTIONS.join(", "), BY_NUMBER.join(", ")))),
    }
}

fn plain(place: &Place<'_>) -> Result<Reduction> {
    place.choice(&REDUCTIONS).map(named)
}

fn named(name: &str) -> Reduction {
    match name {
        "sum" => Reduction::Sum,
        "mean_square" => Reduction::MeanSquare,
        "max" => Reduction::Max,
        "min" => Reduction::Min,
        _ => Reduction::Mean,
    }
}
