"""A TAP service on this machine: enough of sync, async and ADQL for the import, and faults."""

import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import quoteattr

import numpy as np
from astropy.table import Table

from skymill.geometry import unit_vectors

QUERY = re.compile(
    r"SELECT (?P<columns>.+) FROM (?P<table>.+) WHERE 1 = CONTAINS\(POINT\('ICRS', (?P<ra>[^,]+), "
    r"(?P<dec>[^,]+)\), (?P<shape>POLYGON|CIRCLE)\('ICRS', (?P<numbers>[^)]+)\)\)"
)
UWS = (
    '<?xml version="1.0"?><uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" '
    'xmlns:xlink="http://www.w3.org/1999/xlink"><uws:jobId>{job}</uws:jobId>'
    "<uws:phase>{phase}</uws:phase><uws:results>"
    '<uws:result id="result" xlink:href="{base}/async/{job}/results/result"/></uws:results>'
    "<uws:errorSummary type='fatal' hasDetail='false'><uws:message>{message}</uws:message>"
    "</uws:errorSummary></uws:job>"
)


def holds(ra, dec, shape, numbers):
    """Whether positions are in a region (a small one: tested in the plane that touches it)."""
    points = unit_vectors(ra, dec)
    if shape == "CIRCLE":
        centre = unit_vectors(numbers[0], numbers[1])
        return points @ centre >= np.cos(np.radians(numbers[2]))
    corner = unit_vectors(np.array(numbers[0::2]), np.array(numbers[1::2]))
    middle = corner.mean(axis=0) / np.linalg.norm(corner.mean(axis=0))
    east = np.cross([0.3, 0.5, 0.8], middle)
    north = np.cross(middle, east)

    def flat(vectors):
        vectors = vectors / (vectors @ middle)[:, None]
        return vectors @ east + 1j * (vectors @ north)

    near = points @ middle > 0.5
    spokes = flat(corner)[None, :] - flat(points[near])[:, None]
    turns = np.angle(np.roll(spokes, -1, axis=1) / spokes).sum(axis=1) / (2 * np.pi)
    near[near] = np.abs(np.round(turns)) == 1
    return near


class TapServer(ThreadingHTTPServer):
    """Serves tables; what goes wrong with the next requests for rows lies in `faults`.

    Attributes
    ----------
    tables : dict of str to Table
        By the name that a query gives them.
    faults : list
        Popped from the front, one for each answer; None is a good day.
    limit : int
        Rows of an answer at most.
    says_overflow : bool
        Whether an answer that was cut short says so.
    queries, headers : list
        What was asked, and the headers that came with it.
    """

    daemon_threads = True

    def __init__(self, tables):
        super().__init__(("127.0.0.1", 0), Handler)
        self.tables, self.faults, self.limit, self.says_overflow = tables, [], 10**6, True
        self.queries, self.headers, self.jobs, self.times = [], [], {}, []
        self.deleted = []
        self.url = f"http://127.0.0.1:{self.server_port}/tap"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def handle_error(self, *_):
        """A client that has gone is no news."""

    def answer(self, query, maxrec):
        """A VOTable's bytes; ValueError for a query that isn't understood."""
        match = QUERY.fullmatch(query)
        if not match or match["table"] not in self.tables:
            raise ValueError(f"can't parse or find: {query}")
        table = self.tables[match["table"]]
        names = [re.sub(r"^[a-z]+\.", "", name).strip('"') for name in match["columns"].split(", ")]
        place = [re.sub(r"^[a-z]+\.", "", match[key]).strip('"') for key in ("ra", "dec")]
        numbers = [float(number) for number in match["numbers"].split(",")]
        inside = holds(*(np.asarray(table[name], float) for name in place), match["shape"], numbers)
        rows = table[inside][names]
        # no order is promised, and none is kept
        rows = rows[np.random.default_rng(len(self.queries)).permutation(len(rows))]
        most = min(maxrec, self.limit)
        short = len(rows) > most
        return votable(rows[:most], "OVERFLOW" if short and self.says_overflow else "OK")


def votable(table, status):
    """A table as TAP gives it: the status of an answer cut short comes after its rows.

    Written by hand: a writer that warns would do so in this thread, where nobody catches it.
    """
    fields, rows = [], []
    for number, name in enumerate(table.colnames):
        kind = {"f8": "double", "f4": "float", "i8": "long", "i2": "short"}.get(
            table[name].dtype.str[1:], "char"
        )
        size = ' arraysize="*"' if kind == "char" else ""
        unit = f' unit="{table[name].unit}"' if table[name].unit else ""
        fields.append(
            f'<FIELD ID="c{number}" name={quoteattr(name)} datatype="{kind}"{size}{unit}/>'
        )
    for row in zip(*(table[name].tolist() for name in table.colnames), strict=True):
        rows.append("<TR>" + "".join(f"<TD>{value!s}</TD>" for value in row) + "</TR>")
    first, last = f'<INFO name="QUERY_STATUS" value="{status}"/>', ""
    if status == "OVERFLOW":
        first, last = '<INFO name="QUERY_STATUS" value="OK"/>', first
    return (
        '<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        f'<RESOURCE type="results">{first}<TABLE>{"".join(fields)}<DATA><TABLEDATA>'
        f"{''.join(rows)}</TABLEDATA></DATA></TABLE>{last}</RESOURCE></VOTABLE>"
    ).encode()


def failure(message):
    """A VOTable that says what is wrong with a query."""
    return (
        '<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        f'<RESOURCE type="results"><INFO name="QUERY_STATUS" value="ERROR">{message}</INFO>'
        "</RESOURCE></VOTABLE>"
    ).encode()


class Handler(BaseHTTPRequestHandler):
    """The requests of a TAP client."""

    def log_message(self, *_):
        """Silent."""

    def reply(self, status, content=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def parameters(self):
        length = int(self.headers.get("Content-Length", 0))
        text = self.rfile.read(length).decode() or urlsplit(self.path).query
        return {name.upper(): values[0] for name, values in parse_qs(text).items()}

    def do_POST(self):
        path = urlsplit(self.path).path
        given = self.parameters()
        server = self.server
        if path.endswith("/sync"):
            self.note(given["QUERY"])
            self.rows(given["QUERY"], int(given["MAXREC"]))
        elif path.endswith("/async"):
            self.note(given["QUERY"])
            job = str(len(server.jobs))
            server.jobs[job] = [given["QUERY"], int(given["MAXREC"]), "PENDING"]
            self.reply(303, Location=f"{server.url}/async/{job}")
        elif path.endswith("/phase"):
            job = path.split("/")[-2]
            stuck = server.faults[:1] == ["stuck"]
            server.jobs[job][2] = "EXECUTING" if stuck else "COMPLETED"
            if server.faults[:1] in (["stuck"], ["job error"]):
                server.jobs[job][2] = "EXECUTING" if server.faults.pop(0) == "stuck" else "ERROR"
            self.reply(303, Location=f"{server.url}/async/{job}")

    def do_GET(self):
        path = urlsplit(self.path).path
        if path.endswith("/results/result"):
            query, maxrec, _ = self.server.jobs[path.split("/")[-3]]
            self.rows(query, maxrec)
        elif "/async/" in path:
            job = path.split("/")[-1]
            text = UWS.format(
                job=job, phase=self.server.jobs[job][2], base=self.server.url, message="no such"
            )
            self.reply(200, text.encode(), Content_Type="text/xml")
        else:
            self.reply(404)

    def do_DELETE(self):
        self.server.deleted.append(self.path.split("/")[-1])
        self.reply(200)

    def note(self, query):
        self.server.queries.append(query)
        self.server.headers.append(dict(self.headers))
        self.server.times.append(time.monotonic())

    def rows(self, query, maxrec):
        """The rows, or the next fault."""
        fault = self.server.faults.pop(0) if self.server.faults else None
        kind = {"Content_Type": "application/x-votable+xml"}
        try:
            content = self.server.answer(query, maxrec)
        except ValueError as error:
            self.reply(400, failure(error), **kind)
            return
        if fault is None:
            self.reply(200, content, **kind)
        elif isinstance(fault, int):
            self.reply(fault, b"come again", Retry_After="0", Content_Type="text/plain")
        elif fault == "whole but half":
            self.reply(200, content[: len(content) // 2], **kind)
        elif fault == "half":
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
        elif fault == "hang":
            time.sleep(1.5)
        elif fault == "html":
            self.reply(200, b"<html><body>maintenance</body></html>", Content_Type="text/html")
        elif fault == "columns":
            self.reply(200, votable(Table({"alpha": [1.0], "delta": [2.0]}), "OK"), **kind)
        elif fault == "unit":
            self.reply(200, content.replace(b'unit="deg"', b'unit="furlong"', 1), **kind)
        else:
            self.reply(302, Location=fault)
