// The engine in a worker: the page answers while it computes. Messages are { id, method, args }; answers { id, result }, { id, error } or, before
// them, { id, event }.

import init, { Cortex, Engine, Series, readNpy, version, writeNpy } from './package/tapetum.js';

const ready = init();
const files = new Map();
/** The calls that are not answered yet: their numbers, and the file that each is about. */
const calls = new Map();
/** The message of a panic of the engine, which it writes to the console before it stops. */
let panic;
const { error: write } = console;
console.error = (text, ...more) => {
  if (String(text).startsWith('tapetum: ')) panic = String(text).slice('tapetum: '.length);
  write.call(console, text, ...more);
};
let engine, cortex, learner, connectome;
let stopped = false;
/** The number of the last call whose connectome is wanted. */
let wanted = 0;

/** Matrices of more regions are not held: of each region this many others are kept. */
const [WHOLE, STRONGEST] = [4000, 50];
/** The most rows of a picture of the edges, and points of a curve. */
const [BLOCKS, POINTS] = [400, 500];

/** The bytes of a file of the page, fetched once. */
async function file(name) {
  if (!files.has(name)) {
    const answer = await fetch(new URL(`./data/${name}`, import.meta.url));
    if (!answer.ok) throw Object.assign(new Error(`data/${name}: ${answer.status} ${answer.statusText}`), { name: 'InputError' });
    files.set(name, new Uint8Array(await answer.arrayBuffer()));
  }
  return files.get(name);
}

/** The bytes of a file of the visitor's. */
async function bytesOf(blob) {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (error) {
    throw Object.assign(new Error(`${blob.name}: this browser cannot read it: ${error.message}`), { name: 'InputError' });
  }
}

/** What the browser tells of its adapter. */
async function adapter() {
  const found = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (!found?.info) return '';
  const { vendor, architecture, description } = found.info;
  return description || [vendor, architecture].filter(Boolean).join(' ');
}

/** Lets messages in, such as the one that stops a loop. */
const breathe = () => new Promise((resolve) => setTimeout(resolve));

function free() {
  learner?.free();
  engine?.free();
  engine = learner = undefined;
}

/** The strongest edges of each region of series whose whole matrix has no room, and what the page shows of them. */
async function strongest(series, shape, { kind, shrinkage }, emit, turn) {
  const n = shape.at(-2);
  if (!['correlation', 'covariance'].includes(kind) || shrinkage !== 'none') {
    const what = `${n.toLocaleString('en')} regions: beyond ${WHOLE.toLocaleString('en')} the whole matrix has no room in a page, and only the strongest `
      + 'correlations or covariances without shrinkage can be kept';
    throw Object.assign(new Error(what), { name: 'InputError' });
  }
  const made = await engine.edges(series, { kind, topK: STRONGEST, subject: 0 }, async (done, regions) => {
    emit({ done, regions });
    await breathe();
    if (turn !== wanted) throw Object.assign(new Error('stopped'), { name: 'InputError' });
  });
  const { offsets, columns, values, names } = made;
  const block = Math.ceil(n / BLOCKS);
  const blocks = Math.ceil(n / block);
  const shares = new Float32Array(blocks * blocks);
  const others = new Uint32Array(n);
  const size = (i) => Math.min(block, n - i * block);
  for (let region = 0; region < n; region++) {
    const row = Math.floor(region / block);
    for (let at = offsets[region]; at < offsets[region + 1]; at++) {
      const column = Math.floor(columns[at] / block);
      shares[row * blocks + column] += 1 / (size(row) * size(column));
      others[columns[at]] += 1;
    }
  }
  const ascending = Float32Array.from(values).sort();
  const points = Math.min(POINTS, ascending.length);
  const sorted = Float32Array.from({ length: points }, (_, i) => ascending[Math.round((i * (ascending.length - 1)) / Math.max(1, points - 1))]);
  const hubs = Array.from(others, (count, region) => [region, count]).sort((a, b) => b[1] - a[1]).slice(0, 8);
  const warnings = [...new Set([...series.remarks(), ...made.warnings])];
  return { shape, n, names, warnings, kept: { strongest: STRONGEST, block, blocks, shares, sorted, hubs, offsets, columns, values } };
}

const methods = {
  async open({ device }) {
    await ready;
    free();
    engine = await Engine.open(device);
    const info = engine.device();
    return { ...info, adapter: info.kind === 'cpu' ? '' : await adapter(), version: version(), webgpu: Boolean(navigator.gpu) };
  },

  async cortex() {
    await ready;
    const [series, sphere, faces, mask, atlas] = await Promise.all(
      ['bold_f16', 'sphere_xyz', 'faces', 'valid_mask', 'schaefer400'].map((name) => file(`fsa4_lh_${name}.npy`)));
    cortex ??= new Cortex(series, sphere, faces, mask, atlas);
    // The page is built without the folded shape where nilearn was not at hand; the sphere then stands for it.
    const [shape, depth] = await Promise.all(['inflated_xyz', 'sulc'].map((name) => file(`fsa4_lh_${name}.npy`).catch(() => undefined)));
    const round = readNpy('sphere', sphere).values;
    const mesh = {
      faces: cortex.faces().values,
      sphere: round,
      xyz: shape ? readNpy('inflated', shape).values : round,
      depth: depth ? readNpy('sulc', depth).values : new Float32Array(cortex.vertices),
    };
    return { ...mesh, vertices: cortex.vertices, frames: cortex.frames, usable: cortex.usable };
  },

  async learn({ parcels, steps, seed }, emit) {
    stopped = false;
    learner?.free();
    learner = undefined;
    learner = await engine.learner(cortex, { parcels, steps, seed });
    let together = 1;
    let shown = 0;
    let labels;
    while (learner.done < learner.steps && !stopped) {
      const [from, before] = [performance.now(), learner.done];
      await learner.advance(together);
      const losses = await learner.losses();
      const ms = (performance.now() - from) / (learner.done - before);
      // A report every fifth of a second, but whatever is read at once is read at least every twenty steps.
      together = Math.max(1, Math.min(20, Math.round(200 / ms)));
      if (performance.now() - shown > 300 || learner.done === learner.steps) {
        labels = await learner.labels();
        shown = performance.now();
      }
      emit({ done: learner.done, steps: learner.steps, losses, labels, ms });
      await breathe();
    }
    labels = await learner.labels();
    return { done: learner.done, steps: learner.steps, losses: await learner.losses(), labels };
  },

  async homogeneity() {
    return learner.homogeneity();
  },

  /** Files of what was learnt, by name. */
  async learnt({ what }) {
    if (what === 'labels.npy') {
      const labels = await learner.labels();
      return writeNpy({ shape: [labels.length], values: labels });
    }
    if (what === 'memberships.npy') return writeNpy(await learner.memberships());
    if (what === 'parcel_correlation.npy') return writeNpy(await learner.connectome());
    const losses = await learner.losses();
    return new TextEncoder().encode('step,loss\n' + [...losses].map((loss, i) => `${i},${loss}\n`).join(''));
  },

  async connectome({ name, blob, example, layout, kind, shrinkage }, emit) {
    const turn = ++wanted;
    let series;
    let ended = false;
    try {
      series = Series.read(name, example ? await file(example) : await bytesOf(blob), { layout });
      const shape = [...series.shape];
      if (shape.at(-2) > WHOLE) return await strongest(series, shape, { kind, shrinkage }, emit, turn);
      const made = await engine.connectivity(series, { kind, shrinkage });
      const n = made.shape.at(-1);
      // Of several subjects the first is shown.
      connectome = { shape: [n, n], values: made.values.slice(0, n * n) };
      const remarks = [...series.remarks(), ...made.warnings];
      return { shape, n, values: connectome.values, names: made.names, order: made.order, warnings: [...new Set(remarks)] };
    } catch (error) {
      ended = error instanceof WebAssembly.RuntimeError;
      const named = !series || error.message === 'stopped';
      if (error?.name === 'InputError' && !named) error.message = `${name}: ${error.message}`;
      throw error;
    } finally {
      // An engine that has stopped frees nothing.
      if (!ended) series?.free();
    }
  },

  async topology() {
    return engine.topology(connectome);
  },

  async npy({ shape, values }) {
    return writeNpy({ shape, values });
  },

  async check({ filter }, emit) {
    stopped = false;
    return engine.check(filter, async (outcomes, name, at, cases) => {
      emit({ outcomes, name, at, cases });
      await breathe();
      return !stopped;
    });
  },

  async bench({ filter, size }, emit) {
    stopped = false;
    await engine.bench(filter, size, async (row, at, works) => {
      emit({ row, at, works });
      await breathe();
      return !stopped;
    });
    return {};
  },

  async stop() {
    stopped = true;
    wanted += 1;
  },
};

/** An error as a message. What the device reported since tells more than a call that failed for it. */
async function described(error, name) {
  if (error instanceof WebAssembly.RuntimeError) {
    const { memory } = await ready;
    const holds = Math.round(memory.buffer.byteLength / 1e6).toLocaleString('en');
    // An allocation that fails stops the engine without a word.
    const why = panic ?? `its memory did not suffice; it holds ${holds} MB, and no more could be had`;
    return { name: 'Stopped', message: `the engine stopped${name ? ` at ${name}` : ''}: ${why}` };
  }
  let told = error;
  if (error?.name !== 'DeviceLost' && engine) {
    try {
      engine.fault();
    } catch (fault) {
      told = fault;
    }
  }
  return { name: told?.name ?? 'Error', message: String(told?.message ?? told) };
}

async function answer(id, given) {
  const message = 'error' in given ? { id, error: await described(given.error, calls.get(id)) } : { id, ...given };
  if (calls.delete(id)) self.postMessage(message);
}

self.onmessage = async ({ data: { id, method, args } }) => {
  calls.set(id, args.name);
  try {
    await answer(id, { result: await methods[method](args, (event) => self.postMessage({ id, event })) });
  } catch (error) {
    await answer(id, { error });
  }
};

// Where the engine stops within a promise, the promise stays open.
self.addEventListener('error', (event) => {
  if (!(event.error instanceof WebAssembly.RuntimeError)) return;
  event.preventDefault();
  for (const id of calls.keys()) answer(id, { error: event.error });
});
