//! Line charts.

use super::axis::{Axis, has_place, short};
use super::colour::LINES;
use super::svg::{AXIS, Anchor, GRID, MEDIUM, MUTED, SMALL, Svg, TEXT, TOP, WIDTH, fitted, number, text_width};
use crate::{Error, Result};
use std::fmt::Write;

const HEIGHT: f64 = 330.0;
const RIGHT: f64 = WIDTH - 20.0;
const BOTTOM: f64 = HEIGHT - 54.0;

/// A chart as SVG of named lines through points (x, y). A point that is not finite makes a gap; a single point between gaps is drawn as a
/// dot.
///
/// # Errors
/// Returns [`Error::Argument`] where there is no finite point at all.
pub fn line_chart(title: &str, x_label: &str, y_label: &str, series: &[(String, Vec<(f64, f64)>)]) -> Result<String> {
    let points = || series.iter().flat_map(|(_, points)| points).filter(|p| is_point(p));
    let top = TOP + legend_height(series);
    let empty = || Error::argument(format!("line chart `{title}`: no finite points: at least one is expected"));
    let y = Axis::over(points().map(|p| p.1), 0.05, BOTTOM, top).ok_or_else(empty)?;
    let left = 40.0 + y.ticks(6).iter().map(|(_, label)| text_width(label, SMALL)).fold(0.0, f64::max);
    let x = Axis::over(points().map(|p| p.0), 0.0, left, RIGHT).ok_or_else(empty)?;

    let mut svg = Svg::new(WIDTH, HEIGHT, title, &seen(x_label, y_label, series));
    legend(&mut svg, series);
    axes(&mut svg, x, y);
    svg.text([(left + RIGHT) / 2.0, HEIGHT - 16.0], Anchor::Middle, MEDIUM, TEXT, x_label);
    svg.upright([20.0, (top + BOTTOM) / 2.0], MEDIUM, TEXT, &fitted(y_label, MEDIUM, BOTTOM - 20.0));
    for (i, (_, points)) in series.iter().enumerate() {
        draw(&mut svg, points, x, y, i);
    }
    Ok(svg.finish())
}

/// A description in words of where each line begins and ends; where there are many lines, of the first few.
fn seen(x: &str, y: &str, series: &[(String, Vec<(f64, f64)>)]) -> String {
    const MOST: usize = 8;
    let of = |(name, points): &(String, Vec<(f64, f64)>)| {
        let mut finite = points.iter().filter(|p| is_point(p));
        let first = finite.next()?;
        let last = finite.next_back().unwrap_or(first);
        Some(format!("{name} from {} at {} to {} at {}", short(first.1), short(first.0), short(last.1), short(last.0)))
    };
    let lines: Vec<String> = series.iter().filter_map(of).take(MOST).collect();
    let more = if series.len() > MOST { format!("; {} lines in all", series.len()) } else { String::new() };
    format!("{y} against {x}; {}{more}", lines.join(", "))
}

fn is_point((x, y): &(f64, f64)) -> bool {
    has_place(*x) && has_place(*y)
}

/// The stroke of a line: when the colours are used up, they come again dashed.
fn stroke(line: usize) -> String {
    let dashes = ["", " stroke-dasharray=\"7 4\"", " stroke-dasharray=\"2 4\""];
    format!("stroke=\"{}\"{}", LINES[line % LINES.len()], dashes[line / LINES.len() % dashes.len()])
}

fn axes(svg: &mut Svg, x: Axis, y: Axis) {
    for (value, label) in y.ticks(6) {
        let at = y.at(value);
        svg.line([x.from, at], [x.to, at], GRID, 1.0);
        svg.text([x.from - 8.0, at + 4.0], Anchor::End, SMALL, MUTED, &label);
    }
    svg.line([x.from, y.from], [x.to, y.from], AXIS, 1.0);
    for (value, label) in x.ticks(6) {
        let at = x.at(value);
        svg.line([at, y.from], [at, y.from + 5.0], AXIS, 1.0);
        svg.text([at, y.from + 19.0], Anchor::Middle, SMALL, MUTED, &label);
    }
}

/// The names of the lines and where each stands: rows below the title. One line needs no legend.
fn entries(series: &[(String, Vec<(f64, f64)>)]) -> Vec<(String, [f64; 2])> {
    let mut at = [20.0, TOP + 4.0];
    let mut entries = Vec::new();
    for (name, _) in series.iter().filter(|_| series.len() > 1) {
        let name = fitted(name, SMALL, 300.0);
        let width = 30.0 + text_width(&name, SMALL) + 18.0;
        if at[0] + width > WIDTH && at[0] > 20.0 {
            at = [20.0, at[1] + 20.0];
        }
        entries.push((name, at));
        at[0] += width;
    }
    entries
}

/// The height of the legend, limited so that room for the chart remains.
fn legend_height(series: &[(String, Vec<(f64, f64)>)]) -> f64 {
    entries(series).last().map_or(0.0, |(_, at)| (at[1] - TOP + 18.0).min(0.4 * HEIGHT))
}

fn legend(svg: &mut Svg, series: &[(String, Vec<(f64, f64)>)]) {
    let bottom = TOP + legend_height(series);
    for (i, (name, [x, y])) in entries(series).into_iter().enumerate().filter(|(_, (_, at))| at[1] < bottom) {
        svg.add(format_args!("<path d=\"{}\" {} stroke-width=\"2.5\"/>", path(&[[x, y], [x + 22.0, y]]), stroke(i)));
        svg.text([x + 30.0, y + 4.0], Anchor::Start, SMALL, TEXT, &name);
    }
}

fn draw(svg: &mut Svg, points: &[(f64, f64)], x: Axis, y: Axis, line: usize) {
    for run in points.split(|p| !is_point(p)).filter(|run| !run.is_empty()) {
        let pixels: Vec<_> = run.iter().map(|p| [x.at(p.0), y.at(p.1)]).collect();
        if let [only] = pixels[..] {
            svg.circle(only, 4.0, &format!("fill=\"{}\"", LINES[line % LINES.len()]));
            continue;
        }
        let (path, stroke) = (path(&thinned(&pixels)), stroke(line));
        svg.add(format_args!(
            "<path d=\"{path}\" fill=\"none\" {stroke} stroke-width=\"1.8\" stroke-linejoin=\"round\" stroke-linecap=\"round\"/>"
        ));
    }
}

fn path(points: &[[f64; 2]]) -> String {
    let mut path = String::new();
    for (i, [x, y]) in points.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(path, "{}{} {}", if i == 0 { 'M' } else { 'L' }, number(*x), number(*y));
    }
    path
}

/// The visible points of a long line: of consecutive points in one column of pixels, the first, the extremes and the last.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let mut kept = Vec::new();
    for column in points.chunk_by(|a, b| a[0].floor() == b[0].floor()) {
        if column.len() <= 4 {
            kept.extend(column);
            continue;
        }
        let by_height = |a: &usize, b: &usize| column[*a][1].total_cmp(&column[*b][1]);
        let lowest = (0..column.len()).max_by(by_height).unwrap_or(0);
        let highest = (0..column.len()).min_by(by_height).unwrap_or(0);
        let mut of_note = [0, lowest, highest, column.len() - 1];
        of_note.sort_unstable();
        kept.extend(of_note.map(|i| column[i]));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::thinned;

    #[test]
    fn a_long_line_keeps_its_extremes() {
        let points: Vec<_> = (0..10_000).map(|i| [f64::from(i) / 1000.0, if i == 5432 { 99.0 } else { f64::from(i % 7) }]).collect();
        let kept = thinned(&points);
        assert!(kept.len() <= 40);
        assert!(kept.contains(&points[5432]) && kept.first() == points.first() && kept.last() == points.last());
    }
}
