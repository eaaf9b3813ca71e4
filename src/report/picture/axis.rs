//! Axes: the positions of values in a picture, and their ticks.

/// The largest magnitude of a value on an axis; beyond it, differences overflow.
const LARGEST: f64 = 1e300;

/// True of a value that has a place on an axis.
pub fn has_place(value: f64) -> bool {
    value.abs() < LARGEST
}

/// A linear axis of the values from `low` to `high` along pixels `from` to `to`.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    pub low: f64,
    pub high: f64,
    pub from: f64,
    pub to: f64,
}

impl Axis {
    /// An axis over all `values`, with `margin` of their range to spare at either end; `None` where no value has a place.
    /// Values that are all the same lie in the middle.
    pub fn over(values: impl Iterator<Item = f64>, margin: f64, from: f64, to: f64) -> Option<Self> {
        let (low, high) = values.filter(|&x| has_place(x)).fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
        if low > high {
            return None;
        }
        let size = low.abs().max(high.abs());
        let constant = high - low <= 1e-9 * size;
        let spare = match (constant, size == 0.0) {
            (true, true) => 1.0,
            (true, false) => 0.1 * size,
            (false, _) => margin * (high - low),
        };
        Some(Self { low: low - spare, high: high + spare, from, to })
    }

    /// The pixel of a value.
    pub fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// About `count` round values and their labels.
    pub fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        let step = round_step((self.high - self.low) / count as f64);
        // Ticks are counted rather than added up, so that they end and zero is zero.
        let (first, last) = ((self.low / step - 1e-6).ceil(), (self.high / step + 1e-6).floor());
        let ticks = (0..=4 * count).map(|i| first + i as f64).take_while(|&i| i <= last);
        ticks.map(|i| (i * step, label(i * step, step, self.low.abs().max(self.high.abs())))).collect()
    }
}

/// A logarithmic axis of positive values along pixels `from` to `to`. It begins and ends at a power of ten.
#[derive(Debug, Clone, Copy)]
pub struct LogAxis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl LogAxis {
    /// An axis over all `values` that are positive and have a place; of one decade where there are none.
    pub fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let exponents = values.filter(|&x| x > 0.0 && has_place(x)).map(f64::log10);
        let (low, high) = exponents.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
        let (low, high) = if low > high { (0.0, 1.0) } else { (low.floor(), high.ceil()) };
        Self { low, high: high.max(low + 1.0), from, to }
    }

    /// The pixel of a value.
    pub fn at(&self, value: f64) -> f64 {
        self.from + (value.log10() - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// The value of a pixel.
    pub fn value(&self, at: f64) -> f64 {
        10_f64.powf(self.low + (at - self.from) / (self.to - self.from) * (self.high - self.low))
    }

    /// The powers of ten and their labels.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let power = |i: usize| self.low + i as f64;
        // All labels of an axis are of one kind.
        let plain = self.low >= -3.0 && self.high <= 5.0;
        let label = |exponent: f64| match exponent as i32 {
            e if !plain => format!("10{}", raised(e)),
            e @ ..0 => format!("{:.*}", e.unsigned_abs() as usize, 10_f64.powi(e)),
            e => format!("{}", 10_u64.pow(e.unsigned_abs())),
        };
        (0..).map(power).take_while(|&e| e <= self.high).map(|e| (10_f64.powf(e), label(e))).collect()
    }
}

/// An exponent in raised digits.
fn raised(exponent: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digit = |c: char| c.to_digit(10).and_then(|d| DIGITS.get(d as usize)).copied().unwrap_or('⁻');
    exponent.to_string().chars().map(digit).collect()
}

/// The step of 1, 2 or 5 times a power of ten that is nearest above `raw`.
fn round_step(raw: f64) -> f64 {
    let power = 10_f64.powf(raw.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= raw * 0.999).unwrap_or(10.0);
    factor * power
}

fn label(value: f64, step: f64, size: f64) -> String {
    if !(1e-4..1e6).contains(&size) {
        let digits = (size.log10().floor() - step.log10().floor()).clamp(0.0, 9.0) as usize;
        return signed(if value == 0.0 { "0".into() } else { format!("{value:.digits$e}") });
    }
    let digits = (-(step * 1.001).log10().floor()).clamp(0.0, 9.0) as usize;
    signed(format!("{value:.digits$}"))
}

/// The text with hyphens replaced by minus signs.
fn signed(text: String) -> String {
    text.replace('-', "\u{2212}")
}

/// A value in three digits or more.
pub fn short(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => "0".into(),
        _ if !(1e-4..1e6).contains(&size) => signed(format!("{value:.2e}")),
        _ => signed(format!("{value:.*}", (2.0 - size.log10().floor()).clamp(0.0, 4.0) as usize)),
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, LogAxis, short};

    fn labels(low: f64, high: f64) -> Vec<String> {
        Axis { low, high, from: 0.0, to: 1.0 }.ticks(5).into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_within_the_axis() {
        assert_eq!(labels(0.0, 1.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(-1.0, 1.0), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(labels(3.0, 97.0), ["20", "40", "60", "80"]);
        assert_eq!(labels(0.0, 5e6), ["0", "1e6", "2e6", "3e6", "4e6", "5e6"]);
        assert_eq!(labels(0.0, 4e-6), ["0", "1e−6", "2e−6", "3e−6", "4e−6"]);
        assert_eq!(labels(0.12, 0.14), ["0.120", "0.125", "0.130", "0.135", "0.140"]);
    }

    #[test]
    fn an_axis_over_one_value_has_it_in_the_middle() {
        for value in [0.0, 5.0, -1e-7, 1e200] {
            let axis = Axis::over([value, f64::NAN, f64::INFINITY].into_iter(), 0.05, 0.0, 100.0).unwrap();
            assert_eq!(axis.at(value).round(), 50.0);
            assert!(!axis.ticks(5).is_empty());
        }
        assert!(Axis::over([f64::NAN, f64::MAX].into_iter(), 0.0, 0.0, 1.0).is_none());
    }

    #[test]
    fn a_logarithmic_axis_has_its_decades_at_even_distances() {
        let axis = LogAxis::over([0.02, 300.0, f64::NAN, 0.0, -5.0].into_iter(), 0.0, 500.0);
        assert_eq!([0.01, 1.0, 1000.0].map(|x| axis.at(x).round()), [0.0, 200.0, 500.0]);
        assert!((axis.value(300.0) - 10.0).abs() < 1e-9);
        let labels: Vec<String> = axis.ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["0.01", "0.1", "1", "10", "100", "1000"]);
        assert_eq!(LogAxis::over([].into_iter(), 0.0, 1.0).ticks().len(), 2);
        let labels: Vec<String> = LogAxis::over([2e-4, 50.0].into_iter(), 0.0, 1.0).ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰", "10¹", "10²"], "one kind of label on an axis");
    }

    #[test]
    fn short_numbers_keep_three_digits() {
        let shown = [0.0, 0.123456, -1.5, 42.0, 1234.56, 2e-7, 3e9].map(short);
        assert_eq!(shown, ["0", "0.123", "−1.50", "42.0", "1235", "2.00e−7", "3.00e9"]);
    }
}
