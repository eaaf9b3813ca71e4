//! Files that are written whole or not at all, through links, with the modes they had.

use super::assert_says;
use crate::common::folder::Folder;
use std::fs;
use tapetum::file::{OutputFolder, write_file};

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let folder = Folder::new("write");
    let path = folder.file("a.txt", "old");
    write_file(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_says(write_file(&folder.0, b"x"), &folder.0, &["a folder"]);
    let nowhere = folder.0.join("missing").join("a.txt");
    assert_says(write_file(&nowhere, b"x"), &nowhere, &["cannot be written"]);
    assert_eq!(folder.names(), ["a.txt"]);
}

#[test]
fn an_output_folder_appears_together() {
    let folder = Folder::new("folder");
    let path = folder.0.join("deep").join("out");
    let out = Folder(path.clone());
    let mut files = OutputFolder::new(&path).unwrap();
    files.add("a.txt", b"draft").unwrap();
    files.add("b.txt", b"b").unwrap();
    files.add("a.txt", b"a").unwrap();
    assert!(out.names().is_empty(), "nothing is there before the commit");
    assert_eq!(files.commit().unwrap(), [path.join("b.txt"), path.join("a.txt")]);
    assert_eq!(out.names(), ["a.txt", "b.txt"]);
    assert_eq!(fs::read(path.join("a.txt")).unwrap(), b"a");

    // A file below the folder, and a failure, which leaves no folder behind that was made for it.
    let mut deeper = OutputFolder::new(&path).unwrap();
    deeper.add("sub/d.txt", b"d").unwrap();
    deeper.commit().unwrap();
    assert_eq!(fs::read(path.join("sub/d.txt")).unwrap(), b"d");
    let new = path.join("new/newer");
    let mut failing = OutputFolder::new(&new).unwrap();
    failing.add("x/y/z.txt", b"z").unwrap();
    failing.add("../../a.txt/x.txt", b"x").unwrap();
    assert!(failing.commit().is_err());
    drop(OutputFolder::new(&new).unwrap());
    assert_eq!(out.names(), ["a.txt", "b.txt", "sub"]);
    fs::remove_dir_all(path.join("sub")).unwrap();

    let mut dropped = OutputFolder::new(&path).unwrap();
    dropped.add("c.txt", b"c").unwrap();
    drop(dropped);
    assert_eq!(out.names(), ["a.txt", "b.txt"]);

    let file = folder.file("file", "");
    assert_says(OutputFolder::new(&file), &file, &["cannot be made"]);
}

/// For the lock, two file descriptors of one folder are like two processes.
#[test]
#[cfg(unix)]
fn two_runs_in_one_folder_are_refused() {
    let folder = Folder::new("two-runs");
    let first = OutputFolder::new(&folder.0).unwrap();
    assert_says(OutputFolder::new(&folder.0), &folder.0, &["another run"]);
    first.commit().unwrap();
    OutputFolder::new(&folder.0).unwrap();
}

/// Writing to the device that is always full fails after the files before it have been put in place.
#[test]
#[cfg(target_os = "linux")]
fn a_commit_that_fails_restores_what_was_there() {
    let folder = Folder::new("restore");
    let twice = folder.file("a.txt", "old");
    folder.file("d.txt", "one of two names");
    fs::hard_link(folder.0.join("d.txt"), folder.0.join("e.txt")).unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.0.join("c.txt")).unwrap();
    let mut files = OutputFolder::new(&folder.0).unwrap();
    for name in ["a.txt", "b.txt", "d.txt", "c.txt"] {
        files.add(name, b"new").unwrap();
    }
    assert_says(files.commit(), &folder.0.join("c.txt"), &["cannot be written"]);
    assert_eq!(folder.names(), ["a.txt", "c.txt", "d.txt", "e.txt"]);
    assert_eq!(fs::read(twice).unwrap(), b"old");
    assert_eq!(fs::read(folder.0.join("e.txt")).unwrap(), b"one of two names");
    // No file is put in place where one of them cannot be.
    let mut files = OutputFolder::new(&folder.0).unwrap();
    files.add("a.txt", b"new").unwrap();
    files.add("e.txt/f.txt", b"new").unwrap();
    assert_says(files.commit(), &folder.0.join("e.txt/f.txt"), &["cannot be written"]);
    assert_eq!(fs::read(folder.0.join("a.txt")).unwrap(), b"old");
}

#[cfg(unix)]
mod links {
    use super::{Folder, OutputFolder, assert_says, fs, write_file};
    use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
    use std::path::Path;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    /// A single file and a commit both behave like a write into the open file.
    #[test]
    fn a_link_stays_and_what_it_leads_to_keeps_its_mode() {
        let folder = Folder::new("links");
        fs::create_dir(folder.0.join("store")).unwrap();
        let (stored, dangling) = (folder.file("store/result.npy", "old"), folder.0.join("store/later.npy"));
        fs::set_permissions(&stored, fs::Permissions::from_mode(0o600)).unwrap();
        let link = |to: &str, name: &str| {
            let path = folder.0.join(name);
            symlink(to, &path).unwrap();
            path
        };
        let (one, two) = (link("store/result.npy", "one"), link("one", "two"));
        let empty = link("store/later.npy", "empty");
        write_file(&two, b"new").unwrap();
        assert_eq!((fs::read(&stored).unwrap(), mode(&stored)), (b"new".to_vec(), 0o600));
        write_file(&empty, b"first").unwrap();
        assert_eq!(fs::read(&dangling).unwrap(), b"first");
        let mut files = OutputFolder::new(&folder.0).unwrap();
        files.add("two", b"newer").unwrap();
        files.add("empty", b"second").unwrap();
        files.commit().unwrap();
        assert_eq!((fs::read(&stored).unwrap(), mode(&stored)), (b"newer".to_vec(), 0o600));
        assert_eq!(fs::read(&dangling).unwrap(), b"second");
        assert!([&one, &two, &empty].iter().all(|path| path.is_symlink()));
        assert_eq!(folder.names(), ["empty", "one", "store", "two"]);
        assert_eq!(fs::read_dir(folder.0.join("store")).unwrap().count(), 2, "no temporary file is left");
        let around = link("around", "around");
        assert_says(write_file(&around, b"x"), &around, &["cannot be written"]);
    }

    #[test]
    fn a_file_of_two_names_is_new_under_both() {
        let folder = Folder::new("hard-links");
        let first = folder.file("first", "old, and longer");
        let second = folder.0.join("second");
        fs::hard_link(&first, &second).unwrap();
        write_file(&second, b"new").unwrap();
        assert_eq!((fs::read(&first).unwrap(), fs::metadata(&first).unwrap().nlink()), (b"new".to_vec(), 2));
    }

    #[test]
    fn a_pipe_is_written_into() {
        let folder = Folder::new("pipe");
        let pipe = folder.0.join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        write_file(&pipe, b"through").unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    }

    #[test]
    fn the_longest_name_is_written() {
        let folder = Folder::new("long");
        for name in ["x".repeat(255), "é".repeat(127)] {
            write_file(folder.0.join(&name), b"new").unwrap();
            write_file(folder.0.join(&name), b"newer").unwrap();
            assert_eq!(fs::read(folder.0.join(&name)).unwrap(), b"newer");
        }
    }
}
