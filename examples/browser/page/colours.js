// Colours of parcels and of connectomes.

/** The colour of a vertex without a parcel. */
const GREY = [228, 228, 234];

/** A colour of OKLCH as bytes of sRGB (Ottosson 2020). */
export function oklch(l, c, h) {
  const [a, b] = [c * Math.cos(h), c * Math.sin(h)];
  const cube = (x) => x * x * x;
  const [p, q, r] = [
    cube(l + 0.3963377774 * a + 0.2158037573 * b), cube(l - 0.1055613458 * a - 0.0638541728 * b), cube(l - 0.0894841775 * a - 1.291485548 * b)];
  const linear = [
    4.0767416621 * p - 3.3077115913 * q + 0.2309699292 * r, -1.2684380046 * p + 2.6097574011 * q - 0.3413193965 * r,
    -0.0041960863 * p - 0.7034186147 * q + 1.707614701 * r];
  return linear.map((x) => {
    const held = Math.max(0, Math.min(1, x));
    return Math.round(255 * (held <= 0.0031308 ? 12.92 * held : 1.055 * held ** (1 / 2.4) - 0.055));
  });
}

/**
 * The colour of each vertex, three bytes: the hue of a parcel follows its place on the sphere, its lightness tells it from its neighbours; vertices
 * without a parcel are grey.
 */
export function palette(labels, { sphere }) {
  const vertices = sphere.length / 3;
  const colours = new Uint8Array(3 * vertices);
  const centres = new Map();
  for (let v = 0; labels && v < vertices; v++) {
    if (labels[v] < 0) continue;
    const sum = centres.get(labels[v]) ?? [0, 0, 0];
    centres.set(labels[v], sum.map((x, k) => x + sphere[3 * v + k]));
  }
  const of = new Map();
  for (const [label, [x, y, z]] of centres) {
    const [one, two] = [0.61803398875, 0.7548776662].map((step) => (label * step) % 1);
    const hue = Math.atan2(z, y) + 0.4 * Math.sign(x || 1) + 0.8 * (two - 0.5);
    of.set(label, oklch(0.62 + 0.2 * one, 0.11, hue));
  }
  for (let v = 0; v < vertices; v++) {
    colours.set(labels && labels[v] >= 0 ? of.get(labels[v]) : GREY, 3 * v);
  }
  return colours;
}

/** A diverging scale: blue at −1, red at 1; pale at 0, or dark where `dark`. */
export function diverging(t, dark) {
  const held = Math.max(-1, Math.min(1, t));
  const strength = Math.abs(held);
  const hue = held < 0 ? 4.55 : 0.55;
  return oklch(dark ? 0.24 + 0.5 * strength : 0.975 - 0.42 * strength, 0.19 * strength ** 0.8, hue);
}
