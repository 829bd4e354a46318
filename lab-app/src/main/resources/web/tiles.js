// One row of headline figures a setting.

import { el, setText } from './dom.js';
import { change, count, decimal, isNumber, mib, percent, DASH } from './format.js';
import { colourClass, mark } from './settings.js';
import { METRICS } from './series.js';
import { meaning, recipeId } from './recipes.js';

/** Fewer requests than this, and no setting is called the best. */
const ENOUGH_REQUESTS = 200;
/** Nor if it is ahead of the next one by less than this part; differences within it are not reported. */
const NOISE = 0.03;
const LATENCY_NOISE = 0.1;

const COLUMNS = [
  { id: 'shared', title: 'Shared', unit: '%', long: 'Shared-memory ratio', of: METRICS.sharedRatio, show: percent, best: 'high', full: 1 },
  { id: 'pss', title: 'PSS', unit: 'MiB', long: 'PSS of a worker', of: METRICS.pss, show: mib, best: 'low' },
  { id: 'p50', title: 'Latency p50', unit: 'ms', long: 'Latency p50', of: METRICS.p50, show: decimal, best: 'low', noise: LATENCY_NOISE },
  { id: 'p99', title: 'Latency p99', unit: 'ms', long: 'Latency p99', of: METRICS.p99, show: decimal, best: 'low', noise: LATENCY_NOISE },
  { id: 'faults', title: 'Minor faults', unit: '', long: 'Minor faults a request', of: METRICS.faultsPerRequest, show: decimal, best: 'low' },
];

export class Tiles {
  constructor(root, onRestart) {
    this.root = root;
    this.onRestart = onRestart;
    this.names = null;
    this.rows = new Map();
  }

  update(hosts) {
    const names = hosts.map((host) => host.gc).join(' ');
    if (names !== this.names) this.build(hosts, names);
    const base = hosts.find((host) => host.gc === 'default');
    for (const column of COLUMNS) {
      const most = column.full || Math.max(0, ...hosts.map((host) => column.of(host)).filter(isNumber));
      const best = bestOf(column, hosts);
      for (const host of hosts) this.cell(column, host, base, most, best);
    }
    for (const host of hosts) this.collections(host);
  }

  build(hosts, names) {
    this.names = names;
    this.rows.clear();
    const head = el('div', { class: 'tiles-head', 'aria-hidden': 'true' },
      el('span', {}, 'Setting'),
      el('span', {}, 'Shared', small('ratio of a worker')),
      el('span', {}, 'PSS', small('of a worker')),
      el('span', {}, 'Latency p50', small('last 10 s')),
      el('span', {}, 'Latency p99', small('last 10 s')),
      el('span', {}, 'Minor faults', small('a request')),
      el('span', {}, 'Collections', small('gen 0 / 1 / 2')),
      el('span', {}, 'Restart workers'));
    this.root.replaceChildren(head, ...hosts.map((host) => this.row(host.gc)));
  }

  row(gc) {
    const cells = {};
    const tiles = COLUMNS.map((column) => {
      const value = el('span', { class: 'value' }, DASH);
      const fill = el('i', { class: colourClass(gc) });
      const note = el('div', { class: 'note' });
      cells[column.id] = { value, fill, note };
      return el('dl', { class: 'tile', 'data-metric': column.id }, el('dt', {}, column.long),
        el('dd', {}, value, column.unit ? el('span', { class: 'unit' }, column.unit) : null),
        el('div', { class: 'bar-track ' + colourClass(gc), 'aria-hidden': 'true' }, fill), note);
    });
    const collections = el('span', { class: 'value' }, DASH);
    const pause = el('div', { class: 'note' });
    cells.collections = { value: collections, note: pause };
    tiles.push(el('dl', { class: 'tile three', 'data-metric': 'collections' }, el('dt', {}, 'Collections, gen 0 / 1 / 2'), el('dd', {}, collections), pause));
    this.rows.set(gc, cells);
    const restart = (mode, label) => el('button', { type: 'button', 'data-restart': mode, 'data-gc': gc, 'aria-label': `Restart the workers of ${gc}: ${label.toLowerCase()}`, onclick: () => this.onRestart(gc, mode) }, label);
    return el('article', { class: 'row ' + colourClass(gc), 'data-gc': gc, 'aria-label': gc },
      el('div', { class: 'row-name' }, el('h3', {}, mark(gc), el('code', {}, gc)), el('p', {}, meaning(gc).brief + ' ', el('a', { href: '#' + recipeId(gc) }, meaning(gc).gunicorn ? 'In production' : 'What it shows'))),
      ...tiles,
      el('div', { class: 'row-actions' }, el('span', { class: 'label' }, 'Restart workers'), restart('rolling', 'Rolling'), restart('full', 'All at once')));
  }

  cell(column, host, base, most, best) {
    const { value, fill, note } = this.rows.get(host.gc)[column.id];
    const figure = column.of(host);
    setText(value, column.show(figure));
    fill.style.width = isNumber(figure) && most > 0 ? Math.min(100, (figure / most) * 100).toFixed(1) + '%' : '0';
    const compared = base && base !== host ? difference(column, figure, column.of(base)) : '';
    note.classList.toggle('best', best === host);
    setText(note, best === host ? (compared ? compared + ' · best' : 'best') : compared);
  }

  collections(host) {
    const { value, note } = this.rows.get(host.gc).collections;
    setText(value, host.gcCollections.map(count).join(' / '));
    setText(note, isNumber(host.gcPauseMsTotal) ? decimal(host.gcPauseMsTotal / 1000) + ' s in all' : '');
  }
}

function difference(column, figure, base) {
  if (isNumber(figure) && isNumber(base) && base > 0 && Math.abs(figure / base - 1) < (column.noise || NOISE)) return 'as default';
  return change(figure, base);
}

function small(text) {
  return el('small', {}, text);
}

/** The host that is ahead of every other by more than noise, or none. */
function bestOf(column, hosts) {
  const ranked = hosts.filter((host) => isNumber(column.of(host)) && host.requests >= ENOUGH_REQUESTS);
  if (ranked.length < 2 || ranked.length < hosts.length) return null;
  ranked.sort((a, b) => (column.best === 'high' ? column.of(b) - column.of(a) : column.of(a) - column.of(b)));
  const first = column.of(ranked[0]);
  const second = column.of(ranked[1]);
  return Math.abs(first - second) > (column.noise || NOISE) * Math.max(Math.abs(first), Math.abs(second)) ? ranked[0] : null;
}
