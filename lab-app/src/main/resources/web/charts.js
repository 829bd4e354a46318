// The charts: every GC setting as a line in each, one cursor over all of them, one switch a setting.

import uPlot from '/vendor/uplot.js';
import { el, setText, segments } from './dom.js';
import { clock, compact, count, decimal, isNumber, mib, percent, rate, BYTES_IN_MIB } from './format.js';
import { colour, look, mark, traceMark } from './settings.js';
import { METRICS } from './series.js';

const HEIGHT = 212;
const CAUSES = [
  ['refcount', 'refcount'],
  ['gc_header', 'GC head'],
  ['allocator', 'allocator'],
  ['finalize', 'finalisation'],
  ['data', 'data'],
];

const GENERATIONS = [0, 1, 2].map((g) => ({ value: String(g), label: 'gen ' + g, title: 'generation ' + g }));

/** Sections of two cards. A card's metric depends on its choice, if it offers any. */
const SECTIONS = [
  {
    id: 'sharing', title: 'Shared memory',
    cards: [
      { id: 'shared-ratio', title: 'Shared-memory ratio', unit: '% of RSS', of: () => METRICS.sharedRatio, show: percent, suffix: ' %', scale: 'ratio',
        hint: 'Shared pages of a worker’s resident memory; each copied page lowers it. Strokes on the time axis: restarts.' },
      { id: 'pss', title: 'PSS of a worker', unit: 'MiB', of: () => METRICS.pss, show: mib, suffix: ' MiB', scale: 'bytes',
        hint: 'Its private pages, and its part of each shared one: what a worker really costs.' },
    ],
  },
  {
    id: 'faults', title: 'Page faults',
    cards: [
      { id: 'fault-rate', title: 'Page faults', unit: '/s a host',
        choices: [{ value: 'minorFaultRate', label: 'minor' }, { value: 'cowRate', label: 'copy-on-write' }, { value: 'majorFaultRate', label: 'major' }],
        of: (choice) => METRICS[choice], show: rate, suffix: '/s', scale: 'zero',
        hint: 'Minor: served without I/O, copies included. Major: waited for the disk.' },
      { id: 'causes', title: 'Pages copied, by cause', unit: 'since the start, all workers', stacked: true },
    ],
  },
  {
    id: 'collector', title: 'Garbage collector', choices: GENERATIONS,
    cards: [
      // Where the collector is off the count only grows; it would press the others onto the axis.
      { id: 'gc-counts', title: 'Generation count', unit: 'mean of a worker', of: (g) => METRICS.gcCount(Number(g)), show: rate, suffix: '', scale: 'zero', threshold: true,
        hint: 'Over its threshold (dotted) a collection starts. Where the collector is off, the count runs off the top.' },
      { id: 'gc-collections', title: 'Collections', unit: 'since the start, all workers', of: (g) => METRICS.gcCollections(Number(g)), show: count, suffix: '', scale: 'zero',
        hint: 'A collection writes into the head of every object it looks at.' },
    ],
  },
  {
    id: 'refcounts', title: 'Reference counts',
    cards: [
      { id: 'shared-writes', title: 'Refcount writes to shared pages', unit: '/s a host', of: () => METRICS.sharedWrites, show: rate, suffix: '/s', scale: 'zero',
        hint: 'The first one to each page copies it.' },
      { id: 'private-writes', title: 'Refcount writes to private pages', unit: '/s a host', of: () => METRICS.privateWrites, show: rate, suffix: '/s', scale: 'zero',
        hint: 'The worker’s own objects, and pages already copied.' },
    ],
  },
  {
    id: 'requests', title: 'Requests',
    cards: [
      { id: 'latency', title: 'Latency', unit: 'ms, last 10 s',
        choices: [{ value: 'p50', label: 'p50' }, { value: 'p95', label: 'p95' }, { value: 'p99', label: 'p99' }], chosen: 'p99',
        of: (choice) => METRICS[choice], show: decimal, suffix: ' ms', scale: 'zero', hint: 'From the moment a request was due, waiting included.' },
      { id: 'throughput', title: 'Answered requests', unit: '/s a host',
        choices: [{ value: 'throughput', label: 'answered' }, { value: 'queued', label: 'waiting' }],
        of: (choice) => METRICS[choice], show: decimal, suffix: '', scale: 'zero', hint: 'Waiting: requests that no worker has taken yet.' },
    ],
  },
];

export class Charts {
  constructor(root, history) {
    this.root = root;
    this.history = history;
    this.names = [];
    this.hidden = new Set();
    this.seconds = 300;
    this.cards = [];
    this.sync = uPlot.sync('lab');
  }

  /** Builds all charts for these settings; does nothing if they are drawn already. */
  build(names) {
    if (names.join(' ') === this.names.join(' ') && this.cards.length > 0) return;
    this.names = names;
    this.cards.forEach((card) => card.destroy());
    this.cards = [];
    this.root.replaceChildren(...SECTIONS.map((section) => this.section(section)));
    this.cards.forEach((card) => card.attach());
  }

  section(spec) {
    const pair = el('div', { class: 'pair' });
    const head = el('div', { class: 'head' }, el('h2', { id: spec.id + '-h' }, spec.title));
    const cards = spec.cards.map((cardSpec) => cardSpec.stacked ? new CauseBars(this, cardSpec) : new LineChart(this, cardSpec, spec.choices && '0'));
    if (spec.choices) {
      const group = el('div', { class: 'segments', role: 'group', 'aria-label': 'Generation' });
      segments(group, spec.choices, '0', (value) => cards.forEach((card) => card.choose(value)));
      head.append(group);
    }
    pair.append(...cards.map((card) => card.element));
    this.cards.push(...cards);
    return el('section', { 'aria-labelledby': spec.id + '-h' }, head, pair);
  }

  show(seconds) {
    this.seconds = seconds;
    this.update();
  }

  toggle(gc) {
    if (this.hidden.has(gc)) this.hidden.delete(gc);
    else this.hidden.add(gc);
    this.cards.forEach((card) => card.showHidden());
  }

  update() {
    const rows = this.history.window(this.seconds);
    this.cards.forEach((card) => card.update(rows));
  }

  recolour() {
    this.cards.forEach((card) => card.recolour());
  }
}

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

class LineChart {
  constructor(charts, spec, choice) {
    this.charts = charts;
    this.spec = spec;
    this.choice = choice || (spec.chosen || (spec.choices && spec.choices[0].value));
    this.plotRoot = el('div', { class: 'plot', role: 'img', tabindex: '0', 'aria-label': spec.title, onkeydown: (event) => this.key(event) });
    this.waiting = el('div', { class: 'waiting' }, 'waiting for the first samples');
    this.plotRoot.append(this.waiting);
    this.legend = el('div', { class: 'legend', role: 'group', 'aria-label': 'Settings shown in the charts' });
    this.values = new Map();
    for (const gc of charts.names) {
      const value = el('b', {}, '');
      this.values.set(gc, value);
      this.legend.append(el('button', { type: 'button', 'data-gc': gc, 'aria-pressed': 'true', onclick: () => charts.toggle(gc) }, mark(gc), el('span', {}, gc), value));
    }
    this.at = el('span', { class: 'at num' });
    const head = el('div', { class: 'chart-head' }, el('h3', {}, spec.title + ' ', el('span', { class: 'unit' }, spec.unit), this.at));
    if (spec.choices) {
      const group = el('div', { class: 'segments', role: 'group', 'aria-label': spec.title });
      segments(group, spec.choices, this.choice, (value) => this.choose(value));
      head.append(group);
    }
    this.hint = el('p', { class: 'hint' }, spec.hint);
    this.element = el('article', { class: 'chart', id: 'chart-' + spec.id }, head, this.legend, this.plotRoot, this.hint);
  }

  attach() {
    const { names } = this.charts;
    this.plot = new uPlot({
      width: Math.max(120, this.plotRoot.clientWidth), height: HEIGHT,
      padding: [10, 14, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: this.charts.sync.key, setSeries: false }, drag: { x: false, y: false }, y: false,
        points: { size: 7, width: 1.5, fill: (u, i) => u.series[i].stroke(u, i), stroke: () => css('--card') } },
      scales: { x: { time: false }, y: { range: (u, min, max) => range(this.spec.scale, min, Math.min(max, this.ceiling())) } },
      axes: [
        { stroke: () => css('--faint'), grid: { show: false }, ticks: { stroke: () => css('--line'), size: 4 }, size: 30, font: FONT, space: 74,
          incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600], values: (u, ticks) => ticks.map(clock) },
        { stroke: () => css('--faint'), grid: { stroke: () => css('--grid'), width: 1 }, ticks: { show: false }, size: 52, gap: 6, font: FONT, space: 36,
          incrs: this.spec.scale === 'bytes' ? [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map((n) => n * BYTES_IN_MIB) : undefined,
          values: (u, ticks) => ticks.map((tick) => axisLabel(this.spec.scale, tick, ticks)) },
      ],
      series: [{}, ...names.map((gc) => ({ label: gc, stroke: () => colour(gc), width: 2, dash: look(gc).dash, points: { show: false }, show: !this.charts.hidden.has(gc), spanGaps: false }))],
      hooks: { draw: [(u) => this.drawMarks(u)], setCursor: [(u) => this.showValues(u.cursor.idx)] },
    }, [[], ...names.map(() => [])], this.plotRoot);
    this.charts.sync.sub(this.plot);
    this.observer = new ResizeObserver(() => {
      const width = this.plotRoot.clientWidth;
      if (width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
    });
    this.observer.observe(this.plotRoot);
    this.showHidden();
  }

  choose(value) {
    this.choice = value;
    this.charts.update();
  }

  update(rows) {
    const metric = this.spec.of(this.choice);
    const data = [rows.map((row) => row.time)];
    for (const gc of this.charts.names) {
      data.push(rows.map((row) => {
        const host = row.hosts.get(gc);
        const value = host ? metric(host) : null;
        return isNumber(value) ? value : null;
      }));
    }
    this.plot.setData(data);
    this.waiting.hidden = rows.length > 1;
    this.showValues(this.plot.cursor.idx);
    this.describe(data, rows);
  }

  describe(data, rows) {
    const last = rows.length - 1;
    const parts = this.charts.names.map((gc, i) => gc + ' ' + (last < 0 ? 'no data' : this.format(data[i + 1][last])));
    this.plotRoot.setAttribute('aria-label', `${this.spec.title}, ${this.spec.unit}. Now: ${parts.join(', ')}. Arrow keys move along time.`);
  }

  /** The thresholds of the settings in sight, each once; empty in charts that have none. */
  thresholds() {
    const row = this.charts.history.rows[this.charts.history.rows.length - 1];
    if (!this.spec.threshold || !row) return [];
    const values = this.charts.names.filter((gc) => !this.charts.hidden.has(gc))
      .map((gc) => row.hosts.get(gc)?.gcThresholds?.[Number(this.choice)]);
    return [...new Set(values.filter((value) => value > 0))];
  }

  /** No chart of counts reaches beyond one and a half times the largest threshold. */
  ceiling() {
    const thresholds = this.thresholds();
    return thresholds.length > 0 ? Math.max(...thresholds) * 1.5 : Infinity;
  }

  format(value) {
    return isNumber(value) ? this.spec.show(value) + this.spec.suffix : '–';
  }

  showValues(index) {
    const data = this.plot?.data;
    if (!data) return;
    const at = index == null ? data[0].length - 1 : index;
    setText(this.at, index == null || at < 0 ? '' : 'at ' + clock(data[0][at]));
    this.charts.names.forEach((gc, i) => setText(this.values.get(gc), at < 0 ? '' : this.format(data[i + 1][at])));
  }

  showHidden() {
    this.charts.names.forEach((gc, i) => {
      const shown = !this.charts.hidden.has(gc);
      this.legend.children[i].setAttribute('aria-pressed', String(shown));
      if (this.plot && this.plot.series[i + 1].show !== shown) this.plot.setSeries(i + 1, { show: shown });
    });
  }

  /** Each line ends in its setting's shape; a restart is a short stroke on the time axis. */
  drawMarks(u) {
    const { ctx } = u;
    const ratio = devicePixelRatio;
    ctx.save();
    for (const restart of this.charts.history.restarts) {
      if (restart.time < u.scales.x.min || restart.time > u.scales.x.max || this.charts.hidden.has(restart.gc)) continue;
      const x = u.valToPos(restart.time, 'x', true);
      ctx.fillStyle = colour(restart.gc);
      ctx.fillRect(Math.round(x) - ratio, u.bbox.top + u.bbox.height - 9 * ratio, 2 * ratio, 9 * ratio);
    }
    for (const threshold of this.thresholds()) this.drawThreshold(u, threshold, ratio);
    const taken = [];
    this.charts.names.forEach((gc, i) => {
      const values = u.data[i + 1];
      const last = values.length - 1;
      if (last < 0 || !u.series[i + 1].show || values[last] == null) return;
      const top = u.bbox.top + 5 * ratio;
      const end = u.valToPos(u.data[0][last], 'x', true);
      const y = Math.max(top, u.valToPos(values[last], 'y', true));
      // Lines that end together show their shapes one beside the other.
      let x = end;
      while (taken.some((place) => Math.abs(place.x - x) < 11 * ratio && Math.abs(place.y - y) < 9 * ratio)) x -= 13 * ratio;
      taken.push({ x, y });
      const at = values[u.posToIdx(x / ratio - u.bbox.left / ratio)];
      traceMark(ctx, gc, x, at == null || x === end ? y : Math.max(top, u.valToPos(at, 'y', true)), 5 * ratio);
      ctx.fillStyle = colour(gc);
      ctx.strokeStyle = css('--card');
      ctx.lineWidth = 1.5 * ratio;
      ctx.fill();
      ctx.stroke();
    });
    ctx.restore();
  }

  drawThreshold(u, threshold, ratio) {
    const y = Math.round(u.valToPos(threshold, 'y', true));
    if (y < u.bbox.top || y > u.bbox.top + u.bbox.height) return;
    u.ctx.strokeStyle = css('--faint');
    u.ctx.lineWidth = ratio;
    u.ctx.setLineDash([2 * ratio, 3 * ratio]);
    u.ctx.beginPath();
    u.ctx.moveTo(u.bbox.left, y);
    u.ctx.lineTo(u.bbox.left + u.bbox.width, y);
    u.ctx.stroke();
    u.ctx.setLineDash([]);
    u.ctx.fillStyle = css('--faint');
    u.ctx.font = `${12 * ratio}px ${FAMILY}`;
    u.ctx.textAlign = 'left';
    u.ctx.textBaseline = 'bottom';
    u.ctx.fillText('threshold ' + count(threshold), u.bbox.left + 4 * ratio, y - 2 * ratio);
  }

  key(event) {
    const times = this.plot.data[0];
    if (times.length === 0) return;
    const now = this.plot.cursor.idx ?? times.length - 1;
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -times.length, End: times.length }[event.key];
    if (event.key === 'Escape') {
      this.plot.setCursor({ left: -10, top: -10 });
    } else if (step) {
      const next = Math.min(times.length - 1, Math.max(0, now + step));
      this.plot.setCursor({ left: this.plot.valToPos(times[next], 'x'), top: 10 });
      event.preventDefault();
    }
  }

  recolour() {
    this.plot.redraw(false, true);
  }

  destroy() {
    this.observer?.disconnect();
    if (this.plot) {
      this.charts.sync.unsub(this.plot);
      this.plot.destroy();
    }
  }
}

const FAMILY = 'system-ui, -apple-system, "Segoe UI", sans-serif';
const FONT = '12px ' + FAMILY;

function range(scale, min, max) {
  if (!isNumber(min) || !isNumber(max)) return [0, 1];
  if (scale === 'ratio') {
    const low = Math.max(0, Math.floor((min - 0.03) * 10) / 10);
    return [low, Math.min(1, Math.max(low + 0.1, Math.ceil((max + 0.01) * 10) / 10))];
  }
  if (scale === 'bytes') {
    const room = Math.max((max - min) * 0.12, BYTES_IN_MIB);
    return [Math.max(0, min - room), max + room];
  }
  return [0, max > 0 ? max * 1.1 : 1];
}

function axisLabel(scale, tick, ticks) {
  if (scale === 'ratio') return Math.round(tick * 100) + ' %';
  if (scale === 'bytes') {
    const step = ticks.length > 1 ? (ticks[1] - ticks[0]) / BYTES_IN_MIB : 1;
    return (tick / BYTES_IN_MIB).toFixed(step < 1 ? 1 : 0);
  }
  return compact(tick);
}

/** For each setting one bar, as long as its copies, divided by what caused them. */
class CauseBars {
  constructor(charts, spec) {
    this.charts = charts;
    this.rows = new Map();
    const stack = el('div', { class: 'stack' });
    for (const gc of charts.names) {
      const pieces = CAUSES.map((_, i) => el('i', { class: 'cause c' + (i + 1) }));
      const bar = el('div', { class: 'stack-bar', role: 'img' }, ...pieces);
      const total = el('b', {}, '–');
      const per = el('small', {}, '');
      const row = el('div', { class: 'stack-row', 'data-gc': gc }, el('span', {}, mark(gc), el('span', {}, gc)), bar, el('div', { class: 'total ' }, total, per));
      this.rows.set(gc, { row, bar, pieces, total, per });
      stack.append(row);
    }
    const causes = el('div', { class: 'causes' }, ...CAUSES.map(([, label], i) => el('span', {}, el('i', { class: 'cause c' + (i + 1), 'aria-hidden': 'true' }), label)));
    this.element = el('article', { class: 'chart', id: 'chart-' + spec.id },
      el('div', { class: 'chart-head' }, el('h3', {}, spec.title + ' ', el('span', { class: 'unit' }, spec.unit))), causes, stack,
      el('p', { class: 'hint' }, 'What stored into the shared page: the first write copies it.'));
  }

  attach() {
    this.showHidden();
  }

  update(history) {
    const last = history[history.length - 1];
    if (!last) return;
    const totals = new Map();
    for (const [gc, host] of last.hosts) totals.set(gc, METRICS.cowByCause(host).reduce((a, b) => a + b, 0));
    const longest = Math.max(1, ...totals.values());
    for (const [gc, parts] of this.rows) {
      const host = last.hosts.get(gc);
      const causes = host ? METRICS.cowByCause(host) : [];
      const total = totals.get(gc) || 0;
      causes.forEach((pages, i) => {
        const share = (pages / longest) * 100;
        parts.pieces[i].style.width = share.toFixed(2) + '%';
        parts.pieces[i].hidden = pages === 0;
        parts.pieces[i].title = `${CAUSES[i][1]}: ${count(pages)} pages`;
        setText(parts.pieces[i], share >= 9 ? Math.round((pages / total) * 100) + ' %' : '');
      });
      setText(parts.total, count(total));
      setText(parts.per, host && host.requests > 0 ? decimal(total / host.requests) + ' a request' : 'pages');
      parts.bar.setAttribute('aria-label', `${gc}: ${count(total)} pages copied: ` + causes.map((pages, i) => `${CAUSES[i][1]} ${count(pages)}`).join(', '));
    }
  }

  choose() {}

  showHidden() {
    for (const [gc, { row }] of this.rows) row.hidden = this.charts.hidden.has(gc);
  }

  recolour() {}

  destroy() {}
}
