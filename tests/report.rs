//! Pictures and reports are well-formed, self-contained and reproducible, and inputs that cannot be drawn are refused with a clear message.

use tapetum::Result;
use tapetum::report::picture::{
    Ceiling, Hemisphere, Matrix, Point, Score, barcode, comparison, heat_map, line_chart, network, roofline, scatter, sphere_map,
};
use tapetum::report::{Figure, ReportTable, Section, report};

const AWKWARD: &str = "a < b & \"c\" > 'd' \u{1} µ";

/// Asserts that tags are closed in order and that the text has no bare `&` or `<`. Returns the texts between tags.
#[track_caller]
fn texts_of_xml(xml: &str) -> Vec<String> {
    let (mut open, mut texts) = (Vec::new(), Vec::new());
    for (i, piece) in xml.split('<').enumerate().filter(|(i, _)| *i > 0) {
        let (tag, text) = piece.split_once('>').unwrap_or_else(|| panic!("tag {i} does not end: {piece}"));
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap();
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) => assert_eq!(open.pop(), Some(name), "tag {i}"),
            (false, false) => open.push(name),
            (false, true) => {}
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "attributes of {tag}");
        for entity in piece.split('&').skip(1) {
            assert!(["amp;", "lt;", "gt;", "quot;"].iter().any(|e| entity.starts_with(e)), "a bare & in {piece}");
        }
        texts.push(text.trim().to_owned());
    }
    assert!(open.is_empty(), "left open: {open:?}");
    assert!(!xml.contains(|c: char| c.is_control() && c != '\n'), "a control character");
    texts.retain(|text| !text.is_empty());
    texts
}

/// Draws twice and checks what holds for every picture; returns its texts.
#[track_caller]
fn drawn(draw: impl Fn() -> Result<String>) -> Vec<String> {
    let svg = draw().unwrap();
    assert_eq!(svg, draw().unwrap(), "not the same twice");
    assert!(!svg.contains("NaN") && !svg.contains("inf\"") && !svg.contains("inf "), "a coordinate that is not a number");
    let links = svg.matches("http").count();
    assert_eq!(links, 2, "more than the two names of XML name spaces");
    texts_of_xml(&svg)
}

#[track_caller]
fn assert_says(result: Result<String>, parts: &[&str]) {
    let message = result.expect_err("an error").to_string();
    for part in parts {
        assert!(message.contains(part), "`{message}` does not say `{part}`");
    }
}

fn line(points: &[(f64, f64)]) -> Vec<(String, Vec<(f64, f64)>)> {
    vec![(AWKWARD.into(), points.to_vec())]
}

#[test]
fn line_charts() {
    let texts = drawn(|| line_chart(AWKWARD, "step", "loss", &line(&[(0.0, 1.0), (1.0, 0.5), (2.0, f64::NAN), (3.0, 0.25)])));
    for text in ["a &lt; b &amp; &quot;c&quot; &gt; 'd' \u{FFFD} µ", "step", "loss", "0.4"] {
        assert!(texts.iter().any(|found| found == text), "`{text}` is not in {texts:?}");
    }
    drawn(|| line_chart("one point", "x", "y", &line(&[(3.0, 0.0)])));
    drawn(|| line_chart("constant", "x", "y", &line(&[(0.0, -7.5), (1.0, -7.5)])));
    drawn(|| line_chart("nearly constant", "x", "y", &line(&[(0.0, 1.0), (1.0, 1.0 + f64::EPSILON)])));
    drawn(|| line_chart("vast and tiny", "x", "y", &line(&[(-1e299, 1e-300), (1e299, -1e-300), (f64::MAX, 0.0)])));
    let many: Vec<_> = (0..60).map(|i| (format!("a line with a long name, number {i}"), vec![(0.0, 0.0), (1.0, f64::from(i))])).collect();
    drawn(|| line_chart("many", "x", "y", &many));
    for nothing in [vec![], line(&[]), line(&[(0.0, f64::NAN)])] {
        assert_says(line_chart("loss", "x", "y", &nothing), &["line chart `loss`", "no finite points"]);
    }
}

#[test]
fn heat_maps() {
    let texts = drawn(|| heat_map("r", "parcel", "correlation", 2, &[1.0, -0.5, f32::INFINITY, 9.0], (-1.0, 1.0)));
    assert!(texts.contains(&"correlation".into()) && texts.contains(&"−0.5".into()), "{texts:?}");
    assert_eq!(texts.iter().filter(|text| *text == "parcel").count(), 2);
    let noise: Vec<f32> = (0..1_000_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 16) as f32 / 32768.0 - 1.0).collect();
    let size = heat_map("r", "vertex", "r", 1000, &noise, (-1.0, 1.0)).unwrap().len();
    assert!(size < 1_500_000, "{size} bytes");

    assert_says(heat_map("r", "", "", 2, &[0.0; 3], (-1.0, 1.0)), &["heat map `r`", "3 values", "4"]);
    assert_says(heat_map("r", "", "", 0, &[], (-1.0, 1.0)), &["0 rows"]);
    assert_says(heat_map("r", "", "", 5000, &[], (-1.0, 1.0)), &["5000 rows", "4096"]);
    assert_says(heat_map("r", "", "", 2, &[0.0, 0.0, f32::NAN, 0.0], (-1.0, 1.0)), &["row 1, column 0", "NaN"]);
    for range in [(1.0, 1.0), (1.0, -1.0), (f32::NAN, 1.0), (0.0, f32::INFINITY)] {
        assert_says(heat_map("r", "", "", 1, &[0.0], range), &["range from"]);
    }
}

/// The colours in the palettes of a picture's bitmaps.
fn palette(svg: &str) -> Vec<[u8; 3]> {
    use base64::Engine;
    let data = svg.split("base64,").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let bytes = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
    let at = bytes.windows(4).position(|w| w == b"PLTE").unwrap();
    let length = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap()) as usize;
    bytes[at + 4..][..length].chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect()
}

#[test]
fn scales_fit_what_is_shown() {
    let names: Vec<String> = ["left", "right", AWKWARD].map(String::from).to_vec();
    let matrix = |values: &'static [f32], rows: usize| Matrix {
        title: "m",
        axes: ["region", "state"],
        quantity: "share",
        rows,
        values,
        ..Matrix::default()
    };
    let light = |[r, g, b]: [u8; 3]| u32::from(r) + u32::from(g) + u32::from(b);
    // Values of one sign are drawn from light to dark. Where there are two signs, 0 is white, wherever it lies on the scale.
    let colours = palette(&matrix(&[0.0, 0.1, 0.5, 0.25, 0.125, 0.0], 2).heat_map().unwrap());
    assert!((0..99).all(|i| light(colours[i]) > light(colours[i + 1])));
    let mixed = Matrix { range: Some((-0.5, 1.0)), ..matrix(&[-0.5, 1.0], 1) };
    let colours = palette(&mixed.heat_map().unwrap());
    let lightest = (0..101).max_by_key(|&i| light(colours[i])).unwrap();
    assert!((33..=34).contains(&lightest), "white at {lightest} of 100, where 0 is");
    // The diagonal does not stretch the scale, and rows need not be as many as columns.
    let values: &'static [f32] = &[1.0, 0.02, 0.01, 0.02, 1.0, 0.03, 0.01, 0.03, 1.0];
    let square = Matrix { names: [&names, &names], axes: ["region"; 2], without_diagonal: true, ..matrix(values, 3) };
    let texts = drawn(|| square.heat_map());
    assert!(texts.contains(&"0.03".to_owned()) && !texts.iter().any(|t| t == "1.0"), "{texts:?}");
    assert_eq!(texts.iter().filter(|t| *t == "left").count(), 2, "names stand at both axes");
    let constant = Matrix { without_diagonal: false, ..square }.without_constant_diagonal();
    assert!(constant.without_diagonal && !matrix(&[1.0, 0.5, 0.5, 0.25], 2).without_constant_diagonal().without_diagonal);
    let svg = square.heat_map().unwrap();
    assert!(svg.contains("3 × 3, share from 0.0100 to 0.0300"), "said in words");
    let texts = drawn(|| Matrix { names: [&names[..2], &[]], ..matrix(&[0.0; 6], 2) }.heat_map());
    assert!(texts.contains(&"right".to_owned()) && texts.contains(&"2".to_owned()), "{texts:?}");
    assert_says(matrix(&[0.0; 5], 2).heat_map(), &["5 values for 2 rows"]);
}

const OCTAHEDRON: [[f32; 3]; 6] = [[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [0.0, 0.0, 1.0]];
const FACES: [[i32; 3]; 8] = [[0, 2, 4], [0, 5, 2], [0, 3, 5], [0, 4, 3], [1, 4, 2], [1, 2, 5], [1, 5, 3], [1, 3, 4]];

#[test]
fn sphere_maps() {
    let labels = [-1, 7, 0, 0, 3, 9];
    let draw = |hemisphere, labels: &[i32]| sphere_map(AWKWARD, hemisphere, &OCTAHEDRON, &FACES, labels);
    let texts = drawn(|| draw(Hemisphere::Left, &labels));
    assert_eq!(texts[1..], ["A", "P", "lateral", "A", "P", "medial"]);
    let (left, right) = (draw(Hemisphere::Left, &labels).unwrap(), draw(Hemisphere::Right, &labels).unwrap());
    let first_panel = |svg: &str| svg.split("lateral").next().unwrap().matches("#d9dde1").count();
    assert!(first_panel(&left) > first_panel(&right), "the unlabelled vertex at −x is on the left hemisphere's lateral side");
    assert_eq!(draw(Hemisphere::Left, &[-1; 6]).unwrap(), draw(Hemisphere::Left, &[i32::MIN; 6]).unwrap());
    drawn(|| sphere_map("no faces", Hemisphere::Right, &OCTAHEDRON, &[], &labels));
    drawn(|| sphere_map("flat faces", Hemisphere::Right, &OCTAHEDRON, &[[0, 0, 0], [2, 3, 2]], &labels));

    assert_says(draw(Hemisphere::Left, &labels[1..]), &["sphere map", "5 labels for 6 vertices"]);
    for bad in [6, -1, i32::MIN] {
        assert_says(sphere_map("s", Hemisphere::Left, &OCTAHEDRON, &[[0, 1, 2], [0, 1, bad]], &labels), &["face 1", "0 to 5"]);
    }
    assert_says(sphere_map("s", Hemisphere::Left, &[], &[], &[]), &["0 vertices"]);
    assert_says(sphere_map("s", Hemisphere::Left, &[[1.0; 3]; 3], &[], &[0; 3]), &["3 vertices in one place"]);
    assert_says(sphere_map("s", Hemisphere::Left, &[[0.0; 3], [0.0, f32::NAN, 0.0]], &[], &[0; 2]), &["vertex 1", "finite"]);
}

#[test]
fn comparisons() {
    let values = [(AWKWARD.to_string(), 0.5), ("a very long name of a method, too long for any picture at all".into(), 0.25)];
    let texts = drawn(|| comparison("scores", "score", &values, ("random", &[0.1, 0.2, 0.3])));
    for text in ["0.500", "0.250", "0.200", "median", "random", "score"] {
        assert!(texts.iter().any(|found| found == text), "`{text}` is not in {texts:?}");
    }
    let texts = drawn(|| comparison("scores", "score", &values[..1], ("random", &[])));
    assert!(!texts.contains(&"median".into()));
    drawn(|| comparison("equal", "score", &values[..1], ("random", &[0.5; 4])));

    // A note says that the axis does not start at 0, and another explains the shade.
    let texts = drawn(|| comparison("far from 0", "score", &values[..1], ("random", &[0.4, 0.45])));
    assert!(texts.iter().any(|t| t.starts_with("The axis starts at 0.39")) && texts.iter().any(|t| t.contains("5th to 95th")), "{texts:?}");
    let spread = [Score { name: "learnt".into(), value: 0.5, deviation: Some(0.125) }];
    let svg = comparison("spread", "score", &spread, ("", &[])).unwrap();
    assert!(svg.contains("learnt 0.500 ± 0.125") && svg.contains("one standard deviation"), "{svg}");
    let nan = [Score { deviation: Some(f64::NAN), ..spread[0].clone() }];
    assert_says(comparison("s", "", &nan, ("", &[])), &["`learnt` is NaN"]);
    assert_says(comparison::<Score>("s", "", &[], ("random", &[0.5])), &["comparison `s`", "no values"]);
    assert_says(comparison("s", "", &[("k".into(), f64::NAN)], ("random", &[])), &["`k` is NaN"]);
    assert_says(comparison("s", "", &values, ("random", &[0.0, f64::INFINITY])), &["value 1 of `random`", "inf"]);
}

#[test]
fn scatters() {
    let groups =
        |n: usize| (0..n).map(|g| (format!("{AWKWARD} {g}"), vec![[g as f64, 1.0], [f64::NAN, 0.0], [0.5, 1e305]])).collect::<Vec<_>>();
    let texts = drawn(|| scatter(AWKWARD, "mean birth", "mean death", &groups(3)));
    for text in ["mean birth", "mean death"] {
        assert!(texts.contains(&text.into()), "`{text}` is not in {texts:?}");
    }
    // More groups than colours, and than there is room for names.
    drawn(|| scatter("many", "x", "y", &groups(60)));
    drawn(|| scatter("one", "x", "y", &[("a".into(), vec![[2.0, -3.0]])]));
    assert_says(scatter("places", "x", "y", &[("a".into(), vec![[f64::NAN, 1.0]])]), &["scatter `places`", "no finite points"]);
}

#[test]
fn networks() {
    let names: Vec<String> = ["AVAL", AWKWARD, "RIB"].map(String::from).to_vec();
    // Rows are receivers. Of the four edges above 0 the strongest two are drawn, and no edge of a node to itself.
    let weights = [9.0, 0.5, 0.0, 0.25, 9.0, 1.0, -1.0, 0.125, 9.0];
    let texts = drawn(|| network("graph", &names, &weights, 2));
    for text in ["AVAL", "RIB", "the 2 strongest of 6 edges"] {
        assert!(texts.iter().any(|found| found == text), "`{text}` is not in {texts:?}");
    }
    let svg = network("graph", &names, &weights, 2).unwrap();
    assert_eq!(svg.matches("<polygon").count(), 2);
    // The strongest lies on top, and is the widest.
    let widths: Vec<f64> = svg.split("stroke-width=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse().unwrap()).collect();
    assert!(widths.is_sorted() && widths[0] < widths[1], "{widths:?}");
    assert_eq!(network("all", &names, &weights, 10).unwrap().matches("<polygon").count(), 4);
    drawn(|| network("one", &names[..1], &[1.0], 3));

    assert_says(network("none", &[], &[], 3), &["network `none`", "0 nodes"]);
    assert_says(network("few", &names, &weights[..4], 3), &["3 nodes and 4 weights"]);
    assert_says(network("nan", &names[..1], &[f32::NAN], 3), &["finite"]);
}

#[test]
fn barcodes() {
    let texts = drawn(|| barcode("bars", &[0.25, 0.5], &[0.1, 0.125, 0.2]));
    assert!(texts.iter().any(|t| t.contains("2 components") && t.contains("0.500")), "{texts:?}");
    assert!(texts.iter().any(|t| t.contains("3 cycles") && t.contains("0.125")), "{texts:?}");
    // Where there are many bars, they are drawn as one area.
    let many: Vec<f32> = (0..500).map(|i| (i as f32 / 500.0).powi(2)).collect();
    assert_eq!(barcode("area", &many, &many).unwrap().matches("<path").count(), 2);
    let long: Vec<f32> = (0..100_000).map(|i| i as f32).collect();
    assert!(barcode("long", &long, &long).unwrap().len() < 100_000, "bars of which many would share a pixel");
    drawn(|| barcode("no cycles", &[0.5], &[]));
    assert_says(barcode("bars", &[], &[1.0]), &["barcode `bars`", "births"]);
    assert_says(barcode("bars", &[f32::INFINITY], &[]), &["barcode `bars`", "finite"]);
}

#[test]
fn reports() {
    let section = Section {
        heading: AWKWARD.into(),
        text: "first & last\n\nsecond".into(),
        table: Some(ReportTable {
            header: ["method", "score"].map(String::from).into(),
            rows: vec![vec!["<k>".into(), "−0.5".into()], vec!["short".into()]],
        }),
        figures: vec![Figure { svg: line_chart("l", "x", "y", &line(&[(0.0, 0.0)])).unwrap(), caption: AWKWARD.into() }],
    };
    let draw = || report(AWKWARD, "intro", &[section.clone(), Section::default()]);
    let html = draw();
    assert_eq!(html, draw());
    for part in [
        "<p class=\"intro\">intro</p>",
        "<p>first &amp; last</p>\n<p>second</p>",
        "<th>method</th><th class=\"number\">score</th>",
        "<td>&lt;k&gt;</td><td class=\"number\">−0.5</td>",
        "<td>short</td><td class=\"number\"></td>",
    ] {
        assert!(html.contains(part), "`{part}` is not in the report");
    }
    assert!(html.contains("@media (prefers-color-scheme: dark)") && html.contains("svg [fill='#1f2933']"), "ink for dark pages");
    let code = report("t", "run `tapetum demo`, then look; a lone ` stays", &[]);
    assert!(code.contains("a lone ` stays"));
    assert!(report("t", "run `tapetum <demo>`", &[]).contains("run <code>tapetum &lt;demo&gt;</code>"));
    assert!(!html.contains("<script") && !html.contains("src="), "a report needs nothing but itself");
    // The body is checked by the rules of XML, after removing the parts in which HTML differs from XML.
    let body = html.split_once("<body>").unwrap().1.replace("</html>\n", "");
    texts_of_xml(&format!("<body>{body}"));
}

#[test]
fn rooflines() {
    let point = |label: Option<&str>, flops: f64, bytes: f64, reverse: bool| Point {
        family: "matmul".into(),
        label: label.map(String::from),
        detail: AWKWARD.into(),
        flops,
        bytes,
        seconds: 0.5,
        reverse,
        faint: label.is_none(),
    };
    let ceiling = Ceiling { bandwidth: 1e10, peaks: vec![("FMA in f32".into(), 1e11), ("FMA in f16".into(), 4e11)] };
    let points = [
        point(Some("product"), 1e10, 1e9, false),
        point(Some("copied"), 0.0, 1e9, true),
        point(None, 1e9, 1e9, false),
        point(Some("never timed"), 0.0, 0.0, false),
    ];
    let texts = drawn(|| roofline(AWKWARD, "a device", &ceiling, &points));
    for text in ["product", "copied", "matmul", "reverse", "10.0 GB/s", "FMA in f16: 400 GFLOP/s", "FLOPs per byte"] {
        assert!(texts.iter().any(|found| found == text), "`{text}` is not in {texts:?}");
    }
    assert!(!texts.contains(&"never timed".into()), "a point of no bytes has no place");
    assert!(texts.contains(&"copy: 10.0 GB/s".into()), "the slope is labelled");
    drawn(|| roofline("no points", "", &ceiling, &[]));
    // There are so many points in one place that most names find no room.
    let crowd = vec![points[0].clone(); 40];
    let texts = drawn(|| roofline("a crowd", "", &ceiling, &crowd));
    let named = texts.iter().filter(|text| *text == "product").count();
    assert!((4..40).contains(&named), "{named}");

    assert_says(roofline("r", "", &Ceiling { bandwidth: 1e10, peaks: vec![] }, &[]), &["roofline `r`", "no peak"]);
    assert_says(roofline("r", "", &Ceiling { bandwidth: f64::NAN, ..ceiling }, &[]), &["roofline `r`", "NaN"]);
}
