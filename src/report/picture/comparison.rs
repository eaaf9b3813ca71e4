//! Scores compared with one another, and with chance.

use super::axis::{Axis, has_place, short};
use super::colour::LINES;
use super::svg::{AXIS, Anchor, BAND, GRID, MEDIUM, MUTED, SMALL, Svg, TEXT, TOP, WIDTH, fitted, number, text_width};
use crate::{Error, Result};

/// The column of figures at the right.
const FIGURES: f64 = 64.0;
const ROW: f64 = 32.0;
const STRIP: f64 = 56.0;
/// The widest label of a row.
const LABEL: f64 = 150.0;

/// A named value, and its standard deviation over repetitions.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The name of the method or group that has it.
    pub name: String,
    /// The value.
    pub value: f64,
    /// The standard deviation over repetitions, where there are any.
    pub deviation: Option<f64>,
}

impl From<(String, f64)> for Score {
    fn from((name, value): (String, f64)) -> Self {
        Self { name, value, deviation: None }
    }
}

/// A picture with a row for each named value: a dot, a whisker of one standard deviation to either side, a stem from the median of the
/// reference, and the number. Below them stands `reference`, a name and its values (of random parcellations, for example), as a strip of
/// dots; the range from its 5th to its 95th percentile is shaded behind all rows. The reference may be empty.
///
/// # Errors
/// Returns [`Error::Argument`] where there are no values, or one of either kind is not finite.
pub fn comparison<S: Clone + Into<Score>>(title: &str, x_label: &str, values: &[S], reference: (&str, &[f64])) -> Result<String> {
    let values: Vec<Score> = values.iter().cloned().map(Into::into).collect();
    check(&values, reference).map_err(|what| Error::argument(format!("comparison `{title}`: {what}")))?;
    let (name, chance) = (reference.0, sorted(reference.1));
    let left = 32.0 + label_width(&values, name);
    let ends = values.iter().flat_map(|v| [v.value - v.deviation.unwrap_or(0.0), v.value + v.deviation.unwrap_or(0.0)]);
    let empty = || Error::argument(format!("comparison `{title}`: no values: at least one is expected"));
    let axis = Axis::over(ends.chain(chance.iter().copied()), 0.06, left, WIDTH - FIGURES).ok_or_else(empty)?;
    let strip = if chance.is_empty() { 0.0 } else { STRIP };
    let bottom = TOP + ROW * values.len() as f64 + strip + 6.0;
    let notes = notes(axis, &values, name, &chance);

    let mut svg = Svg::new(WIDTH, bottom + 50.0 + 16.0 * notes.len() as f64, title, &seen(&values, name, &chance));
    shade(&mut svg, axis, &chance, bottom);
    scale(&mut svg, axis, bottom, x_label);
    for (i, score) in values.iter().enumerate() {
        row(&mut svg, axis, TOP + ROW * (i as f64 + 0.5), score, median(&chance));
    }
    strip_of(&mut svg, axis, bottom - strip / 2.0 - 3.0, name, &chance);
    for (i, note) in notes.iter().enumerate() {
        svg.text([20.0, bottom + 62.0 + 16.0 * i as f64], Anchor::Start, SMALL, MUTED, &fitted(note, SMALL, WIDTH - 30.0));
    }
    Ok(svg.finish())
}

/// Notes on the axis, the whiskers and the shade.
fn notes(axis: Axis, values: &[Score], name: &str, chance: &[f64]) -> Vec<String> {
    let start = (axis.low > 0.0).then(|| format!("The axis starts at {}, not at 0.", short(axis.low)));
    let whisker = values.iter().any(|v| v.deviation.is_some()).then(|| "Whiskers: one standard deviation to either side.".to_owned());
    let band = (!chance.is_empty()).then(|| format!("Shaded: 5th to 95th percentile of {name}; line: its median."));
    start.into_iter().chain(whisker).chain(band).collect()
}

fn seen(values: &[Score], name: &str, chance: &[f64]) -> String {
    let of = |v: &Score| {
        let spread = v.deviation.map(|d| format!(" ± {}", short(d))).unwrap_or_default();
        format!("{} {}{spread}", v.name, short(v.value))
    };
    let reference = median(chance).map(|m| format!("; median of {} values of {name} {}", chance.len(), short(m))).unwrap_or_default();
    values.iter().map(of).collect::<Vec<_>>().join(", ") + &reference
}

fn check(values: &[Score], (name, chance): (&str, &[f64])) -> Result<(), String> {
    if let Some(score) = values.iter().find(|v| !has_place(v.value) || !has_place(v.deviation.unwrap_or(0.0))) {
        let found = if has_place(score.value) { score.deviation.unwrap_or(f64::NAN) } else { score.value };
        return Err(format!("`{}` is {found}: a finite number is expected", score.name));
    }
    match chance.iter().position(|&value| !has_place(value)) {
        Some(i) => Err(format!("value {i} of `{name}`, counted from 0, is {}: a finite number is expected", chance[i])),
        None if values.is_empty() => Err("no values: at least one is expected".into()),
        None => Ok(()),
    }
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The quantile of sorted values, interpolated between the nearest two; `None` where there are no values.
fn quantile(sorted: &[f64], fraction: f64) -> Option<f64> {
    let at = fraction * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted.get(at.floor() as usize)?, sorted.get(at.ceil() as usize)?);
    Some(below + (above - below) * at.fract())
}

fn median(sorted: &[f64]) -> Option<f64> {
    quantile(sorted, 0.5)
}

fn label_width(values: &[Score], name: &str) -> f64 {
    values.iter().map(|v| v.name.as_str()).chain([name]).map(|label| text_width(label, MEDIUM)).fold(0.0, f64::max).min(LABEL)
}

fn shade(svg: &mut Svg, axis: Axis, chance: &[f64], bottom: f64) {
    let (Some(low), Some(high), Some(middle)) = (quantile(chance, 0.05), quantile(chance, 0.95), median(chance)) else { return };
    let [x, width, height] = [axis.at(low), (axis.at(high) - axis.at(low)).max(1.0), bottom - TOP].map(number);
    svg.add(format_args!("<rect x=\"{x}\" y=\"{TOP}\" width=\"{width}\" height=\"{height}\" fill=\"{BAND}\"/>"));
    svg.line([axis.at(middle), TOP], [axis.at(middle), bottom], AXIS, 1.0);
}

fn scale(svg: &mut Svg, axis: Axis, bottom: f64, label: &str) {
    svg.line([axis.from, bottom], [axis.to, bottom], AXIS, 1.0);
    for (value, text) in axis.ticks(5) {
        let at = axis.at(value);
        svg.line([at, bottom], [at, bottom + 5.0], AXIS, 1.0);
        svg.text([at, bottom + 19.0], Anchor::Middle, SMALL, MUTED, &text);
    }
    let label = fitted(label, MEDIUM, WIDTH - 24.0);
    let half = text_width(&label, MEDIUM) / 2.0;
    let middle = ((axis.from + axis.to) / 2.0).min(WIDTH - 12.0 - half).max(12.0 + half);
    svg.text([middle, bottom + 42.0], Anchor::Middle, MEDIUM, TEXT, &label);
}

fn row(svg: &mut Svg, axis: Axis, y: f64, score: &Score, chance: Option<f64>) {
    let at = axis.at(score.value);
    svg.line([axis.from, y], [axis.to, y], GRID, 1.0);
    if let Some(chance) = chance {
        svg.line([axis.at(chance), y], [at, y], LINES[0], 3.0);
    }
    if let Some(deviation) = score.deviation {
        let [low, high] = [axis.at(score.value - deviation), axis.at(score.value + deviation)];
        svg.line([low, y], [high, y], LINES[0], 1.6);
        [low, high].iter().for_each(|&end| svg.line([end, y - 5.0], [end, y + 5.0], LINES[0], 1.6));
    }
    svg.circle([at, y], 6.0, &format!("fill=\"{}\" stroke=\"#fff\" stroke-width=\"1.5\"", LINES[0]));
    svg.text([axis.from - 12.0, y + 4.5], Anchor::End, MEDIUM, TEXT, &fitted(&score.name, MEDIUM, LABEL));
    svg.text([WIDTH - 14.0, y + 4.5], Anchor::End, MEDIUM, TEXT, &short(score.value));
}

/// The dots are spread over the strip's height by multiples of the golden ratio: evenly, without a random draw.
fn strip_of(svg: &mut Svg, axis: Axis, y: f64, name: &str, chance: &[f64]) {
    let Some(middle) = median(chance) else { return };
    svg.add(format_args!("<g fill=\"{MUTED}\" fill-opacity=\"0.45\">"));
    for (i, &value) in chance.iter().enumerate() {
        let spread = (i as f64 * 0.618_033_988_75).fract() - 0.5;
        svg.circle([axis.at(value), y + spread * (STRIP - 24.0)], 2.4, "");
    }
    svg.add(format_args!("</g>"));
    svg.text([axis.from - 12.0, y + 4.5], Anchor::End, MEDIUM, MUTED, &fitted(name, MEDIUM, LABEL));
    svg.text([WIDTH - 14.0, y + 4.5], Anchor::End, MEDIUM, MUTED, &short(middle));
    svg.text([WIDTH - 14.0, y + 19.0], Anchor::End, SMALL - 1.0, MUTED, "median");
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_lie_between_the_nearest_values() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[1.0, 2.0], 0.25), Some(1.25));
        assert_eq!((quantile(&[3.0], 0.95), quantile(&[], 0.5)), (Some(3.0), None));
    }
}
