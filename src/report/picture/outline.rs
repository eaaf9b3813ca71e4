//! Parcels on a mesh: the pieces of the mesh that belong to each parcel, the outlines of parcels, and colours that tell neighbours apart.

use super::colour::{PARCELS, Rgb, distance};
use std::collections::{BTreeMap, BTreeSet};

/// The label of the area outside all parcels.
pub const NONE: i32 = -1;

/// A piece of a mesh that one parcel owns: the vertices around it, and the parcel.
pub type Piece = (Vec<usize>, i32);

/// Points in space. The middles of edges and triangles are added as they are needed.
pub struct Points {
    pub at: Vec<[f64; 3]>,
    middles: BTreeMap<Vec<usize>, usize>,
}

impl Points {
    pub fn new(at: Vec<[f64; 3]>) -> Self {
        Self { at, middles: BTreeMap::new() }
    }

    /// The index of the point in the middle of others; the same corners always give the same point.
    fn middle<const N: usize>(&mut self, mut of: [usize; N]) -> usize {
        of.sort_unstable();
        let points = of.map(|v| self.at[v]);
        *self.middles.entry(of.to_vec()).or_insert_with(|| {
            self.at.push([0, 1, 2].map(|i| points.iter().map(|p| p[i]).sum::<f64>() / N as f64));
            self.at.len() - 1
        })
    }

    /// A triangle divided among the labels of its corners. Two labels divide it half way along the edges between them, so that borders are
    /// smooth where whole triangles would leave teeth; three labels meet in its middle.
    pub fn parted(&mut self, [a, b, c]: [usize; 3], labels: &[i32]) -> Vec<Piece> {
        match [labels[a], labels[b], labels[c]] {
            [x, y, z] if x == y && y == z => vec![(vec![a, b, c], x)],
            [_, y, z] if y == z => self.corner_off([a, b, c], labels),
            [x, _, z] if x == z => self.corner_off([b, c, a], labels),
            [x, y, _] if x == y => self.corner_off([c, a, b], labels),
            [x, y, z] => {
                let [ab, bc, ca, middle] = [self.middle([a, b]), self.middle([b, c]), self.middle([c, a]), self.middle([a, b, c])];
                vec![(vec![a, ab, middle, ca], x), (vec![b, bc, middle, ab], y), (vec![c, ca, middle, bc], z)]
            }
        }
    }

    fn corner_off(&mut self, [tip, b, c]: [usize; 3], labels: &[i32]) -> Vec<Piece> {
        let (first, second) = (self.middle([tip, b]), self.middle([c, tip]));
        vec![(vec![tip, first, second], labels[tip]), (vec![first, b, c, second], labels[b])]
    }
}

/// The closed outlines of the area of each label, as vertices in order. All pieces must list their vertices in the same sense of rotation.
pub fn outlines(pieces: &[Piece]) -> BTreeMap<i32, Vec<Vec<usize>>> {
    let mut edges = BTreeSet::new();
    for (corners, label) in pieces {
        edges.extend(sides(corners).map(|(from, to)| (*label, from, to)));
    }
    // An edge that the same parcel walks both ways lies inside it.
    let mut borders: BTreeMap<i32, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
    for &(label, from, to) in edges.iter().filter(|(label, from, to)| !edges.contains(&(*label, *to, *from))) {
        borders.entry(label).or_default().entry(from).or_default().push(to);
    }
    borders.into_iter().map(|(label, border)| (label, loops(border))).collect()
}

fn sides(corners: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    corners.iter().copied().zip(corners.iter().copied().cycle().skip(1))
}

fn loops(mut border: BTreeMap<usize, Vec<usize>>) -> Vec<Vec<usize>> {
    let mut loops = Vec::new();
    while let Some((&start, _)) = border.first_key_value() {
        let mut walk = Vec::new();
        let mut at = start;
        while let Some(next) = take(&mut border, at) {
            walk.push(at);
            at = next;
            if at == start {
                break;
            }
        }
        loops.push(walk);
    }
    loops
}

fn take(border: &mut BTreeMap<usize, Vec<usize>>, from: usize) -> Option<usize> {
    let ends = border.get_mut(&from)?;
    let end = ends.pop();
    if ends.is_empty() {
        border.remove(&from);
    }
    end
}

/// A colour for each parcel: one after the other takes the colour farthest from its neighbours', then from their neighbours', then the
/// one least used.
pub fn colours(faces: &[[usize; 3]], labels: &[i32]) -> BTreeMap<i32, Rgb> {
    let neighbours = neighbours(faces, labels);
    let mut chosen: BTreeMap<i32, usize> = BTreeMap::new();
    let mut used = [0_usize; PARCELS.len()];
    for (&parcel, near) in &neighbours {
        let second = near.iter().flat_map(|other| &neighbours[other]).filter(|&&other| other != parcel);
        let separation = |colour: usize, others: &mut dyn Iterator<Item = &i32>| {
            let taken = others.filter_map(|other| chosen.get(other));
            taken.map(|&other| distance(PARCELS[colour], PARCELS[other])).fold(0.3, f64::min)
        };
        let score = |colour: usize| {
            separation(colour, &mut near.iter()) + 0.3 * separation(colour, &mut second.clone()) - 0.004 * used[colour] as f64
        };
        let best = (0..PARCELS.len()).max_by(|&a, &b| score(a).total_cmp(&score(b)).then(b.cmp(&a))).unwrap_or(0);
        chosen.insert(parcel, best);
        used[best] += 1;
    }
    chosen.into_iter().map(|(parcel, colour)| (parcel, PARCELS[colour])).collect()
}

/// The parcels that each parcel shares an edge of the mesh with.
fn neighbours(faces: &[[usize; 3]], labels: &[i32]) -> BTreeMap<i32, BTreeSet<i32>> {
    let mut neighbours: BTreeMap<i32, BTreeSet<i32>> = labels.iter().filter(|&&l| l > NONE).map(|&l| (l, BTreeSet::new())).collect();
    for (a, b) in faces.iter().flat_map(|face| sides(face)).map(|(a, b)| (labels[a], labels[b])) {
        if a > NONE && b > NONE && a != b {
            neighbours.entry(a).or_default().insert(b);
            neighbours.entry(b).or_default().insert(a);
        }
    }
    neighbours
}

#[cfg(test)]
mod tests {
    use super::{Points, colours, outlines};

    #[test]
    fn a_triangle_is_parted_among_its_corners() {
        let mut points = Points::new(vec![[0.0; 3], [2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]);
        assert_eq!(points.parted([0, 1, 2], &[5, 5, 5]), [(vec![0, 1, 2], 5)]);
        assert_eq!(points.parted([0, 1, 2], &[7, 5, 5]), [(vec![0, 3, 4], 7), (vec![3, 1, 2, 4], 5)]);
        assert_eq!(points.at[3..], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
        assert_eq!(points.parted([0, 1, 2], &[5, 5, 7])[0], (vec![2, 4, 5], 7), "the middle of an edge is made once");
        assert_eq!(points.parted([0, 1, 2], &[1, 2, 3]).len(), 3);
    }

    #[test]
    fn an_outline_leaves_inner_edges_out() {
        // A square of two triangles of one parcel, and one triangle of another beside it.
        let pieces = [(vec![0, 1, 2], 4), (vec![0, 2, 3], 4), (vec![0, 3, 5], 7)];
        let found = outlines(&pieces);
        assert_eq!(found[&4], [[0, 1, 2, 3]]);
        assert_eq!(found[&7], [[0, 3, 5]]);
    }

    #[test]
    fn neighbours_differ_in_colour() {
        let faces: Vec<_> = (0..98).map(|i| [i, i + 1, i + 2]).collect();
        let labels: Vec<_> = (0..100).collect();
        let colours = colours(&faces, &labels);
        assert!((0..98).all(|i| colours[&i] != colours[&(i + 1)] && colours[&i] != colours[&(i + 2)]));
    }
}
