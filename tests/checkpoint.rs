//! Checkpoints: loading gives what was saved, and a file that does not fit is an error that names the misfit and changes nothing.

use crate::common::gpu;
use std::path::{Path, PathBuf};
use tapetum::checkpoint::Checkpoint;
use tapetum::plan::Variants;
use tapetum::{DType, Device, Error, HostTensor, State, Tape, TensorType};

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("checkpoint-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn f16(values: &[f32]) -> HostTensor {
    let bytes: Vec<u8> = values.iter().flat_map(|&v| half::f16::from_f32(v).to_le_bytes()).collect();
    HostTensor::from_bytes(TensorType::new(DType::F16, [values.len()]), &bytes).unwrap()
}

/// One tensor of every type, with extreme values, an odd number of f16 elements, a scalar, and an empty tensor.
fn values() -> Vec<(&'static str, HostTensor)> {
    vec![
        ("weights/layer 1", HostTensor::f32([2, 2], vec![-0.0, f32::MIN_POSITIVE / 2.0, f32::MAX, 1.0 / 3.0]).unwrap()),
        ("labels", HostTensor::i32([3], vec![i32::MIN, -1, i32::MAX]).unwrap()),
        ("step", HostTensor::u32([1], vec![u32::MAX]).unwrap()),
        ("stored", f16(&[0.5, -65504.0, 6e-8])),
        ("scalar", HostTensor::scalar(2.5)),
        ("nothing", HostTensor::f32([0, 4], vec![]).unwrap()),
    ]
}

fn filled(device: &Device) -> State {
    let state = State::new(device);
    values().iter().for_each(|(name, value)| state.write(name, value).unwrap());
    state
}

fn message(found: Result<Checkpoint, Error>, path: &Path) -> String {
    let error = found.unwrap_err();
    assert!(matches!(&error, Error::File { path: p, .. } if p == path), "{error:?}");
    error.to_string()
}

#[test]
fn every_type_comes_back() {
    let path = folder("types").join("state.safetensors");
    for device in [gpu(), Device::cpu()] {
        filled(&device).save(&path, &[]).unwrap();
        let state = State::new(&device);
        values().iter().for_each(|(name, value)| state.write(name, &HostTensor::zeros(value.ty())).unwrap());
        let found = state.load(&path, &[]).unwrap();
        for (name, value) in values() {
            let back = state.read(name).unwrap();
            assert_eq!((back.ty(), back.bytes()), (value.ty(), value.bytes()), "{name} on {}", device.name());
        }
        assert_eq!((found.version(), found.device()), (env!("CARGO_PKG_VERSION"), device.name()));
    }
    // A file written from a GPU can be read on the host.
    filled(&gpu()).save(&path, &[]).unwrap();
    let state = filled(&Device::cpu());
    state.load(&path, &[]).unwrap();
    assert_eq!(state.read("labels").unwrap(), values()[1].1);
}

#[test]
fn an_oracle_keeps_its_digits() {
    let path = folder("oracle").join("state.safetensors");
    let third = HostTensor::real([1], vec![1.0f64 / 3.0]).unwrap();
    let state = State::new(&Device::oracle());
    state.write("x", &third).unwrap();
    state.save(&path, &[]).unwrap();
    state.write("x", &HostTensor::full([1], 0.0)).unwrap();
    state.load(&path, &[]).unwrap();
    assert_eq!(state.read("x").unwrap().to_f64_vec(), [1.0 / 3.0]);
    let single = State::new(&Device::cpu());
    single.write("x", &HostTensor::full([1], 0.0)).unwrap();
    let text = message(single.load(&path, &[]), &path);
    assert!(text.contains("`x` is f64[1]: f32[1] expected"), "{text}");
}

#[test]
fn what_does_not_fit_is_named() {
    let path = folder("misfits").join("state.safetensors");
    filled(&Device::cpu()).save(&path, &[]).unwrap();
    let without = |left_out: &str, instead: Option<(&str, HostTensor)>| {
        let state = State::new(&Device::cpu());
        let kept = values().into_iter().filter(|(name, _)| *name != left_out);
        kept.chain(instead).for_each(|(name, value)| state.write(name, &HostTensor::zeros(value.ty())).unwrap());
        let text = message(state.load(&path, &[]), &path);
        let untouched = |name: &String| state.read(name).unwrap().to_f64_vec().iter().all(|v| *v == 0.0);
        assert!(state.names().iter().all(untouched), "an error changed the state");
        text
    };
    let text = without("", Some(("velocity", HostTensor::full([2], 1.0))));
    assert!(text.contains("`velocity` is missing: f32[2] expected"), "{text}");
    let text = without("labels", None);
    assert!(text.contains("`labels` i32[3] is no state here"), "{text}");
    let text = without("labels", Some(("labels", HostTensor::i32([4], vec![0; 4]).unwrap())));
    assert!(text.contains("`labels` is i32[3]: i32[4] expected"), "{text}");
    let text = without("step", Some(("step", HostTensor::i32([1], vec![0]).unwrap())));
    assert!(text.contains("`step` is u32[1]: i32[1] expected"), "{text}");
}

#[test]
fn bad_files_are_errors() {
    let folder = folder("bad");
    let path = folder.join("state.safetensors");
    assert!(message(Checkpoint::open(&path), &path).contains("state.safetensors"));
    filled(&Device::cpu()).save(&path, &[]).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 4, 40, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let text = message(Checkpoint::open(&path), &path);
        assert!(text.contains("a safetensors file expected"), "{length} bytes: {text}");
    }
    std::fs::write(&path, b"rows,of\n1,2\n but no tensors at all").unwrap();
    message(Checkpoint::open(&path), &path);
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let folder = folder("whole");
    let state = filled(&Device::cpu());
    let missing = folder.join("no such folder").join("state.safetensors");
    let error = state.save(&missing, &[]).unwrap_err();
    assert!(matches!(&error, Error::File { path, .. } if *path == missing), "{error}");
    // A folder has the file's name, so the last rename fails after everything is written; no file stays behind.
    let taken = folder.join("taken");
    std::fs::create_dir_all(taken.join("inside")).unwrap();
    assert!(state.save(&taken, &[]).is_err());
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["taken"]);
}

#[test]
fn kernels_run_in_the_variants_they_ran_in() {
    let folder = folder("variants");
    let path = folder.join("state.safetensors");
    let mut t = Tape::new();
    let a = t.parameter("a", [8, 8], tapetum::Init::Full(0.5)).unwrap();
    let product = t.matmul(a, a).unwrap();
    t.assign(a, product).unwrap();
    let device = gpu();
    let program = device.compile(&t, &[]).unwrap();
    program.state().save(&path, &[&program]).unwrap();
    let found = Checkpoint::open(&path).unwrap();
    let ran = found.pins().into_iter().find(|(kernel, _)| kernel == "matmul/matmul@small").unwrap().1;
    assert!(found.variants()["matmul/matmul@small"].iter().all(|v| v.starts_with(&ran)), "{found:?}");

    let pinned = device.with_variants(found.pins()).compile(&t, &[]).unwrap();
    assert_eq!(pinned.plan().unwrap().variants(), program.plan().unwrap().variants());
    pinned.state().load(&path, &[&pinned]).unwrap();

    let other = if ran == "direct8" { "direct16" } else { "direct8" };
    let strange = device.with_variants([("matmul/matmul".to_owned(), other.to_owned())]).compile(&t, &[]).unwrap();
    let text = message(strange.state().load(&path, &[&strange]), &path);
    assert!(text.contains("matmul/matmul") && text.contains(other) && text.contains(&ran), "{text}");
}

/// A checkpoint of another version may name variants, and kernels, that this one does not have: the run would not go on bit for bit.
#[test]
fn a_variant_that_does_not_exist_is_refused() {
    let path = folder("gone").join("state.safetensors");
    let mut t = Tape::new();
    let x = t.parameter("x", [40, 8], tapetum::Init::Full(0.5)).unwrap();
    let sums = t.sum(x, &[1], true).unwrap();
    let next = t.add(x, sums).unwrap();
    t.assign(x, next).unwrap();
    let device = gpu();
    let program = device.compile(&t, &[]).unwrap();
    program.state().save(&path, &[&program]).unwrap();
    let written = std::fs::read(&path).unwrap();
    let names = |found: &Checkpoint| found.variants().clone();
    let saved = names(&Checkpoint::open(&path).unwrap());
    let (kernel, ran) = saved.iter().find(|(kernel, _)| kernel.starts_with("reduce/reduce")).unwrap();
    let ran = ran.first().unwrap().clone();

    // The same file with other names of kernels and variants, which may change the length of its header.
    let with = |change: &dyn Fn(&mut Variants)| {
        let mut variants = saved.clone();
        change(&mut variants);
        let length = u64::from_le_bytes(written[..8].try_into().unwrap()) as usize;
        let mut header: serde_json::Value = serde_json::from_slice(&written[8..][..length]).unwrap();
        header["__metadata__"]["tapetum.variants"] = serde_json::to_string(&variants).unwrap().into();
        header["__metadata__"]["tapetum.version"] = "0.0.1".into();
        let header = header.to_string();
        let parts = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &written[8 + length..]];
        std::fs::write(&path, parts.concat()).unwrap();
        program.state().write("x", &HostTensor::full([40, 8], 2.0)).unwrap();
        let loaded = program.state().load(&path, &[&program]);
        let x = program.state().read("x").unwrap().to_f64_vec()[0];
        assert_eq!(x, if loaded.is_ok() { 0.5 } else { 2.0 }, "an error changed the state, or none did not");
        loaded.map_err(|e| e.to_string())
    };
    let put = |pin: &str, variant: &str| {
        let (pin, variant) = (pin.to_owned(), variant.to_owned());
        move |all: &mut Variants| {
            all.insert(pin.clone(), [variant.clone()].into());
        }
    };
    with(&|_| {}).unwrap();
    // A variant that is gone, of a kernel that runs here and of one that does not.
    for pin in [kernel.as_str(), "optim/adam"] {
        let text = with(&put(pin, "group512+along")).unwrap_err();
        assert!(text.contains(&format!("`{pin}`")) && text.contains("`group512+along`") && text.contains("0.0.1"), "{text}");
    }
    // A kernel that is gone.
    let text = with(&put("message/pair_mlp_ends", "plain")).unwrap_err();
    assert!(text.contains("`message/pair_mlp_ends` ran as `plain`, which does not exist here"), "{text}");
    // The same variant with another choice of the plan, which no pin asks for.
    let other = format!("{ran}+operand+operand");
    let text = with(&put(kernel, &other)).unwrap_err();
    assert!(text.contains(kernel) && text.contains(&other) && text.contains(&format!("{ran:?}")) && text.contains("no pin"), "{text}");
    // What other programs ran may be missing here: a kernel of this crate, and a user's own.
    with(&put("optim/adam", "plain")).unwrap();
    with(&put("mine/kernel", "plain")).unwrap();
}
