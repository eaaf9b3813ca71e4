//! Arrays of texts, NumPy's type `U`: each text has the same number of characters of four bytes, and ends at zeros.

use super::super::numbers::Element;
use super::header::{Described, bytes, length};

/// The texts of a `.npy` file of one axis.
///
/// # Errors
/// Returns what is wrong where the bytes are no such file.
pub(in super::super) fn texts(file: &[u8]) -> Result<Vec<String>, String> {
    let begins = length(file, file.len() as u64)?;
    let (header, elements) = file.split_at(begins);
    let described = Described::parse(header)?;
    let shown: String = described.descr.chars().take(80).collect();
    let (characters, big_endian) = described.characters().ok_or_else(|| format!("elements of type {shown}: texts (U) are expected"))?;
    let [count] = *described.shape else {
        return Err(format!("an array of shape {}: texts along one axis are expected", described.shape));
    };
    let each = characters.checked_mul(4).ok_or("texts that do not fit in memory")?;
    let need = count.checked_mul(each).ok_or("texts that do not fit in memory")?;
    let elements = elements.get(..need).ok_or_else(|| format!("cut short: {} bytes of texts where {need} are expected", elements.len()))?;
    if each == 0 {
        return if count <= file.len() { Ok(vec![String::new(); count]) } else { Err("more texts than bytes".into()) };
    }
    let text = |of: &[u8]| {
        let codes = of.chunks_exact(4).map(|code| u32::decode(code, big_endian)).collect::<Vec<_>>();
        let end = codes.iter().rposition(|code| *code != 0).map_or(0, |last| last + 1);
        codes[..end].iter().map(|code| char::from_u32(*code).ok_or_else(|| format!("{code:#x} is no character"))).collect()
    };
    elements.chunks_exact(each).map(text).collect()
}

/// The ASCII characters of a `.npy` file of one text, of NumPy's type `S` or `U`.
///
/// # Errors
/// Returns what is wrong where the bytes are no such file.
pub(in super::super) fn characters(file: &[u8]) -> Result<String, String> {
    let begins = length(file, file.len() as u64)?;
    let (header, elements) = file.split_at(begins);
    let described = Described::parse(header)?;
    let is_text = described.descr.contains(['S', 'U']) && described.shape.elements() == 1 && elements.len() <= 1024;
    if !is_text {
        let shown: String = described.descr.chars().take(80).collect();
        return Err(format!("a short text is expected, found {shown} of shape {}", described.shape));
    }
    Ok(elements.iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect())
}

/// The bytes of a `.npy` file of texts along one axis.
pub(in super::super) fn text_bytes(texts: &[String]) -> Vec<u8> {
    let longest = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
    let mut bytes = bytes(&format!("<U{longest}"), &[texts.len()]);
    for text in texts {
        let padded = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(longest);
        bytes.extend(padded.flat_map(u32::to_le_bytes));
    }
    bytes
}
