//! Room for labels among what is already drawn.

use super::svg::Anchor;

/// The rectangles that are taken: left, top, right, bottom, in pixels.
#[derive(Debug, Default)]
pub(crate) struct Places {
    taken: Vec<[f64; 4]>,
}

impl Places {
    /// Takes a rectangle.
    pub(crate) fn take(&mut self, rectangle: [f64; 4]) {
        self.taken.push(rectangle);
    }

    /// Finds room for a text of about this width and height beside a point, within `bounds`, and takes it. Returns the point on the base
    /// line at which the text is anchored, and the anchor; `None` where there is no room.
    pub(crate) fn beside(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], bounds: [f64; 4]) -> Option<([f64; 2], Anchor)> {
        // Right, left, above and below; then the same a little farther.
        let offsets = [9.0, 15.0, 23.0].into_iter().flat_map(|d| {
            let below = d + height - 2.0;
            let beside = [(Anchor::Start, [d, 4.0]), (Anchor::End, [-d, 4.0]), (Anchor::Middle, [0.0, -d]), (Anchor::Middle, [0.0, below])];
            let corners = [(Anchor::Start, [d, -d]), (Anchor::Start, [d, below]), (Anchor::End, [-d, -d]), (Anchor::End, [-d, below])];
            beside.into_iter().chain(corners)
        });
        for (anchor, [dx, dy]) in offsets {
            let [at, base] = [x + dx, y + dy];
            let left = match anchor {
                Anchor::Start => at,
                Anchor::Middle => at - width / 2.0,
                Anchor::End => at - width,
            };
            let rectangle = [left, base - height, left + width, base + 3.0];
            let within = rectangle[0] >= bounds[0] && rectangle[1] >= bounds[1] && rectangle[2] <= bounds[2] && rectangle[3] <= bounds[3];
            if within && !self.taken.iter().any(|t| overlap(t, &rectangle)) {
                self.take(rectangle);
                return Some(([at, base], anchor));
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
        while let Some((at, _)) = places.beside([50.0, 50.0], [30.0, 11.0], bounds) {
            found.push(at);
        }
        assert!(found.len() >= 4, "{found:?}");
        assert_eq!(found[0], [59.0, 54.0]);
        assert!(places.taken.iter().all(|t| t[0] >= 0.0 && t[1] >= 0.0 && t[2] <= 100.0 && t[3] <= 100.0), "{:?}", places.taken);
        for (i, a) in places.taken.iter().enumerate() {
            assert!(places.taken[..i].iter().all(|b| !super::overlap(a, b)), "{a:?} covers another");
        }
        assert!(Places::default().beside([50.0, 50.0], [101.0, 11.0], bounds).is_none());
    }
}
