// A matrix as a heat map that one can read entry by entry.

import { diverging } from './colours.js';
import { number } from './dom.js';

/** The colours from −1 to 1 in this many steps. */
const STEPS = 512;
/** The most entries from which the end of the scale is taken. */
const SAMPLE = 1 << 20;

export class Heat {
  constructor(canvas, readout) {
    this.canvas = canvas;
    this.readout = readout;
    // A finger that taps does not move.
    canvas.onpointerdown = canvas.onpointermove = ({ offsetX, offsetY }) => this.#at(Math.floor((offsetY / canvas.clientHeight) * this.n), Math.floor((offsetX / canvas.clientWidth) * this.n));
    canvas.onkeydown = (event) => {
      const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!by) return;
      event.preventDefault();
      const [row, column] = this.place ?? [0, 0];
      this.#at(row + by[0], column + by[1]);
    };
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.n && this.#draw());
  }

  /**
   * Shows `values` [n, n]; `order` puts rows that are alike together. `legend` tells of the value at which the colours end, `entry` of an entry by
   * the names of its row and column; `diagonal` is true where the diagonal has a meaning.
   */
  show({ n, values, names, order, legend, entry, diagonal = false }, ordered) {
    Object.assign(this, { n, values, names, grouped: order, diagonal });
    this.legend = legend ?? ((most) => `Colours end at ±${number(most, 2)}: red is positive, blue negative.`);
    this.entry = entry ?? ((row, column, value) => `${row} and ${column}: ${number(value, 4)}`);
    this.place = undefined;
    this.arrange(ordered);
  }

  arrange(ordered) {
    const grouped = new Set(this.grouped);
    const all = Array.from({ length: this.n }, (_, i) => i);
    this.order = ordered ? [...this.grouped, ...all.filter((i) => !grouped.has(i))] : all;
    this.#draw();
  }

  /** The 99th percentile, so that a few entries do not pale the others. */
  #end() {
    const { n, values } = this;
    const step = Math.max(1, Math.floor(values.length / SAMPLE));
    const found = [];
    for (let at = 0; at < values.length; at += step) {
      if ((this.diagonal || Math.floor(at / n) !== at % n) && Number.isFinite(values[at])) found.push(Math.abs(values[at]));
    }
    const sorted = Float32Array.from(found).sort();
    return sorted[Math.floor(0.99 * (sorted.length - 1))] || sorted.at(-1) || 1;
  }

  #draw() {
    const { n, values, order, canvas } = this;
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    const packed = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
    const scale = Uint32Array.from({ length: STEPS + 1 }, (_, i) => packed(diverging((2 * i) / STEPS - 1, dark)));
    const grey = packed(dark ? [60, 62, 70] : [205, 207, 214]);
    this.most = this.#end();
    canvas.width = canvas.height = n;
    const context = canvas.getContext('2d');
    const image = context.createImageData(n, n);
    const pixels = new Uint32Array(image.data.buffer);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const x = values[order[i] * n + order[j]];
        const held = Math.max(-1, Math.min(1, x / this.most));
        pixels[i * n + j] = (i === j && !this.diagonal) || Number.isNaN(x) ? grey : scale[Math.round(((held + 1) / 2) * STEPS)];
      }
    }
    context.putImageData(image, 0, 0);
    this.readout.textContent = `${this.legend(this.most)} Point at an entry, or move with the arrow keys.`;
  }

  #at(row, column) {
    const { n, values, names, order } = this;
    if (!n) return;
    const [i, j] = [row, column].map((x) => Math.max(0, Math.min(n - 1, x)));
    this.place = [i, j];
    const name = (at) => names?.[order[at]] ?? `region ${order[at]}`;
    this.readout.textContent = this.entry(name(i), name(j), values[order[i] * n + order[j]]);
  }
}
