// The rotation of Jacobi's method that makes the entry `apq` of a symmetric matrix 0; `app` and `aqq` are the diagonal's entries of its row
// and of its column:
//   theta = (aqq - app) / (2 apq), t = sign(theta) / (|theta| + sqrt(1 + theta^2)), c = 1 / sqrt(1 + t^2), s = t c
// It adds -t apq to app and t apq to aqq. Two rows become x - s (y + tau x) and y + s (x - tau y), tau = s / (1 + c): the rounding of c,
// the same in every step, would add up. The result is t, s and tau.
fn rotation_of(app: f32, aqq: f32, apq: f32) -> vec3<f32> {
    let theta = clamp((aqq - app) / (2.0 * apq), -1e18, 1e18);
    let size = 1.0 / (abs(theta) + sqrt(1.0 + theta * theta));
    let t = select(-size, size, theta >= 0.0);
    let c = 1.0 / sqrt(1.0 + t * t);
    let s = t * c;
    return vec3<f32>(t, s, s / (1.0 + c));
}

// Two elements after a rotation by s and tau.
fn rotated(x: vec2<f32>, r: vec2<f32>) -> vec2<f32> {
    return vec2<f32>(x.x - r.x * (x.y + r.y * x.x), x.y + r.x * (x.x - r.y * x.y));
}
