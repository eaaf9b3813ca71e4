//! The study of networks' connectomes, whole and small: the network of the paper for images with colours, on arrays of a few.

#[path = "../../examples/neural_network_connectomes/images.rs"]
mod images;
#[path = "../../examples/neural_network_connectomes/monitor.rs"]
mod monitor;
#[path = "../../examples/neural_network_connectomes/network.rs"]
mod network;
#[path = "../../examples/neural_network_connectomes/outcome.rs"]
mod outcome;
#[path = "../../examples/neural_network_connectomes/run.rs"]
mod run;
#[path = "../../examples/neural_network_connectomes/study.rs"]
mod study;

use images::Images;
use run::{Asked, run};
use std::path::{Path, PathBuf};
use tapetum::HostTensor;
use tapetum::data::{read_npy, write_npy};
use tapetum::tensor::Philox;

/// A folder of a test's own, gone after it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tapetum-networks-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        write(&path, ["images.npy", "labels.npy"], 36);
        write(&path, ["test_images.npy", "test_labels.npy"], 10);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Images of 3 × 8 × 8 in two classes, one of them brighter on the left: bytes, as CIFAR's.
fn write(folder: &Path, names: [&str; 2], count: usize) {
    let draws = Philox::new(count as u64, 0, 0);
    let pixel = |i: usize| (draws.word(i) % 128 + if i / 192 % 2 == 1 && i % 8 < 4 { 127 } else { 0 }) as i32;
    write_npy(folder.join(names[0]), &HostTensor::i32([count, 3, 8, 8], (0..count * 192).map(pixel).collect()).unwrap()).unwrap();
    write_npy(folder.join(names[1]), &HostTensor::i32([count], (0..count as i32).map(|i| i % 2).collect()).unwrap()).unwrap();
}

#[test]
fn networks_with_convolutions_are_studied() {
    let folder = Folder::new("studied");
    let out = folder.0.join("out");
    let asked = Asked {
        data: Some(folder.0.clone()),
        out: out.clone(),
        device: "cpu".into(),
        filters: Some([3, 4, 5]),
        hidden: Some([7, 6]),
        steps: Some(4),
        networks: Some(2),
        class_networks: Some(2),
        full: true,
    };
    run(&asked).unwrap();
    let w = read_npy(out.join("connectomes.npy")).unwrap();
    assert_eq!(*w.shape(), [8, 13, 13]);
    assert!(w.to_f64_vec().into_iter().all(|x| (0.0..=1.0).contains(&x)));
    assert_eq!(read_npy(out.join("labels.npy")).unwrap().to_f64_vec(), [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    for part in ["convolutions of 3, 4 and 5 filters", "none of which they were trained on", "class of stimuli, dropout", "Barycentres"] {
        assert!(report.contains(part), "no `{part}`");
    }
}

#[test]
fn images_are_divided_as_the_authors_do() {
    let folder = Folder::new("divided");
    let divided = Images::read(Some(&folder.0), true).unwrap();
    assert_eq!((divided.training.len(), divided.stimuli.len(), divided.classes()), (30 + 10, 6, 2));
    assert!(divided.stimuli.iter().all(|i| *i < 36 && !divided.training.contains(i)));
    assert_eq!([0, 1].map(|class| divided.shown(Some(class)).len()), [3, 3]);
    let whole = Images::read(Some(&folder.0), false).unwrap();
    assert_eq!((whole.training.len(), whole.stimuli.len()), (36, 36));
    assert!(whole.rows(&[0, 1]).unwrap().to_f64_vec().into_iter().all(|p| (0.0..=1.0).contains(&p)));

    let refused = |shape: &[usize], labels: &[i32], part: &str| {
        let shape = tapetum::Shape::try_new(shape).unwrap();
        write_npy(folder.0.join("images.npy"), &HostTensor::zeros(tapetum::TensorType::f32(shape))).unwrap();
        write_npy(folder.0.join("labels.npy"), &HostTensor::i32([labels.len()], labels.to_vec()).unwrap()).unwrap();
        let Err(e) = Images::read(Some(&folder.0), false) else { panic!("{shape} and {labels:?} were taken") };
        assert!(e.to_string().contains(part), "no `{part}`: {e}");
    };
    refused(&[2, 8, 8], &[0, 1], "[images, channels, height, width]");
    refused(&[2, 3, 8, 8], &[0], "2 labels");
    refused(&[2, 3, 8, 8], &[0, -1], "from 0 to 255");
}
