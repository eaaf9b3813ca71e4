// The page in headless Chromium, with WebGPU on SwiftShader: it learns what the native command learns, its kernels are held to their definitions,
// files are read, and a lost device is survived. Run by test.sh.
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

/** Runs a test on a fresh page; what the page writes to the console as an error fails it. */
async function test(name, { query = '', allowed = /^$/, ...options }, run) {
  if (wanted && !wanted.some((part) => name.includes(part))) return;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const errors = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(address + query);
  await page.waitForFunction(() => !document.querySelector('#start').disabled, undefined, minutes(2));
  await run(page);
  assert.deepEqual(errors.filter((text) => !allowed.test(text)), [], `${name}: errors in the console`);
  await context.close();
  said(name);
}

const shot = (page, name) => page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
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

for (const filter of ['softmax', 'soft_parcellation', 'cumulative']) {
  await test(`check ${filter}`, { query: '?device=gpu#check' }, async (page) => {
    await page.fill('#check-filter', filter);
    await page.press('#check-filter', 'Enter');
    await page.waitForFunction(() => /cases:/.test(document.querySelector('#check-status').textContent), undefined, minutes(10));
    const status = await text(page, 'check-status');
    said(status);
    assert.match(status, /all \d+ outcomes hold/);
    if (filter === 'softmax') await shot(page, 'check_1280');
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
