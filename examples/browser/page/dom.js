// Small pieces of the page.

export const $ = (id) => document.getElementById(id);

/** A number as people read it. */
export function number(x, digits = 4) {
  if (x === null || x === undefined || Number.isNaN(x)) return '–';
  const text = x !== 0 && Math.abs(x) < 1e-4 ? x.toExponential(2)
    : x.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: Math.min(digits, 2) });
  return text.replace('-', '−');
}

/** A table from a header and rows of cells; a cell is text or { text, class }. Columns whose header is an object { text, class } take its class. */
export function fillTable(table, header, rows) {
  const cell = (kind, of, column) => {
    const made = document.createElement(kind);
    const { text, class: name } = typeof of === 'object' ? of : { text: of };
    made.textContent = text;
    made.className = [column?.class, name].filter(Boolean).join(' ');
    if (kind === 'th') made.scope = 'col';
    return made;
  };
  const row = (kind, cells) => {
    const made = document.createElement('tr');
    if (cells.class) made.className = cells.class;
    made.append(...(cells.cells ?? cells).map((of, i) => cell(kind, of, header[i])));
    return made;
  };
  const head = document.createElement('thead');
  head.append(row('th', header));
  const body = document.createElement('tbody');
  body.append(...rows.map((cells) => row('td', cells)));
  table.replaceChildren(head, body);
}

/** Buttons that save files: pairs of a name and a function that gives bytes, text, or a list of texts. */
export function downloads(place, files) {
  place.replaceChildren(...files.map(([name, bytes]) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = name;
    button.setAttribute('aria-label', `Download ${name}`);
    button.onclick = async () => {
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([await bytes()].flat()));
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    };
    return button;
  }));
}

/** The value of a colour of the style sheet, such as `--line`. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
