//! The text of an SVG, and the style that all pictures share.

use std::fmt::Write;

pub const TEXT: &str = "#1f2933";
pub const MUTED: &str = "#5b6770";
pub const AXIS: &str = "#9aa5b1";
pub const GRID: &str = "#e6e9ed";
/// The colour of a shade behind data.
pub const BAND: &str = "#eef1f4";
/// The width of most pictures: two stand side by side on a page, and on a telephone their text can be read.
pub const WIDTH: f64 = 480.0;
/// The size of the labels of ticks and of captions, in pixels.
pub const SMALL: f64 = 12.0;
/// The size of the labels of axes, in pixels.
pub const MEDIUM: f64 = 13.0;
/// The top of a picture's contents, below the title, in pixels.
pub const TOP: f64 = 46.0;

/// The colours of a picture's background and ink, each with the colour that replaces it for readers who prefer dark pages. The colours of
/// data stay the same.
pub const ON_DARK: [(&str, &str); 9] = [
    ("#fff", "#14191f"),
    (TEXT, "#e4e9ee"),
    (MUTED, "#a3afba"),
    (AXIS, "#66727f"),
    (GRID, "#2b333c"),
    (BAND, "#242c35"),
    ("#0072b2", "#3d9fdb"),
    ("#3d4852", "#c3ccd4"),
    ("#8b5a2b", "#c08d5c"),
];

const FONTS: &str = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";
const TITLE: f64 = 15.0;

/// The position of a text relative to its point.
#[derive(Debug, Clone, Copy)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture being written. Coordinates are pixels from the top left.
pub struct Svg {
    body: String,
    width: f64,
}

impl Svg {
    /// An empty picture with its title and a description in words for readers who cannot see it.
    pub fn new(width: f64, height: f64, title: &str, seen: &str) -> Self {
        let name = escape(&if seen.is_empty() { title.to_owned() } else { format!("{title}: {seen}") });
        let (w, h) = (number(width), number(height));
        let body = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{w}\" height=\"{h}\" \
             viewBox=\"0 0 {w} {h}\" role=\"img\" aria-label=\"{name}\" font-family=\"{FONTS}\">\n\
             <rect width=\"{w}\" height=\"{h}\" fill=\"#fff\"/>\n"
        );
        let mut svg = Self { body, width };
        svg.title(title);
        svg
    }

    fn title(&mut self, title: &str) {
        let room = self.width - 40.0;
        let size = (TITLE * room / text_width(title, TITLE).max(1.0)).clamp(12.0, TITLE);
        let text = escape(&fitted(title, size, room));
        self.add(format_args!("<text x=\"20\" y=\"28\" font-size=\"{}\" font-weight=\"600\" fill=\"{TEXT}\">{text}</text>", number(size)));
    }

    /// Adds a piece of SVG, whose texts the caller has escaped.
    pub fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.body, "{element}");
    }

    pub fn line(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], stroke: &str, width: f64) {
        let [x1, y1, x2, y2, width] = [x1, y1, x2, y2, width].map(number);
        self.add(format_args!("<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"{stroke}\" stroke-width=\"{width}\"/>"));
    }

    pub fn circle(&mut self, [x, y]: [f64; 2], radius: f64, attributes: &str) {
        let [x, y, radius] = [x, y, radius].map(number);
        self.add(format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" {attributes}/>"));
    }

    pub fn text(&mut self, [x, y]: [f64; 2], anchor: Anchor, size: f64, fill: &str, text: &str) {
        let anchor = anchor_name(anchor);
        let [x, y, size] = [x, y, size].map(number);
        let text = escape(text);
        self.add(format_args!("<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{fill}\">{text}</text>"));
    }

    /// A text turned by an angle in degrees, clockwise, about its point.
    pub fn turned(&mut self, [x, y]: [f64; 2], angle: f64, anchor: Anchor, fill: &str, text: &str) {
        let anchor = anchor_name(anchor);
        let [x, y, angle, size] = [x, y, angle, SMALL].map(number);
        let text = escape(text);
        self.add(format_args!(
            "<text transform=\"translate({x} {y}) rotate({angle})\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{fill}\">{text}</text>"
        ));
    }

    /// A text that reads upwards, centred on a point.
    pub fn upright(&mut self, [x, y]: [f64; 2], size: f64, fill: &str, text: &str) {
        let [x, y, size] = [x, y, size].map(number);
        let text = escape(text);
        self.add(format_args!(
            "<text transform=\"translate({x} {y}) rotate(-90)\" font-size=\"{size}\" text-anchor=\"middle\" fill=\"{fill}\">{text}</text>"
        ));
    }

    pub fn finish(mut self) -> String {
        self.body.push_str("</svg>\n");
        self.body
    }
}

fn anchor_name(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    }
}

/// Text as XML and HTML hold it. Characters that XML cannot hold are replaced.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// A coordinate, to a hundredth of a pixel.
pub fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" { "0".into() } else { short.into() }
}

/// The approximate width of a text in pixels; the reader's font is not known here.
pub fn text_width(text: &str, size: f64) -> f64 {
    text.chars().map(|c| if c.is_ascii() { 0.56 } else { 0.9 }).sum::<f64>() * size
}

/// A text cut to about `width` pixels.
pub fn fitted(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.into();
    }
    let mut short = String::new();
    for c in text.chars() {
        short.push(c);
        if text_width(&short, size) + size > width {
            break;
        }
    }
    short + "…"
}
