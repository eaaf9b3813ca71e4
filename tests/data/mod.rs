//! Files in and out.

mod cases;
mod files;
mod gifti;
mod images;
mod writing;
