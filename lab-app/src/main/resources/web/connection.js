// The line to the lab: history once, then a snapshot a second, and again after each break.

const LATE_MS = 3500;
const STILL_MS = 6000;
const RETRY_MS = 3000;

/** States given to onState: connecting, live, still (connected, but the run does not move), lost. */
export class Connection {
  constructor({ onHistory, onSnapshot, onState }) {
    this.onHistory = onHistory;
    this.onSnapshot = onSnapshot;
    this.onState = onState;
    this.heard = performance.now();
    this.moved = performance.now();
    this.wall = -1;
    this.everHeard = false;
  }

  start() {
    this.open();
    setInterval(() => this.watch(), 1000);
  }

  open() {
    this.source = new EventSource('/api/stream');
    this.source.onopen = () => this.catchUp();
    this.source.onmessage = (event) => this.receive(JSON.parse(event.data));
    this.source.onerror = () => {
      // After a refusal (too many listeners, say) the browser does not try again by itself.
      if (this.source.readyState === EventSource.CLOSED) {
        this.source.close();
        setTimeout(() => this.open(), RETRY_MS);
      }
    };
  }

  async catchUp() {
    try {
      const answer = await fetch('/api/history', { cache: 'no-store' });
      if (answer.ok) this.onHistory(await answer.json());
    } catch {
      // The stream tells whether the lab is there; the charts begin with what it sends.
    }
  }

  receive(snapshot) {
    this.heard = performance.now();
    this.everHeard = true;
    if (snapshot.wallSeconds !== this.wall) {
      this.wall = snapshot.wallSeconds;
      this.moved = this.heard;
    }
    this.onSnapshot(snapshot);
    this.watch();
  }

  watch() {
    const now = performance.now();
    const silent = now - this.heard;
    if (silent > LATE_MS) this.onState('lost', Math.round(silent / 1000));
    else if (!this.everHeard) this.onState('connecting', 0);
    else if (now - this.moved > STILL_MS) this.onState('still', Math.round((now - this.moved) / 1000));
    else this.onState('live', 0);
  }
}
