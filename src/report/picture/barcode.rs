//! Barcodes of graph filtrations.

use super::axis::{Axis, short};
use super::colour::LINES;
use super::svg::{AXIS, Anchor, MEDIUM, MUTED, SMALL, Svg, TEXT, TOP};
use crate::{Error, Result};

const WIDTH: f64 = 720.0;
const BARS: f64 = 170.0;
const GAP: f64 = 34.0;
const LEFT: f64 = 28.0;

/// The most bars drawn of a kind: more would be less than a pixel apart.
const MOST: usize = 150;

/// Components from their births on and cycles up to their deaths, each list ascending, a bar each; of long lists an even selection.
///
/// # Errors
/// [`Error::Argument`] where there are no births, or a value is not finite.
pub fn barcode(title: &str, births: &[f32], deaths: &[f32]) -> Result<String> {
    let all = || births.iter().chain(deaths).map(|&x| f64::from(x));
    if births.is_empty() || all().any(|x| !x.is_finite()) {
        return Err(Error::argument(format!("barcode `{title}`: finite births are expected")));
    }
    let missing = || Error::argument(format!("barcode `{title}`: values too large to be drawn"));
    let axis = Axis::over(all(), 0.04, LEFT, WIDTH - 28.0).ok_or_else(missing)?;
    let bottom = TOP + 2.0 * (BARS + GAP);
    let mut svg = Svg::new(WIDTH, bottom + 52.0, title);
    let components = format!("{} components after the first, each from its birth on (median {})", births.len(), middle(births));
    bars(&mut svg, &components, TOP, births, 0, |x| [axis.at(x), axis.to]);
    let cycles = format!("{} cycles, each up to its death (median {})", deaths.len(), middle(deaths));
    bars(&mut svg, &cycles, TOP + BARS + GAP, deaths, 1, |x| [axis.from, axis.at(x)]);
    svg.line([axis.from, bottom], [axis.to, bottom], AXIS, 1.0);
    for (value, text) in axis.ticks(8) {
        let at = axis.at(value);
        svg.line([at, bottom], [at, bottom + 5.0], AXIS, 1.0);
        svg.text([at, bottom + 19.0], Anchor::Middle, SMALL, MUTED, &text);
    }
    svg.text([WIDTH / 2.0, bottom + 40.0], Anchor::Middle, MEDIUM, TEXT, "threshold");
    Ok(svg.finish())
}

fn middle(list: &[f32]) -> String {
    list.get(list.len() / 2).map_or_else(|| "–".into(), |&x| short(x.into()))
}

fn bars(svg: &mut Svg, label: &str, top: f64, list: &[f32], colour: usize, ends: impl Fn(f64) -> [f64; 2]) {
    svg.text([LEFT, top + 8.0], Anchor::Start, SMALL, TEXT, label);
    let shown = list.len().min(MOST);
    let step = BARS / shown.max(1) as f64;
    for k in 0..shown {
        let value = f64::from(list[k * (list.len() - 1) / (shown - 1).max(1)]);
        let [from, to] = ends(value);
        let y = top + 16.0 + (k as f64 + 0.5) * step;
        svg.line([from, y], [to, y], LINES[colour], (0.7 * step).clamp(0.6, 4.0));
    }
}
