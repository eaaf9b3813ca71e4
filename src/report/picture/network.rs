//! A directed graph on a circle.

use super::colour::LINES;
use super::svg::{Anchor, MUTED, SMALL, Svg, TEXT, TOP, number};
use crate::{Error, Result};

const SIDE: f64 = 380.0;
const MARGIN: f64 = 54.0;
/// The fraction of the way to the middle by which a curve bends towards it.
const BEND: f64 = 0.55;
/// The gap between the end of an arrow and its node, in pixels.
const GAP: f64 = 6.0;
/// The length of an arrow's head, in pixels.
const HEAD: f64 = 9.0;

/// The `most` strongest edges of `weights` `[receiver × sender]` between named nodes on a circle; arrows point at the receiver, and
/// stronger edges are drawn wider. The diagonal, and weights of 0 and below, are not drawn; of equal weights the earlier goes first.
///
/// # Errors
/// Returns [`Error::Argument`] where there are no nodes, there is not a weight for each pair of them, or one is not finite.
pub fn network(title: &str, names: &[String], weights: &[f32], most: usize) -> Result<String> {
    let n = names.len();
    if n == 0 || weights.len() != n * n || weights.iter().any(|w| !w.is_finite()) {
        let what = format!("{n} nodes and {} weights: a finite weight for each pair of one node or more is expected", weights.len());
        return Err(Error::argument(format!("network `{title}`: {what}")));
    }
    let mut edges: Vec<usize> = (0..n * n).filter(|&at| at / n != at % n && weights[at] > 0.0).collect();
    edges.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    edges.truncate(most);
    let strong = edges.iter().take(5).map(|&at| format!("{} to {}", names[at % n], names[at / n])).collect::<Vec<_>>().join(", ");
    let seen = format!("{n} nodes on a circle and the {} strongest edges between them, the first of them {strong}", edges.len());
    let mut svg = Svg::new(SIDE + 2.0 * MARGIN, TOP + SIDE + 2.0 * MARGIN, title, &seen);
    let centre = [MARGIN + SIDE / 2.0, TOP + MARGIN + SIDE / 2.0];
    let place = |node: usize, radius: f64| {
        let angle = std::f64::consts::TAU * node as f64 / n as f64 - std::f64::consts::FRAC_PI_2;
        [centre[0] + radius * angle.cos(), centre[1] + radius * angle.sin()]
    };
    let [strongest, weakest] = [edges.first(), edges.last()].map(|at| at.map_or(0.0, |&at| f64::from(weights[at])));
    // The strongest last, so that none lies over it.
    for &at in edges.iter().rev() {
        let [to, from] = [at / n, at % n].map(|node| place(node, SIDE / 2.0));
        let middle: [f64; 2] = std::array::from_fn(|i| {
            let half = (from[i] + to[i]) / 2.0;
            half + BEND * (centre[i] - half)
        });
        let away = [middle[0] - to[0], middle[1] - to[1]];
        let length = away[0].hypot(away[1]).max(1e-9);
        let away = away.map(|d| d / length);
        let on_the_way = |far: f64, aside: f64| [to[0] + far * away[0] - aside * away[1], to[1] + far * away[1] + aside * away[0]];
        // Of equal weights all are drawn in full.
        let share = if strongest > weakest { (f64::from(weights[at]) - weakest) / (strongest - weakest) } else { 1.0 };
        let (width, opacity) = (number(0.8 + 2.2 * share), number(0.35 + 0.5 * share));
        let point = |[x, y]: [f64; 2]| format!("{} {}", number(x), number(y));
        let (end, head) =
            (on_the_way(GAP + HEAD, 0.0), [on_the_way(GAP, 0.0), on_the_way(GAP + HEAD, HEAD / 2.5), on_the_way(GAP + HEAD, -HEAD / 2.5)]);
        svg.add(format_args!(
            "<path d=\"M{}Q{} {}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" opacity=\"{opacity}\"/>",
            point(from),
            point(middle),
            point(end),
            LINES[0]
        ));
        svg.add(format_args!("<polygon points=\"{}\" fill=\"{}\" opacity=\"{opacity}\"/>", head.map(point).join(" "), LINES[0]));
    }
    for (node, name) in names.iter().enumerate() {
        svg.circle(place(node, SIDE / 2.0), 5.0, &format!("fill=\"{}\" stroke=\"#fff\"", LINES[1]));
        let [x, y] = place(node, SIDE / 2.0 + 14.0);
        let anchor = match x - centre[0] {
            d if d > SIDE / 20.0 => Anchor::Start,
            d if d < -SIDE / 20.0 => Anchor::End,
            _ => Anchor::Middle,
        };
        svg.text([x, y + 4.0], anchor, SMALL, TEXT, name);
    }
    let note = format!("the {} strongest of {} edges", edges.len(), n * (n - 1));
    svg.text([MARGIN + SIDE / 2.0, TOP + SIDE + 2.0 * MARGIN - 8.0], Anchor::Middle, SMALL, MUTED, &note);
    Ok(svg.finish())
}
