// A connectome as a heat map that one can read entry by entry.

import { diverging } from './colours.js';
import { number } from './dom.js';

export class Heat {
  constructor(canvas, readout) {
    this.canvas = canvas;
    this.readout = readout;
    canvas.onpointermove = ({ offsetX, offsetY }) => this.#at(Math.floor((offsetY / canvas.clientHeight) * this.n), Math.floor((offsetX / canvas.clientWidth) * this.n));
    canvas.onkeydown = (event) => {
      const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!by) return;
      event.preventDefault();
      const [row, column] = this.place ?? [0, 0];
      this.#at(row + by[0], column + by[1]);
    };
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.n && this.#draw());
  }

  /** Shows `values` [n, n]; `order` puts regions that are alike together. */
  show({ n, values, names, order }, ordered) {
    Object.assign(this, { n, values, names, grouped: order });
    this.place = undefined;
    this.arrange(ordered);
  }

  arrange(ordered) {
    const missing = Array.from({ length: this.n }, (_, i) => i).filter((i) => !this.grouped.includes(i));
    this.order = ordered ? [...this.grouped, ...missing] : Array.from({ length: this.n }, (_, i) => i);
    this.#draw();
  }

  #draw() {
    const { n, values, order, canvas } = this;
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    const off = Array.from(values).filter((x, i) => Math.floor(i / n) !== i % n && Number.isFinite(x)).map(Math.abs).sort((a, b) => a - b);
    // The scale ends at the 99th percentile, so that a few entries do not pale the others.
    this.most = off[Math.floor(0.99 * (off.length - 1))] || 1;
    canvas.width = canvas.height = n;
    const context = canvas.getContext('2d');
    const image = context.createImageData(n, n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        const x = values[order[i] * n + order[j]];
        const grey = dark ? [60, 62, 70] : [205, 207, 214];
        const colour = i === j || Number.isNaN(x) ? grey : diverging(x / this.most, dark);
        image.data.set([...colour, 255], 4 * (i * n + j));
      }
    }
    context.putImageData(image, 0, 0);
    this.readout.textContent = `Colours end at ±${number(this.most, 2)}: red is positive, blue negative. Point at an entry, or move with the arrow keys.`;
  }

  #at(row, column) {
    const { n, values, names, order } = this;
    if (!n) return;
    const [i, j] = [row, column].map((x) => Math.max(0, Math.min(n - 1, x)));
    this.place = [i, j];
    const name = (at) => names?.[order[at]] ?? `region ${order[at]}`;
    this.readout.textContent = `${name(i)} and ${name(j)}: ${number(values[order[i] * n + order[j]], 4)}`;
  }
}
