#!/usr/bin/env python3
"""Measure a real prefork service: the other side of a prediction.

    python3 capture/service.py --gc freeze --json freeze.json
    python3 capture/service.py --server gunicorn --gc threshold=200,5,5 --app proj.wsgi:application --chdir DIR
    python3 capture/service.py --gc freeze --lab result.json        real beside what `./lab compare --json` wrote
    python3 capture/service.py --real freeze.json --lab result.json the same, of what was measured before

Starts the application under uWSGI or gunicorn on the loopback, sends requests and samples the workers between
them. Nothing is called in a worker to look at it: memory comes from smaps_rollup, the collector's counters from
/proc/PID/mem (CPython 3.8 to 3.12). Needs root, or a user who may read the memory of its own processes.
"""
import argparse
import itertools
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import preforklab_capture
import service_table

CHECKPOINTS = (0, 4, 20, 40, 100, 200, 500, 1000, 2000, 4000)
STOCK_THRESHOLDS = (700, 10, 10)
HERE = os.path.dirname(os.path.abspath(__file__))
SITE = os.path.join(HERE, os.pardir, "profiles", "django-site")
# name: (disable, thresholds, collect, freeze)
SETTINGS = {
    "default": (False, None, False, False),
    "disabled": (True, None, False, False),
    "threshold0": (False, (0, 10, 10), False, False),
    "high-threshold": (False, (50000, 50, 1000), False, False),
    "freeze": (False, None, False, True),
    "collect-freeze": (False, None, True, True),
    "disabled-freeze": (True, None, False, True),
    "disabled-collect-freeze": (True, None, True, True),
}
PID_BYTES, PATH_BYTES = 8, 64
# Runs in the master around the import of the application, as the application's own module would: the setting comes in its first lines, and
# nothing else is imported. When the first full collections come depends on every object made before, and on what lies on the free
# lists, so a run of its own compiles the hook, which is short, and makes no collectable object that stays but its function. For each request
# a line of fixed length goes to the end of a file; no collectable object is made for it, and no memory of the worker's is kept.
HOOK = '''
import gc, os
if "PREFORK_SERVICE_COMPILE" in os.environ:
    os._exit(0)
if os.environ["PREFORK_SERVICE_GC"] == "disable":
    gc.disable()
elif os.environ["PREFORK_SERVICE_GC"]:
    gc.set_threshold(*map(int, os.environ["PREFORK_SERVICE_GC"].split(",")))
import %(module)s
app, served = %(module)s.%(name)s, os.open(os.environ["PREFORK_SERVICE_SERVED"], os.O_WRONLY | os.O_APPEND)
def application(environ, start_response):
    os.write(served, str(os.getpid()).encode().ljust(%(pid)d) + environ["PATH_INFO"].encode("latin-1")[:%(path)d].ljust(%(path)d, b"\\0"))
    return app(environ, start_response)
if "collect" in os.environ["PREFORK_SERVICE_THEN"]:
    gc.collect()
if "freeze" in os.environ["PREFORK_SERVICE_THEN"]:
    gc.freeze()
os.close(os.open(os.environ["PREFORK_SERVICE_READY"], os.O_CREAT))
'''


class Failure(Exception):
    """What the user is told, in one line."""


def parse_setting(text):
    if text in SETTINGS:
        return SETTINGS[text]
    match = re.fullmatch(r"threshold=(\d{1,9}),(\d{1,9}),(\d{1,9})", text)
    if not match:
        raise Failure('unknown GC setting "%s"; known: %s, threshold=a,b,c' % (text, ", ".join(SETTINGS)))
    return (False, tuple(int(g) for g in match.groups()), False, False)


def read_requests(path):
    """The requests of a file as the capture reads it."""
    with open(path) as lines:
        found = [("%s:%d" % (path, k + 1), l.strip()) for k, l in enumerate(lines)
                 if l.strip() and not l.startswith("#")]
    if not found:
        raise Failure("%s: no requests" % path)
    try:
        return preforklab_capture.Requests(found)
    except preforklab_capture.CaptureError as e:
        raise Failure(str(e))


def message(requests, n):
    """The n-th request as it is sent."""
    method, path, query, content, body = requests.text(n).split("\t")
    body = body.encode()
    target = urllib.parse.quote(path) + (query and "?" + query)
    lines = ["%s %s HTTP/1.1" % (method, target), "Host: 127.0.0.1", "Connection: close"]
    if content:
        lines.append("Content-Type: " + content)
    if body:
        lines.append("Content-Length: %d" % len(body))
    return "\r\n".join(lines + ["", ""]).encode() + body


def find_collector(pid, thresholds):
    """The address of the first generation: three list heads with their thresholds, 24 bytes apart, where the
    first object of each list points back at its head."""
    a, b, c = (re.escape(struct.pack("<i", t)) for t in thresholds)
    shape = re.compile(b"(?s)" + a + b".{20}" + b + b".{20}" + c)
    found = []
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            span, rights = line.split()[:2]
            low, high = (int(x, 16) for x in span.split("-"))
            if not rights.startswith("rw") or high - low > 16 << 20 or "[v" in line or "[stack" in line:
                continue
            mem.seek(low)
            data = mem.read(high - low)
            for match in shape.finditer(data):
                head = match.start() - 16
                if head < 0 or (low + head) % 8:
                    continue
                try:
                    for generation in range(3):
                        mem.seek(struct.unpack_from("<Q", data, head + 24 * generation)[0] + 8)
                        if struct.unpack("<Q", mem.read(8))[0] & ~3 != low + head + 24 * generation:
                            break
                    else:
                        found.append(low + head)
                except (OSError, OverflowError, ValueError, struct.error):
                    continue
    if len(found) != 1:
        raise Failure("the collector's counters were found %d times in process %d" % (len(found), pid))
    return found[0]


def reason(log):
    """The line of a server's log that says why it ended: what a traceback ends with, else the last one."""
    lines = log.strip().splitlines() or ["no output"]
    traced = [n for n, line in enumerate(lines) if line.startswith("Traceback (")]
    if traced:
        for line in lines[traced[-1] + 1:]:
            if line and not line[0].isspace():
                return line
    return lines[-1]


class Service:
    def __init__(self, options, directory):
        disable, thresholds, collect, freeze = parse_setting(options.gc)
        self.options, self.process = options, None
        self.served, self.ready = os.path.join(directory, "served"), os.path.join(directory, "ready")
        self.log, self.requests_of, self.read_to = os.path.join(directory, "log"), {}, 0
        open(self.served, "wb").close()
        module, _, name = options.app.partition(":")
        if not all(part.isidentifier() for part in module.split(".") + (name or "application").split(".")):
            raise Failure("--app %r: module:callable is wanted" % options.app)
        with open(os.path.join(directory, "prefork_service_hook.py"), "w") as hook:
            hook.write(HOOK % {"module": module, "name": name or "application", "pid": PID_BYTES, "path": PATH_BYTES})
        chdir = os.path.abspath(options.chdir)
        self.environment = dict(
            os.environ, PYTHONPATH=directory + os.pathsep + chdir, PYTHONHASHSEED="0", PYTHONDONTWRITEBYTECODE="1",
            PREFORK_SERVICE_GC="disable" if disable else ",".join(map(str, thresholds or ())),
            PREFORK_SERVICE_THEN=" ".join(["collect"] * collect + ["freeze"] * freeze),
            PREFORK_SERVICE_SERVED=self.served, PREFORK_SERVICE_READY=self.ready)
        self.thresholds = thresholds or STOCK_THRESHOLDS
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        tool = shutil.which(options.server)
        if not tool:
            raise Failure("%s is not installed" % options.server)
        address, target = "127.0.0.1:%d" % self.port, "prefork_service_hook:application"
        if options.server == "uwsgi":
            self.command = [tool, "--plugin", "python3", "--http-socket", address, "--master", "--processes",
                            str(options.workers), "--chdir", chdir, "--module", target, "--need-app",
                            "--disable-logging", "--die-on-term", "--single-interpreter", "--listen", "64"]
        else:
            self.command = [tool, "--preload", "-w", str(options.workers), "-b", address, "--chdir", chdir,
                            "--log-level", "error", "--worker-tmp-dir", "/dev/shm", "--timeout", "120"]
            # Since 25.1 a master imports asyncio once it has forked its workers: its collector is not what it was at the fork then.
            if b"--no-control-socket" in subprocess.run([tool, "--help"], stdout=subprocess.PIPE, check=False).stdout:
                self.command.append("--no-control-socket")
            self.command.append(target)

    def compile_hook(self):
        """What compiling leaves behind would not be the application's."""
        environment = dict(self.environment, PREFORK_SERVICE_COMPILE="1")
        del environment["PYTHONDONTWRITEBYTECODE"]
        with open(os.devnull, "r+b") as nowhere:
            process = subprocess.Popen(self.command, env=environment, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)
            preforklab_capture.wait_for(process, 60)

    def __enter__(self):
        self.compile_hook()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=log, stderr=log,
                                            start_new_session=True)
        try:
            limit = time.time() + 60
            while not os.path.exists(self.ready) or len(self.workers()) != self.options.workers:
                if self.process.poll() is not None or time.time() > limit:
                    with open(self.log, errors="replace") as log:
                        raise Failure("%s did not start: %s" % (self.options.server, reason(log.read())))
                time.sleep(0.05)
            time.sleep(0.5)
            self.collector = find_collector(self.process.pid, self.thresholds)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *ignored):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # A master that was killed leaves its workers behind.
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def workers(self):
        try:
            with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)) as children:
                return sorted(int(x) for x in children.read().split())
        except OSError:
            return []

    def served_paths(self, pid):
        """The paths, as far as they are kept, of the requests that a worker has served, in its order."""
        with open(self.served, "rb") as served:
            served.seek(self.read_to)
            lines = served.read()
        for at in range(0, len(lines) - PID_BYTES - PATH_BYTES + 1, PID_BYTES + PATH_BYTES):
            worker, path = int(lines[at:at + PID_BYTES]), lines[at + PID_BYTES:at + PID_BYTES + PATH_BYTES]
            self.requests_of.setdefault(worker, []).append(path.rstrip(b"\0"))
            self.read_to += PID_BYTES + PATH_BYTES
        return self.requests_of.get(pid, [])

    def look(self, pid):
        memory = {}
        with open("/proc/%d/smaps_rollup" % pid) as rollup:
            for line in itertools.islice(rollup, 1, None):
                key, value = line.split()[:2]
                memory[key.rstrip(":")] = int(value) * 1024
        with open("/proc/%d/stat" % pid) as stat:
            fields = stat.read().rpartition(")")[2].split()
        with open("/proc/%d/mem" % pid, "rb", 0) as mem:
            mem.seek(self.collector)
            state = mem.read(216)
        counts = [struct.unpack_from("<i", state, 24 * g + 20)[0] for g in range(3)]
        statistics, long_lived = struct.unpack_from("<9q", state, 104), struct.unpack_from("<2q", state, 200)
        return {"pid": pid, "rss": memory["Rss"], "pss": memory["Pss"],
                "shared": memory["Shared_Clean"] + memory["Shared_Dirty"],
                "uss": memory["Private_Clean"] + memory["Private_Dirty"], "minor": int(fields[7]),
                "major": int(fields[9]), "collections": statistics[0::3], "served": len(self.served_paths(pid)),
                "counts": counts, "long_lived": long_lived}


def fetch(port, request):
    with socket.create_connection(("127.0.0.1", port), 30) as link:
        link.sendall(request)
        head = b""
        while True:
            part = link.recv(65536)
            if not part:
                return head[9:12].decode("ascii", "replace")
            head = head or part[:12]


def send(port, requests, first, last, clients, statuses):
    numbers, lock, errors = iter(range(first, last)), threading.Lock(), []

    def client():
        while not errors:
            with lock:
                n = next(numbers, None)
            if n is None:
                return
            try:
                status = fetch(port, message(requests, n))
            except OSError as e:
                errors.append("request %d: %s" % (n, e))
                return
            with lock:
                statuses[status] = statuses.get(status, 0) + 1

    threads = [threading.Thread(target=client, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise Failure(errors[0])


class Endpoints:
    """Which endpoint a path that was served belongs to, of those not yet told; a path of two is the earlier request's. A server may hand on
    another path than was sent: then no more is known."""

    def __init__(self, requests, total):
        self.sent = {}
        for n in range(total):
            path = requests.text(n).split("\t")[1].encode()[:PATH_BYTES]
            self.sent.setdefault(path, []).append(n % len(requests.endpoints))
        for waiting in self.sent.values():
            waiting.reverse()

    def of(self, paths):
        """None if it is not known."""
        try:
            return [self.sent[path].pop() for path in paths]
        except (KeyError, IndexError):
            self.sent.clear()
            return None if paths else []


def measure(options):
    requests = read_requests(options.requests_file)
    endpoints = Endpoints(requests, options.requests)
    statuses, checkpoints, sent = {}, [], 0
    with tempfile.TemporaryDirectory(prefix="prefork-service-") as directory, Service(options, directory) as service:
        pids = service.workers()
        master = service.look(service.process.pid)
        for pid in pids:
            service.look(pid)
        start = [service.look(pid) for pid in pids]
        for count in [c for c in CHECKPOINTS if c < options.requests] + [options.requests]:
            send(service.port, requests, sent, count, options.clients, statuses)
            sent = count
            time.sleep(0.1)
            if service.workers() != pids:
                raise Failure("a worker was replaced before request %d" % count)
            now = [service.look(pid) for pid in pids]
            before = checkpoints[-1]["served"] if checkpoints else [0] * len(pids)
            mean = lambda key: sum(w[key] for w in now) / len(now)
            # the endpoints that each worker has served since the checkpoint before, in its order
            told = [endpoints.of(service.served_paths(w["pid"])[b:w["served"]]) for w, b in zip(now, before)]
            checkpoints.append({
                "requests": count, "shared_ratio": round(mean("shared") / mean("rss"), 4),
                "rss_bytes": round(mean("rss")), "pss_bytes": round(mean("pss")), "uss_bytes": round(mean("uss")),
                "faults": sum(w["minor"] - s["minor"] for w, s in zip(now, start)),
                "major_faults": sum(w["major"] - s["major"] for w, s in zip(now, start)),
                # since the fork: what the master has counted, if it has not gone on collecting
                "gc_collections": [sum(w["collections"][g] - min(s["collections"][g], master["collections"][g])
                                       for w, s in zip(now, start)) for g in range(3)],
                "gc_counts": [w["counts"] for w in now],
                # what a full collection waits for: pending above a quarter of the total
                "long_lived_total_pending": [w["long_lived"] for w in now],
                "served": [w["served"] for w in now]})
            if None not in told:
                checkpoints[-1]["endpoints"] = told
    last = checkpoints[-1]
    setting = {"gc": options.gc, "statuses": statuses, "checkpoints": checkpoints,
               "master_gc": {key: master[key] for key in ("counts", "collections", "long_lived")},
               "minor_faults_per_request": round(last["faults"] / max(1, options.requests), 3)}
    for key in ("shared_ratio", "rss_bytes", "pss_bytes", "uss_bytes", "major_faults", "gc_collections"):
        setting[key] = last[key]
    return {"server": options.server, "workers": options.workers, "requests": options.requests,
            "settings": [setting]}


def table(results):
    lines = []
    for result in results:
        for setting in result["settings"]:
            answers = ", ".join("%s: %d" % each for each in sorted(setting.get("statuses", {}).items()))
            lines.append("%s under %s, %d workers%s" % (setting["gc"], result["server"], result["workers"],
                                                        answers and "; answers " + answers))
            lines += ["%5d  shared %.4f  pss %9d  faults %6d  gc %s  served %s" % (
                c["requests"], c["shared_ratio"], c["pss_bytes"], c["faults"], c["gc_collections"], c["served"])
                for c in setting["checkpoints"]]
    return lines


def main(arguments=None):
    parser = argparse.ArgumentParser(description="measure a real prefork service")
    parser.error = lambda message: parser.exit(2, "%s: %s; --help lists the options\n" % (parser.prog, message))
    parser.add_argument("--server", choices=("uwsgi", "gunicorn"), default="uwsgi")
    parser.add_argument("--gc", default="default", help="the lab's name of a GC setting, or threshold=a,b,c")
    parser.add_argument("--app", default="preload:application", help="module:callable")
    parser.add_argument("--chdir", default=SITE)
    parser.add_argument("--requests-file", default=os.path.join(SITE, "requests.txt"))
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--csv", metavar="FILE", help="put the checkpoints into this table, in place of what it holds "
                        "of the same server and setting")
    parser.add_argument("--lab", metavar="FILE", help="what `./lab compare --json` wrote: print it beside the real "
                        "figures; exit code 1 if a cell lies outside the bounds")
    parser.add_argument("--real", metavar="FILE", nargs="+", help="measure nothing, take these results (JSON or CSV)")
    options = parser.parse_args(arguments)
    # A termination takes the same way out as Ctrl-C, so that the server is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if options.requests < 0 or options.workers < 1 or options.clients < 1:
            raise Failure("--requests must not be negative, --workers and --clients at least 1")
        if options.real and options.json:
            raise Failure("--json keeps a measurement, and --real measures nothing")
        # Read first: a bad file should not cost a measurement.
        lab = service_table.read_json(options.lab) if options.lab else None
        if lab and not options.real and all(setting["gc"] != options.gc for setting in lab["settings"]):
            raise Failure('%s: no GC setting "%s"' % (options.lab, options.gc))
        if options.real:
            results = [result for path in options.real for result in service_table.read_real(path)]
        else:
            results = [measure(options)]
            if options.json:
                with open(options.json, "w") as out:
                    json.dump(results[0], out, indent=1)
        if options.csv:
            service_table.save(options.csv, results)
        lines, outside = service_table.compare(results, lab, options.lab) if lab else (table(results), 0)
    except (Failure, service_table.Unusable, OSError) as e:
        print("service.py: %s" % e, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    print("\n".join(lines))
    return 1 if outside else 0


if __name__ == "__main__":
    sys.exit(main())
