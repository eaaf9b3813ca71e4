//! Connectomes in reports: the matrix in the order of clusters, and its strongest edges.

use super::order::cluster_order;
use super::page::{Figure, ReportTable};
use super::picture::{MAX_SIDE, Matrix};
use crate::Result;
use crate::statistics::missing::regions_without_values;

/// A matrix of connections to be shown, `[n, n]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConnectomeView<'a> {
    /// The picture's title.
    pub title: &'a str,
    /// The quantity of the entries.
    pub quantity: &'a str,
    /// The regions' names, which also say their number.
    pub names: &'a [String],
    /// The entries, row by row. A region without a value has NaN throughout its row and its column.
    pub values: &'a [f32],
    /// True where the diagonal says nothing.
    pub without_diagonal: bool,
}

impl ConnectomeView<'_> {
    /// The regions that have a value, in the order of [`cluster_order`]: those that are connected alike stand together. Where a value is not
    /// finite, or there are more regions than are drawn, they stay in their order.
    ///
    /// # Errors
    /// The same as those of [`cluster_order`].
    pub fn order(&self) -> Result<Vec<usize>> {
        let n = self.names.len();
        let missing = regions_without_values(self.values, n);
        let kept: Vec<usize> = (0..n).filter(|region| !missing[*region]).collect();
        let values = self.of(&kept);
        if kept.len() > MAX_SIDE || values.iter().any(|x| !x.is_finite()) {
            return Ok(kept);
        }
        Ok(cluster_order(kept.len(), &values)?.into_iter().map(|at| kept[at]).collect())
    }

    /// A heat map with the regions in this order, which [`ConnectomeView::order`] gives for this matrix or for the mean of several. Regions
    /// without a value are left out. Where no map can be drawn, the figure's caption says why.
    ///
    /// # Errors
    /// The same as those of [`Matrix::heat_map`].
    pub fn map(&self, order: &[usize]) -> Result<Figure> {
        let n = self.names.len();
        let missing = regions_without_values(self.values, n);
        let order: Vec<usize> = order.iter().copied().filter(|region| missing.get(*region) == Some(&false)).collect();
        let values = self.of(&order);
        let why_not = match order.len() {
            0 => Some("There is no map, because no region has a value.".to_owned()),
            more if more > MAX_SIDE => Some(format!("There is no map of {more} regions: one of at most {MAX_SIDE} is drawn.")),
            _ if values.iter().any(|x| !x.is_finite()) => Some("There is no map, because some values are not finite.".into()),
            _ => None,
        };
        if let Some(caption) = why_not {
            return Ok(Figure { svg: String::new(), caption });
        }
        let names: Vec<String> = order.iter().map(|&region| self.names[region].clone()).collect();
        let map = Matrix { title: self.title, axes: ["region"; 2], quantity: self.quantity, rows: order.len(), ..Matrix::default() };
        let map = Matrix { names: [&names; 2], values: &values, without_diagonal: self.without_diagonal, ..map };
        let left = match n - order.len() {
            0 => String::new(),
            1 => " 1 region without a value is left out.".into(),
            left => format!(" {left} regions without a value are left out."),
        };
        let caption =
            format!("Regions in the order of an average-linkage clustering: those that are connected alike stand together.{left}");
        Ok(Figure { svg: map.without_constant_diagonal().heat_map()?, caption })
    }

    /// The strongest connections of two different regions, at most `count`, by the size of their values whatever the sign. A matrix that is
    /// not symmetric is read above its diagonal.
    pub fn strongest(&self, count: usize) -> ReportTable {
        let n = self.names.len();
        let mut found: Vec<(usize, usize, f32)> = Vec::new();
        let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
        for (i, j) in pairs {
            let x = self.values.get(i * n + j).copied().unwrap_or(f32::NAN);
            // NaN is no connection.
            let weaker = |other: &(usize, usize, f32)| other.2.abs() < x.abs();
            if x.is_finite() && (found.len() < count || found.last().is_some_and(weaker)) {
                let at = found.partition_point(|other| !weaker(other));
                found.insert(at, (i, j, x));
                found.truncate(count);
            }
        }
        let header = ["rank", "region", "region", self.quantity].map(String::from).to_vec();
        let row = |(rank, &(i, j, x)): (usize, &(usize, usize, f32))| {
            vec![(rank + 1).to_string(), self.names[i].clone(), self.names[j].clone(), format!("{x:.4}")]
        };
        ReportTable { header, rows: found.iter().enumerate().map(row).collect() }
    }

    /// The rows and columns of these regions.
    fn of(&self, regions: &[usize]) -> Vec<f32> {
        let n = self.names.len();
        let value = |at: usize| self.values.get(at).copied().unwrap_or(f32::NAN);
        regions.iter().flat_map(|&i| regions.iter().map(move |&j| value(i * n + j))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::ConnectomeView;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("region {i}")).collect()
    }

    #[test]
    fn regions_without_values_are_left_out_and_the_strongest_edges_come_first() {
        let nan = f32::NAN;
        let values = [1.0, nan, 0.2, -0.7, nan, nan, nan, nan, 0.2, nan, 1.0, 0.5, -0.7, nan, 0.5, 1.0];
        let names = names(4);
        let view = ConnectomeView { title: "r", quantity: "correlation", names: &names, values: &values, without_diagonal: false };
        let map = view.map(&view.order().unwrap()).unwrap();
        assert!(map.svg.contains("region 3") && !map.svg.contains("region 1<") && map.caption.contains("1 region"), "{}", map.caption);
        let rows = view.strongest(2).rows;
        assert_eq!(rows, [["1", "region 0", "region 3", "-0.7000"], ["2", "region 2", "region 3", "0.5000"]]);
    }

    #[test]
    fn a_map_that_cannot_be_drawn_says_why() {
        let [one, none] = [names(1), names(0)];
        fn view<'a>(names: &'a [String], values: &'a [f32]) -> ConnectomeView<'a> {
            ConnectomeView { title: "r", quantity: "r", names, values, without_diagonal: false }
        }
        let map = |names, values| view(names, values).map(&view(names, values).order().unwrap()).unwrap();
        assert!(map(&one, &[1.0]).svg.contains("<svg") && view(&one, &[1.0]).strongest(5).rows.is_empty());
        assert!(map(&one, &[f32::NAN]).caption.contains("no region has a value"));
        assert!(map(&none, &[]).caption.contains("no region has a value"));
        let many = names(super::MAX_SIDE + 1);
        let zeros = vec![0.0; many.len() * many.len()];
        assert!(map(&many, &zeros).caption.contains("at most 4096"));
        let two = names(2);
        assert!(map(&two, &[1.0, 0.5, f32::INFINITY, 1.0]).caption.contains("not finite"));
    }
}
