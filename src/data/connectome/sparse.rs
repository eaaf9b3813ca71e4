//! Sparse matrices in `.npz` files, as SciPy's `save_npz` and [`SparseWriter`](crate::data::SparseWriter) write them.

use super::super::named::NAMES;
use super::super::npy::{characters, read_npy_exact_bytes, texts};
use super::super::npz::npz_arrays;
use super::Connectome;
use super::edges::MOST;
use crate::{Error, HostTensor, Result};
use std::path::Path;

/// The arrays that say where the entries stand, by the format of the matrix: compressed rows or columns, and coordinates.
const COMPRESSED: [&str; 5] = ["format", "shape", "data", "indices", "indptr"];
const COORDINATES: [&str; 5] = ["format", "shape", "data", "row", "col"];

/// Reads the matrix of a file that holds the arrays of one; `None` where it does not. Entries that stand twice are added up, as SciPy does.
pub(super) fn read(path: &Path, bytes: &[u8]) -> Result<Option<Connectome>> {
    for arrays in [COMPRESSED, COORDINATES] {
        if let Some(found) = npz_arrays(path, bytes, &arrays)? {
            let names = npz_arrays(path, bytes, &[NAMES])?.and_then(|found| texts(found.first()?).ok());
            let made = Sparse::read(path, &found)?.connectome(names).map_err(|what| Error::file(path, what))?;
            return Ok(Some(made));
        }
    }
    Ok(None)
}

/// The arrays of a matrix.
struct Sparse {
    format: String,
    shape: Vec<f64>,
    data: Vec<f64>,
    /// The rows or columns of the entries.
    first: Vec<f64>,
    /// The beginnings of compressed rows or columns, or the columns of the entries.
    second: Vec<f64>,
}

impl Sparse {
    fn read(path: &Path, [format, shape, data, first, second]: &[Vec<u8>; 5]) -> Result<Self> {
        let format = characters(format).map_err(|what| Error::file(path.join("format"), what))?;
        let numbers = |name: &str, bytes: &[u8]| -> Result<Vec<f64>> {
            let array = read_npy_exact_bytes(&path.join(name), bytes)?;
            match array.shape().rank() {
                1 => Ok(array.to_f64_vec()),
                _ => Err(Error::file(
                    path.join(name),
                    format!("an array of one axis is expected in a sparse matrix, found {}", array.shape()),
                )),
            }
        };
        let [at, to] = match format.as_str() {
            "coo" => ["row", "col"],
            "csr" | "csc" => ["indices", "indptr"],
            other => return Err(Error::file(path, format!("a sparse matrix in the format `{other}`: csr, csc and coo are read"))),
        };
        Ok(Self {
            shape: numbers("shape", shape)?,
            data: numbers("data", data)?,
            first: numbers(at, first)?,
            second: numbers(to, second)?,
            format,
        })
    }

    fn connectome(&self, names: Option<Vec<String>>) -> Result<Connectome, String> {
        let n = match self.shape[..] {
            [rows, columns] if rows == columns && rows >= 1.0 && rows <= MOST as f64 => rows as usize,
            _ => return Err(format!("a sparse matrix of shape {:?}: a square one of 1 to {MOST} rows is expected", self.shape)),
        };
        let mut values = vec![0.0f64; n * n];
        for (at, [row, column]) in self.places(n)?.into_iter().enumerate() {
            let value = self.data[at];
            if !value.is_finite() {
                return Err(format!("the entry at row {row}, column {column} is {value}: a finite number is expected"));
            }
            values[row * n + column] += value;
        }
        let values = HostTensor::f32([n, n], values.into_iter().map(|x| x as f32).collect()).map_err(|e| e.to_string())?;
        Connectome::new(values, names.filter(|names| names.len() == n)).map_err(|e| e.to_string())
    }

    /// The row and the column of each entry of the data.
    fn places(&self, n: usize) -> Result<Vec<[usize; 2]>, String> {
        let entries = self.data.len();
        let place = |x: &f64| (x.fract() == 0.0 && *x >= 0.0 && *x < n as f64).then_some(*x as usize);
        let all = |of: &[f64], name: &str| {
            let places: Option<Vec<usize>> = of.iter().map(place).collect();
            places.filter(|places| places.len() == entries).ok_or_else(|| format!("{entries} places in {n} are expected in `{name}`"))
        };
        if self.format == "coo" {
            let (rows, columns) = (all(&self.first, "row")?, all(&self.second, "col")?);
            return Ok(rows.into_iter().zip(columns).map(|(row, column)| [row, column]).collect());
        }
        let within = all(&self.first, "indices")?;
        let by_rows = self.format == "csr";
        Ok(self.lines(n)?.into_iter().zip(within).map(|(line, at)| if by_rows { [line, at] } else { [at, line] }).collect())
    }

    /// The compressed row or column of each entry.
    fn lines(&self, n: usize) -> Result<Vec<usize>, String> {
        let entries = self.data.len();
        let begins = &self.second;
        let rises = begins.windows(2).all(|pair| pair[0] <= pair[1]) && begins.iter().all(|x| x.fract() == 0.0);
        if !rises || begins.len() != n + 1 || begins.first() != Some(&0.0) || begins.last() != Some(&(entries as f64)) {
            return Err(format!("{} numbers from 0 to {entries}, none below the one before it, are expected in `indptr`", n + 1));
        }
        Ok(begins.windows(2).enumerate().flat_map(|(line, pair)| std::iter::repeat_n(line, (pair[1] - pair[0]) as usize)).collect())
    }
}
