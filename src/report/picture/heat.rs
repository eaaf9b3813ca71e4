//! Matrices as colours.

use super::axis::Axis;
use super::colour::diverging;
use super::svg::{AXIS, Anchor, MEDIUM, MUTED, SMALL, Svg, TEXT, TOP, number, text_width};
use crate::{Error, Result};
use base64::Engine;

/// The most rows that [`heat_map`] draws.
pub const MAX_SIDE: usize = 4096;

/// Colours told apart: odd, so that the middle has one; few, so that the picture stays small.
const LEVELS: u8 = 101;
const SIDE: f64 = 400.0;
const LEFT: f64 = 76.0;
const BAR: f64 = LEFT + SIDE + 26.0;
const BAR_WIDTH: f64 = 16.0;

/// An `n` × `n` matrix, row-major, blue at `range.0` over white in its middle to red at `range.1`, clamped; with a colour bar.
/// Rows and columns are of one kind, named by `axis_label` and counted from 0; `bar_label` names the values. Made for up to 1000 rows.
///
/// # Errors
/// [`Error::Argument`] where `n` is 0 or more than [`MAX_SIDE`], there are not `n`² values, one is NaN (the message says where), or the range
/// is not a finite one from low to high.
pub fn heat_map(title: &str, axis_label: &str, bar_label: &str, n: usize, values: &[f32], range: (f32, f32)) -> Result<String> {
    let (low, high) = (f64::from(range.0), f64::from(range.1));
    check(n, values, low, high).map_err(|what| Error::argument(format!("heat map `{title}`: {what}")))?;
    let level = |&x: &f32| ((f64::from(x) - low) / (high - low) * f64::from(LEVELS - 1)).round() as u8;
    let levels: Vec<u8> = values.iter().map(|x| level(x).min(LEVELS - 1)).collect();
    let (pixels, enlarged) = enlarged(n, &levels);
    let matrix = png(pixels, pixels, &enlarged)?;
    let bar = png(1, LEVELS.into(), &(0..LEVELS).rev().collect::<Vec<_>>())?;

    let axis = Axis { low, high, from: TOP + SIDE, to: TOP };
    let label_at = BAR + BAR_WIDTH + 34.0 + axis.ticks(5).iter().map(|(_, text)| text_width(text, SMALL)).fold(0.0, f64::max);
    let mut svg = Svg::new(label_at + 20.0, TOP + SIDE + 62.0, title);
    image(&mut svg, [LEFT, TOP, SIDE, SIDE], &matrix);
    image(&mut svg, [BAR, TOP, BAR_WIDTH, SIDE], &bar);
    index_axes(&mut svg, n, axis_label);
    colour_axis(&mut svg, axis);
    svg.upright([label_at, TOP + SIDE / 2.0], MEDIUM, TEXT, bar_label);
    Ok(svg.finish())
}

fn check(n: usize, values: &[f32], low: f64, high: f64) -> Result<(), String> {
    if n == 0 || n > MAX_SIDE {
        return Err(format!("{n} rows: from 1 to {MAX_SIDE} are expected"));
    }
    if values.len() != n * n {
        return Err(format!("{} values for {n} rows and columns: {} are expected", values.len(), n * n));
    }
    if let Some(i) = values.iter().position(|x| x.is_nan()) {
        return Err(format!("the value in row {}, column {}, counted from 0, is NaN: a number is expected", i / n, i % n));
    }
    if !(low.is_finite() && high.is_finite() && low < high) {
        return Err(format!("a range from {low} to {high}: two finite numbers, the lower one first, are expected"));
    }
    Ok(())
}

/// The matrix with each cell repeated until the picture has twice the pixels it is shown on: viewers blur what they enlarge.
fn enlarged(n: usize, levels: &[u8]) -> (usize, Vec<u8>) {
    let times = (2 * SIDE as usize / n).max(1);
    let side = n * times;
    let at = |i: usize| levels[i / side / times * n + i % side / times];
    (side, (0..side * side).map(at).collect())
}

/// A PNG of indexed colours, in base64.
fn png(width: usize, height: usize, levels: &[u8]) -> Result<String> {
    let failed = |e: png::EncodingError| Error::argument(format!("a picture of {width} by {height} pixels cannot be made: {e}"));
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette((0..LEVELS).flat_map(|i| diverging(f64::from(i) / f64::from(LEVELS - 1))).collect::<Vec<_>>());
    encoder.set_compression(png::Compression::High);
    // Filters predict neighbouring colours; between indices they find nothing.
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(levels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes))
}

fn image(svg: &mut Svg, frame: [f64; 4], png: &str) {
    let [x, y, width, height] = frame.map(number);
    svg.add(format_args!(
        "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
         xlink:href=\"data:image/png;base64,{png}\"/>"
    ));
    svg.add(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"none\" stroke=\"{AXIS}\"/>"));
}

fn index_axes(svg: &mut Svg, n: usize, label: &str) {
    let axis = Axis { low: 0.0, high: n as f64, from: 0.0, to: SIDE };
    for (value, text) in axis.ticks(5).into_iter().filter(|(value, _)| value.fract() == 0.0 && *value < n as f64) {
        let at = axis.at(value + 0.5);
        svg.line([LEFT + at, TOP + SIDE], [LEFT + at, TOP + SIDE + 5.0], AXIS, 1.0);
        svg.text([LEFT + at, TOP + SIDE + 19.0], Anchor::Middle, SMALL, MUTED, &text);
        svg.line([LEFT - 5.0, TOP + at], [LEFT, TOP + at], AXIS, 1.0);
        svg.text([LEFT - 9.0, TOP + at + 4.0], Anchor::End, SMALL, MUTED, &text);
    }
    svg.text([LEFT + SIDE / 2.0, TOP + SIDE + 44.0], Anchor::Middle, MEDIUM, TEXT, label);
    svg.upright([28.0, TOP + SIDE / 2.0], MEDIUM, TEXT, label);
}

fn colour_axis(svg: &mut Svg, axis: Axis) {
    let right = BAR + BAR_WIDTH;
    for (value, text) in axis.ticks(5) {
        let at = axis.at(value);
        svg.line([right, at], [right + 5.0, at], AXIS, 1.0);
        svg.text([right + 9.0, at + 4.0], Anchor::Start, SMALL, MUTED, &text);
    }
}
