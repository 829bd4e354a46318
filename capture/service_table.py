"""What service.py measured: kept as CSV, and set beside what the lab says.

A result has the form of `./lab compare --json`: settings with checkpoints, memory as the mean of a worker,
faults and collections of all workers.
"""
import csv
import json
import os

COLUMNS = ("server", "setting", "requests", "rss_kb", "pss_kb", "shared_kb", "private_kb", "share_ratio",
           "minflt_sum", "gen0_sum", "gen1_sum", "gen2_sum", "served",
           # the master's collector at fork: three counts, long_lived_total, long_lived_pending; empty if unknown
           "master_gc",
           # a character of DIGITS for each request that a worker has served since the checkpoint before: its endpoint, in the order
           # of the worker; "-" for a worker without any; empty if unknown
           "endpoints")
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
# how far lab and real may lie apart: the ratio itself, the others as a share of the real figure
SHARED, PSS, FAULTS, COLLECTIONS = .03, .06, .10, .05
FEWEST_COLLECTIONS = 2
BOUNDS = "shared %.2f, PSS %d %%, faults %d %%, collections %d %% or %d" % (
    SHARED, 100 * PSS, 100 * FAULTS, 100 * COLLECTIONS, FEWEST_COLLECTIONS)


class Unusable(Exception):
    """A file that is not what it should be, in one line."""


def rows(result):
    """The CSV rows of a result. Lists are separated by blanks, so that no field needs quotes."""
    for setting in result["settings"]:
        master = setting.get("master_gc")
        master = " ".join(map(str, master["counts"] + list(master["long_lived"]))) if master else ""
        for c in setting["checkpoints"]:
            workers = c.get("endpoints", [])
            told = all(e < len(DIGITS) for worker in workers for e in worker)
            orders = ["".join(DIGITS[e] for e in worker) or "-" for worker in workers] if told else []
            kb = ["%.1f" % (c[key] / 1024) for key in ("rss_bytes", "pss_bytes")]
            shared = c["rss_bytes"] - c["uss_bytes"]
            yield [result["server"], setting["gc"].replace(",", " "), str(c["requests"])] + kb + [
                "%.1f" % (shared / 1024), "%.1f" % (c["uss_bytes"] / 1024), "%.4f" % c["shared_ratio"],
                str(c["faults"])] + [str(n) for n in c["gc_collections"]] + [
                    " ".join(map(str, c["served"])), master, " ".join(orders)]


def read_rows(path):
    with open(path, newline="") as lines:
        found = list(csv.reader(lines))
    if not found or tuple(found[0]) != COLUMNS or any(len(row) != len(COLUMNS) for row in found):
        raise Unusable("%s: not a table with the columns %s" % (path, ",".join(COLUMNS)))
    return found[1:]


def save(path, results):
    """Writes the results into the table, in place of what it holds of the same server and setting."""
    runs = {}
    for row in read_rows(path) if os.path.exists(path) else []:
        runs.setdefault(tuple(row[:2]), []).append(row)
    for result in results:
        for setting in result["settings"]:
            new = list(rows(dict(result, settings=[setting])))
            runs[tuple(new[0][:2])] = new
    with open(path + ".new", "w", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([COLUMNS] + [row for key in sorted(runs) for row in runs[key]])
    os.replace(path + ".new", path)


def from_rows(path):
    """The results in a table, one for each server."""
    servers, masters = {}, {}
    try:
        for row in read_rows(path):
            served = [int(n) for n in row[12].split()]
            settings = servers.setdefault(row[0], {})
            numbers = [int(n) for n in row[13].split()]
            if len(numbers) == 5:
                masters[row[0], row[1]] = {"counts": numbers[:3], "long_lived": numbers[3:]}
            settings.setdefault(row[1].replace(" ", ","), []).append({
                "requests": int(row[2]), "rss_bytes": round(float(row[3]) * 1024),
                "pss_bytes": round(float(row[4]) * 1024), "uss_bytes": round(float(row[6]) * 1024),
                "shared_ratio": float(row[7]), "faults": int(row[8]),
                "gc_collections": [int(n) for n in row[9:12]], "served": served})
            if row[14]:
                settings[row[1].replace(" ", ",")][-1]["endpoints"] = [
                    [DIGITS.index(e) for e in worker.strip("-")] for worker in row[14].split()]
    except ValueError as e:
        raise Unusable("%s: %s" % (path, e))
    return [{"server": server, "workers": len(next(iter(settings.values()))[0]["served"]),
             "settings": [dict({"gc": gc, "checkpoints": checkpoints}, **(
                 {"master_gc": masters[server, gc.replace(",", " ")]} if (server, gc.replace(",", " ")) in masters else {}))
                 for gc, checkpoints in settings.items()]}
            for server, settings in servers.items()]


def read_json(path, real=False):
    """A result as the lab, or service.py, writes it."""
    try:
        with open(path) as f:
            result = json.load(f)
        for setting in result["settings"]:
            setting["gc"] + ""
            if "master_gc" in setting and len(setting["master_gc"]["counts"]) + len(setting["master_gc"]["long_lived"]) != 5:
                raise ValueError("%s: no five numbers of the master's collector" % setting["gc"])
            for c in setting["checkpoints"]:
                for key in ("requests", "shared_ratio", "rss_bytes", "pss_bytes", "uss_bytes", "faults"):
                    c[key] + 0
                if len(c["gc_collections"]) != 3:
                    raise ValueError("%s at %d: no three counts of collections" % (setting["gc"], c["requests"]))
                if real:
                    sum(c["served"])
        result["workers"] + 0
        if real:
            result["server"] + ""
    except KeyError as e:
        raise Unusable("%s: no %s" % (path, e))
    except (ValueError, TypeError) as e:
        raise Unusable("%s: not a result: %s" % (path, e))
    return result


def read_real(path):
    """The results of real services in a file: a table, or JSON as service.py writes it."""
    found = from_rows(path) if path.endswith(".csv") else [read_json(path, real=True)]
    if not any(setting["checkpoints"] for result in found for setting in result["settings"]):
        raise Unusable("%s: no checkpoints" % path)
    return found


def since_start(checkpoints):
    """Checkpoints with faults counted from the one at 0, if there is one: the lab counts them from the fork."""
    before = sum(c["faults"] for c in checkpoints if c["requests"] == 0)
    return {c["requests"]: dict(c, faults=c["faults"] - before) for c in checkpoints if c["requests"]}


def cells(real, lab):
    """(real, lab, within the bound) of each cell of a checkpoint, as the table has them."""
    def share(key, bound):
        return real[key], lab[key], abs(lab[key] - real[key]) <= bound * abs(real[key])

    found = [(real["shared_ratio"], lab["shared_ratio"],
              round(abs(lab["shared_ratio"] - real["shared_ratio"]), 6) <= SHARED),
             share("pss_bytes", PSS), share("faults", FAULTS)]
    for r, l in zip(real["gc_collections"], lab["gc_collections"]):
        found.append((r, l, abs(l - r) <= max(FEWEST_COLLECTIONS, COLLECTIONS * r)))
    return found


def master(real, lab):
    """What the workers' first collections depend on. A master with other packages, or without .pyc files, has loaded something else than was
    captured; so this is shown, and not held to a bound."""
    if not real or not lab:
        return ""
    shown = [(" ".join(map(str, gc["counts"])),) + tuple(gc["long_lived"]) for gc in (real, lab)]
    return "; master's " + ", ".join("%s %s / %s" % row for row in zip(("counts", "long-lived", "pending"), *shown))


def compare(results, lab, path):
    """Lines of the table real beside lab, and how many of its cells lie outside the bounds."""
    said = {setting["gc"]: setting["checkpoints"] for setting in lab["settings"]}
    masters = {setting["gc"]: setting.get("master_gc") for setting in lab["settings"]}
    lines, outside, total = [], 0, 0
    for result in results:
        if result["workers"] != lab["workers"]:
            raise Unusable("%s: %d workers, the real service had %d" % (path, lab["workers"], result["workers"]))
        for setting in result["settings"]:
            if setting["gc"] not in said:
                lines += ["", '%s under %s: not in %s' % (setting["gc"], result["server"], path)]
                continue
            at = since_start(said[setting["gc"]])
            common = [c for n, c in since_start(setting["checkpoints"]).items() if n in at]
            if not common:
                raise Unusable('%s: no checkpoint of "%s" was measured' % (path, setting["gc"]))
            lines += ["", "%s under %s: real / lab%s" % (setting["gc"], result["server"], master(setting.get("master_gc"), masters[setting["gc"]])),
                      "requests" + "".join("%18s" % name for name in ("shared", "PSS MB", "faults", "gen 0", "gen 1",
                                                                       "gen 2"))]
            for real in common:
                shown = ""
                for i, (r, l, inside) in enumerate(cells(real, at[real["requests"]])):
                    form = "%.3f / %.3f" if i == 0 else "%.1f / %.1f" if i == 1 else "%d / %d"
                    pair = (r / 1e6, l / 1e6) if i == 1 else (r, l)
                    shown += "%17s%s" % (form % pair, " " if inside else "*")
                    total += 1
                    outside += not inside
                lines.append("%8d%s" % (real["requests"], shown))
    if not total:
        raise Unusable("%s: no GC setting of those measured: %s" % (
            path, ", ".join(s["gc"] for result in results for s in result["settings"])))
    lines += ["", "%d of %d cells outside the bounds%s (%s)" % (
        outside, total, ", marked *" if outside else "", BOUNDS)]
    return lines, outside
