// The result of a product whose rows begin at multiples of 4, as do `col` and `cols`.
@group(0) @binding(2) var<storage, read_write> c: array<vec4<f32>>;

// Four elements of the row that begins at `base`, from `col` on; none beyond its end, `cols`.
fn put4(base: u32, col: u32, cols: u32, x: vec4<f32>) {
    if (col < cols) {
        c[(base + col) >> 2u] = x;
    }
}
