"""A worker with a large read-mostly table in memory: places of the world, looked up by position, name and region.

The places are made up from a fixed rule. No framework: one WSGI callable.
"""
import bisect
import json
import os
from urllib.parse import parse_qs

PLACES = int(os.environ.get("PLACES", "80000"))


class Place(object):
    __slots__ = ("name", "latitude", "longitude", "inhabitants", "region")

    def __init__(self, number):
        scattered = number * 2654435761 % 4294967296
        self.name = "%s-%s %d" % ("abcdefghiklmnoprstuvw"[scattered % 21] * 2, "aeiou"[scattered // 21 % 5] * 3, number)
        self.latitude = scattered % 18000 / 100.0 - 90.0
        self.longitude = scattered // 18000 % 36000 / 100.0 - 180.0
        self.inhabitants = 300 + scattered // 7 % 900000
        self.region = scattered % 240


TABLE = [Place(k) for k in range(PLACES)]
BY_NAME = sorted(((p.name, p) for p in TABLE), key=lambda pair: pair[0])
NAMES = [name for name, _ in BY_NAME]
GRID = {}
REGIONS = {}
for _place in TABLE:
    GRID.setdefault((int(_place.latitude // 10), int(_place.longitude // 10)), []).append(_place)
    REGIONS.setdefault(_place.region, []).append(_place)
del _place


def as_record(place):
    return {"name": place.name, "lat": place.latitude, "lon": place.longitude, "inhabitants": place.inhabitants}


def near(query):
    latitude, longitude = float(query["lat"][0]), float(query["lon"][0])
    cell = GRID.get((int(latitude // 10), int(longitude // 10)), ())
    best = sorted(cell, key=lambda p: (p.latitude - latitude) ** 2 + (p.longitude - longitude) ** 2)
    return [as_record(p) for p in best[:10]]


def starting_with(query):
    prefix = query["prefix"][0]
    at = bisect.bisect_left(NAMES, prefix)
    return [as_record(p) for name, p in BY_NAME[at:at + 20] if name.startswith(prefix)]


def region(query):
    places = REGIONS[int(query["id"][0]) % len(REGIONS)]
    return {"places": len(places), "inhabitants": sum(p.inhabitants for p in places), "largest": as_record(max(places, key=lambda p: p.inhabitants))}


def by_number(query):
    return as_record(TABLE[int(query["number"][0]) % PLACES])


PAGES = {"/near": near, "/names": starting_with, "/region": region, "/place": by_number}


def application(environ, start_response):
    page = PAGES.get(environ["PATH_INFO"])
    if page is None:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"not found"]
    body = json.dumps(page(parse_qs(environ["QUERY_STRING"]))).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
