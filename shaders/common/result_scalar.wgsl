// The result of a product, rows of any length.
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

// Four elements of the row that begins at `base`, from `col` on; none beyond its end, `cols`.
fn put4(base: u32, col: u32, cols: u32, x: vec4<f32>) {
    for (var j = 0u; j < 4u; j++) {
        if (col + j < cols) {
            c[base + col + j] = x[j];
        }
    }
}
