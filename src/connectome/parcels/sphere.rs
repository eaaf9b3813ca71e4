//! Points on the sphere: parcellations from distances alone, and the neighbours on a mesh.

use crate::statistics::lloyd::{Empty, lloyd};
use crate::tensor::{HostTensor, Philox};
use crate::{Error, Result};

/// A point or direction.
pub type Point = [f64; 3];

fn dot(a: &Point, b: &Point) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn unit(p: Point) -> Point {
    let norm = dot(&p, &p).sqrt();
    if norm > 0.0 { p.map(|x| x / norm) } else { p }
}

/// The rows of a tensor `[points, 3]` as directions.
///
/// # Errors
/// Returns an error where the tensor has another shape, or a coordinate is not finite.
pub fn directions(xyz: &HostTensor) -> Result<Vec<Point>> {
    if let Some(at) = xyz.to_f64_vec().iter().position(|x| !x.is_finite()) {
        return Err(Error::argument(format!("coordinates: point {} (counted from 0) is not finite", at / 3)));
    }
    match *xyz.shape() {
        [_, 3] => Ok(xyz.to_f64_vec().chunks_exact(3).map(|p| unit([p[0], p[1], p[2]])).collect()),
        _ => Err(Error::argument(format!("coordinates must be [points, 3], found {}", xyz.ty()))),
    }
}

/// Draws `k` of the points: the first at random with `seed`, and each further one as far as possible from those before it.
pub fn farthest_points(points: &[Point], k: usize, seed: u64) -> Vec<Point> {
    if points.is_empty() {
        return Vec::new();
    }
    let first = Philox::new(seed, 0, 0).word(0) as usize % points.len();
    let mut centres = vec![points[first]];
    let mut nearest: Vec<f64> = points.iter().map(|p| dot(p, &points[first])).collect();
    while centres.len() < k.min(points.len()) {
        let far = (0..points.len()).fold(0, |best, i| if nearest[i] < nearest[best] { i } else { best });
        centres.push(points[far]);
        nearest.iter_mut().zip(points).for_each(|(n, p)| *n = n.max(dot(p, &points[far])));
    }
    centres
}

/// Draws `k` distinct points with `seed`.
pub fn random_points(points: &[Point], k: usize, seed: u64) -> Vec<Point> {
    Philox::new(seed, 1, 0).distinct(points.len(), k).into_iter().map(|i| points[i]).collect()
}

/// The centre nearest to each point, and the dot product of the two directions.
fn nearest_of(points: &[Point], centres: &[Point]) -> impl Iterator<Item = (usize, f64)> {
    points.iter().map(move |p| {
        let better = |best: (usize, f64), (i, c): (usize, &Point)| if dot(p, c) > best.1 { (i, dot(p, c)) } else { best };
        centres.iter().enumerate().fold((0, f64::NEG_INFINITY), better)
    })
}

/// The centre nearest to each point.
pub fn nearest(points: &[Point], centres: &[Point]) -> Vec<i32> {
    nearest_of(points, centres).map(|(centre, _)| centre as i32).collect()
}

/// Spherical k-means: at most `rounds` rounds of Lloyd's algorithm from `centres`, which end early where no point changes its centre. A
/// centre that loses all its points keeps its place.
pub fn k_means(points: &[Point], mut centres: Vec<Point>, rounds: usize) -> Vec<Point> {
    // For directions, |p − c|² = 2 − 2 p · c.
    let assign = |centres: &[Point]| nearest_of(points, centres).map(|(c, dot)| (c, 2.0 - 2.0 * dot)).collect();
    lloyd(&mut centres, rounds, Empty::Stays, assign, |centres, members| {
        for (centre, members) in centres.iter_mut().zip(members) {
            let mut sum = [0.0; 3];
            members.iter().for_each(|&m| sum.iter_mut().zip(&points[m]).for_each(|(s, x)| *s += x));
            if sum != [0.0; 3] {
                *centre = unit(sum);
            }
        }
    });
    centres
}

/// A symmetric table of neighbours i32 `[vertices, degree]` from triangles i32 `[faces, 3]`, among the kept vertices only. `kept` holds the
/// old index of each new vertex. Rows shorter than the degree are padded with the vertex itself.
///
/// # Errors
/// Returns an error where `faces` has another shape, or names a vertex beyond `total`.
pub fn neighbours(faces: &HostTensor, kept: &[usize], total: usize) -> Result<HostTensor> {
    let bad = || Error::argument(format!("faces must be i32 [faces, 3] below {total}, found {}", faces.ty()));
    let table = faces.as_i32().filter(|_| faces.shape().last() == Some(&3)).ok_or_else(bad)?;
    let mut place = vec![None; total];
    kept.iter().enumerate().for_each(|(new, &old)| place[old] = Some(new));
    let mut near: Vec<Vec<usize>> = vec![Vec::new(); kept.len()];
    for face in table.chunks_exact(3) {
        for (i, j) in [(0, 1), (1, 2), (2, 0)] {
            let at = |v: i32| usize::try_from(v).ok().and_then(|v| place.get(v)).ok_or_else(bad);
            if let (Some(a), Some(b)) = (*at(face[i])?, *at(face[j])?) {
                near[a].push(b);
                near[b].push(a);
            }
        }
    }
    table_of(near)
}

/// A symmetric table of neighbours in the format of [`neighbours`], for points without a mesh: a point and each of its `k` nearest points
/// are neighbours of each other.
///
/// # Errors
/// Points cause no error; the result is that of making a tensor.
pub fn nearest_neighbours(points: &[Point], k: usize) -> Result<HostTensor> {
    let mut near: Vec<Vec<usize>> = vec![Vec::new(); points.len()];
    for (v, p) in points.iter().enumerate() {
        let mut others: Vec<(f64, usize)> = (0..points.len()).filter(|&u| u != v).map(|u| (-dot(p, &points[u]), u)).collect();
        let k = k.min(others.len());
        if k > 0 {
            others.select_nth_unstable_by(k - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        }
        for &(_, u) in &others[..k] {
            near[v].push(u);
            near[u].push(v);
        }
    }
    table_of(near)
}

fn table_of(mut near: Vec<Vec<usize>>) -> Result<HostTensor> {
    for n in &mut near {
        n.sort_unstable();
        n.dedup();
    }
    let degree = near.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let rows = near.iter().enumerate().flat_map(|(v, n)| (0..degree).map(move |k| n.get(k).copied().unwrap_or(v) as i32));
    HostTensor::i32([near.len(), degree], rows.collect())
}

/// Gaussian weights over the vertices within `truncate` mm of each vertex along the sphere of `radius` mm, for [`Tape::neighbour_sum`].
/// Returns neighbours i32 `[vertices, degree]`, symmetric, and weights f32 of that shape, e^(−d² / 2σ²) with rows that sum to 1. Rows
/// shorter than the degree are padded with the vertex itself at weight 0. (hypercoil's `spherical_conv` does not normalise.)
///
/// # Errors
/// Returns an error where a length is not above 0.
///
/// [`Tape::neighbour_sum`]: crate::Tape::neighbour_sum
pub fn gaussian_neighbourhood(directions: &[Point], radius: f64, sigma: f64, truncate: f64) -> Result<(HostTensor, HostTensor)> {
    if [radius, sigma, truncate].iter().any(|x| x.is_nan() || *x <= 0.0) {
        return Err(Error::argument(format!("radius {radius}, sigma {sigma} and truncation {truncate} mm: all must be above 0")));
    }
    let arc = |a: &Point, b: &Point| {
        let chord = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
        2.0 * radius * (chord / 2.0).min(1.0).asin()
    };
    let near = |v: &Point| -> Vec<(usize, f64)> {
        directions.iter().enumerate().map(|(u, p)| (u, arc(v, p))).filter(|(_, d)| *d <= truncate).collect()
    };
    let rows: Vec<Vec<(usize, f64)>> = directions.iter().map(near).collect();
    let degree = rows.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let (mut table, mut weights) = (Vec::with_capacity(rows.len() * degree), Vec::with_capacity(rows.len() * degree));
    for (v, row) in rows.iter().enumerate() {
        let weight = |d: f64| (-d * d / (2.0 * sigma * sigma)).exp();
        let total: f64 = row.iter().map(|(_, d)| weight(*d)).sum();
        table.extend(row.iter().map(|(u, _)| *u as i32).chain(std::iter::repeat_n(v as i32, degree - row.len())));
        weights.extend(row.iter().map(|(_, d)| (weight(*d) / total) as f32).chain(std::iter::repeat_n(0.0, degree - row.len())));
    }
    Ok((HostTensor::i32([rows.len(), degree], table)?, HostTensor::f32([rows.len(), degree], weights)?))
}
