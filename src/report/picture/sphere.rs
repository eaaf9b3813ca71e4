//! Parcels on the sphere of a hemisphere.

use super::colour::hex;
use super::outline::{NONE, Piece, Points, colours, outlines};
use super::svg::{Anchor, MUTED, Svg, TEXT, TOP, number};
use crate::{Error, Result};
use std::fmt::Write;

/// A hemisphere of the brain: the lateral side of the left one is at negative x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hemisphere {
    /// Lateral towards −x.
    Left,
    /// Lateral towards +x.
    Right,
}

const RADIUS: f64 = 134.0;
const WIDTH: f64 = 640.0;
/// Captions, which are still read where the picture is half as wide.
const CAPTION: f64 = 16.0;
const UNLABELLED: &str = "#d9dde1";
/// Light from above, and a darker rim: in fractions of the sphere's frame, so that one definition serves every picture of a page.
const SHADE: &str = "<defs><radialGradient id=\"tapetum-shade\" cx=\"0.5\" cy=\"0.5\" r=\"0.5\" fx=\"0.38\" fy=\"0.3\">\
                     <stop offset=\"0\" stop-color=\"#fff\" stop-opacity=\"0.22\"/><stop offset=\"0.55\" stop-color=\"#fff\" stop-opacity=\"0\"/>\
                     <stop offset=\"0.82\" stop-color=\"#0b1522\" stop-opacity=\"0.1\"/>\
                     <stop offset=\"1\" stop-color=\"#0b1522\" stop-opacity=\"0.42\"/></radialGradient></defs>";

/// A mesh seen along the x axis from outside, turned to the viewer's axes: right, up, towards the viewer.
struct View {
    caption: &'static str,
    /// −1 where the viewer is at negative x, else 1.
    side: f64,
    centre: [f64; 2],
}

/// Parcels on a sphere, seen from its lateral and its medial side, anterior marked A and posterior P: `xyz` are vertices (x to the right,
/// y to the front, z up), `faces` triangles of vertex indices, `labels` a parcel for each vertex, any negative number for none (grey).
/// Borders run half way between vertices of different parcels.
///
/// # Errors
/// Returns [`Error::Argument`] where there are no vertices, a coordinate is not finite, a face names a vertex that is not there, or there
/// is not one label a vertex.
pub fn sphere_map(title: &str, hemisphere: Hemisphere, xyz: &[[f32; 3]], faces: &[[i32; 3]], labels: &[i32]) -> Result<String> {
    let error = |what| Error::argument(format!("sphere map `{title}`: {what}"));
    let mut points = Points::new(centred(xyz).map_err(error)?);
    let faces = checked(faces, labels, xyz.len()).map_err(error)?;
    let labels: Vec<i32> = labels.iter().map(|&label| label.max(NONE)).collect();
    let colours = colours(&faces, &labels);
    let fill = |label: i32| colours.get(&label).map_or(UNLABELLED.to_owned(), |&rgb| hex(rgb));

    let count = labels.iter().filter(|&&l| l != NONE).collect::<std::collections::BTreeSet<_>>().len();
    let bare = labels.iter().filter(|&&l| l == NONE).count();
    let seen = format!("{count} parcels of {} vertices, {bare} of them without a parcel, seen from both sides", xyz.len());
    let mut svg = Svg::new(WIDTH, TOP + 2.0 * RADIUS + 52.0, title, &seen);
    svg.add(format_args!("{SHADE}"));
    let lateral = if hemisphere == Hemisphere::Left { -1.0 } else { 1.0 };
    let middle = TOP + 6.0 + RADIUS;
    for view in [
        View { caption: "lateral", side: lateral, centre: [WIDTH * 0.25, middle] },
        View { caption: "medial", side: -lateral, centre: [WIDTH * 0.75, middle] },
    ] {
        let pieces = view.front(&mut points, &faces, &labels);
        view.draw(&mut svg, &points.at, &pieces, &fill);
    }
    Ok(svg.finish())
}

/// The vertices about their middle, the farthest one at distance 1.
fn centred(xyz: &[[f32; 3]]) -> Result<Vec<[f64; 3]>, String> {
    if let Some(i) = xyz.iter().position(|point| point.iter().any(|x| !x.is_finite())) {
        return Err(format!("vertex {i} is at {:?}: finite coordinates are expected", xyz[i]));
    }
    let points: Vec<_> = xyz.iter().map(|point| point.map(f64::from)).collect();
    let middle = [0, 1, 2].map(|i| {
        let bounds = points.iter().fold((f64::MAX, f64::MIN), |(low, high), p| (low.min(p[i]), high.max(p[i])));
        (bounds.0 + bounds.1) / 2.0
    });
    let moved: Vec<_> = points.iter().map(|p| [p[0] - middle[0], p[1] - middle[1], p[2] - middle[2]]).collect();
    let farthest = moved.iter().map(|p| p.iter().map(|x| x * x).sum::<f64>().sqrt()).fold(0.0, f64::max);
    if farthest == 0.0 {
        return Err(format!("{} vertices in one place: the vertices of a sphere are expected", xyz.len()));
    }
    Ok(moved.iter().map(|p| p.map(|x| x / farthest)).collect())
}

fn checked(faces: &[[i32; 3]], labels: &[i32], vertices: usize) -> Result<Vec<[usize; 3]>, String> {
    if labels.len() != vertices {
        return Err(format!("{} labels for {vertices} vertices: one each is expected", labels.len()));
    }
    let index = |&v: &i32| usize::try_from(v).ok().filter(|&v| v < vertices);
    if let Some(i) = faces.iter().position(|face| face.iter().any(|v| index(v).is_none())) {
        return Err(format!("face {i} is {:?}: vertices from 0 to {} are expected", faces[i], vertices.saturating_sub(1)));
    }
    Ok(faces.iter().map(|face| face.map(|v| v as usize)).collect())
}

impl View {
    fn turned(&self, [x, y, z]: [f64; 3]) -> [f64; 3] {
        [self.side * y, z, self.side * x]
    }

    /// The pieces that the viewer sees, which on a sphere are the near half. All list their vertices in the same sense of rotation,
    /// whatever the order in the mesh's triangles.
    fn front(&self, points: &mut Points, faces: &[[usize; 3]], labels: &[i32]) -> Vec<Piece> {
        let mut seen = Vec::new();
        for &[a, b, c] in faces {
            let [p, q, r] = [a, b, c].map(|v| self.turned(points.at[v]));
            let turn = (q[0] - p[0]) * (r[1] - p[1]) - (r[0] - p[0]) * (q[1] - p[1]);
            if p[2] + q[2] + r[2] > 0.0 && turn != 0.0 {
                seen.extend(points.parted(if turn > 0.0 { [a, b, c] } else { [a, c, b] }, labels));
            }
        }
        seen
    }

    fn draw(&self, svg: &mut Svg, vertices: &[[f64; 3]], pieces: &[Piece], fill: &dyn Fn(i32) -> String) {
        let [x, y] = self.centre;
        svg.circle(self.centre, RADIUS, &format!("fill=\"{UNLABELLED}\""));
        svg.add(format_args!("<g stroke=\"#fff\" stroke-width=\"0.9\" stroke-linejoin=\"round\">"));
        for (label, loops) in outlines(pieces) {
            let path: String = loops.iter().map(|outline| self.path(outline, vertices)).collect();
            // The area outside all parcels has no border of its own; only the parcels beside it have.
            let stroke = if label == NONE { " stroke=\"none\"" } else { "" };
            svg.add(format_args!("<path d=\"{path}\" fill=\"{}\"{stroke}/>", fill(label)));
        }
        svg.add(format_args!("</g>"));
        svg.circle(self.centre, RADIUS + 0.5, "fill=\"url(#tapetum-shade)\"");
        let front = self.side * (RADIUS + 13.0);
        svg.text([x + front, y + 4.0], Anchor::Middle, CAPTION - 2.0, MUTED, "A");
        svg.text([x - front, y + 4.0], Anchor::Middle, CAPTION - 2.0, MUTED, "P");
        svg.text([x, y + RADIUS + 32.0], Anchor::Middle, CAPTION, TEXT, self.caption);
    }

    fn path(&self, outline: &[usize], vertices: &[[f64; 3]]) -> String {
        let mut path = String::new();
        for (i, &vertex) in outline.iter().enumerate() {
            let [right, up, _] = self.turned(vertices[vertex]);
            let (x, y) = (self.centre[0] + RADIUS * right, self.centre[1] - RADIUS * up);
            // Writing to a string cannot fail.
            let _ = write!(path, "{}{} {}", if i == 0 { 'M' } else { 'L' }, number(x), number(y));
        }
        path + "Z"
    }
}
