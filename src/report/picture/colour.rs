//! Colours.

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// Lines, in order (Okabe and Ito, "Color Universal Design", 2008: told apart by colour-blind readers).
pub const LINES: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#3d4852"];

/// Parcels: six hues each of a light, a middle and a dark tone, even in OKLCH.
pub const PARCELS: [Rgb; 18] = [
    [0xF4, 0xA4, 0xB0],
    [0xE5, 0xB3, 0x79],
    [0xAA, 0xCA, 0x89],
    [0x6D, 0xD2, 0xCB],
    [0x8E, 0xC3, 0xF9],
    [0xD1, 0xAD, 0xEC],
    [0xD9, 0x7C, 0x5B],
    [0xAA, 0x99, 0x2E],
    [0x43, 0xB0, 0x7D],
    [0x00, 0xA9, 0xCD],
    [0x8A, 0x8F, 0xE4],
    [0xCB, 0x78, 0xB0],
    [0xA9, 0x52, 0x62],
    [0x9C, 0x64, 0x0D],
    [0x5B, 0x7E, 0x30],
    [0x00, 0x86, 0x80],
    [0x36, 0x75, 0xB2],
    [0x86, 0x5D, 0xA3],
];

/// Blue through white to red, from −1 to 1.
const DIVERGING: [Rgb; 9] = [
    [0x12, 0x2F, 0x63],
    [0x2B, 0x62, 0xA6],
    [0x62, 0x9F, 0xCD],
    [0xB5, 0xD5, 0xE8],
    [0xFA, 0xFA, 0xF8],
    [0xF8, 0xCB, 0xB4],
    [0xE4, 0x86, 0x6B],
    [0xBE, 0x3A, 0x3C],
    [0x73, 0x10, 0x2A],
];

/// Nearly white through teal to dark blue, from 0 to 1: even steps of lightness.
const SEQUENTIAL: [Rgb; 7] = [
    [0xFA, 0xFA, 0xF8],
    [0xD9, 0xEC, 0xDF],
    [0xA6, 0xD5, 0xC9],
    [0x62, 0xB5, 0xBC],
    [0x2F, 0x8C, 0xAE],
    [0x23, 0x5F, 0x96],
    [0x1B, 0x2F, 0x66],
];

/// The diverging colour of a position from 0 to 1; 0.5 is white.
pub fn diverging(position: f64) -> Rgb {
    along(&DIVERGING, position)
}

/// The sequential colour of a position from 0 to 1, from light to dark.
pub fn sequential(position: f64) -> Rgb {
    along(&SEQUENTIAL, position)
}

/// The colour interpolated between the two nearest to a position from 0 to 1; the first colour for NaN.
fn along(colours: &[Rgb], position: f64) -> Rgb {
    let along = position.clamp(0.0, 1.0) * (colours.len() - 1) as f64;
    let before = (along as usize).min(colours.len() - 2);
    let part = if along.is_nan() { 0.0 } else { along - before as f64 };
    let mix = |i: usize| f64::from(colours[before][i]) * (1.0 - part) + f64::from(colours[before + 1][i]) * part;
    [0, 1, 2].map(|i| mix(i).round() as u8)
}

/// The colour in hexadecimal, as SVG writes it.
pub fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// The perceived difference between two colours: their distance in OKLab (Ottosson, "A perceptual color space for image processing", 2020).
pub fn distance(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (oklab(a), oklab(b));
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

fn oklab(rgb: Rgb) -> [f64; 3] {
    let [r, g, b] = rgb.map(|c| linear(f64::from(c) / 255.0));
    let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
        1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
        0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
    ]
}

/// The linear intensity of an sRGB component from 0 to 1.
fn linear(c: f64) -> f64 {
    if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
}

#[cfg(test)]
mod tests {
    use super::{distance, diverging, sequential};

    #[test]
    fn the_middle_of_the_diverging_map_is_light_and_its_ends_are_dark() {
        assert_eq!(diverging(0.5), [0xFA, 0xFA, 0xF8]);
        assert_eq!(diverging(-3.0), diverging(0.0));
        assert_eq!(diverging(f64::INFINITY), [0x73, 0x10, 0x2A]);
    }

    #[test]
    fn the_sequential_map_grows_darker_all_along() {
        let light = |[r, g, b]: super::Rgb| f64::from(r) * 0.2126 + f64::from(g) * 0.7152 + f64::from(b) * 0.0722;
        let steps: Vec<f64> = (0..=50).map(|i| light(sequential(f64::from(i) / 50.0))).collect();
        assert!(steps.is_sorted_by(|a, b| a > b), "{steps:?}");
    }

    #[test]
    fn black_and_white_are_one_apart() {
        assert!((distance([0; 3], [255; 3]) - 1.0).abs() < 1e-3);
        assert_eq!(distance([9; 3], [9; 3]), 0.0);
    }
}
