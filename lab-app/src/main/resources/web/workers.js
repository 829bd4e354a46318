// Every process of every host as a table: the master first, then its worker slots.

import { el, segments, setText } from './dom.js';
import { count, isNumber, mib } from './format.js';
import { colourClass, mark } from './settings.js';

const HEADS = [
  ['Process', ''], ['State', '', 'left'], ['Requests', ''], ['RSS', 'MiB'], ['PSS', 'MiB'], ['Shared', 'MiB'], ['Private', 'MiB'], ['Shared : private', '', 'left'],
  ['Minor faults', ''], ['Major faults', ''], ['CoW copies', 'pages'], ['GC counts', 'gen 0 / 1 / 2'],
];

export class Workers {
  constructor(table, filter) {
    this.table = table;
    this.filter = filter;
    this.groups = new Map();
    this.names = null;
    this.shown = 'all';
    table.append(
      el('caption', { class: 'sr' }, 'Processes of each simulated host: memory, faults and collector state'),
      el('thead', {}, el('tr', {}, ...HEADS.map(([title, unit, side]) => el('th', { scope: 'col', class: side }, title, unit ? el('small', {}, unit) : null)))));
  }

  update(hosts) {
    const names = hosts.map((host) => host.gc);
    if (names.join(' ') !== this.names) this.build(names);
    for (const host of hosts) this.group(host);
  }

  build(names) {
    this.names = names.join(' ');
    for (const { body } of this.groups.values()) body.remove();
    this.groups.clear();
    for (const gc of names) {
      const facts = el('span', { class: 'unit' });
      const head = el('tr', { class: 'group' }, el('th', { scope: 'rowgroup', colspan: HEADS.length }, el('span', {}, mark(gc), el('span', {}, gc), facts)));
      const body = el('tbody', { 'data-gc': gc }, head);
      this.groups.set(gc, { body, facts, rows: [] });
      this.table.append(body);
    }
    if (!names.includes(this.shown)) this.shown = 'all';
    segments(this.filter, ['all', ...names].map((name) => ({ value: name, label: name })), this.shown, (value) => this.show(value));
    this.show(this.shown);
  }

  show(name) {
    this.shown = name;
    for (const [gc, { body }] of this.groups) body.hidden = name !== 'all' && name !== gc;
  }

  group(host) {
    const group = this.groups.get(host.gc);
    const processes = [host.master, ...host.workers].filter(Boolean);
    while (group.rows.length < processes.length) group.rows.push(this.row(group.body, host.gc));
    while (group.rows.length > processes.length) group.rows.pop().row.remove();
    const thresholds = (host.gcThresholds || []).map(count).join(', ');
    const used = isNumber(host.hostUsedBytes) ? `host memory ${mib(host.hostUsedBytes)} of ${mib(host.hostTotalBytes)} MiB` : '';
    setText(group.facts, [`threshold ${thresholds}`, used, `${count(host.restarts)} restarts`, `${count(host.errors)} errors`].filter(Boolean).join(' · '));
    processes.forEach((process, i) => fill(group.rows[i], process));
  }

  row(body, gc) {
    const name = el('span');
    const pid = el('span', { class: 'pid' });
    const state = el('span', { class: 'state' });
    const cells = Array.from({ length: 9 }, () => el('td'));
    const shared = el('i');
    const own = el('i');
    const split = el('div', { class: 'split ' + colourClass(gc), 'aria-hidden': 'true' }, shared, own);
    const row = el('tr', { class: 'process' }, el('th', { scope: 'row' }, name, pid), el('td', { class: 'left' }, state), ...cells.slice(0, 5), el('td', { class: 'left' }, split), ...cells.slice(5));
    body.append(row);
    return { row, name, pid, state, cells, shared, own };
  }
}

function fill(parts, process) {
  setText(parts.name, process.slot < 0 ? 'master' : 'worker ' + process.slot);
  setText(parts.pid, 'pid ' + process.pid);
  parts.row.dataset.slot = process.slot < 0 ? 'master' : String(process.slot);
  setText(parts.state, process.state);
  parts.state.dataset.state = process.state;
  const texts = [
    process.slot < 0 ? '–' : count(process.requests), mib(process.rssBytes), mib(process.pssBytes), mib(process.sharedBytes), mib(process.privateBytes),
    count(process.minorFaults), count(process.majorFaults), count(process.cowCopies),
    `${count(process.gcCount0)} / ${count(process.gcCount1)} / ${count(process.gcCount2)}`,
  ];
  texts.forEach((text, i) => setText(parts.cells[i], text));
  const whole = process.sharedBytes + process.privateBytes;
  parts.shared.style.width = whole > 0 ? ((process.sharedBytes / whole) * 100).toFixed(1) + '%' : '0';
  parts.own.style.width = whole > 0 ? ((process.privateBytes / whole) * 100).toFixed(1) + '%' : '0';
}
