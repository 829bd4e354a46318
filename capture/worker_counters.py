#!/usr/bin/env python3
"""The collector's counter, its collections and the free lists in one real worker, request by request.

    python3 capture/worker_counters.py --server uwsgi --app preload:application --python-path profiles/django-site \\
        --requests profiles/django-site/requests.txt --name django-site --csv FILE
    python3 capture/worker_counters.py --python PYTHON --server gunicorn --app events:app --python-path profiles/flask-app \\
        --requests profiles/flask-app/requests.txt --name flask-app --csv FILE

The application is loaded as `preforklab_capture.py` loads it; children of that master then serve its endpoints in turn, one with
the collector off and one with it on. With `--orders` others, the collector off, each serve the requests that one of four workers might get: about
each fourth, in one of twelve orders. What is written is read from their memory between requests, so that nothing is called in
them to look. CPython 3.10 to 3.12 (before, the free lists are found nowhere; later the collector's struct is another).
"""
import argparse
import csv
import os
import random
import struct
import sys
import tempfile

import preforklab_capture as capture

LISTS = {1: "lists", 2: "dicts", 3: "tuples1", 4: "tuples2"}  # by the number that the capture has for them
HEADER = ["application", "collector", "requests", "count0", "gen0", "gen1", "gen2"] + list(LISTS.values())
SHOWN = [0, 1, 5, 10, 20, 30, 50, 75] + list(range(100, 1001, 50))
ORDERS, LONGEST, WORKERS = 12, 40, 4
ORDERS_HEADER = ["application", "requests", "count0"]       # numbers of the requests in the whole service, and the counter before the first and after each
COLLECTING = "def collecting(path, request):\n    import gc\n    gc.set_threshold(%d, %d, %d)\n    gc.enable()\n"


def lengths(master, scratch):
    """Where the lengths of the free lists are."""
    found = capture.free_list_lengths(master, scratch)
    missing = [name for number, name in LISTS.items() if number not in found]
    if missing:
        raise capture.CaptureError("free list of %s was not found in memory" % missing[0])
    return [found[number] for number in LISTS]


def rows(master, collector, lists, requests, collecting):
    """[requests served, counter, collections of each generation, lengths of the free lists] of a fresh worker."""
    stats = collector.permanent() + collector.stride
    out = []
    with master.child() as child:
        if collecting:
            child.say("run %s\tcollecting\tx" % collecting)
            master.expect("D")
        for start in master.starts:
            child.request(start)
        with open("/proc/%d/mem" % child.pid, "rb", 0) as memory:
            def read(form, address):
                memory.seek(address)
                return struct.unpack(form, memory.read(struct.calcsize(form)))
            for n in range(SHOWN[-1] + 1):
                if n:
                    child.request(requests.text(n - 1))
                if n in SHOWN:
                    collections = [read("<q", stats + 24 * g)[0] for g in range(3)]
                    out.append([n, read("<i", collector.count0_address())[0]] + collections + [read("<i", length)[0] for length in lists])
    return out


def orders():
    """Numbers of the requests that a worker serves, its own share of all."""
    for seed in range(ORDERS):
        share, numbers, n = random.Random(seed), [], 0
        while len(numbers) < LONGEST:
            if share.random() < 1.0 / WORKERS:
                numbers.append(n)
            n += 1
        yield numbers


def measure(options):
    thresholds = [int(t) for t in options.threshold.split(",") if t.isdigit()]
    if options.threshold and len(thresholds) != 3:
        raise capture.CaptureError("--threshold %r: three whole numbers are wanted" % options.threshold)
    with open(options.requests) as f:
        lines = [("%s:%d" % (options.requests, i + 1), l.strip()) for i, l in enumerate(f) if l.strip() and l[0] != "#"]
    requests = capture.Requests(lines)
    served = options.app if options.server == "gunicorn" else ""
    program = options.python or ("uwsgi" if options.server == "uwsgi" else sys.executable)
    with tempfile.TemporaryDirectory() as scratch:
        master = capture.Master(program, [] if served else [options.app], "wsgi", options.threshold or "enabled", [options.python_path], [], 120, quiet=True, server=options.server, served=served)
        try:
            loaded = master.expect("L", 3600)
            thresholds = thresholds or [int(t) for t in loaded[4:7]]
            collecting = os.path.join(scratch, "collecting.py")
            with open(collecting, "w") as f:
                f.write(COLLECTING % tuple(thresholds))
            version = int(loaded[1])
            version = (version >> 24, version >> 16 & 255)
            if not (3, 10) <= version < (3, 13):
                raise capture.CaptureError("CPython %d.%d: this is for 3.10 to 3.12" % version)
            master.stop()
            collector = capture.Collector(capture.Memory(master.pid), version, thresholds)
            master.go_on()
            if collector.base is None:
                raise capture.CaptureError("the collector's generations were not found in memory")
            if options.orders:
                # nothing taken off for the free lists: the counter as it is
                counter = capture.LiveObjects(master, collector.count0_address(), [])
                return [[options.name, " ".join(map(str, numbers)), " ".join(map(str, counter.after([requests.text(n) for n in numbers])))] for numbers in orders()]
            lists = lengths(master, scratch)
            return [[options.name, name] + row for name, how in (("on", collecting), ("off", "")) for row in rows(master, collector, lists, requests, how)]
        finally:
            master.close()


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--app", required=True, metavar="MODULE:CALLABLE")
    parser.add_argument("--server", choices=("gunicorn", "uwsgi"), default="")
    parser.add_argument("--python", default="", metavar="FILE", help="the application's interpreter, or the program uwsgi")
    parser.add_argument("--python-path", default=".", metavar="DIR")
    parser.add_argument("--requests", required=True, metavar="FILE")
    parser.add_argument("--threshold", default="", metavar="A,B,C", help="default: the release's own, as the capture loads it")
    parser.add_argument("--name", required=True, help="the application's in the table; its older rows go")
    parser.add_argument("--orders", action="store_true", help="requests in other orders than in turn; another table")
    parser.add_argument("--csv", required=True, metavar="FILE")
    options = parser.parse_args(arguments)
    header = ORDERS_HEADER if options.orders else HEADER
    os.environ.update(PYTHONHASHSEED="0", PYTHONDONTWRITEBYTECODE="1")
    try:
        measured = measure(options)
        kept = []
        if os.path.exists(options.csv):
            with open(options.csv, newline="") as f:
                kept = [row for row in csv.reader(f) if row and row[0] not in (options.name, header[0])]
        with open(options.csv + ".new", "w", newline="") as f:
            csv.writer(f, lineterminator="\n").writerows([header] + kept + measured)
        os.replace(options.csv + ".new", options.csv)
    except OSError as e:
        sys.stderr.write("worker_counters: %s: %s\n" % (e.filename, e.strerror))
        return 2
    except (capture.CaptureError, capture.Refusal) as e:
        sys.stderr.write("worker_counters: %s\n" % e)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
