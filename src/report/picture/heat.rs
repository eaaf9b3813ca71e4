//! Matrices as colours.

use super::axis::{Axis, short};
use super::colour::{Rgb, diverging, sequential};
use super::svg::{AXIS, Anchor, BAND, MEDIUM, MUTED, SMALL, Svg, TEXT, TOP, fitted, number, text_width};
use crate::{Error, Result};
use base64::Engine;

/// The most rows or columns that [`Matrix::heat_map`] draws.
pub const MAX_SIDE: usize = 4096;

/// The number of different colours. It is odd, so that the middle has a colour, and small, so that the file stays small.
const LEVELS: u8 = 101;
/// The index of the grey of a diagonal without information.
const BLANK: u8 = LEVELS;
/// The longer side of the map.
const SIDE: f64 = 310.0;
/// The most rows or columns whose names are all written.
const NAMED: usize = 48;
/// The pixels from one name to the next where some of many are written.
const NAME_STEP: f64 = 16.0;
const NAME_WIDTH: f64 = 120.0;
const BAR_WIDTH: f64 = 14.0;

/// A matrix to be drawn as colours, with its labels.
#[derive(Debug, Clone, Copy, Default)]
pub struct Matrix<'a> {
    /// The picture's title.
    pub title: &'a str,
    /// The names of the vertical and of the horizontal axis: a row is one of the first, a column one of the second.
    pub axes: [&'a str; 2],
    /// The quantity that is shown, with its unit.
    pub quantity: &'a str,
    /// The names of the rows and of the columns, of which some are written where there are many; where there are none they are counted
    /// from 0.
    pub names: [&'a [String]; 2],
    /// The number of rows.
    pub rows: usize,
    /// The entries, row by row.
    pub values: &'a [f32],
    /// The lowest and the highest value of the scale, beyond which colours stay the same. `None` fits the scale to the values.
    pub range: Option<(f32, f32)>,
    /// True where the diagonal carries no information. Its entries are drawn grey, and the scale is not fitted to them.
    pub without_diagonal: bool,
}

/// An `n` × `n` matrix, row-major, on a scale from `range.0` to `range.1`: [`Matrix::heat_map`] of rows and columns of one kind, which
/// `axis_label` names; `bar_label` names the values.
///
/// # Errors
/// The same as those of [`Matrix::heat_map`].
pub fn heat_map(title: &str, axis_label: &str, bar_label: &str, n: usize, values: &[f32], range: (f32, f32)) -> Result<String> {
    let axes = [axis_label; 2];
    Matrix { title, axes, quantity: bar_label, rows: n, values, range: Some(range), ..Matrix::default() }.heat_map()
}

impl Matrix<'_> {
    /// The matrix as colours, with a colour bar. A scale that spans 0 is blue below, white at 0 and red above, equally steep on both sides;
    /// one that does not goes from light to dark. Made for up to 1000 rows.
    ///
    /// # Errors
    /// Returns [`Error::Argument`] where there are no rows or more than [`MAX_SIDE`], the number of values does not match the rows (or a
    /// square, where both axes are the same), a value is NaN (the message says where), or the range is not a finite one from low to high.
    pub fn heat_map(&self) -> Result<String> {
        let (low, high) = self.scale().map_err(|what| Error::argument(format!("heat map `{}`: {what}", self.title)))?;
        let (rows, columns) = (self.rows, self.columns());
        let level = |x: f64| (((x - low) / (high - low) * f64::from(LEVELS - 1)).round() as u8).min(LEVELS - 1);
        let blank = |at: usize| self.without_diagonal && at / columns == at % columns;
        let levels: Vec<u8> = self.values.iter().enumerate().map(|(at, &x)| if blank(at) { BLANK } else { level(f64::from(x)) }).collect();
        let palette = palette(low, high);
        let frame = Frame::new(self);
        let (pixels, enlarged) = enlarged([rows, columns], &levels);
        let matrix = png(pixels, &enlarged, &palette)?;
        let bar = png([1, LEVELS.into()], &(0..LEVELS).rev().collect::<Vec<_>>(), &palette)?;

        let axis = Axis { low, high, from: frame.top + frame.height, to: frame.top };
        let bar_left = frame.left + frame.width + 20.0;
        let ticks = axis.ticks(5);
        let label_at = bar_left + BAR_WIDTH + 30.0 + ticks.iter().map(|(_, text)| text_width(text, SMALL)).fold(0.0, f64::max);
        let mut svg = Svg::new(label_at + 14.0, frame.top + frame.height + frame.below, self.title, &self.seen());
        image(&mut svg, [frame.left, frame.top, frame.width, frame.height], &matrix);
        image(&mut svg, [bar_left, frame.top, BAR_WIDTH, frame.height], &bar);
        frame.axes(&mut svg, self);
        for (value, text) in ticks {
            let at = axis.at(value);
            svg.line([bar_left + BAR_WIDTH, at], [bar_left + BAR_WIDTH + 5.0, at], AXIS, 1.0);
            svg.text([bar_left + BAR_WIDTH + 9.0, at + 4.0], Anchor::Start, SMALL, MUTED, &text);
        }
        svg.upright([label_at, frame.top + frame.height / 2.0], MEDIUM, TEXT, &fitted(self.quantity, MEDIUM, frame.height));
        Ok(svg.finish())
    }

    /// The same matrix without its diagonal where all diagonal entries of a square matrix are equal, as those of a correlation are.
    pub fn without_constant_diagonal(self) -> Self {
        let n = self.rows;
        let constant = n > 2 && self.values.len() == n * n && (0..n).all(|i| self.values[i * (n + 1)] == self.values[0]);
        Self { without_diagonal: self.without_diagonal || constant, ..self }
    }

    fn columns(&self) -> usize {
        self.values.len() / self.rows.max(1)
    }

    fn scale(&self) -> Result<(f64, f64), String> {
        let (n, columns) = (self.rows, self.columns());
        if n == 0 || n > MAX_SIDE || columns > MAX_SIDE {
            return Err(format!("{n} rows: from 1 to {MAX_SIDE} are expected"));
        }
        let square = self.axes[0] == self.axes[1];
        if columns == 0 || columns * n != self.values.len() || square && columns != n {
            return Err(format!("{} values for {n} rows and columns: {} are expected", self.values.len(), n * n));
        }
        if let Some(i) = self.values.iter().position(|x| x.is_nan()) {
            let (row, column) = (i / columns, i % columns);
            return Err(format!("the value in row {row}, column {column}, counted from 0, is NaN: a number is expected"));
        }
        let (low, high) = self.range.unwrap_or_else(|| self.fitting());
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(format!("a range from {low} to {high}: two finite numbers, the lower one first, are expected"));
        }
        Ok((low.into(), high.into()))
    }

    /// The finite entries, without those of an omitted diagonal.
    fn shown(&self) -> impl Iterator<Item = f32> + '_ {
        let columns = self.columns().max(1);
        let of_note = move |at: usize| !(self.without_diagonal && at / columns == at % columns);
        self.values.iter().enumerate().filter(move |&(at, x)| of_note(at) && x.is_finite()).map(|(_, &x)| x)
    }

    /// A scale that fits the values: symmetric about 0 where they have both signs, and beginning at 0 where they have one.
    fn fitting(&self) -> (f32, f32) {
        let (low, high) = self.shown().fold((0.0f32, 0.0f32), |(low, high), x| (low.min(x), high.max(x)));
        let most = high.max(-low);
        match (low < 0.0, high > 0.0) {
            (true, true) => (-most, most),
            (true, false) => (low, 0.0),
            (false, true) => (0.0, high),
            (false, false) => (0.0, 1.0),
        }
    }

    fn seen(&self) -> String {
        let (low, high) = self.shown().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        let range = if low <= high { format!(" from {} to {}", short(low.into()), short(high.into())) } else { String::new() };
        let [rows, columns] = self.axes.map(|axis| if axis.is_empty() { "entries" } else { axis });
        format!("colours of {} by {}, {} × {}, {}{range}", rows, columns, self.rows, self.columns(), self.quantity)
    }
}

/// The colours of a scale, and grey.
fn palette(low: f64, high: f64) -> Vec<Rgb> {
    let steepest = high.max(-low);
    let of = |i: u8| {
        let value = low + (high - low) * f64::from(i) / f64::from(LEVELS - 1);
        match (low < 0.0, high > 0.0) {
            (true, true) => diverging(0.5 + 0.5 * value / steepest),
            (true, false) => sequential((high - value) / (high - low)),
            _ => sequential((value - low) / (high - low)),
        }
    };
    (0..LEVELS).map(of).chain([[0xC8, 0xCD, 0xD2]]).collect()
}

/// The position of the map in its picture.
struct Frame {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    below: f64,
}

impl Frame {
    fn new(matrix: &Matrix<'_>) -> Self {
        let (rows, columns) = (matrix.rows as f64, matrix.columns() as f64);
        let widest = |names: &[String]| names.iter().map(|n| text_width(n, SMALL)).fold(0.0, f64::max).min(NAME_WIDTH);
        let named = |k: usize, n: usize| if n > 0 && matrix.names[k].len() == n { widest(matrix.names[k]) } else { 0.0 };
        let [beside, under] = [named(0, matrix.rows), named(1, matrix.columns())];
        // Names take their room from the map.
        let longer = (370.0 - beside).clamp(200.0, SIDE);
        // Few rows are not drawn as thin as the columns would make them, so that names fit beside them.
        let cell = longer / rows.max(columns);
        let side = |n: f64| (cell * n).max((17.0 * n).min(longer)).max(60.0);
        Self {
            left: 46.0 + beside.max(text_width("0000", SMALL)),
            top: TOP,
            width: side(columns),
            height: side(rows),
            below: if under > 0.0 { 46.0 + under } else { 54.0 },
        }
    }

    fn axes(&self, svg: &mut Svg, matrix: &Matrix<'_>) {
        let bottom = self.top + self.height;
        for (at, text) in ticks(matrix.rows, self.height, matrix.names[0]) {
            svg.line([self.left - 5.0, self.top + at], [self.left, self.top + at], AXIS, 1.0);
            svg.text([self.left - 8.0, self.top + at + 4.0], Anchor::End, SMALL, MUTED, &text);
        }
        let named = matrix.names[1].len() == matrix.columns();
        for (at, text) in ticks(matrix.columns(), self.width, matrix.names[1]) {
            svg.line([self.left + at, bottom], [self.left + at, bottom + 5.0], AXIS, 1.0);
            match named {
                true => svg.turned([self.left + at + 4.0, bottom + 10.0], -90.0, Anchor::End, MUTED, &text),
                false => svg.text([self.left + at, bottom + 18.0], Anchor::Middle, SMALL, MUTED, &text),
            }
        }
        svg.text([self.left + self.width / 2.0, bottom + self.below - 12.0], Anchor::Middle, MEDIUM, TEXT, matrix.axes[1]);
        svg.upright([22.0, self.top + self.height / 2.0], MEDIUM, TEXT, &fitted(matrix.axes[0], MEDIUM, self.height));
    }
}

/// Marks along `size` pixels: every name, as many names in equal steps as have room, or some of the counts.
fn ticks(n: usize, size: f64, names: &[String]) -> Vec<(f64, String)> {
    let axis = Axis { low: 0.0, high: n as f64, from: 0.0, to: size };
    if names.len() == n && n > 0 {
        let step = if n <= NAMED { 1 } else { n.div_ceil((size / NAME_STEP) as usize).max(1) };
        let name = |(i, name): (usize, &String)| (axis.at(i as f64 + 0.5), fitted(name, SMALL, NAME_WIDTH));
        return names.iter().enumerate().step_by(step).map(name).collect();
    }
    let whole = axis.ticks(5).into_iter().filter(|(value, _)| value.fract() == 0.0 && *value < n as f64);
    whole.map(|(value, text)| (axis.at(value + 0.5), text)).collect()
}

/// The matrix with each cell repeated until the picture has twice the pixels it is shown on: viewers blur what they enlarge.
fn enlarged([rows, columns]: [usize; 2], levels: &[u8]) -> ([usize; 2], Vec<u8>) {
    let times = (2 * SIDE as usize / rows.max(columns)).max(1);
    let [height, width] = [rows * times, columns * times];
    let at = |i: usize| levels[i / width / times * columns + i % width / times];
    ([width, height], (0..width * height).map(at).collect())
}

/// A PNG of indexed colours, in base64.
fn png([width, height]: [usize; 2], levels: &[u8], palette: &[Rgb]) -> Result<String> {
    let failed = |e: png::EncodingError| Error::argument(format!("a picture of {width} by {height} pixels cannot be made: {e}"));
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette.concat());
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
    svg.add(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{BAND}\"/>"));
    svg.add(format_args!(
        "<image x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" preserveAspectRatio=\"none\" \
         xlink:href=\"data:image/png;base64,{png}\"/>"
    ));
    svg.add(format_args!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"none\" stroke=\"{AXIS}\"/>"));
}
