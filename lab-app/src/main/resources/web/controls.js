// What a user may change in the run, and what came of it.

import { segments, setText } from './dom.js';
import { decimal } from './format.js';

const SPEEDS = [0.5, 1, 2, 5, 10];

export class Controls {
  constructor() {
    this.answer = document.getElementById('answer');
    this.rate = document.getElementById('rate');
    this.dirty = false;
    this.pendingSpeed = 0;
    this.showSpeed = segments(document.getElementById('speed'), SPEEDS.map((x) => ({ value: String(x), label: x + '×' })), '', (x) => this.speed(x));
    this.rate.addEventListener('input', () => { this.dirty = true; });
    document.getElementById('rate-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.setRate();
    });
    for (const button of document.querySelectorAll('.controls [data-restart]')) {
      button.addEventListener('click', () => this.restart(button.dataset.gc, button.dataset.restart));
    }
  }

  update(snapshot) {
    if (!this.dirty && document.activeElement !== this.rate) this.rate.value = String(Math.round(snapshot.rate * 100) / 100);
    if (performance.now() > this.pendingSpeed) this.showSpeed(String(snapshot.speed));
  }

  restart(gc, mode) {
    const whom = gc === 'all' ? 'all settings' : gc;
    return this.post('/api/restart', { gc, mode }, `${mode === 'rolling' ? 'Rolling restart' : 'Restart of all workers at once'} asked for: ${whom}`);
  }

  async setRate() {
    const value = this.rate.value.trim();
    if (await this.post('/api/rate', { rps: value }, `Offered load: ${decimal(Number(value))} requests/s a host`)) {
      this.dirty = false;
      this.rate.blur();
    }
  }

  speed(x) {
    // Until the run has taken it over, snapshots still tell the old speed.
    this.pendingSpeed = performance.now() + 2500;
    return this.post('/api/speed', { x }, `Speed: ${x} simulated seconds in a second`);
  }

  async post(path, parameters, done) {
    try {
      const response = await fetch(path + '?' + new URLSearchParams(parameters), { method: 'POST' });
      const body = await response.json();
      this.say(response.ok ? 'good' : 'bad', response.ok ? done : String(body.error));
      return response.ok;
    } catch {
      this.say('bad', 'The lab does not answer; nothing was changed');
      return false;
    }
  }

  say(kind, text) {
    this.answer.dataset.kind = kind;
    setText(this.answer, text);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { setText(this.answer, ''); delete this.answer.dataset.kind; }, 8000);
  }
}
