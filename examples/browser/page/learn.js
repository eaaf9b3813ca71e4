// Parcels that are learnt while one watches.

import { $, downloads, fillTable, number } from './dom.js';
import { lineChart } from './chart.js';
import { Surface } from './surface.js';

export class Learn {
  constructor(page) {
    this.page = page;
    this.running = false;
    this.steps = Number(new URLSearchParams(location.search).get('steps') ?? 300);
    $('step').textContent = `0 of ${this.steps}`;
    $('start').onclick = () => this.learn();
    $('stop').onclick = () => page.worker.call('stop');
    this.chart();
    addEventListener('resize', () => this.chart());
  }

  /** Loads the cortex. */
  async begin() {
    this.status('Loading the series …');
    const cortex = await this.page.worker.call('cortex');
    this.surface ??= new Surface($('surface'), cortex);
    this.surface.show(undefined);
    $('caption').textContent = `One hemisphere at rest: ${cortex.vertices.toLocaleString('en')} vertices, ${cortex.frames} frames. `
      + 'Drag it, or turn it with the arrow keys.';
    this.status('');
    this.idle();
  }

  chart() {
    const lines = this.losses ? [{ values: this.losses }] : [];
    lineChart($('loss-chart'), { lines, x: 'step', y: 'loss', range: [1, this.steps] });
  }

  status(text) {
    $('learn-status').textContent = text;
  }

  idle() {
    this.running = false;
    $('start').disabled = false;
    $('start').hidden = false;
    $('stop').hidden = true;
  }

  async learn() {
    if (this.running) return;
    this.running = true;
    $('start').hidden = true;
    $('stop').hidden = false;
    $('result').hidden = true;
    this.status('Compiling the step …');
    this.began = undefined;
    const done = await this.page.guarded(
      () => this.page.worker.call('learn', { parcels: 200, steps: this.steps, seed: 0 }, (event) => this.progress(event)), (text) => this.status(text));
    if (done) await this.finish(done);
    this.idle();
  }

  progress({ done, steps, losses, labels, ms }) {
    const now = performance.now();
    this.began ??= { at: now, done };
    const seconds = (now - this.began.at) / 1000;
    $('progress').max = steps;
    $('progress').value = done;
    $('step').textContent = `${done} of ${steps}`;
    $('loss').textContent = number(losses.at(-1), 5);
    $('ms').textContent = number(ms, 1);
    $('rate').textContent = number(seconds > 0 ? (done - this.began.done) / seconds : 1000 / ms, 1);
    this.status('Learning …');
    this.losses = losses;
    this.chart();
    if (labels) this.surface.show(labels);
  }

  async finish({ done, steps, losses, labels }) {
    this.surface.show(labels);
    this.losses = losses;
    this.chart();
    const used = new Set(labels.filter((label) => label >= 0)).size;
    $('surface').setAttribute('aria-label', `The cortex in ${used} learnt parcels. Arrow keys turn it.`);
    const what = `${used} parcels in use after ${done}${done < steps ? ` of ${steps}` : ''} steps`;
    this.status(`${what}. Comparing them with other parcellations …`);
    const scores = await this.page.guarded(() => this.page.worker.call('homogeneity'), (text) => this.status(text));
    if (!scores) return;
    this.table(scores);
    this.status(`${what}.`);
    const file = (name) => [name, () => this.page.worker.call('learnt', { what: name })];
    downloads($('learn-downloads'), ['labels.npy', 'memberships.npy', 'parcel_correlation.npy', 'loss.csv'].map(file));
    $('result').hidden = false;
  }

  table({ learnt, kMeans, atlas, bestRandom, meanRandom, random }) {
    const ahead = (score) => (learnt - score >= 0 ? '+' : '−') + Math.abs(learnt - score).toFixed(4);
    const row = (name, score) => [name, score.toFixed(4), ahead(score)];
    const rows = [
      { class: 'best', cells: ['learnt', learnt.toFixed(4), ''] },
      row('k-means on series and coordinates', kMeans),
      ...(atlas === null ? [] : [row('Schaefer', atlas)]),
      row(`best of ${random.length} random parcellations`, bestRandom),
      row('mean of the random parcellations', meanRandom),
    ];
    const right = (text) => ({ text, class: 'number' });
    fillTable($('homogeneity'), ['parcellation', right('score'), right('learnt is ahead by')], rows);
  }
}
