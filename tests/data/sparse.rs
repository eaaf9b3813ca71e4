//! Files that are written piece by piece: sparse matrices, matrices row by row, and any file.

use super::assert_says;
use crate::common::folder::Folder;
use std::fs;
use std::io::Write;
use std::path::Path;
use tapetum::HostTensor;
use tapetum::data::{
    ConnectomeWriter, NpyWriter, SparseWriter, TableOptions, read_connectome, read_npy, read_npy_bytes, read_npz, write_values,
};
use tapetum::file::FileWriter;

/// Writes a matrix of four rows, of which the second is empty and the last is not added.
fn write(path: &Path, names: Option<&[String]>) {
    let mut writer = SparseWriter::new(path, 4, names).unwrap();
    writer.row(&[1, 3], &[0.5, -0.25]).unwrap();
    writer.row(&[], &[]).unwrap();
    writer.row(&[0], &[1.0]).unwrap();
    assert_eq!(writer.entries(), 3);
    writer.finish().unwrap();
}

fn names() -> Vec<String> {
    ["V1", "côté, \"left\"", "A", "🧠"].map(String::from).to_vec()
}

/// The arrays are those of `scipy.sparse.save_npz` (`tests/goldens/make_sparse.py`), of the same types.
#[test]
fn a_sparse_matrix_has_the_arrays_of_scipy() {
    let folder = Folder::new("sparse");
    let path = folder.0.join("a.npz");
    write(&path, Some(&names()));
    assert_eq!(folder.names(), ["a.npz"]);
    let scipy = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/sparse/csr.npz");
    for name in ["data", "indices", "indptr", "shape"] {
        let [found, wanted] = [&path, Path::new(scipy)].map(|path| read_npz(path, Some(name)).unwrap());
        assert_eq!((found.ty(), found.to_f64_vec()), (wanted.ty(), wanted.to_f64_vec()), "{name}");
    }
    // Texts in UTF-32, each as long as the longest, and the format as SciPy names it.
    let holds = |part: &[u8]| fs::read(&path).unwrap().windows(part.len()).any(|found| found == part);
    let padded = |name: &String| name.chars().chain(std::iter::repeat('\0')).take(12).map(u32::from).collect::<Vec<_>>();
    assert!(holds(&names().iter().flat_map(padded).flat_map(u32::to_le_bytes).collect::<Vec<u8>>()));
    assert!(fs::read(scipy).unwrap().windows(3).any(|found| found == b"csr") && holds(b"'descr': '|S3'") && holds(b"\ncsr"));
}

/// The matrix of `tests/goldens/make_sparse.py`.
const ROWS: [f32; 16] = [0.0, 0.5, 0.0, -0.25, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];

#[test]
fn a_sparse_matrix_is_read_as_a_connectome() {
    let golden = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/sparse").join(name);
    let read = |path: &Path| read_connectome(path, &TableOptions::default());
    for name in ["csr.npz", "csc.npz", "coo.npz"] {
        let made = read(&golden(name)).unwrap();
        assert_eq!((made.values.elements::<f32>().unwrap(), made.names), (&ROWS[..], None), "{name}");
    }
    // One array is chosen of the file, and so it is no sparse matrix.
    assert_says(read(&golden("csr.npz:data")), &golden("csr.npz"), &["[n, n]"]);
    for (name, part) in [
        ("bsr.npz", "`bsr`: csr, csc and coo are read"),
        ("wide.npz", "[4.0, 3.0]: a square one"),
        ("nan.npz", "row 2, column 0 is NaN: a finite number"),
        ("short.npz", "5 numbers from 0 to 3"),
    ] {
        assert_says(read(&golden(name)), &golden(name), &[part]);
    }
    let folder = Folder::new("sparse-read");
    let path = folder.0.join("a.npz");
    write(&path, Some(&names()));
    let made = read(&path).unwrap();
    assert_eq!((made.values.elements::<f32>().unwrap(), made.names), (&ROWS[..], Some(names())));
}

#[test]
fn a_sparse_matrix_is_a_table_of_edges() {
    let folder = Folder::new("edges");
    let text = |name: &str, names: Option<&[String]>| {
        write(&folder.0.join(name), names);
        fs::read_to_string(folder.0.join(name)).unwrap()
    };
    assert_eq!(text("a.tsv", None), "source\ttarget\tweight\n0\t1\t0.5\n0\t3\t-0.25\n2\t0\t1\n");
    let wanted = "source,target,weight\nV1,\"côté, \"\"left\"\"\",0.5\nV1,🧠,-0.25\nA,V1,1\n";
    assert_eq!(text("a.csv", Some(&names())), wanted);
}

#[test]
fn rows_that_do_not_fit_are_refused_and_nothing_is_written() {
    let folder = Folder::new("sparse-refused");
    let path = folder.0.join("a.npz");
    for (columns, values) in [(&[1, 1][..], &[1.0, 2.0][..]), (&[2, 1], &[1.0, 2.0]), (&[0, 4], &[1.0, 2.0]), (&[0], &[])] {
        let mut writer = SparseWriter::new(&path, 4, None).unwrap();
        let message = writer.row(columns, values).unwrap_err().to_string();
        assert!(message.contains("ascending columns of 4"), "{message}");
    }
    let mut writer = SparseWriter::new(&path, 1, None).unwrap();
    writer.row(&[], &[]).unwrap();
    assert!(writer.row(&[], &[]).is_err(), "a second row of one");
    drop(writer);
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    assert_says(SparseWriter::new(folder.0.join("a.npy"), 4, None), &folder.0.join("a.npy"), &[".npz"]);
    assert_says(SparseWriter::new(&path, 3, Some(&names())), &path, &["4 names of 3 regions"]);
    assert_says(SparseWriter::new(&path, 1 << 40, None), &path, &["at most 2147483647"]);
    assert_says(SparseWriter::new(folder.0.join("no/a.npz"), 1, None), &folder.0.join("no/a.npz"), &["cannot be written"]);
}

#[test]
fn an_array_is_written_piece_by_piece() {
    let folder = Folder::new("pieces");
    let path = folder.0.join("a.npy");
    let mut writer = NpyWriter::new(&path, &[2, 3]).unwrap();
    writer.add(&[1.0]).unwrap();
    writer.add(&[2.0, f32::NAN, 4.0, 5.0]).unwrap();
    assert_says(writer.add(&[6.0, 7.0]), &path, &["2 elements where 1 are left"]);
    writer.add(&[6.0]).unwrap();
    writer.finish().unwrap();
    let found = read_npy(&path).unwrap();
    assert_eq!((&found.shape()[..], &found.to_f64_vec()[3..]), (&[2, 3][..], &[4.0, 5.0, 6.0][..]));
    let short = NpyWriter::new(&path, &[7]).unwrap();
    assert_says(short.finish(), &path, &["7 elements of the array are missing"]);
    assert!(read_npy(&path).is_ok(), "the file before it stays");
    assert_says(NpyWriter::new(&path, &[usize::MAX, 3]), &path, &["too many elements"]);
    assert_eq!(folder.names(), ["a.npy"]);
}

#[test]
fn matrices_row_by_row_have_their_names_beside_them() {
    let folder = Folder::new("rows");
    let path = folder.0.join("a.npy");
    let names = ["a", "b"].map(String::from);
    let mut writer = ConnectomeWriter::new(&path, &[2, 2], Some(&names)).unwrap();
    writer.add(&[1.0, 0.5]).unwrap();
    writer.add(&[0.5, 1.0]).unwrap();
    writer.finish().unwrap();
    let found = read_connectome(&path, &Default::default()).unwrap();
    assert_eq!((found.values.to_f64_vec(), found.names), (vec![1.0, 0.5, 0.5, 1.0], Some(names.to_vec())));
    let tsv = folder.0.join("a.tsv");
    assert_says(ConnectomeWriter::new(&tsv, &[2, 2], None), &tsv, &[".npy is expected"]);
    let nameless = ["a\nb".to_owned(), "c".to_owned()];
    assert!(ConnectomeWriter::new(&path, &[2, 2], Some(&nameless)).unwrap_err().to_string().contains("line of its own"));
}

#[test]
fn values_of_regions_in_a_table() {
    let folder = Folder::new("values");
    let values = HostTensor::f32([2], vec![3.0, f32::NAN]).unwrap();
    write_values(folder.0.join("a.tsv"), "degree", &values, None).unwrap();
    assert_eq!(fs::read_to_string(folder.0.join("a.tsv")).unwrap(), "Node\tdegree\n0\t3\n1\tn/a\n");
    write_values(folder.0.join("a.csv"), "degree", &values, Some(&["x,y".into(), "z".into()])).unwrap();
    assert_eq!(fs::read_to_string(folder.0.join("a.csv")).unwrap(), "Node,degree\n\"x,y\",3\nz,n/a\n");
    write_values(folder.0.join("a.npy"), "degree", &values, Some(&["x".into(), "z".into()])).unwrap();
    assert_eq!(fs::read_to_string(folder.0.join("a.names.txt")).unwrap(), "x\nz\n");
    assert_says(write_values(folder.0.join("a.npz"), "d", &values, None), &folder.0.join("a.npz"), &["values of regions"]);
    assert_says(write_values(folder.0.join("a.tsv"), "d", &values, Some(&[])), &folder.0.join("a.tsv"), &["a name for each"]);
}

#[test]
fn a_writer_that_is_dropped_leaves_what_was_there() {
    let folder = Folder::new("dropped");
    let path = folder.file("a.txt", "old");
    let mut writer = FileWriter::new(&path).unwrap();
    writer.add(b"ne").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    drop(writer);
    assert_eq!((folder.names(), fs::read(&path).unwrap()), (vec!["a.txt".into()], b"old".to_vec()));
    let mut writer = FileWriter::new(&path).unwrap();
    writer.write_all(&vec![b'x'; 3 << 20]).unwrap();
    writer.finish().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 3 << 20);
    assert_eq!(folder.names(), ["a.txt"]);
}

#[cfg(unix)]
mod links {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_writer_keeps_links_names_and_modes() {
        let folder = Folder::new("stream-links");
        let path = folder.file("a.txt", "old");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("a.txt", folder.0.join("link.txt")).unwrap();
        let write = |name: &str, bytes: &[u8]| {
            let mut writer = FileWriter::new(folder.0.join(name)).unwrap();
            writer.add(bytes).unwrap();
            writer.finish().unwrap();
        };
        write("link.txt", b"new");
        assert_eq!((fs::read(&path).unwrap(), fs::metadata(&path).unwrap().permissions().mode() & 0o777), (b"new".to_vec(), 0o640));
        assert!(folder.0.join("link.txt").is_symlink());
        // A file of two names keeps both.
        fs::hard_link(&path, folder.0.join("b.txt")).unwrap();
        write("b.txt", b"n");
        assert_eq!(fs::read(&path).unwrap(), b"n");
        assert_eq!(folder.names(), ["a.txt", "b.txt", "link.txt"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_an_error() {
        let mut writer = FileWriter::new("/dev/full").unwrap();
        let failed = writer.add(&vec![0; 4 << 20]).and_then(|()| writer.finish());
        assert_says(failed, "/dev/full".as_ref(), &["cannot be written"]);
    }
}

#[test]
fn a_header_and_its_elements_are_what_numpy_reads() {
    let folder = Folder::new("header");
    let path = folder.0.join("a.npy");
    NpyWriter::new(&path, &[0, 3]).unwrap().finish().unwrap();
    let found = read_npy_bytes("a.npy", &fs::read(&path).unwrap()).unwrap();
    assert_eq!(found.shape()[..], [0, 3]);
}
