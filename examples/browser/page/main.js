// The page: its tabs, its device, and what it says when the device fails.

import { Bench, Check } from './ops.js';
import { $ } from './dom.js';
import { EngineWorker } from './engine.js';
import { Learn } from './learn.js';
import { Own } from './own.js';

const worker = new EngineWorker();
const page = { worker, info: undefined, guarded, ready: undefined, failure: undefined };
const parts = [new Learn(page), new Own(page), new Check(page), new Bench(page)];
window.tapetum = page;

/** Opens a device and says which. */
async function open(device) {
  const chip = $('device');
  chip.textContent = 'opening a device …';
  chip.className = 'chip';
  page.info = undefined;
  page.info = await worker.call('open', { device });
  const { kind, adapter, webgpu } = page.info;
  const why = webgpu ? 'no hardware GPU here' : 'this browser has no WebGPU';
  const processor = device === 'cpu' ? 'the processor, one core with SIMD' : `the processor, one core with SIMD: ${why}`;
  chip.textContent = kind === 'cpu' ? processor : `WebGPU${kind === 'software' ? ' in software' : ''}: ${adapter || 'an adapter without a name'}`;
  chip.classList.add(kind === 'cpu' ? 'cpu' : 'gpu');
  $('about').textContent = `tapetum ${page.info.version}. Series: one subject of MPI-Leipzig Mind-Brain-Body (ds000221, CC0), fsaverage4.`;
}

/** Opens a device and prepares every part. Another call waits for this one. */
function begin(device) {
  page.ready = (async () => {
    hideBanner();
    await open(device);
    for (const part of parts) await part.begin?.();
    page.failure = undefined;
  })().catch(failed);
  return page.ready;
}

/** Runs something on the device; a failure of the device is shown with what can be done about it. */
async function guarded(run, say) {
  try {
    await page.ready;
    return await run();
  } catch (error) {
    if (error.message === 'stopped') say('Stopped.');
    else if (error.name === 'InputError') say(error.message);
    else {
      say('');
      failed(error);
    }
    return undefined;
  }
}

const remedies = {
  DeviceLost: 'What was learnt so far is lost with it. A new device can be opened.',
  OutOfMemory: 'The processor has more memory, and is slower.',
  NoAdapter: 'The processor can do the same, and is slower.',
};

function failed({ name, message }) {
  page.failure = name;
  const banner = $('banner');
  const text = document.createElement('div');
  const sentence = message[0].toUpperCase() + message.slice(1);
  text.textContent = [sentence, remedies[name] ?? 'The engine can be started again.'].join(message.endsWith('.') ? ' ' : '. ');
  const actions = document.createElement('div');
  actions.className = 'actions';
  const again = (label, device) => {
    const button = document.createElement('button');
    button.textContent = label;
    button.onclick = () => recover(device);
    return button;
  };
  if (name !== 'NoAdapter') actions.append(again('Open it again', $('choice').value));
  if (page.info?.kind !== 'cpu') actions.append(again('Go on with the processor', 'cpu'));
  banner.replaceChildren(text, actions);
  banner.hidden = false;
  if (name === 'DeviceLost') {
    $('device').textContent = 'no device';
    $('device').className = 'chip';
  }
  for (const part of parts) part.idle?.();
}

const hideBanner = () => { $('banner').hidden = true; };

/** Begins anew in a new worker, so that nothing of the old device is left. */
function recover(device) {
  $('choice').value = device;
  worker.restart();
  return begin(device);
}

function tabs() {
  const all = [...document.querySelectorAll('[role=tab]')];
  const select = (tab, focus) => {
    for (const other of all) {
      const chosen = other === tab;
      other.setAttribute('aria-selected', chosen);
      other.tabIndex = chosen ? 0 : -1;
      $(other.getAttribute('aria-controls')).hidden = !chosen;
    }
    if (focus) tab.focus();
    history.replaceState(null, '', `#${tab.getAttribute('aria-controls')}`);
    window.dispatchEvent(new Event('resize'));
  };
  all.forEach((tab, i) => {
    tab.onclick = () => select(tab);
    tab.onkeydown = ({ key }) => {
      const to = { ArrowRight: i + 1, ArrowLeft: i - 1 + all.length, Home: 0, End: all.length - 1 }[key];
      if (to !== undefined) select(all[to % all.length], true);
    };
  });
  const named = all.find((tab) => `#${tab.getAttribute('aria-controls')}` === location.hash);
  if (named) select(named);
}

tabs();
$('choice').value = new URLSearchParams(location.search).get('device') ?? 'auto';
$('choice').onchange = () => recover($('choice').value);
begin($('choice').value);
