//! Barcodes of graph filtrations.

use super::axis::{Axis, short};
use super::colour::LINES;
use super::svg::{AXIS, Anchor, MEDIUM, MUTED, SMALL, Svg, TEXT, TOP, WIDTH, number};
use crate::{Error, Result};

const BARS: f64 = 130.0;
const GAP: f64 = 34.0;
const LEFT: f64 = 24.0;

/// The largest number of bars that are drawn one by one. More bars would be too close to tell apart and are drawn as the area they cover.
const MOST: usize = 32;
/// The largest number of corners on one side of an area.
const CORNERS: usize = 400;

/// A barcode as SVG. A component's bar begins at its birth, and a cycle's bar ends at its death; `births` and `deaths` are ascending. Where
/// there are many bars, the area that they cover is drawn instead.
///
/// # Errors
/// Returns [`Error::Argument`] where there are no births, or a value is not finite.
pub fn barcode(title: &str, births: &[f32], deaths: &[f32]) -> Result<String> {
    let all = || births.iter().chain(deaths).map(|&x| f64::from(x));
    if births.is_empty() || all().any(|x| !x.is_finite()) {
        return Err(Error::argument(format!("barcode `{title}`: finite births are expected")));
    }
    let missing = || Error::argument(format!("barcode `{title}`: values too large to be drawn"));
    let axis = Axis::over(all(), 0.04, LEFT, WIDTH - 20.0).ok_or_else(missing)?;
    let bottom = TOP + 2.0 * (BARS + GAP);
    let seen = format!(
        "{} components born from {} to {}, {} cycles that die from {} to {}",
        births.len(),
        at(births, 0.0),
        at(births, 1.0),
        deaths.len(),
        at(deaths, 0.0),
        at(deaths, 1.0)
    );
    let mut svg = Svg::new(WIDTH, bottom + 50.0, title, &seen);
    let components = format!("{} components after the first, each from its birth on (median {})", births.len(), at(births, 0.5));
    bars(&mut svg, &components, TOP, births, 0, |x| [axis.at(x), axis.to]);
    let cycles = format!("{} cycles, each up to its death (median {})", deaths.len(), at(deaths, 0.5));
    bars(&mut svg, &cycles, TOP + BARS + GAP, deaths, 1, |x| [axis.from, axis.at(x)]);
    svg.line([axis.from, bottom], [axis.to, bottom], AXIS, 1.0);
    for (value, text) in axis.ticks(6) {
        let at = axis.at(value);
        svg.line([at, bottom], [at, bottom + 5.0], AXIS, 1.0);
        svg.text([at, bottom + 19.0], Anchor::Middle, SMALL, MUTED, &text);
    }
    svg.text([WIDTH / 2.0, bottom + 40.0], Anchor::Middle, MEDIUM, TEXT, "threshold (weight of an edge)");
    Ok(svg.finish())
}

/// The value at a share of an ascending list.
fn at(list: &[f32], share: f64) -> String {
    let index = (share * list.len() as f64) as usize;
    list.get(index.min(list.len().saturating_sub(1))).map_or_else(|| "–".into(), |&x| short(x.into()))
}

fn bars(svg: &mut Svg, label: &str, top: f64, list: &[f32], colour: usize, ends: impl Fn(f64) -> [f64; 2]) {
    svg.text([LEFT, top + 8.0], Anchor::Start, SMALL, TEXT, label);
    let top = top + 16.0;
    let step = BARS / list.len().max(1) as f64;
    if list.len() <= MOST {
        for (k, &value) in list.iter().enumerate() {
            let [from, to] = ends(value.into());
            let y = top + (k as f64 + 0.5) * step;
            svg.line([from, y], [to, y], LINES[colour], (0.7 * step).clamp(0.6, 4.0));
        }
        return;
    }
    // The outline runs down the left ends and up the right ends; on one side these are the end of the axis.
    let rows: Vec<usize> = (0..CORNERS.min(list.len())).map(|k| k * (list.len() - 1) / (CORNERS.min(list.len()) - 1)).collect();
    let corner = |&k: &usize, end: usize| {
        let y = top + (k as f64 + 0.5) * step;
        format!("{} {}", number(ends(list[k].into())[end]), number(y))
    };
    let outline: Vec<String> = rows.iter().map(|k| corner(k, 0)).chain(rows.iter().rev().map(|k| corner(k, 1))).collect();
    let path = outline.join("L");
    svg.add(format_args!("<path d=\"M{path}Z\" fill=\"{0}\" fill-opacity=\"0.35\" stroke=\"{0}\"/>", LINES[colour]));
}
