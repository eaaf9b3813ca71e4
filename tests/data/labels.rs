//! Names of an atlas' regions from tables of labels.

use crate::common::folder::Folder;
use crate::common::image::nifti;
use tapetum::Result;
use tapetum::data::{Series, SeriesOptions, read_series};

/// An image, an atlas of the labels 1, 2 and 17, and one of two maps.
fn folder() -> Folder {
    let folder = Folder::new("labels");
    folder.file("bold.nii", nifti(&[4, 1, 1, 2], &[1.0, 2.0, 3.0, 4.0, 2.0, 1.0, 5.0, 3.0]));
    folder.file("atlas.nii", nifti(&[4, 1, 1], &[1.0, 2.0, 17.0, 0.0]));
    folder.file("maps.nii", nifti(&[4, 1, 1, 2], &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0]));
    folder
}

fn read(folder: &Folder, atlas: &str, labels: Option<&str>) -> Result<Series> {
    let options = SeriesOptions::default().with_atlas(folder.0.join(atlas));
    let options = match labels {
        Some(name) => options.with_labels(folder.0.join(name)),
        None => options,
    };
    read_series(folder.0.join("bold.nii"), options)
}

#[track_caller]
fn named(folder: &Folder, atlas: &str, file: &str, text: &str, names: &[&str]) -> Vec<String> {
    folder.file(file, text);
    let series = read(folder, atlas, Some(file)).unwrap_or_else(|e| panic!("{text:?}: {e}"));
    assert_eq!(series.names.unwrap(), names, "{text:?}");
    assert!(series.remarks.iter().any(|r| r.contains(file)), "{:?}", series.remarks);
    series.remarks
}

#[track_caller]
fn refused(folder: &Folder, atlas: &str, file: &str, text: impl AsRef<[u8]>, parts: &[&str]) {
    folder.file(file, text);
    let text = read(folder, atlas, Some(file)).unwrap_err().to_string();
    parts.iter().chain(&[file]).for_each(|part| assert!(text.contains(part), "no `{part}`: {text}"));
}

#[test]
fn tables_of_many_kinds_name_labels() {
    let folder = folder();
    let abc = ["A one", "B", "C"];
    for (file, text) in [
        ("bids.tsv", "index\tname\tcolor\n0\tBackground\t#000000\n17\tC\t#1\n1\tA one\t#2\n2\tB\t#3\n"),
        ("xcpd.tsv", "\u{feff}index\tlabel\tnetwork_label\r\n1\tA one\tVis\r\n2\tB\tVis\r\n17\tC\tn/a\r\n"),
        ("nilearn.csv", "index,name\n1.0,A one\n2.0,\"B\"\n17.0,C\n"),
        ("semicolons.csv", "id;region\n1;A one\n2;B\n17;C\n"),
        ("two.tsv", "1\tA one\n2\tB\n17\tC\n"),
        ("two.txt", "1 A one\n2   B\n17 C\n"),
        ("tabs.txt", "1\tA one\t0\t0\n2\tB\t1\t1\n17\tC\t1\t1\n"),
        ("header.txt", "Index Name\n1 A one\n2 B\n17 C\n"),
        (
            "snap.txt",
            "# ITK-SnAP\n 0 0 0 0 0 0 0 \"Clear Label\"\n 1 255 0 0 1 1 1 \"A one\"\n 2 0 255 0 1 1 1 \"B\"\n 17 0 0 255 1 1 1 \"C\"\n",
        ),
        ("list.txt", "A one\nB\nC\n"),
        ("list.tsv", "name\nA one\nB\nC\n"),
        ("background.txt", "Background\nA one\nB\nC\n"),
        ("coordinates.csv", "x,y,name\n-1,3,A one\n2,5,B\n9,4,C\n"),
        (
            "fsl.xml",
            "<atlas><header><type>Label</type></header><data><label index=\"1\" x=\"4\">A  one</label><label index=\"2\">B</label>\
            <label index=\"17\">C</label></data></atlas>",
        ),
    ] {
        named(&folder, "atlas.nii", file, text, &abc);
    }
    let lut = "#No. Label Name: R G B A\n0 Unknown 0 0 0 0\n1 Left-Cerebral 70 130 180 0\n2 Left-White 245 245 245 0\n\
        17 Left-Hippocampus 1 2 3 0\n\
        18 Left-Amygdala 4 5 6 0\n";
    let remarks = named(&folder, "atlas.nii", "lut.txt", lut, &["Left-Cerebral", "Left-White", "Left-Hippocampus"]);
    assert!(remarks.iter().any(|r| r.contains("left out: Left-Amygdala")), "{remarks:?}");
    named(&folder, "atlas.nii", "aal.txt", "1 Pre_L 2001\n2 Pre_R 2002\n17 Post_L 2003\n", &["Pre_L", "Pre_R", "Post_L"]);
    // Numbers that are part of names stay.
    named(&folder, "atlas.nii", "areas.txt", "1 Area 17\n2 Area 18\n17 Area 19\n", &["Area 17", "Area 18", "Area 19"]);
    let remarks = named(&folder, "atlas.nii", "some.tsv", "index\tname\n1\tA\n17\tn/a\n", &["A", "2", "17"]);
    assert!(remarks.iter().any(|r| r.contains("keep their number: 2, 17")), "{remarks:?}");
    let remarks = named(&folder, "atlas.nii", "same.tsv", "index\tname\n1\tA\n2\tA\n17\tB\n", &["A", "A", "B"]);
    assert!(remarks.iter().any(|r| r.contains("same name: A")), "{remarks:?}");
    // A name for every number up to the largest label.
    let all: String = (1..=17).map(|i| format!("region {i}\n")).collect();
    named(&folder, "atlas.nii", "all.txt", &all, &["region 1", "region 2", "region 17"]);
    named(&folder, "atlas.nii", "all.txt", &format!("background\n{all}"), &["region 1", "region 2", "region 17"]);
}

#[test]
fn tables_name_maps_counted_from_0_or_1() {
    let folder = folder();
    for (file, text) in [
        ("from0.tsv", "index\tname\n0\tA\n1\tB\n"),
        ("from1.tsv", "index\tname\n1\tA\n2\tB\n"),
        ("list.txt", "A\nB\n"),
        ("component.csv", "Component,name\n1,A\n2,B\n"),
        (
            "fsl.xml",
            "<atlas><header><type>Probabilistic</type></header><data><label index=\"0\">A</label>\
             <label index=\"1\">B</label></data></atlas>",
        ),
    ] {
        named(&folder, "maps.nii", file, text, &["A", "B"]);
    }
    // The labels of a probabilistic atlas' summary are one above the numbers of its maps.
    let fsl =
        "<atlas><header><type>Probabilistic</type></header><data><label index=\"0\">A</label><label index=\"16\">C</label></data></atlas>";
    named(&folder, "atlas.nii", "summary.xml", fsl, &["A", "2", "C"]);
    refused(&folder, "maps.nii", "others.tsv", "index\tname\n5\tA\n6\tB\n", &["count the atlas' 2 maps"]);
    refused(&folder, "maps.nii", "three.txt", "A\nB\nC\n", &["3 names", "2 maps"]);
}

#[test]
fn tables_that_do_not_fit_are_refused() {
    let folder = folder();
    let no = |file: &str, text: &str, parts: &[&str]| refused(&folder, "atlas.nii", file, text, parts);
    no("empty.tsv", "", &["no line of names"]);
    no("comments.txt", "# nothing\n\n", &["no line of names"]);
    no("two.txt", "A\nB\n", &["2 names", "3 labels", "largest 17"]);
    no("others.tsv", "index\tname\n4\tA\n5\tB\n", &["none of the atlas' regions", "1, 2, 17"]);
    no("negative.tsv", "index\tname\n-4\tA\n5\tB\n", &["`-4`", "whole number"]);
    no("half.csv", "index,name\n1.5,A\n", &["`1.5`", "whole number"]);
    no("twice.tsv", "index\tname\n1\tA\n1\tB\n", &["region 1 has two names", "`A`", "`B`"]);
    no("ragged.tsv", "index\tname\n1\tA\n2\n", &["row 2", "1 columns"]);
    no("unknown.tsv", "a\tb\n1\tA\n2\tB\n", &["the first row is `a b`", "`index` and `name`"]);
    // Numbers under a header that is not known are not passed over for the order of rows.
    no("unsaid.tsv", "key\tname\n2\tA\n17\tB\n1\tC\n", &["`key`", "no column `index`"]);
    no("mixed.txt", "1 A\nB\n17 C\n", &["line `B`", "no number and name"]);
    no("other.xml", "<labels/>", &["<labels>"]);
    no("none.xml", "<atlas/>", &["no <label>"]);
    no("index.xml", "<atlas><label>A</label></atlas>", &["`index`"]);
    no("broken.xml", "<atlas>", &["an atlas file of FSL expected"]);
    refused(&folder, "atlas.nii", "bytes.txt", [b'1', b' ', 0xff, b'\n'], &["UTF-8"]);
    let missing = read(&folder, "atlas.nii", Some("nowhere.tsv")).unwrap_err().to_string();
    assert!(missing.contains("nowhere.tsv"), "{missing}");
    let options = SeriesOptions::default().with_labels(folder.0.join("empty.tsv"));
    folder.file("series.csv", "1,2\n3,4\n");
    let text = read_series(folder.0.join("series.csv"), options).unwrap_err().to_string();
    assert!(text.contains("series.csv") && text.contains("--atlas"), "{text}");
}

#[test]
fn a_table_beside_the_atlas_is_found() {
    let folder = folder();
    let names = |atlas: &str| {
        let series = read(&folder, atlas, None).unwrap();
        (series.names.unwrap(), series.remarks.join("; "))
    };
    assert_eq!(names("atlas.nii"), (vec!["1".into(), "2".into(), "17".into()], String::new()));
    // One that does not fit is said, and is no error.
    folder.file("atlas.txt", "What this atlas is.\n");
    let (numbers, remarks) = names("atlas.nii");
    assert_eq!((numbers[2].as_str(), remarks.contains("keep their numbers"), remarks.contains("atlas.txt")), ("17", true, true));
    folder.file("atlas_LUT.txt", "1 A 0 0 0 0\n2 B 0 0 0 0\n17 C 0 0 0 0\n");
    let (found, remarks) = names("atlas.nii");
    assert_eq!((found, remarks.contains("atlas_LUT.txt, which is beside the atlas")), (vec!["A".into(), "B".into(), "C".into()], true));
    folder.file("atlas.tsv", "index\tname\n1\tD\n2\tE\n17\tF\n");
    assert_eq!(names("atlas.nii").0, ["D", "E", "F"]);
    // BIDS: one table for an atlas in every space and resolution.
    let bytes = std::fs::read(folder.0.join("atlas.nii")).unwrap();
    folder.file("atlas-X_space-Y_res-2_dseg.nii", bytes);
    folder.file("atlas-X_dseg.tsv", "index\tname\n1\tG\n2\tH\n17\tI\n");
    assert_eq!(names("atlas-X_space-Y_res-2_dseg.nii").0, ["G", "H", "I"]);
}
