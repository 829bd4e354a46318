// The page: joins the line to the lab with what shows it. Start here.

import { Charts } from './charts.js';
import { Connection } from './connection.js';
import { Controls } from './controls.js';
import { el, segments, setText, svg } from './dom.js';
import { clock, count, decimal } from './format.js';
import { renderRecipes } from './recipes.js';
import { History } from './series.js';
import { Tiles } from './tiles.js';
import { Workers } from './workers.js';

const $ = (id) => document.getElementById(id);

const history = new History();
const controls = new Controls();
const charts = new Charts($('charts'), history);
const tiles = new Tiles($('tiles'), (gc, mode) => controls.restart(gc, mode));
const workers = new Workers($('workers'), $('worker-filter'));
let names = '';
let state = 'connecting';
let silentSeconds = 0;
let latest = null;
/** Snapshots in a row that ran clearly slower than asked. */
let slowSnapshots = 0;
const SLOW_PART = 0.9;
const SLOW_SNAPSHOTS = 5;

function render(snapshot) {
  latest = snapshot;
  slowSnapshots = snapshot.achievedSpeed < SLOW_PART * snapshot.speed ? slowSnapshots + 1 : 0;
  const settings = snapshot.hosts.map((host) => host.gc);
  showFacts(snapshot);
  controls.update(snapshot);
  if (settings.length > 0) {
    if (settings.join(' ') !== names) {
      names = settings.join(' ');
      charts.build(settings);
      renderRecipes($('recipes'), settings);
    }
    tiles.update(snapshot.hosts);
    workers.update(snapshot.hosts);
    charts.update();
  }
  showNotice();
}

function showFacts(snapshot) {
  setText($('clock'), clock(snapshot.simulatedSeconds));
  const facts = [['profile', snapshot.profile], ['CPython', snapshot.python], ['seed', String(snapshot.seed)]];
  if (snapshot.scenario !== snapshot.profile) facts.unshift(['scenario', snapshot.scenario]);
  const text = facts.map((fact) => fact.join(' ')).join(' · ');
  if ($('facts').dataset.text === text) return;
  $('facts').dataset.text = text;
  $('facts').replaceChildren(...facts.flatMap(([key, value], i) => [i ? ' · ' : '', key + ' ', el('b', {}, value)]));
}

function showNotice() {
  const notice = $('notice');
  const requests = latest ? latest.hosts.reduce((sum, host) => sum + host.requests, 0) : 0;
  let kind = 'info';
  let text = '';
  if (state === 'lost') {
    kind = 'lost';
    text = latest
      ? `The connection to the lab is lost. What you see is from ${silentSeconds} seconds ago; the page keeps trying.`
      : 'The lab does not answer. The page keeps trying.';
  } else if (!latest) {
    text = 'Connecting to the lab…';
  } else if (latest.hosts.length === 0) {
    text = 'The run has just begun: the masters are loading the application.';
  } else if (state === 'still') {
    text = 'The run stands still: the lab answers, but its clock does not move.';
  } else if (requests === 0) {
    text = `The run has just begun: ${count(latest.hosts.length)} masters have forked their workers, the first requests are on their way.`;
  } else if (slowSnapshots >= SLOW_SNAPSHOTS) {
    kind = 'slow';
    text = `This machine does not keep up with speed ${latest.speed}×: ${decimal(latest.achievedSpeed)} simulated seconds pass in one second. The figures are right all the same.`;
  }
  notice.hidden = text === '';
  notice.dataset.kind = kind;
  // The seconds tick for the eye; a screen reader hears the news once.
  if (notice.dataset.news !== state + kind) {
    notice.dataset.news = state + kind;
    notice.setAttribute('aria-live', 'polite');
  } else {
    notice.setAttribute('aria-live', 'off');
  }
  setText(notice, text);
}

function showState(next, seconds) {
  state = next;
  silentSeconds = seconds;
  $('connection').dataset.state = next;
  setText($('connection-text'), { connecting: 'connecting', live: 'live', still: 'standing still', lost: 'connection lost' }[next]);
  document.body.toggleAttribute('data-lost', next === 'lost');
  showNotice();
}

new Connection({
  onHistory: (snapshots) => {
    history.load(snapshots);
    if (names) charts.update();
  },
  onSnapshot: (snapshot) => {
    if (history.isOlderRun(snapshot)) history.clear();
    history.add(snapshot);
    render(snapshot);
  },
  onState: showState,
}).start();

segments($('window'), [{ value: '60', label: '1 min' }, { value: '300', label: '5 min' }, { value: '0', label: 'all' }], '300', (seconds) => charts.show(Number(seconds)));

/* theme: as the system, light, dark */
const THEMES = ['system', 'light', 'dark'];
const ICONS = {
  system: ['M12 3a9 9 0 1 0 0 18z', 'M12 3a9 9 0 0 1 0 18'],
  light: ['M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8z', 'M12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2'],
  dark: ['M20 14.5A8.5 8.5 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500z', ''],
};

function showTheme(theme) {
  const icon = svg('svg', { viewBox: '0 0 24 24', width: '18', height: '18', 'aria-hidden': 'true' });
  icon.append(svg('path', { d: ICONS[theme][0], fill: 'currentColor' }), svg('path', { d: ICONS[theme][1], fill: 'none', stroke: 'currentColor', 'stroke-width': '2', 'stroke-linecap': 'round' }));
  const label = 'Colour theme: ' + (theme === 'system' ? 'as the system' : theme);
  $('theme').replaceChildren(icon);
  $('theme').setAttribute('aria-label', label);
  $('theme').title = label;
}

function chooseTheme(theme) {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === 'system') localStorage.removeItem('prefork-lab-theme');
    else localStorage.setItem('prefork-lab-theme', theme);
  } catch {
    // Not remembered, but shown.
  }
  showTheme(theme);
  charts.recolour();
}

let theme = document.documentElement.dataset.theme || 'system';
showTheme(theme);
$('theme').addEventListener('click', () => {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  chooseTheme(theme);
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => charts.recolour());
