//! Room for labels among what is already drawn.

/// The rectangles that are taken: left, top, right, bottom, in pixels.
#[derive(Debug, Default)]
pub struct Places {
    taken: Vec<[f64; 4]>,
}

impl Places {
    /// Takes a rectangle.
    pub fn take(&mut self, rectangle: [f64; 4]) {
        self.taken.push(rectangle);
    }

    /// Room for a text of this width and height beside a point, within `bounds`: the left end of its base line. What is found is taken.
    pub fn beside(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], bounds: [f64; 4]) -> Option<[f64; 2]> {
        // Right, left, above and below; then the same a little farther.
        let offsets = [8.0, 14.0, 22.0].into_iter().flat_map(|d| {
            let middle = -width / 2.0;
            [
                [d, 4.0],
                [-d - width, 4.0],
                [middle, -d],
                [middle, d + height - 2.0],
                [d, -d],
                [d, d + 6.0],
                [-d - width, -d],
                [-d - width, d + 6.0],
            ]
        });
        for [dx, dy] in offsets {
            let [left, base] = [x + dx, y + dy];
            let rectangle = [left, base - height, left + width, base + 3.0];
            let within = rectangle[0] >= bounds[0] && rectangle[1] >= bounds[1] && rectangle[2] <= bounds[2] && rectangle[3] <= bounds[3];
            if within && !self.taken.iter().any(|t| overlap(t, &rectangle)) {
                self.take(rectangle);
                return Some([left, base]);
            }
        }
        None
    }
}

fn overlap(a: &[f64; 4], b: &[f64; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}

#[cfg(test)]
mod tests {
    use super::Places;

    #[test]
    fn labels_go_round_each_other_until_there_is_no_room() {
        let mut places = Places::default();
        let bounds = [0.0, 0.0, 100.0, 100.0];
        let mut found = Vec::new();
        while let Some(at) = places.beside([50.0, 50.0], [30.0, 11.0], bounds) {
            found.push(at);
        }
        assert!(found.len() >= 4, "{found:?}");
        assert_eq!(found[0], [58.0, 54.0]);
        for (i, a) in found.iter().enumerate() {
            for b in &found[..i] {
                assert!((a[0] - b[0]).abs() >= 30.0 || (a[1] - b[1]).abs() >= 11.0, "{a:?} covers {b:?}");
            }
        }
        assert_eq!(Places::default().beside([50.0, 50.0], [101.0, 11.0], bounds), None);
    }
}
