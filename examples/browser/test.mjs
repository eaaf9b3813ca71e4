// The page in headless Chromium, with WebGPU on SwiftShader: it learns what the native command learns, its kernels are held to their definitions,
// files are read, and a lost device and a lack of memory are survived. Run by test.sh.
//
//   node test.mjs PAGE NATIVE_LOSSES SHOTS
//
// PAGE is the folder that build.sh made, NATIVE_LOSSES the loss.csv of `tapetum demo`, SHOTS a folder for screenshots.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdir, readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { createRequire } from 'node:module';

const [page_, losses_, shots] = process.argv.slice(2);
const { chromium } = createRequire(join(process.env.NODE_MODULES ?? process.cwd(), 'x.js'))('playwright-core');
const kinds = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm' };

const server = createServer(async ({ url }, answer) => {
  const path = normalize(decodeURIComponent(new URL(url, 'http://x').pathname)).replace(/\/$/, '/index.html');
  try {
    const bytes = await readFile(join(page_, path));
    answer.writeHead(200, { 'content-type': kinds[extname(path)] ?? 'application/octet-stream' }).end(bytes);
  } catch {
    answer.writeHead(404).end();
  }
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const address = `http://127.0.0.1:${server.address().port}/`;

const flags = ['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync', '--use-angle=swiftshader', '--enable-unsafe-swiftshader'];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
const began = performance.now();
const said = (what) => console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${what}`);
const wanted = process.env.ONLY?.split(',');
const minutes = (n) => ({ timeout: n * 60_000 });

/**
 * Runs a test on a fresh page; what the page writes to the console as an error fails it. `served` has, for a file of the page, what makes the bytes
 * that are served from its own.
 */
async function test(name, { query = '', allowed = /^$/, served = {}, ...options }, run) {
  if (wanted && !wanted.some((part) => name.includes(part))) return;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const errors = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  for (const [file, changed] of Object.entries(served)) {
    const body = changed(await readFile(join(page_, file)));
    await page.route(`**/${file}`, (route) => route.fulfill({ contentType: kinds[extname(file)], body }));
  }
  await page.goto(address + query);
  await page.waitForFunction(() => !document.querySelector('#start').disabled, undefined, minutes(2));
  await run(page);
  assert.deepEqual(errors.filter((text) => !allowed.test(text)), [], `${name}: errors in the console`);
  await context.close();
  said(name);
}

/** Keeps a picture of the page, which must not be wider than its window. */
async function shot(page, name) {
  const { wide, window } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, window: innerWidth }));
  assert.ok(wide <= window, `${name}: the page is ${wide} pixels wide in a window of ${window}`);
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

/** A .npy file of f32. */
function npy(shape, values) {
  const words = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const header = words.padEnd(128 - 11, ' ') + '\n';
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length & 255, header.length >> 8]);
  return Buffer.concat([start, Buffer.from(header), Buffer.from(Float32Array.from(values).buffer)]);
}

/** A number as WebAssembly writes it. */
const leb128 = (x) => (x < 128 ? [x] : [(x & 127) | 128, ...leb128(x >>> 7)]);

/** A module of WebAssembly whose memory has at most so many pages of 64 KiB. */
function limited(module, pages) {
  const number = (at) => {
    const last = module.subarray(at).findIndex((byte) => byte < 128);
    return [module.subarray(at, at + last + 1).reduceRight((x, byte) => 128 * x + (byte & 127), 0), at + last + 1];
  };
  for (let [at, size, begin] = [8, 0, 0]; at < module.length; at = begin + size) {
    [size, begin] = number(at + 1);
    if (module[at] !== 5) continue;
    // The section of memories: one, whose flags say whether it has a limit, and its size at first.
    const section = [1, 1, ...leb128(number(begin + 2)[0]), ...leb128(pages)];
    return Buffer.concat([module.subarray(0, at), Buffer.from([5, section.length, ...section]), module.subarray(begin + size)]);
  }
  throw new Error('the module has no memory');
}

/** The bytes of a file that the page offers. */
async function downloaded(page, button) {
  const [download] = await Promise.all([page.waitForEvent('download', minutes(2)), page.click(button)]);
  return readFile(await download.path());
}
const text = (page, id) => page.textContent(`#${id}`);
await mkdir(shots, { recursive: true });

await test('learns what the native command learns', { query: '?device=gpu&steps=20' }, async (page) => {
  assert.match(await text(page, 'device'), /WebGPU in software/);
  await shot(page, 'before_1280');
  await page.click('#start');
  await page.waitForFunction(() => document.querySelector('#result').hidden === false, undefined, minutes(15));
  const native = (await readFile(losses_, 'utf8')).trim().split('\n').slice(1).map((line) => Number(line.split(',')[1]));
  const found = await page.evaluate(async () => Array.from((await window.tapetum.worker.call('learnt', { what: 'loss.csv' }))));
  const losses = Buffer.from(found).toString().trim().split('\n').slice(1).map((line) => Number(line.split(',')[1]));
  assert.equal(losses.length, native.length);
  const apart = Math.max(...losses.map((loss, i) => Math.abs(loss - native[i])));
  assert.ok(apart < 1e-4, `losses are ${apart} from the native ones`);
  said(`losses of ${losses.length} steps within ${apart.toExponential(1)} of the native ones; ${await text(page, 'ms')} ms a step`);
  assert.match(await text(page, 'homogeneity'), /learnt0\.6/);
  assert.match((await downloaded(page, 'button:has-text("labels.npy")')).subarray(10, 128).toString(), /\(2562,\s*\)/);
  await shot(page, 'learnt_1280');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.waitForTimeout(300);
  await shot(page, 'learnt_1280_dark');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.waitForTimeout(300);
  await shot(page, 'learnt_390_dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await shot(page, 'learnt_390');
});

for (const filter of (process.env.CHECK ?? 'softmax,cumulative').split(',')) {
  await test(`check ${filter}`, { query: '?device=gpu#check' }, async (page) => {
    await page.fill('#check-filter', filter);
    await page.press('#check-filter', 'Enter');
    await page.waitForFunction(() => /cases:/.test(document.querySelector('#check-status').textContent), undefined, minutes(10));
    const status = await text(page, 'check-status');
    said(status);
    assert.match(status, /all \d+ outcomes hold/);
    if (filter === 'softmax') await shot(page, 'check_1280');
    assert.deepEqual((await downloaded(page, '#check-downloads button')).toString().match(/"passed": false/g), null);
  });
}

await test('reads a file of one\'s own', { query: '?device=gpu#own' }, async (page) => {
  // Two pairs of regions: r = 1 within the first, r = -1 within the second.
  const rows = Array.from({ length: 40 }, (_, t) => [Math.sin(t), 2 * Math.sin(t) + 1, Math.cos(1.7 * t), -Math.cos(1.7 * t)].join(','));
  const csv = `V1,V2,"M1, left",A1\n${rows.join('\n')}\n`;
  await page.setInputFiles('#file', { name: 'mine.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
  await page.waitForSelector('#own-result:not([hidden])', minutes(2));
  assert.match(await text(page, 'own-status'), /mine\.csv: 4 regions with names, 40 frames/);
  await page.focus('#heat');
  await page.uncheck('#ordered');
  await page.focus('#heat');
  await page.press('#heat', 'ArrowRight');
  assert.match(await text(page, 'readout'), /V1 and V2: 1\.00/);
  await page.waitForFunction(() => /births/.test(document.querySelector('#betti-note').textContent), undefined, minutes(2));
  assert.match(await text(page, 'betti-note'), /3 births and 3 deaths/);
  await page.setInputFiles('#file', { name: 'bad.csv', mimeType: 'text/csv', buffer: Buffer.from('a,b\n1,x\n2,3\n') });
  await page.waitForFunction(() => /bad\.csv: /.test(document.querySelector('#own-status').textContent), undefined, minutes(2));
  said(await text(page, 'own-status'));
  await page.click('#example');
  await page.waitForFunction(() => /5 subjects.*94 regions/.test(document.querySelector('#own-status').textContent), undefined, minutes(2));
  await page.waitForFunction(() => /births/.test(document.querySelector('#betti-note').textContent), undefined, minutes(2));
  await page.check('#ordered');
  await shot(page, 'own_1280');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.waitForTimeout(300);
  await shot(page, 'own_390_dark');
});

await test('a file is dropped, and the keyboard goes through the page', { query: '?device=cpu', viewport: { width: 390, height: 844 } }, async (page) => {
  await page.focus('#tab-learn');
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'tab-own');
  assert.ok(await page.isVisible('#own') && !(await page.isVisible('#learn')));
  await shot(page, 'own_empty_390');
  const drop = await page.evaluateHandle(() => {
    const made = new DataTransfer();
    made.items.add(new File(['a,b,c\n1,2,5\n2,4,1\n4,8,3\n3,6,7\n'], 'dropped.csv'));
    return made;
  });
  await page.dispatchEvent('#drop', 'dragover', { dataTransfer: drop });
  assert.match(await page.getAttribute('#drop', 'class'), /over/);
  await page.dispatchEvent('#drop', 'drop', { dataTransfer: drop });
  await page.waitForFunction(() => /births/.test(document.querySelector('#betti-note').textContent), undefined, minutes(2));
  assert.match(await text(page, 'own-status'), /dropped\.csv: 3 regions with names, 4 frames/);
  const csv = (await downloaded(page, 'button:has-text("dropped_connectome.csv")')).toString().trim().split('\n').map((line) => line.split(','));
  assert.deepEqual([csv[0], csv[1].slice(0, 3).map((x) => (x === 'a' ? x : Math.round(1e5 * x)))], [['Node', 'a', 'b', 'c'], ['a', 1e5, 1e5]]);
  for (const tab of ['check', 'bench']) {
    await page.keyboard.press('Tab');
    await page.click(`#tab-${tab}`);
    await shot(page, `${tab}_390`);
  }
});

await test('keeps the strongest edges of many regions', { query: '?device=gpu#own' }, async (page) => {
  // Two regions of each pair have the same series but for their scale: each is the other's strongest.
  const [n, frames] = [Number(process.env.REGIONS ?? 4400), 12];
  const noise = (pair, t) => {
    const x = Math.sin(pair * 127.1 + t * 311.7) * 43758.5453;
    return x - Math.floor(x);
  };
  const values = Float32Array.from({ length: n * frames }, (_, at) => (1 + (at % 2)) * noise(Math.floor((at % n) / 2), Math.floor(at / n)));
  await page.setInputFiles('#file', { name: 'many.npy', mimeType: '', buffer: npy([frames, n], values) });
  await page.waitForSelector('#own-result:not([hidden])', minutes(9));
  said(await text(page, 'own-status'));
  assert.match(await text(page, 'heat-title'), /the 50 strongest/);
  const lines = (await downloaded(page, '#own-downloads button')).toString().trim().split('\n').slice(1).map((line) => line.split(',').map(Number));
  assert.equal(lines.length, 50 * n);
  const best = new Map();
  for (const [region, other, r] of lines) if (!(best.get(region)?.[1] >= r)) best.set(region, [other, r]);
  for (const [region, [other, r]] of best) assert.ok(other === (region ^ 1) && Math.abs(r - 1) < 1e-6, `${region}, ${other}: ${r}`);
  await shot(page, 'kept_1280');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.waitForTimeout(300);
  await shot(page, 'kept_390_dark');
  await page.selectOption('#kind', 'precision');
  await page.waitForFunction(() => /the whole matrix has no room/.test(document.querySelector('#own-status').textContent), undefined, minutes(1));
});

await test('the package waits for the GPU wherever it computes', { query: '?device=gpu' }, async (page) => {
  const found = await page.evaluate(async () => {
    const { default: init, Engine, Series } = await import('./package/tapetum.js');
    await init();
    const engine = await Engine.open('gpu');
    const wave = (length, step) => Array.from({ length }, (_, t) => Math.sin(step * t));
    // Regions 0 and 1 are opposite, 2 is constant.
    const rows = [wave(40, 1), wave(40, 1).map((x) => -x), Array(40).fill(3), wave(40, 1.7)];
    const series = Series.of({ shape: [4, 40], values: Float64Array.from(rows.flat()) });
    const { offsets, columns, values } = await engine.edges(series, { threshold: -1 });
    const degrees = await engine.degrees(series, { threshold: -0.5 });
    const refused = await engine.edges(series, { topK: 1, threshold: 1 }).catch(({ message }) => message);
    // Subjects of other lengths: the tangents of two at their geometric mean are opposite.
    const two = [[50, 1], [70, 1.3]].map(([length, step]) => ({
      shape: [2, length], values: Float32Array.from([...wave(length, step), ...wave(length, step).map((x, t) => 0.3 * x + Math.cos(2.2 * t))]) }));
    const { shape, values: tangents } = await engine.connectivityOfEach(two, { kind: 'tangent' });
    const { values: correlations } = await engine.connectivityOfEach(two, {});
    const lists = { offsets, columns, values, degrees, tangents, correlations };
    return { ...Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, Array.from(list)])), refused, shape };
  });
  said(JSON.stringify(found));
  assert.deepEqual([found.offsets, found.columns], [[0, 2, 3, 3, 3], [1, 3, 3]]);
  assert.ok(Math.abs(found.values[0] + 1) < 1e-6);
  assert.deepEqual(found.degrees, [1, 1, 0, 2]);
  assert.match(found.refused, /either `topK` or `threshold`/);
  assert.deepEqual(found.shape, [2, 2, 2]);
  assert.ok(found.tangents.slice(0, 4).every((x, i) => Math.abs(x + found.tangents[4 + i]) < 1e-4), 'tangents');
  assert.ok(Math.max(...found.tangents) > 0.01 && [0, 3, 4, 7].every((at) => Math.abs(found.correlations[at] - 1) < 1e-6), 'correlations');
});

await test('the package runs workflows and cleans series', { query: '?device=cpu' }, async (page) => {
  const found = await page.evaluate(async () => {
    const { default: init, Engine, Series } = await import('./package/tapetum.js');
    await init();
    const engine = await Engine.open('cpu');
    // Two subjects of two regions: the second region is the first, or its opposite.
    const wave = Array.from({ length: 50 }, (_, t) => Math.sin(t) + 0.01 * t);
    const rest = { shape: [2, 50, 2], values: Float32Array.from([1, -1].flatMap((sign) => wave.flatMap((x) => [x, sign * x]))) };
    const workflow = {
      data: { rest: { input: 'rest' } }, blocks: [{ name: 'connectome', block: 'correlation', series: 'rest' }], results: [{ value: 'connectome' }] };
    const run = await engine.workflow(workflow, { rest });
    const refused = await engine.workflow({ ...workflow, blocks: [] }, { rest }).catch(({ name, message }) => `${name}: ${message}`);
    // The series are a confound and a trend, and nothing is left of them.
    const motion = Array.from({ length: 50 }, (_, t) => Math.cos(2 * t));
    const table = new TextEncoder().encode(`trans_x\n${motion.join('\n')}\n`);
    const dirty = Series.of({ shape: [1, 50], values: Float64Array.from(motion, (x, t) => 100 + 3 * x + 0.2 * t) });
    const refusedTable = await engine.denoise(dirty, 'x.tsv', table, { strategi: '36p' }).catch(({ message }) => message);
    const { series, rank } = await engine.denoise(dirty, 'x.tsv', table, { detrend: true, columns: ['trans_x'] });
    return { values: Array.from(run.values.connectome.values), refused, refusedTable, rank, left: Math.max(...series.values().values.map(Math.abs)) };
  });
  said(JSON.stringify(found));
  assert.deepEqual(found.values.map((x) => Number(x.toFixed(5))), [1, 1, 1, 1, 1, -1, -1, 1]);
  assert.match(found.refused, /InputError: .*connectome/);
  assert.match(found.refusedTable, /no setting is called `strategi`/);
  assert.ok(found.rank === 3 && found.left < 1e-4, JSON.stringify(found));
});

await test('times ops', { query: '?device=gpu#bench' }, async (page) => {
  await page.fill('#bench-filter', 'softmax');
  await page.selectOption('#bench-size', 'small');
  await page.press('#bench-filter', 'Enter');
  await page.waitForFunction(() => /works in/.test(document.querySelector('#bench-status').textContent), undefined, minutes(5));
  assert.match(await text(page, 'bench-table'), /softmax/);
  await shot(page, 'bench_1280');
});

/** Waits for a banner, keeps a picture of the page and returns what the banner says. */
async function banner(page, name) {
  await page.waitForSelector('#banner:not([hidden])', minutes(2));
  await shot(page, name);
  said(await text(page, 'banner'));
  return text(page, 'banner');
}

// On a GPU that has no room for buffers of more than 4 MB: larger ones are made so large that SwiftShader refuses them.
const small = `const { createBuffer } = GPUDevice.prototype;
GPUDevice.prototype.createBuffer = function (asked) { return createBuffer.call(this, asked.size > 4e6 ? { ...asked, size: 2 ** 30 } : asked); };\n`;
const little = { query: '?device=gpu#own', served: { 'worker.js': (bytes) => small + bytes } };
await test('survives a GPU of little memory', little, async (page) => {
  const [n, frames] = [1100, 12];
  const noise = Float32Array.from({ length: n * frames }, (_, i) => Math.sin(i * i));
  await page.setInputFiles('#file', { name: 'many.npy', mimeType: '', buffer: npy([frames, n], noise) });
  assert.match(await banner(page, 'memory_1280'), /out of memory/);
  // The file need not be dropped again.
  await page.click('#banner button:has-text("Go on with the processor")');
  await page.waitForFunction(() => /births/.test(document.querySelector('#betti-note').textContent), undefined, minutes(2));
  assert.match(await text(page, 'own-status'), /many\.npy: 1,100 regions, 12 frames/);
  assert.match(await text(page, 'device'), /the processor/);
});

await test('survives a file for which its memory does not suffice',
  { query: '?device=cpu#own', served: { 'package/tapetum_bg.wasm': (bytes) => limited(bytes, 1000) } }, async (page) => {
    for (const [name, n, frames] of [['long.npy', 1000, 6000], ['wide.npy', 3000, 12]]) {
      await page.evaluate(([name, n, header]) => {
        const made = new DataTransfer();
        made.items.add(new File([Uint8Array.from(header), new Float32Array(n).map((_, i) => Math.sin(i * i))], name));
        document.querySelector('#drop').dispatchEvent(new DragEvent('drop', { dataTransfer: made }));
      }, [name, n * frames, [...npy([frames, n], [])]]);
      assert.match(await banner(page, 'full_1280'), new RegExp(`stopped at ${name}: its memory did not suffice`));
      await page.click('#banner button:has-text("Open it again")');
      await page.waitForFunction(() => document.querySelector('#banner').hidden, undefined, minutes(1));
      await page.setInputFiles('#file', { name: 'few.csv', mimeType: '', buffer: Buffer.from('a,b\n1,2\n2,4\n3,5\n') });
      await page.waitForFunction(() => /few\.csv: 2 regions/.test(document.querySelector('#own-status').textContent), undefined, minutes(1));
    }
  });

await test('survives the loss of its device', { query: '?device=gpu&steps=300', allowed: /lost|destroyed|crash/i }, async (page) => {
  await page.click('#start');
  await page.waitForFunction(() => /^[1-9]/.test(document.querySelector('#step').textContent), undefined, minutes(5));
  const devtools = await browser.newBrowserCDPSession();
  await devtools.send('Browser.crashGpuProcess').catch(() => {});
  await page.waitForSelector('#banner:not([hidden])', minutes(5));
  said(await text(page, 'banner'));
  assert.match(await text(page, 'banner'), /lost/);
  await shot(page, 'lost_1280');
  await page.click('#banner button:has-text("Open it again")');
  await page.waitForFunction(() => /WebGPU/.test(document.querySelector('#device').textContent) && !document.querySelector('#start').disabled, undefined, minutes(2));
  await page.click('#start');
  await page.waitForFunction(() => /^[2-9]/.test(document.querySelector('#step').textContent), undefined, minutes(5));
  await shot(page, 'again_1280');
  await page.selectOption('#choice', 'cpu');
  await page.waitForFunction(() => /the processor/.test(document.querySelector('#device').textContent) && !document.querySelector('#start').disabled, undefined, minutes(2));
});

await test('falls back on the processor', { query: '?steps=3' }, async (page) => {
  // SwiftShader is no hardware GPU, so the best device is the processor.
  assert.match(await text(page, 'device'), /the processor/);
  await page.click('#start');
  await page.waitForFunction(() => document.querySelector('#result').hidden === false, undefined, minutes(5));
  said(`${await text(page, 'ms')} ms a step on the processor`);
});

await browser.close();
server.close();
said('all hold');
