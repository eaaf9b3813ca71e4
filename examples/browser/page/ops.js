// The tabs that go through ops one by one: check and bench.

import { $, downloads, fillTable, number } from './dom.js';

/** What both tabs share: a form, a button that stops, a status and a table that grows. */
class OpsTab {
  constructor(page, name) {
    this.page = page;
    this.name = name;
    $(`${name}-form`).onsubmit = (event) => {
      event.preventDefault();
      this.run();
    };
    $(`${name}-stop`).onclick = () => page.worker.call('stop');
  }

  status(text) {
    $(`${this.name}-status`).textContent = text;
  }

  idle() {
    $(`${this.name}-stop`).hidden = true;
    $(`${this.name}-form`).querySelector('[type=submit]').disabled = false;
  }

  async run() {
    this.rows = [];
    this.draw();
    $(`${this.name}-stop`).hidden = false;
    $(`${this.name}-form`).querySelector('[type=submit]').disabled = true;
    const filter = $(`${this.name}-filter`).value.trim();
    const began = performance.now();
    this.status('Compiling …');
    const done = await this.page.guarded(() => this.page.worker.call(this.name, this.settings(filter), (event) => this.event(event)), (text) => this.status(text));
    if (done) this.finish(done, (performance.now() - began) / 1000);
    this.idle();
  }

  draw() {
    const table = $(`${this.name}-table`);
    table.hidden = this.rows.length === 0;
    fillTable(table, this.header, this.rows.map((row) => this.cells(row)));
  }

  /** Draws at most five times a second. */
  soon() {
    this.waiting ??= setTimeout(() => {
      this.waiting = undefined;
      this.draw();
    }, 200);
  }
}

const right = (text) => ({ text, class: 'number' });
const small = (x) => (x === null || x === undefined ? '–' : x.toExponential(1));

export class Check extends OpsTab {
  header = ['op', 'variant', right('shapes'), right('error'), right('allowed'), right('of gradients'), right('allowed'), ''];

  constructor(page) {
    super(page, 'check');
  }

  settings(filter) {
    this.outcomes = [];
    return { filter };
  }

  event({ outcomes, name, at, cases }) {
    this.status(`${at + 1} of ${cases}: ${name}`);
    this.outcomes.push(...outcomes);
    for (const outcome of outcomes) {
      const op = outcome.case.split(' [')[0];
      let row = this.rows.find((other) => other.op === op && other.variant === outcome.variant);
      if (!row) this.rows.push(row = { op, variant: outcome.variant, shapes: 0, failed: 0, error: 0, reverse: undefined });
      row.shapes += 1;
      row.failed += outcome.passed ? 0 : 1;
      row.why ??= outcome.error;
      // An error that is no finite number comes as null.
      row.error = Math.max(row.error, outcome.forward ?? Infinity);
      if (outcome.reverse != null) row.reverse = Math.max(row.reverse ?? 0, outcome.reverse);
      Object.assign(row, { tolerance: outcome.tolerance, reverseTolerance: outcome.reverseTolerance });
    }
    this.soon();
  }

  cells({ op, variant, shapes, failed, error, tolerance, reverse, reverseTolerance, why }) {
    const verdict = failed ? { text: why ?? `${failed} missed`, class: 'bad' } : { text: 'holds', class: 'good' };
    const allowed = reverse === undefined ? '–' : small(reverseTolerance);
    return [op, variant, String(shapes), small(error), small(tolerance), small(reverse), allowed, verdict];
  }

  finish({ cases, checked, failed }, seconds) {
    this.draw();
    const verdict = failed ? `${failed} of ${checked} outcomes missed` : `all ${checked} outcomes hold`;
    this.status(`${cases} cases: ${verdict}, in ${seconds.toFixed(1)} s.`);
    downloads($('check-downloads'), [['check.json', () => JSON.stringify({ device: this.page.info, outcomes: this.outcomes }, null, 1)]]);
  }
}

export class Bench extends OpsTab {
  header = ['op', 'operands', '', right('ms'), right('GFLOP/s'), right('GB/s')];

  constructor(page) {
    super(page, 'bench');
  }

  settings(filter) {
    return { filter, size: $('bench-size').value };
  }

  event({ row, at, works }) {
    this.status(`${at + 1} of ${works}: ${row.name}`);
    this.rows.push(row);
    this.soon();
  }

  cells({ name, shapes, direction, ms, gflops, gigabytes, error }) {
    if (error) return [name, { text: error, class: 'bad' }, '', '–', '–', '–'];
    return [name, shapes, direction, number(ms, ms < 1 ? 3 : 1), number(gflops, 1), number(gigabytes, 1)];
  }

  finish(_, seconds) {
    this.draw();
    this.status(`${this.rows.length} works in ${seconds.toFixed(1)} s.`);
    downloads($('bench-downloads'), [['bench.json', () => JSON.stringify({ device: this.page.info, rows: this.rows }, null, 1)]]);
  }
}
