//! A roofline (Williams, Waterman & Patterson 2009): the speed of kernels against their FLOPs per byte, below the limits of the device.
//! Both axes are logarithmic. Work without FLOPs has no place on such axes and is shown in a separate strip at the left, by its bytes per
//! second.

use super::axis::{LogAxis, short};
use super::colour::LINES;
use super::marker::{Mark, marker};
use super::place::Places;
use super::svg::{AXIS, Anchor, GRID, MEDIUM, MUTED, SMALL, Svg, TEXT, escape, fitted, number, text_width};
use crate::{Error, Result};

const WIDTH: f64 = 1080.0;
const HEIGHT: f64 = 660.0;
/// The strip of work without FLOPs, the plot, and the legend at the right.
const STRIP: [f64; 2] = [84.0, 236.0];
const PLOT: [f64; 2] = [252.0, 890.0];
const LEGEND: f64 = 912.0;
const TOP: f64 = 92.0;
const BOTTOM: f64 = HEIGHT - 62.0;
const GIGA: f64 = 1e9;

/// The limits of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct Ceiling {
    /// The bandwidth in bytes per second.
    pub bandwidth: f64,
    /// The names and the FLOPs per second of the peaks, the most relevant first.
    pub peaks: Vec<(String, f64)>,
}

/// A kernel's work and time.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The family, which determines the colour.
    pub family: String,
    /// The label, written beside the point where there is room.
    pub label: Option<String>,
    /// The text shown where the mouse rests on the point.
    pub detail: String,
    /// The FLOPs of the work.
    pub flops: f64,
    /// The bytes that the work reads and writes.
    pub bytes: f64,
    /// The seconds that the work took.
    pub seconds: f64,
    /// True for a reverse work, which is drawn as a ring.
    pub reverse: bool,
    /// True where a larger size of the same work is shown too; the point is drawn faintly.
    pub faint: bool,
}

impl Point {
    /// The FLOPs per second; the bytes per second for work without FLOPs.
    fn rate(&self) -> f64 {
        if self.flops > 0.0 { self.flops / self.seconds } else { self.bytes / self.seconds }
    }

    fn drawable(&self) -> bool {
        self.rate().is_normal() && self.rate() > 0.0 && self.bytes > 0.0
    }
}

/// The roofline of a device, and points below it.
///
/// # Errors
/// Returns [`Error::Argument`] where a ceiling is not a positive number.
pub fn roofline(title: &str, subtitle: &str, ceiling: &Ceiling, points: &[Point]) -> Result<String> {
    let peaks = ceiling.peaks.iter().map(|p| p.1);
    let Some(peak) = ceiling.peaks.first().map(|p| p.1) else {
        return Err(Error::argument(format!("roofline `{title}`: no peak rate: at least one is expected")));
    };
    if let Some(bad) = peaks.clone().chain([ceiling.bandwidth]).find(|x| !x.is_normal() || *x <= 0.0) {
        return Err(Error::argument(format!("roofline `{title}`: a ceiling of {bad}: a positive number is expected")));
    }
    let shown: Vec<&Point> = points.iter().filter(|p| p.drawable()).collect();
    let ridge = peak / ceiling.bandwidth;
    let intensities = shown.iter().filter(|p| p.flops > 0.0).map(|p| p.flops / p.bytes);
    let x = LogAxis::over(intensities.chain([0.25 * ridge, 8.0 * ridge]), PLOT[0], PLOT[1]);
    let rates = shown.iter().map(|p| p.rate() / GIGA);
    let y = LogAxis::over(rates.chain(peaks.map(|p| p / GIGA)).chain([ceiling.bandwidth / GIGA]), BOTTOM, TOP);

    let mut chart =
        Chart { svg: Svg::new(WIDTH, HEIGHT, title, &seen(ceiling, &shown)), x, y, places: Places::default(), families: families(&shown) };
    chart.svg.text([20.0, 50.0], Anchor::Start, MEDIUM, MUTED, &fitted(subtitle, MEDIUM, WIDTH - 40.0));
    chart.axes();
    chart.ceilings(ceiling);
    let at: Vec<[f64; 2]> = shown.iter().enumerate().map(|(i, p)| chart.place(i, p)).collect();
    for faint in [true, false] {
        for (p, &at) in shown.iter().zip(&at).filter(|(p, _)| p.faint == faint) {
            chart.point(p, at);
        }
    }
    chart.labels(&shown, &at);
    chart.legend(&shown);
    Ok(chart.svg.finish())
}

fn seen(ceiling: &Ceiling, points: &[&Point]) -> String {
    let peaks = ceiling.peaks.iter().map(|(name, peak)| format!("{name} {} GFLOP/s", short(peak / GIGA)));
    let peaks = peaks.collect::<Vec<_>>().join(", ");
    let families = families(points).join(", ");
    format!("{} points of {families}, below {} GB/s and {peaks}", points.len(), short(ceiling.bandwidth / GIGA))
}

/// The families in the order in which they first occur.
fn families(points: &[&Point]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for p in points {
        if !found.contains(&p.family) {
            found.push(p.family.clone());
        }
    }
    found
}

struct Chart {
    svg: Svg,
    x: LogAxis,
    y: LogAxis,
    places: Places,
    families: Vec<String>,
}

impl Chart {
    fn axes(&mut self) {
        for (value, label) in self.y.ticks() {
            let at = self.y.at(value);
            self.svg.line([STRIP[0], at], [STRIP[1], at], GRID, 1.0);
            self.svg.line([PLOT[0], at], [PLOT[1], at], GRID, 1.0);
            self.svg.text([STRIP[0] - 8.0, at + 4.0], Anchor::End, SMALL, MUTED, &label);
        }
        for (value, label) in self.x.ticks() {
            let at = self.x.at(value);
            self.svg.line([at, TOP], [at, BOTTOM], GRID, 1.0);
            self.svg.text([at, BOTTOM + 19.0], Anchor::Middle, SMALL, MUTED, &label);
        }
        for [from, to] in [STRIP, PLOT] {
            self.svg.line([from, BOTTOM], [to, BOTTOM], AXIS, 1.0);
            self.svg.line([from, TOP], [from, BOTTOM], AXIS, 1.0);
        }
        let middle = |[from, to]: [f64; 2]| (from + to) / 2.0;
        self.svg.text([middle(STRIP), BOTTOM + 42.0], Anchor::Middle, MEDIUM, TEXT, "no FLOPs: GB/s");
        self.svg.text([middle(PLOT), BOTTOM + 42.0], Anchor::Middle, MEDIUM, TEXT, "FLOPs per byte");
        self.svg.upright([26.0, (TOP + BOTTOM) / 2.0], MEDIUM, TEXT, "GFLOP/s (at the left, GB/s)");
    }

    /// Draws the ceilings: the line of the bandwidth, which rises with the FLOPs per byte up to each peak.
    fn ceilings(&mut self, ceiling: &Ceiling) {
        let bandwidth = ceiling.bandwidth / GIGA;
        let at = self.y.at(bandwidth);
        self.svg.line([STRIP[0], at], [STRIP[1], at], TEXT, 1.6);
        let name = format!("{} GB/s", short(bandwidth));
        self.caption([STRIP[1] - 4.0, at - 7.0], Anchor::End, &name);
        let name_of_slope = format!("copy: {name}");
        for (i, (name, peak)) in ceiling.peaks.iter().enumerate() {
            let peak = peak / GIGA;
            let (ridge, end) = (peak / bandwidth, self.x.value(PLOT[1]));
            let rate = |x: f64| (x * bandwidth).min(peak);
            let lowest = (self.y.value(BOTTOM) / bandwidth).max(self.x.value(PLOT[0]));
            let corners = [lowest, ridge, end].map(|x| [number(self.x.at(x)), number(self.y.at(rate(x)))]);
            let path = corners.map(|[x, y]| format!("{x} {y}")).join("L");
            let dash = if i == 0 { "" } else { " stroke-dasharray=\"6 4\"" };
            self.svg.add(format_args!(
                "<path d=\"M{path}\" fill=\"none\" stroke=\"{TEXT}\" stroke-width=\"1.6\" stroke-linejoin=\"round\"{dash}/>"
            ));
            let pixels = [lowest, ridge, end].map(|x| [self.x.at(x), self.y.at(rate(x))]);
            pixels.windows(2).for_each(|ends| self.keep_clear(ends[0], ends[1]));
            self.caption([PLOT[1] - 4.0, self.y.at(peak) - 7.0], Anchor::End, &format!("{name}: {} GFLOP/s", short(peak)));
            if i == 0 {
                self.slope([pixels[0], pixels[1]], &name_of_slope);
            }
        }
    }

    /// The name of the rising line, written along it.
    fn slope(&mut self, [from, to]: [[f64; 2]; 2], text: &str) {
        let rise = [to[0] - from[0], to[1] - from[1]];
        let angle = rise[1].atan2(rise[0]);
        let middle = [from[0] + 0.4 * rise[0], from[1] + 0.4 * rise[1]];
        let above = [middle[0] + 8.0 * angle.sin(), middle[1] - 8.0 * angle.cos()];
        let half = text_width(text, SMALL) / 2.0;
        if 2.0 * half > rise[0].hypot(rise[1]) {
            return;
        }
        // No label may cover it: a square every few pixels along the line.
        for part in 0..=8 {
            let along = half * (f64::from(part) / 4.0 - 1.0);
            let [x, y] = [above[0] + along * angle.cos(), above[1] + along * angle.sin()];
            self.places.take([x - 8.0, y - SMALL, x + 8.0, y + 4.0]);
        }
        self.svg.turned(above, angle.to_degrees(), Anchor::Middle, TEXT, text);
    }

    /// A line that no label may cover.
    fn keep_clear(&mut self, from: [f64; 2], to: [f64; 2]) {
        const STEP: f64 = 6.0;
        let steps = ((to[0] - from[0]).hypot(to[1] - from[1]) / STEP).ceil().max(1.0);
        for i in 0..=steps as usize {
            let share = i as f64 / steps;
            let [x, y] = [0, 1].map(|k| from[k] + share * (to[k] - from[k]));
            self.places.take([x - STEP / 2.0, y - 1.0, x + STEP / 2.0, y + 1.0]);
        }
    }

    /// A text that no label may cover.
    fn caption(&mut self, at: [f64; 2], anchor: Anchor, text: &str) {
        let width = text_width(text, SMALL);
        let left = if matches!(anchor, Anchor::End) { at[0] - width } else { at[0] };
        self.places.take([left, at[1] - SMALL, left + width, at[1] + 3.0]);
        self.svg.text(at, anchor, SMALL, TEXT, text);
    }

    /// The position of a point. Points without FLOPs are spread over their strip by multiples of the golden ratio.
    fn place(&self, i: usize, p: &Point) -> [f64; 2] {
        let y = self.y.at(p.rate() / GIGA);
        if p.flops > 0.0 {
            return [self.x.at(p.flops / p.bytes), y];
        }
        let along = (i as f64 * 0.618_033_988_75).fract();
        [STRIP[0] + 14.0 + along * (STRIP[1] - STRIP[0] - 28.0), y]
    }

    fn mark(&self, family: &str, p: &Point) -> Mark {
        let at = self.families.iter().position(|f| f == family).unwrap_or(0);
        Mark { family: at, colour: LINES[at % LINES.len()], open: p.reverse, faint: p.faint }
    }

    fn point(&mut self, p: &Point, [x, y]: [f64; 2]) {
        let radius = if p.faint { 2.6 } else { 5.0 };
        if !p.faint {
            self.places.take([x - radius, y - radius, x + radius, y + radius]);
        }
        let mark = marker([x, y], radius, self.mark(&p.family, p));
        let detail = escape(&p.detail);
        self.svg.add(format_args!("{mark}<title>{detail}</title></path>"));
    }

    /// Writes names beside the points where they cover no other name and no point. A name for which there is no room is left out.
    fn labels(&mut self, points: &[&Point], at: &[[f64; 2]]) {
        for (p, &[x, y]) in points.iter().zip(at) {
            let Some(label) = &p.label else { continue };
            // Some fonts are wider than the estimate.
            let width = 1.1 * text_width(label, SMALL - 1.0);
            let [from, to] = if p.flops > 0.0 { PLOT } else { STRIP };
            let bounds = [from + 2.0, TOP, to, BOTTOM - 2.0];
            let Some((at, anchor)) = self.places.beside([x, y], [width, SMALL - 1.0], bounds) else { continue };
            self.svg.text(at, anchor, SMALL - 1.0, self.mark(&p.family, p).colour, label);
        }
    }

    fn legend(&mut self, points: &[&Point]) {
        let mut y = TOP + 6.0;
        let mut entry = |svg: &mut Svg, mark: Mark, radius: f64, text: &str| {
            svg.add(format_args!("{}</path>", marker([LEGEND + 6.0, y], radius, mark)));
            svg.text([LEGEND + 20.0, y + 4.0], Anchor::Start, SMALL, TEXT, &fitted(text, SMALL, WIDTH - LEGEND - 24.0));
            y += 21.0;
        };
        let plain = Mark { family: 0, colour: MUTED, open: false, faint: false };
        for (family, name) in self.families.iter().enumerate() {
            entry(&mut self.svg, Mark { family, colour: LINES[family % LINES.len()], ..plain }, 5.0, name);
        }
        entry(&mut self.svg, plain, 5.0, "forward");
        if points.iter().any(|p| p.reverse) {
            entry(&mut self.svg, Mark { open: true, ..plain }, 5.0, "reverse");
        }
        if points.iter().any(|p| p.faint) {
            entry(&mut self.svg, Mark { faint: true, ..plain }, 2.6, "smaller sizes");
        }
    }
}
