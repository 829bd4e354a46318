"""A small events calendar: Flask, Jinja2 templates, signed session cookies, the calendar itself in memory."""
import datetime
import os

from flask import Flask, abort, jsonify, render_template, request, session

app = Flask(__name__)
app.secret_key = "for-measuring-only"

EVENTS = int(os.environ.get("EVENTS", "4000"))
KINDS = ("concert", "lecture", "market", "film", "walk", "workshop")


class Venue:
    def __init__(self, number):
        self.number = number
        self.name = "Venue %d" % number
        self.seats = 40 + number * 13 % 900
        self.events = []


class Event:
    def __init__(self, number, venue):
        self.number = number
        self.title = "%s no. %d" % (KINDS[number % len(KINDS)].title(), number)
        self.kind = KINDS[number % len(KINDS)]
        self.day = datetime.date(2026, 1, 1) + datetime.timedelta(days=number % 365)
        self.price = number % 60 + 0.5
        self.venue = venue
        self.tags = ["t%d" % (number % 50), "u%d" % (number % 31)]
        venue.events.append(self)


VENUES = [Venue(k) for k in range(120)]
CALENDAR = {k: Event(k, VENUES[k % len(VENUES)]) for k in range(EVENTS)}
BY_DAY, BY_TAG = {}, {}
for event in CALENDAR.values():
    BY_DAY.setdefault(event.day.toordinal(), []).append(event)
    for tag in event.tags:
        BY_TAG.setdefault(tag, []).append(event)


@app.template_filter("money")
def money(value):
    return "%.2f" % value


@app.before_request
def count_visit():
    session["visits"] = session.get("visits", 0) + 1


@app.route("/")
def index():
    first = datetime.date(2026, 1, 1).toordinal()
    days = [(datetime.date.fromordinal(first + d), BY_DAY.get(first + d, [])) for d in range(3)]
    return render_template("index.html", days=days)


@app.route("/event/<int:number>")
def event_page(number):
    event = CALENDAR.get(number)
    if event is None:
        abort(404)
    return render_template("event.html", event=event, same_venue=event.venue.events[:8])


@app.route("/venue/<int:number>")
def venue_page(number):
    venue = VENUES[number % len(VENUES)]
    return render_template("venue.html", venue=venue, full=sum(e.price for e in venue.events))


@app.route("/search")
def search():
    hits = BY_TAG.get(request.args.get("tag", ""), [])
    cheap = sorted((e for e in hits if e.price < request.args.get("below", 1e9, type=float)), key=lambda e: e.price)
    return render_template("search.html", hits=cheap[:20], total=len(cheap))


@app.route("/api/day/<int:day>")
def api_day(day):
    events = BY_DAY.get(datetime.date(2026, 1, 1).toordinal() + day % 365, [])
    return jsonify([{"number": e.number, "title": e.title, "venue": e.venue.name, "price": e.price} for e in events])


@app.route("/book", methods=["POST"])
def book():
    event = CALENDAR.get(request.form.get("event", 0, type=int))
    seats = request.form.get("seats", 1, type=int)
    if event is None or not 0 < seats <= event.venue.seats:
        return render_template("index.html", days=[], error="no such event or not so many seats"), 400
    session["booked"] = [event.number, seats]
    return jsonify(ok=True, total=seats * event.price)


@app.errorhandler(404)
def missing(error):
    return render_template("missing.html", why=error), 404
