//! Tables for people who read a terminal.

/// A table for people: columns as wide as their widest cell, the first to the left and the others to the right.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).chain([header[c].chars().count()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &[String]| {
        let cell = |(c, text): (usize, &String)| match c {
            0 => format!("{text:<w$}", w = widths[c]),
            _ => format!("{text:>w$}", w = widths[c]),
        };
        cells.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let head: Vec<String> = header.iter().map(|h| (*h).to_owned()).collect();
    [line(&head)].into_iter().chain(rows.iter().map(|r| line(r))).collect::<Vec<_>>().join("\n")
}

/// A probability in three decimals; one below a thousandth in two digits and a power of ten.
pub fn p_value(p: f64) -> String {
    if p < 0.001 && p > 0.0 { format!("{p:.1e}") } else { format!("{p:.3}") }
}

#[cfg(test)]
mod tests {
    use super::p_value;

    #[test]
    fn probabilities_are_read_without_powers_of_ten_where_that_is_possible() {
        assert_eq!([0.793, 1.0, 0.00125, 4.6e-6, 0.0].map(p_value), ["0.793", "1.000", "0.001", "4.6e-6", "0.000"]);
    }
}
