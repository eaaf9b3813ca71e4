//! Arrays, tables, images and surfaces.

use super::target::{DEFLATED, HDF5, PLAIN, Target, by_file, done, files, root, target};
use base64::Engine;
use std::path::Path;
use tapetum::data::{self, Layout, SeriesOptions, TableOptions};

fn golden(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

pub fn arrays_and_tables() -> Vec<Target> {
    let arrays = || {
        files(&[
            "tests/cases/output-through-a-link/series.npy",
            "tests/cases/numeric-header/expected.npy",
            "examples/data/fsa4_lh_valid_mask.npy",
        ])
    };
    let tables = files(
        &["labels.csv", "counted.csv", "regions_by_time.csv"]
            .map(|n| format!("tests/cases/numeric-header/{n}"))
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
    );
    let tabs: Vec<Vec<u8>> = tables.iter().map(|t| t.iter().map(|b| if *b == b',' { b'\t' } else { *b }).collect()).collect();
    vec![
        target("npy", arrays(), PLAIN, |b| {
            let series = done(data::read_series_bytes("x.npy", b, Layout::TimeRegions));
            done(data::read_npy_bytes("x.npy", b)).and(done(data::read_npy_f64_bytes("x.npy", b))).and(series)
        }),
        target("npz", archives(&arrays()), DEFLATED, |b| done(data::read_npz_bytes("x.npz", b, None))),
        target("csv", tables, PLAIN, |b| {
            let said = TableOptions { header: Some(true), index_column: Some("1".into()), ..TableOptions::default() };
            let turned = done(data::read_series_bytes("x.csv", b, Layout::RegionsTime));
            done(data::read_series_bytes("x.csv", b, Layout::TimeRegions)).and(done(data::read_table_bytes("x.csv", b, &said))).and(turned)
        }),
        target("tsv", tabs, PLAIN, |b| done(data::read_series_bytes("x.tsv", b, Layout::TimeRegions))),
    ]
}

/// The arrays in archives, stored and deflated.
fn archives(arrays: &[Vec<u8>]) -> Vec<Vec<u8>> {
    use std::io::Write;
    let archive = |deflated: bool| {
        let mut bytes = Vec::new();
        let mut archive = rawzip::ZipArchiveWriter::new(&mut bytes);
        for (name, array) in ["series.npy", "b.npy", "c.npy"].iter().zip(arrays) {
            let method = if deflated { rawzip::CompressionMethod::DEFLATE } else { rawzip::CompressionMethod::STORE };
            let (mut entry, config) = archive.new_file(name).compression_method(method).start().unwrap();
            let descriptor = if deflated {
                let mut writer = config.wrap(flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::default()));
                writer.write_all(array).unwrap();
                let (encoder, descriptor) = writer.finish().unwrap();
                encoder.finish().unwrap();
                descriptor
            } else {
                let mut writer = config.wrap(&mut entry);
                writer.write_all(array).unwrap();
                writer.finish().unwrap().1
            };
            entry.finish(descriptor).unwrap();
        }
        archive.finish().unwrap();
        bytes
    };
    vec![archive(false), archive(true)]
}

pub fn images(folder: &Path) -> Vec<Target> {
    let golden_images = golden(include_str!("../goldens/images.json"));
    let decoded = |text: &serde_json::Value| base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap();
    let mut nifti: Vec<Vec<u8>> = golden_images["images"].as_object().unwrap().values().map(|image| decoded(&image["file"])).collect();
    nifti.extend(["labels", "maps"].map(|atlas| decoded(&golden_images[atlas])));
    nifti.extend(files(&[
        "tests/cases/images-of-other-kinds/nifti2.nii.gz",
        "tests/cases/images-of-other-kinds/afni_5d.nii.gz",
        "tests/cases/images-of-other-kinds/rest.dtseries.nii",
        "tests/cases/gzip-of-several-members/really_plain.nii.gz",
    ]));
    let gifti = golden(include_str!("../goldens/gifti.json"));
    let gifti = gifti["files"].as_object().unwrap().values().map(|text| text.as_str().unwrap().as_bytes().to_vec()).collect();
    let image = root().join("tests/cases/gzip-of-several-members/bold.nii.gz");
    let mut labels: Vec<Vec<u8>> = files(&["tests/cases/gzip-of-several-members/atlas.nii.gz"]).iter().map(|b| inflated(b)).collect();
    labels.push(decoded(&golden_images["maps"]));
    let bold = files(&["tests/cases/gzip-of-several-members/bold.nii.gz", "tests/cases/images-of-other-kinds/nifti2.nii.gz"]);
    let bold = bold.iter().flat_map(|packed| [packed.clone(), inflated(packed)]).collect();
    let atlas = root().join("tests/cases/gzip-of-several-members/atlas.nii.gz");
    let digits = inflated(&files(&["examples/data/mnist_5k_labels_idx1.gz"])[0]);
    let idx = [files(&["examples/data/mnist_5k_labels_idx1.gz"]), vec![digits]].concat();
    vec![
        target("nifti", nifti, DEFLATED, |b| done(data::read_nifti_bytes("x.nii", b.to_vec()).map(|image| image.values()))),
        target("atlas", labels, DEFLATED, by_file(folder, "atlas.nii", move |path| done(data::atlas_series(&image, path)))),
        target("bold", bold, DEFLATED, by_file(folder, "bold.nii", move |path| done(data::atlas_series(path, &atlas)))),
        labels_target(folder),
        target("gifti", gifti, DEFLATED, |b| done(data::read_series_bytes("x.func.gii", b, Layout::TimeRegions))),
        target("idx", idx, DEFLATED, |b| done(data::read_idx_bytes("x.idx", b))),
    ]
}

/// Files on grayordinates and surfaces: CIFTI-2, labels and meshes of GIFTI and FreeSurfer.
pub fn surfaces(folder: &Path) -> Vec<Target> {
    let named = |names: &[&str]| {
        files(&names.iter().map(|n| format!("tests/goldens/cifti/{n}")).collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>())
    };
    let matrices = [
        "rest.dtseries.nii",
        "big.dtseries.nii",
        "packed.dtseries.nii",
        "parcels.ptseries.nii",
        "maps.dscalar.nii",
        "maps.pscalar.nii",
        "whole.dlabel.nii",
        "parcels.pconn.nii",
        "dense.dconn.nii",
    ];
    let golden = golden(include_str!("../goldens/gifti.json"));
    let text = |name: &str| golden["files"][name].as_str().unwrap().as_bytes().to_vec();
    let decoded = |name: &str| base64::engine::general_purpose::STANDARD.decode(golden[name].as_str().unwrap()).unwrap();
    let series = root().join("tests/goldens/cifti/rest.dtseries.nii");
    let surface = folder.join("lh.func.gii");
    std::fs::write(&surface, text("octahedron")).unwrap();
    let by = |series: &Path, atlas: &Path| done(data::read_series(series, SeriesOptions::default().with_atlas(atlas)));
    vec![
        target("cifti", named(&matrices), DEFLATED, |b| {
            let again = data::cifti::read_cifti_bytes("x.nii", b).and_then(|matrix| matrix.to_bytes());
            done(again).and(done(data::read_series_bytes("x.dtseries.nii", b, Layout::TimeRegions)))
        }),
        target(
            "dlabel",
            named(&["cortex.dlabel.nii", "whole.dlabel.nii"]),
            DEFLATED,
            by_file(folder, "a.dlabel.nii", move |path| by(&series, path)),
        ),
        target("labels", vec![text("labels")], DEFLATED, {
            let surface = surface.clone();
            by_file(folder, "lh.label.gii", move |path| by(&surface, path))
        }),
        target("annot", vec![decoded("annot")], PLAIN, by_file(folder, "lh.annot", move |path| by(&surface, path))),
        target("mesh", vec![text("mesh"), decoded("sphere")], DEFLATED, |b| done(data::read_mesh_bytes("lh.surf.gii", b))),
    ]
}

/// Tables that name the regions of a small atlas, each under the extensions that tables have.
fn labels_target(folder: &Path) -> Target {
    let root = root().join("tests/cases/gzip-of-several-members");
    let seeds = [
        "index\tname\tcolor\n0\tBackground\t#000000\n1\tA one\t#111111\n2\tB\t#222222\n3\tC\t#333333\n",
        "index,name\n1.0,\"A, one\"\n2.0,B\n3.0,C\n",
        "#No. Label Name: R G B A\n1 Left-Cerebral 70 130 180 0\n2 Left-White 245 245 245 0\n3 Left-Hippocampus 1 2 3 0\n",
        "1 255 0 0 1 1 1 \"A one\"\n2 0 255 0 1 1 1 \"B\"\n",
        "A one\nB\nC\nD\n",
        "<atlas><header><type>Label</type></header><data><label index=\"1\" x=\"4\">A</label><label index=\"2\">B</label></data></atlas>",
    ];
    let files = ["tsv", "csv", "txt", "xml"].map(|extension| folder.join(format!("labels.{extension}")));
    target("label tables", seeds.map(|seed| seed.as_bytes().to_vec()).to_vec(), 1 << 12, move |bytes| {
        let mut any = Ok(());
        for (i, path) in files.iter().enumerate() {
            std::fs::write(path, bytes).unwrap();
            let options = SeriesOptions::default().with_atlas(root.join("atlas.nii.gz")).with_labels(path);
            let read = done(data::read_series(root.join("bold.nii.gz"), options));
            any = if i == 0 || read.is_ok() { read } else { any };
        }
        any
    })
}

fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(bytes), &mut plain).unwrap();
    plain
}

/// The files of `tests/goldens/hdf5` with this extension, and with a place where they hold several arrays.
pub fn hdf5_and_matlab(folder: &Path) -> Vec<Target> {
    let seeds = |names: &[&str]| {
        files(&names.iter().map(|n| format!("tests/goldens/hdf5/{n}")).collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>())
    };
    let places = |name: &'static str, places: &'static [&'static str]| {
        move |b: &[u8]| {
            let read = |place: &&str| done(data::read_series_bytes(format!("{name}{place}"), b, Layout::TimeRegions));
            let mut results: Vec<_> = places.iter().map(read).collect();
            let at = results.iter().position(Result::is_ok).unwrap_or(0);
            results.swap_remove(at)
        }
    };
    let of_file = by_file(folder, "x.h5", |path| done(data::read_series(path, Layout::TimeRegions)));
    let cohort = |name| by_file(folder, name, |path| done(data::read_cohort(path, Layout::TimeRegions)));
    let worms = |name| by_file(folder, name, |path| done(data::read_worms(path)));
    let targets = vec![
        target("cohort hdf5", seeds(&["cohort.h5", "cohort_nested.h5", "series.h5"]), DEFLATED, cohort("cohort.h5")),
        target("cohort npz", seeds(&["cohort.npz"]), DEFLATED, cohort("cohort.npz")),
        target("cohort matlab", seeds(&["cohort.mat", "level5.mat", "version73.mat"]), DEFLATED, cohort("cohort.mat")),
        target("kato", seeds(&["kato.mat", "kato_codes.mat", "kato_each.mat", "kato73.mat"]), DEFLATED, worms("worms.mat")),
        target("wormwideweb", seeds(&["wormwideweb.h5"]), DEFLATED, worms("worm.h5")),
        target("worm json", seeds(&["wormwideweb.json"]), PLAIN, worms("worm.json")),
        target(
            "hdf5",
            seeds(&["series.h5", "latest.h5", "plane.nwb", "kinds.h5"]),
            DEFLATED,
            places("x.h5", &["", ":only", ":group/big", ":i4"]),
        ),
        target("hdf5 file", seeds(&["series.h5", "latest.h5", "cohort.h5"]), DEFLATED, of_file),
        target(
            "matlab",
            seeds(&["level5.mat", "level5_deflated.mat", "one.mat", "big.mat", "version73.mat"]),
            DEFLATED,
            places("x.mat", &["", ":x", ":st.parts{2}", ":names", ":rows", ":greek", ":array"]),
        ),
    ];
    targets.into_iter().map(|t| Target { floor: HDF5, ..t }).collect()
}
