// Line charts as SVG.

const NS = 'http://www.w3.org/2000/svg';

function element(name, attributes, text) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Round numbers between two others, about `count` of them. */
export function ticks(low, high, count = 4) {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= rough);
  const found = [];
  for (let x = Math.ceil(low / step) * step; x <= high + 1e-9 * span; x += step) found.push(Math.abs(x) < step / 1e6 ? 0 : x);
  return found;
}

const shown = (x) => (Number.isInteger(x) ? x.toLocaleString('en') : Number(x.toPrecision(4)).toString()).replace('-', '−');

/**
 * A chart of lines in `place`. A line is { values, at, name }: `at` are its abscissae, 1, 2, 3 … where they are not given; `range` is that of the
 * abscissae where it is wider than the lines.
 */
export function lineChart(place, { lines, x, y, range, height = 190 }) {
  const [width, left, right, top, bottom] = [Math.max(280, place.clientWidth || 420), 58, 14, 12, 38];
  const svg = element('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img' });
  const points = lines.map(({ values, at }) => Array.from(values, (value, i) => [at ? at[i] : i + 1, value]).filter((p) => p.every(Number.isFinite)));
  const all = points.flat();
  const extent = (axis) => all.reduce(([low, high], p) => [Math.min(low, p[axis]), Math.max(high, p[axis])], [Infinity, -Infinity]);
  let [x0, x1] = range ?? extent(0);
  let [y0, y1] = all.length ? extent(1) : [0, 1];
  if (!(x1 > x0)) [x0, x1] = [x0 - 0.5, x0 + 0.5];
  if (!(y1 > y0)) [y0, y1] = [y0 - 0.5, y0 + 0.5];
  const pad = 0.04 * (y1 - y0);
  [y0, y1] = [y0 - pad, y1 + pad];
  const px = (v) => left + ((v - x0) / (x1 - x0)) * (width - left - right);
  const py = (v) => height - bottom - ((v - y0) / (y1 - y0)) * (height - top - bottom);
  for (const tick of all.length ? ticks(y0, y1) : []) {
    svg.append(element('line', { class: 'axis', x1: left, x2: width - right, y1: py(tick), y2: py(tick) }));
    svg.append(element('text', { x: left - 8, y: py(tick) + 4, 'text-anchor': 'end' }, shown(tick)));
  }
  svg.append(element('line', { class: 'axis', x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }));
  for (const tick of ticks(x0, x1, 5)) svg.append(element('text', { x: px(tick), y: height - bottom + 16, 'text-anchor': 'middle' }, shown(tick)));
  svg.append(element('text', { x: (left + width - right) / 2, y: height - 4, 'text-anchor': 'middle' }, x));
  points.forEach((line, i) => {
    const name = i === 1 ? ' second' : '';
    const d = line.map(([a, b], at) => `${at ? 'L' : 'M'}${px(a).toFixed(1)} ${py(b).toFixed(1)}`).join('');
    svg.append(element('path', { class: `line${name}`, d }));
    if (lines[i].name) svg.append(element('text', { class: `key${name}`, x: left + 10, y: (top + height - bottom) / 2 + 18 * i }, lines[i].name));
  });
  const last = points[0]?.at(-1);
  svg.setAttribute('aria-label', last ? `${y} by ${x}; the last is ${shown(last[1])}` : `${y} by ${x}, empty`);
  place.replaceChildren(svg);
}
