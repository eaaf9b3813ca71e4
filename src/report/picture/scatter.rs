//! Points in the plane, by group.

use super::axis::{Axis, has_place, short};
use super::colour::LINES;
use super::svg::{AXIS, Anchor, GRID, MEDIUM, MUTED, SMALL, Svg, TEXT, TOP, WIDTH, fitted, text_width};
use crate::{Error, Result};

const HEIGHT: f64 = 380.0;
/// The widest name of a group.
const NAME: f64 = 110.0;
const BOTTOM: f64 = HEIGHT - 58.0;

/// Named groups of points (x, y), a colour each; when the colours are used up, they come again as rings.
///
/// # Errors
/// Returns [`Error::Argument`] where there is no finite point at all.
pub fn scatter(title: &str, x_label: &str, y_label: &str, groups: &[(String, Vec<[f64; 2]>)]) -> Result<String> {
    let empty = || Error::argument(format!("scatter `{title}`: no finite points: at least one is expected"));
    let points = || groups.iter().flat_map(|(_, points)| points);
    let names = groups.iter().map(|(name, _)| text_width(&fitted(name, SMALL, NAME), SMALL)).fold(0.0, f64::max);
    let y = Axis::over(points().map(|p| p[1]), 0.06, BOTTOM, TOP).ok_or_else(empty)?;
    let left = 40.0 + y.ticks(6).iter().map(|(_, label)| text_width(label, SMALL)).fold(0.0, f64::max);
    let right = WIDTH - names - 40.0;
    let x = Axis::over(points().map(|p| p[0]), 0.06, left, right).ok_or_else(empty)?;
    let mut svg = Svg::new(WIDTH, HEIGHT, title, &seen(x_label, y_label, groups));
    axes(&mut svg, x, y);
    svg.text([(left + right) / 2.0, HEIGHT - 16.0], Anchor::Middle, MEDIUM, TEXT, x_label);
    svg.upright([20.0, (TOP + BOTTOM) / 2.0], MEDIUM, TEXT, &fitted(y_label, MEDIUM, BOTTOM - 20.0));
    for (i, (name, points)) in groups.iter().enumerate() {
        let at = [right + 20.0, TOP + 10.0 + 20.0 * i as f64];
        if at[1] < BOTTOM {
            svg.circle(at, 5.0, &mark(i));
            svg.text([at[0] + 12.0, at[1] + 4.0], Anchor::Start, SMALL, TEXT, &fitted(name, SMALL, NAME));
        }
        for p in points.iter().filter(|p| p.iter().all(|&c| has_place(c))) {
            svg.circle([x.at(p[0]), y.at(p[1])], 4.5, &mark(i));
        }
    }
    Ok(svg.finish())
}

/// The groups in words: how many points each has, and their middle.
fn seen(x: &str, y: &str, groups: &[(String, Vec<[f64; 2]>)]) -> String {
    let of = |(name, points): &(String, Vec<[f64; 2]>)| {
        let finite: Vec<&[f64; 2]> = points.iter().filter(|p| p.iter().all(|&c| has_place(c))).collect();
        let mean = |k: usize| finite.iter().map(|p| p[k] / finite.len() as f64).sum::<f64>();
        match finite.len() {
            0 => format!("{name} no points"),
            n => format!("{name} {n} points about ({}, {})", short(mean(0)), short(mean(1))),
        }
    };
    format!("{y} against {x}; {}", groups.iter().map(of).collect::<Vec<_>>().join(", "))
}

fn mark(group: usize) -> String {
    let colour = LINES[group % LINES.len()];
    if group < LINES.len() {
        return format!("fill=\"{colour}\" fill-opacity=\"0.75\" stroke=\"#fff\" stroke-width=\"0.8\"");
    }
    format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"")
}

fn axes(svg: &mut Svg, x: Axis, y: Axis) {
    for (value, label) in y.ticks(6) {
        let at = y.at(value);
        svg.line([x.from, at], [x.to, at], GRID, 1.0);
        svg.text([x.from - 8.0, at + 4.0], Anchor::End, SMALL, MUTED, &label);
    }
    for (value, label) in x.ticks(5) {
        let at = x.at(value);
        svg.line([at, y.from], [at, y.to], GRID, 1.0);
        svg.text([at, y.from + 19.0], Anchor::Middle, SMALL, MUTED, &label);
    }
    svg.line([x.from, y.from], [x.to, y.from], AXIS, 1.0);
}
