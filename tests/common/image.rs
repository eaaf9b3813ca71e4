//! Small images.

/// A NIfTI-1 image of f32 with an identity affine, laid out by the standard.
pub fn nifti(extents: &[u16], values: &[f32]) -> Vec<u8> {
    let mut bytes = vec![0u8; 352];
    let mut put = |at: usize, of: &[u8]| bytes[at..at + of.len()].copy_from_slice(of);
    put(0, &348i32.to_le_bytes());
    put(40, &(extents.len() as u16).to_le_bytes());
    extents.iter().enumerate().for_each(|(i, n)| put(42 + 2 * i, &n.to_le_bytes()));
    put(70, &16i16.to_le_bytes());
    put(72, &32i16.to_le_bytes());
    put(76, &[1.0f32; 4].map(f32::to_le_bytes).concat());
    put(108, &352f32.to_le_bytes());
    put(254, &1i16.to_le_bytes());
    (0..3).for_each(|i| put(280 + 20 * i, &1f32.to_le_bytes()));
    put(344, b"n+1\0");
    bytes.extend(values.iter().flat_map(|x| x.to_le_bytes()));
    bytes
}
