//! Files in and out.

mod files;
mod gifti;
mod images;
