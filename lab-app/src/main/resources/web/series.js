// What the page remembers of the run: one row a snapshot, oldest first.

const MAX_ROWS = 3600;

export class History {
  constructor() {
    this.rows = [];
    this.restarts = [];
  }

  /** Replaces everything by what the server remembers, then keeps what is newer here. */
  load(snapshots) {
    const newer = this.rows;
    this.rows = [];
    this.restarts = [];
    for (const snapshot of snapshots) this.add(snapshot);
    for (const row of newer) this.append(row);
  }

  /** Returns false if this snapshot shows nothing new. */
  add(snapshot) {
    const hosts = new Map();
    for (const host of snapshot.hosts) hosts.set(host.gc, host);
    return this.append({ time: snapshot.simulatedSeconds, wall: snapshot.wallSeconds, hosts });
  }

  append(row) {
    const last = this.rows[this.rows.length - 1];
    // A chart's x must grow; a paused run gives the same time again.
    if (last && (row.time <= last.time || row.wall <= last.wall)) return false;
    if (last) this.noteRestarts(last, row);
    this.rows.push(row);
    if (this.rows.length > MAX_ROWS) this.rows.splice(0, this.rows.length - MAX_ROWS);
    return true;
  }

  noteRestarts(last, row) {
    for (const [gc, host] of row.hosts) {
      const before = last.hosts.get(gc);
      if (before && host.restarts > before.restarts) this.restarts.push({ time: row.time, gc });
    }
  }

  clear() {
    this.rows = [];
    this.restarts = [];
  }

  /** True if the snapshot is from a run that began after the one in memory. */
  isOlderRun(snapshot) {
    const last = this.rows[this.rows.length - 1];
    return last !== undefined && snapshot.wallSeconds < last.wall - 1;
  }

  /** Rows of the last so many simulated seconds; 0 for all. */
  window(seconds) {
    if (!seconds || this.rows.length === 0) return this.rows;
    const from = this.rows[this.rows.length - 1].time - seconds;
    let first = this.rows.findIndex((row) => row.time >= from);
    if (first > 0) first -= 1;
    return this.rows.slice(first);
  }
}

const FAULT_CAUSES = 5;

function sum(values) {
  let total = 0;
  for (const value of values || []) total += value;
  return total;
}

/** The figures drawn or shown, by name: from a host's snapshot to a number or null. */
export const METRICS = {
  sharedRatio: (host) => host.sharedRatio,
  pss: (host) => host.pssBytes,
  minorFaultRate: (host) => host.minorFaultsPerSecond,
  majorFaultRate: (host) => host.majorFaultsPerSecond,
  cowRate: (host) => sum(host.cowPerSecond),
  gcCount: (generation) => (host) => host.gcCounts[generation],
  gcCollections: (generation) => (host) => host.gcCollections[generation],
  sharedWrites: (host) => host.refcountWritesShared,
  privateWrites: (host) => host.refcountWritesPerSecond - host.refcountWritesShared,
  p50: (host) => host.latencyP50Ms,
  p95: (host) => host.latencyP95Ms,
  p99: (host) => host.latencyP99Ms,
  throughput: (host) => host.requestsPerSecond,
  queued: (host) => host.queued,
  faultsPerRequest: (host) => (host.requests > 0 ? host.minorFaults / host.requests : null),
  cowByCause: (host) => (host.cowFaults || []).slice(0, FAULT_CAUSES),
};
