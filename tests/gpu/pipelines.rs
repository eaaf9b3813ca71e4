//! Pipelines that are kept from one run to the next help or do nothing: no file and no folder makes a run fail or changes what it computes.

use crate::common::folder::Folder;
use std::fs;
use std::path::{Path, PathBuf};
use tapetum::gpu::Options;
use tapetum::{Device, HostTensor, Tape, TensorType};

/// A device that keeps its pipelines in a folder, as the command would open it for a name that finds any adapter.
fn device(folder: Option<&Path>) -> Device {
    Device::gpu(&Options { software: true, pipelines: folder.map(PathBuf::from), ..Options::from_env() }).unwrap()
}

/// Softmax of a product, on a device that is dropped at the end.
fn computed(folder: Option<&Path>) -> Vec<f64> {
    let mut tape = Tape::new();
    let x = tape.input("x", TensorType::f32([8, 8])).unwrap();
    let product = tape.matmul(x, x).unwrap();
    let y = tape.softmax(product, 1).unwrap();
    let value = HostTensor::f32([8, 8], (0..64).map(|i| (i as f32 * 0.7).sin()).collect()).unwrap();
    device(folder).compile(&tape, &[y]).unwrap().run(&[(x, &value)]).unwrap()[0].to_f64_vec()
}

fn keeps(device: &Device) -> bool {
    matches!(device, Device::Gpu(context) if context.adapter().features().contains(&"pipeline-cache"))
}

#[test]
fn a_second_run_reads_what_the_first_wrote() {
    let folder = Folder::new("pipelines");
    let below = folder.0.join("made/on/the/way");
    let expected = computed(None);
    assert!(folder.names().is_empty());
    assert_eq!(computed(Some(&below)), expected);
    if !keeps(&device(None)) {
        assert!(!below.exists(), "a device without a cache has nothing to keep");
        return;
    }
    let [file] = &crate::common::folder::names(&below)[..] else { panic!("one file is expected") };
    let file = below.join(file);
    let first = fs::read(&file).unwrap();
    let line = first.split(|byte| *byte == b'\n').next().unwrap();
    assert!(line.starts_with(format!("pipelines of tapetum {} on ", env!("CARGO_PKG_VERSION")).as_bytes()));
    assert_eq!(computed(Some(&below)), expected);
    assert_eq!(crate::common::folder::names(&below).len(), 1, "nothing temporary is left");
}

#[test]
fn damaged_and_foreign_files_are_ignored() {
    let folder = Folder::new("pipelines-damaged");
    let expected = computed(Some(&folder.0));
    let Some(name) = folder.names().pop() else { return };
    let whole = fs::read(folder.0.join(&name)).unwrap();
    let start = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 0xff;
    let other: Vec<u8> = [b"pipelines of tapetum 0.0.0 on another\n", &whole[start..]].concat();
    for bytes in [Vec::new(), whole[..start + 4].to_vec(), whole[..whole.len() - 1].to_vec(), flipped, other, vec![0; 4096]] {
        folder.file(&name, &bytes);
        assert_eq!(computed(Some(&folder.0)), expected);
        assert_ne!(fs::read(folder.0.join(&name)).unwrap(), bytes, "it is replaced by one that serves");
    }
    // A folder where the file should be.
    fs::remove_file(folder.0.join(&name)).unwrap();
    fs::create_dir(folder.0.join(&name)).unwrap();
    assert_eq!(computed(Some(&folder.0)), expected);
}

#[test]
fn a_folder_that_cannot_be_made_harms_nothing() {
    let folder = Folder::new("pipelines-refused");
    let file = folder.file("file", b"");
    assert_eq!(computed(Some(&file.join("below"))), computed(None));
    let device = device(Some(&file.join("below")));
    let Device::Gpu(context) = &device else { panic!("a GPU is expected") };
    context.save_pipelines().expect("nothing was made, so that nothing is written");
    let mut tape = Tape::new();
    let half = tape.full([2], 0.5).unwrap();
    let twice = tape.scale(half, 2.0).unwrap();
    device.compile(&tape, &[twice]).unwrap();
    assert_eq!(context.save_pipelines().is_err(), keeps(&device), "who asks is told");
}
