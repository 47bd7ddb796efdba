"""Every address of the site with every parameter broken, as somebody with a script would: GET and POST, anonymous and
as each group. No answer may be a 500, and nothing may be written that the asker has no right to write.

What is broken is found, not listed: addresses in the URL resolver, their parameters in the links and forms of the pages
that a crawl by a superuser opens, beside those that Django's lists take.
"""

import logging
import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from urllib.parse import parse_qsl, quote_plus, urljoin, urlsplit

from django.contrib.auth.models import Group, User
from django.core.signals import got_request_exception
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django_q.models import OrmQ

from imports.models import ImportCheckpoint, ImportPreview
from quality.models import DataQualityLog, TriageBatch
from tests.crawling import Crawled, _view_at, crawl, links_of
from warehouse.models import Park, Ride
from warehouse.server.dialect import is_galera

#: Ways to break a value, percent-encoded as it is sent.
BROKEN = {
    "of another shape": "x%27%20OR%201%3D1--",
    "Arabic digit": "%D9%A3",
    "superscript digit": "%C2%B2",
    "ten to the thirty": "1" + "0" * 30,
    "longer than Python converts": "9" * 5_000,
    "negative": "-1",
    "empty": "",
    "NUL": "1%001",
    "no UTF-8": "%FF%FE",
    "half of a pair": "%ED%A0%80",
    "no day": "2026-02-30",
    "day zero": "0000-00-00",
    "the last day": "9999-12-31",
    "the first day": "0001-01-01",
    "5,000 characters": "x" * 5_000,
    "markup": "%3Cscript%3Ealert%281%29%3C%2Fscript%3E",
    "line ends": "a%0D%0ASet-Cookie%3A+b%3Dc",
    "right to left": "%E2%80%AEabc%E2%80%A8",
    "a formula": "%3D1%2B1%7C%21A1",
    "no number": "NaN",
    "a fraction": "1e400",
    "placeholders": "%25s+%25%28a%29s+%7B0%7D",
    "another address": "//evil.example/%2e%2e/%2e%2e/etc/passwd",
    "a list": "%5B1%2C%7B%22a%22%3Anull%7D%5D",
    "nested": "%5B" * 3_000,
    "many": "1,2,,x,%D9%A3," + "1" * 40,
}
#: Beside what its links ask of a page, as query strings: what a list of Django's takes, and what it does not.
ASKED_BESIDE = (
    "park__secret=1", "id__regex=%28", "pk__in=1,x", "password__startswith=a", "_to_field=password", "_to_field=id",
    "_popup=1", "_popup=x&_to_field=%00", "o=", "o=99.-99.x", "o=" + "9" * 30, "o=%D9%A3", "p=-1", "p=0", "p=x",
    "p=" + "9" * 30, "e=1", "all=", "q=%00", "q=%ED%A0%80", "q=" + "x+" * 500, "q=%22", "_facets=1", "_facets=x",
    "_changelist_filters=%00%25", "a[]=1&a[]=2", "=", "&&;&", "%00=%00", "%FF=%FF", "format=xml", "csv=%00",
    "day__year=2026&day__month=2&day__day=30", "day__year=x", "day__year=99999", "changed_at__year=0",
    "changed_at__gte=x", "changed_at__isnull=perhaps", "changed_at__gte=0000-00-00&changed_at__lt=9999-12-31+25:00",
    "park__park_id__exact=%D9%A3", "park__park_id__exact=" + "9" * 30, "park__park_id__in=%00", "tier__exact=x",
    "tier__isnull=x", "listed__exact=2", "app_label=warehouse&model_name=ride&field_name=park&term=%00",
    "app_label=%00&model_name=x&field_name=y", "app_label=warehouse&model_name=ride&field_name=park&page=x",
    "app_label=warehouse&model_name=ride&field_name=park&term=a&page=99999999999999999999",
    "app_label=auth&model_name=user&field_name=password&term=a", "ids=%C2%B2,%D9%A3," + "9" * 5_000,
    "ids=" + "1" * 30 + "&page=1", "next=//evil.example/", "next=%00", "next=javascript:alert(1)", "clock=%C2%B2",
    "clock=" + "9" * 5_000, "show=%00&from=%00&to=%00", "only=%00",
)  # fmt: skip
#: What makes a broken address of a row.
BROKEN_KEYS = (*BROKEN.values(), "_00", "_3A_2F", "1/../2", "1%2F2", "%2e%2e", "None", "1;2", "%", "%zz", "_")
METHODS_BESIDE = ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE")
#: These change tables outside of any transaction (DDL), which cannot be taken back.
OUTSIDE = {"warehouse_partitions"}
#: The tables that whoever signs in, or out, or fails to, writes, whatever else he may.
OF_ONESELF = {"django_session", "auth_user", "axes_accesslog", "axes_accessattempt", "axes_accessfailurelog"}
#: And on a Galera cluster, for as long as it takes: whose turn it is.
TURN_TO_SIGN_IN = "held_locks"

WRITING = {"INSERT", "UPDATE", "DELETE", "REPLACE", "ALTER", "DROP", "CREATE", "TRUNCATE"}
#: Headers that somebody may send, each in the place of what a browser sends.
HEADERS = (
    {"HTTP_HOST": "evil.example"}, {"HTTP_HOST": "a\x00b"}, {"HTTP_HOST": ""}, {"HTTP_HOST": "[::1"},
    {"HTTP_HOST": "localhost:99999999"}, {"HTTP_X_FORWARDED_HOST": "evil.example"}, {"HTTP_X_FORWARDED_PROTO": "\xff"},
    {"HTTP_USER_AGENT": "\x1b[2J\xe2\x80\xae" + "x" * 5_000}, {"HTTP_REFERER": "//\x00"}, {"HTTP_REFERER": "http://[::1"},
    {"HTTP_ORIGIN": "null"}, {"HTTP_ORIGIN": "http://[::1"}, {"HTTP_ACCEPT_LANGUAGE": "x" * 5_000},
    {"HTTP_COOKIE": "sessionid=%00\xff; csrftoken=\x00; messages=x; desk_clock=\xc2\xb2"},
    {"HTTP_COOKIE": "messages=" + "x" * 5_000 + "; sessionid=" + "x" * 5_000}, {"HTTP_COOKIE": "=;;=\x01;a"},
    {"HTTP_COOKIE": "desk_clock=" + "9" * 5_000}, {"HTTP_IF_MODIFIED_SINCE": "x"}, {"HTTP_IF_NONE_MATCH": "\x00"},
    {"HTTP_RANGE": "bytes=9-1,x"}, {"HTTP_ACCEPT_ENCODING": "gzip;q=x"}, {"CONTENT_LENGTH": "x"},
    {"CONTENT_LENGTH": "-1"}, {"HTTP_X_REQUESTED_WITH": "\x00"}, {"REMOTE_ADDR": "\x00"},
    {"CONTENT_TYPE": "multipart/form-data; boundary="}, {"CONTENT_TYPE": "multipart/form-data; boundary=\xff\x00"},
    {"CONTENT_TYPE": "multipart/form-data; boundary=x"}, {"CONTENT_TYPE": "application/json"},
    {"CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-99"},
    {"CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-16"}, {"CONTENT_TYPE": ";;;"},
)  # fmt: skip
#: These are taken back in any case: who asks would be somebody else from then on.
OF_A_SESSION = {"logout", "login", "admin:logout", "admin:login"}

Way = str  # in what a request is broken


@dataclass(frozen=True, slots=True)
class Request:
    """`query` and `body` are percent-encoded; `body` None: a GET."""

    view: str
    path: str
    query: str = ""
    body: str | None = None
    method: str = "GET"
    way: Way = ""
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        said = f"{self.method} {self.path}{'?' if self.query else ''}{self.query}"[:300]
        if self.body is not None:
            said += f" with {self.body[:300]}"
        return f"{said} {str(self.headers)[:99] if self.headers else ''} ({self.way})"


@dataclass
class Attacked:
    """What came of it: answers by status; `troubles` in words; `written`: statements by table that changed rows."""

    statuses: Counter[int] = field(default_factory=Counter)
    ways: Counter[Way] = field(default_factory=Counter)
    views: set[str] = field(default_factory=set)
    troubles: list[str] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())


# --- what there is to break -----------------------------------------------------------------------------------------
class _Forms(HTMLParser):
    """The forms of a page: address, method, fields with their values."""

    def __init__(self, at: str):
        super().__init__()
        self.at, self.found, self._form, self._select, self._area = at, [], None, "", ""

    def handle_starttag(self, tag, attrs):
        of = dict(attrs)
        if tag == "form":
            action = urljoin(self.at, of.get("action") or self.at)
            self._form = (action, (of.get("method") or "get").upper(), {})
            self.found.append(self._form)
        elif self._form is None:
            return
        elif tag in ("input", "button") and of.get("name"):
            boxes = of.get("type") in ("checkbox", "radio") and "checked" not in of and of["name"] in self._form[2]
            if not boxes:
                self._form[2][of["name"]] = of.get("value") or ""
        elif tag == "select" and of.get("name"):
            self._select = of["name"]
            self._form[2].setdefault(self._select, "")
        elif tag == "option" and self._select and ("selected" in of or not self._form[2][self._select]):
            self._form[2][self._select] = of.get("value") or ""
        elif tag == "textarea" and of.get("name"):
            self._area = of["name"]
            self._form[2][self._area] = ""

    def handle_data(self, data):
        if self._area and self._form:
            self._form[2][self._area] += data

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""


@dataclass
class Site:
    """The addresses of the site with rows in them, and what a superuser's pages ask of each: `asked` names and values
    in links, `posted` fields of forms."""

    boss: Client
    looked_at: int = 0  # pages that links and forms are taken from, by chance; 0: all that a crawl comes to
    seed: int = 0

    @cached_property
    def routes(self) -> list[tuple[str, str]]:
        """(view, address with <int:park_id> for a row) of each, the one that catches all and those of apps included."""
        found = [("healthz", "healthz"), ("healthz", "healthz/")]

        def walk(patterns, prefix: str) -> None:
            for each in patterns:
                route = prefix + str(each.pattern)
                if isinstance(each, URLResolver):
                    walk(each.url_patterns, route)
                elif isinstance(each, URLPattern):
                    found.append((each.name or route, route))

        walk(get_resolver().url_patterns, "")
        return found

    def address(self, route: str, *broken: str) -> str:
        """With rows that there are in it, or with `broken` in each place in turn."""
        if "(?P<app_label>" in route:
            return f"/admin/{broken[0] if broken else 'warehouse'}/"
        if "(?P<url>" in route:
            return f"/admin/{broken[0] if broken else 'nowhere/'}"
        parts, given = [], list(broken)
        for part in route.split("/"):
            if part.startswith("<"):
                name = part.strip("<>").partition(":")[2] or "id"
                part = given.pop(0) if given else self._row(name, route)
                given = given or list(broken)  # the same in every place
            parts.append(part)
        return "/" + "/".join(parts)

    def _row(self, name: str, route: str) -> str:
        models = {
            "park_id": Park, "ride_id": Ride, "checkpoint_id": ImportCheckpoint, "log_id": DataQualityLog,
            "batch_id": TriageBatch, "preview_id": ImportPreview,
        }  # fmt: skip
        model = models.get(name) or self._models.get("/".join(route.split("/")[1:3]))
        row = model.objects.order_by("pk").first() if model else None
        return str(row.pk) if row is not None else "1"

    @cached_property
    def _models(self):
        from django.contrib import admin

        return {f"{model._meta.app_label}/{model._meta.model_name}": model for model in admin.site._registry}

    @cached_property
    def crawled(self) -> Crawled:
        if not self.looked_at:
            return crawl(self.boss)
        found = Crawled()
        for page in random.Random(self.seed).sample(
            sorted({self.address(route) for _, route in self.routes}), self.looked_at
        ):
            response = self.boss.get(page)
            if response.status_code == 200 and response.get("Content-Type", "").startswith("text/html"):
                found.links[page] = links_of(response.content.decode(), page)
        return found

    @cached_property
    def asked(self) -> dict[str, dict[str, str]]:
        """By path: each parameter that a link gives it, with a value."""
        found: dict[str, dict[str, str]] = {}
        of_view: dict[str, str] = {}
        for links in self.crawled.links.values():
            for link in links:
                parts = urlsplit(link)
                path = of_view.setdefault(_view_at(parts.path), parts.path)
                found.setdefault(path, {}).update(dict(parse_qsl(parts.query, keep_blank_values=True)))
        return found

    @cached_property
    def posted(self) -> dict[tuple[str, str], tuple[str, dict[str, str]]]:
        """By what its form is for: (address, fields with the values that the page gives them)."""
        found: dict[tuple[str, str], tuple[str, dict[str, str]]] = {}
        pages = [*self.crawled.links]
        if not self.looked_at:
            pages += [self.address(route) for _, route in self.routes]
        for page in dict.fromkeys(pages):
            response = self.boss.get(page)
            if response.status_code != 200 or not response.get("Content-Type", "").startswith("text/html"):
                continue
            forms = _Forms(page)
            forms.feed(b"".join(response).decode() if response.streaming else response.content.decode())
            for action, method, fields in forms.found:
                path = urlsplit(action).path
                known = found.setdefault((_view_at(path), method), (action, {}))
                known[1].update({name: value for name, value in fields.items() if name not in known[1]})
        return found

    @property
    def _signing_in(self) -> dict[str, str]:
        return {"username": "boss", "password": "wrong", "next": "/admin/"}

    # --- requests ----------------------------------------------------------------------------------------------------
    def requests(self) -> Iterator[Request]:
        """All of them, each broken in one way."""
        for view, route in self.routes:
            path = self.address(route)
            yield Request(view, path, way="as it is")
            yield Request(view, path, method="POST", body="", way="nothing posted")
            for method in METHODS_BESIDE:
                yield Request(view, path, method=method, way="another method")
            for query in ASKED_BESIDE:
                yield Request(view, path, query, way="lookups of no page")
            if "<" in route:
                for broken in BROKEN_KEYS:
                    yield Request(view, self.address(route, broken), way="key of a row")
                    yield Request(view, self.address(route, broken), method="POST", body="a=b", way="key of a row")
        for name in self._signing_in:
            for way, body in _broken(self._signing_in, name):
                yield Request("login", "/admin/login/", "", body, "POST", way)
                yield Request("login", "/admin/login/", body, way=way)
        for path in ("/", "/healthz", "/admin/", "/admin/login/", "/admin/warehouse/park/", "/admin/password_change/"):
            for headers in HEADERS:
                yield Request(path, path, way="a header", headers=headers)
                yield Request(path, path, "", "a=b", "POST", "a header", headers)
        for path, asked in self.asked.items():
            for name in asked:
                yield from self._queries(path, asked, name)
        for (_, method), (action, fields) in self.posted.items():
            parts = urlsplit(action)
            if method == "GET":
                for name in fields:
                    yield from self._queries(parts.path, fields, name)
                continue
            sent = fields | ({"_selected_action": "1"} if "action" in fields else {})
            for name in sent:
                for way, body in _broken(sent, name):
                    yield Request(_view_at(parts.path), parts.path, parts.query, body, "POST", way)
            if "action" in fields:
                yield from self._actions(parts.path, sent)

    def _queries(self, path: str, asked: dict[str, str], name: str) -> Iterator[Request]:
        for way, query in _broken(asked, name):
            yield Request(_view_at(path), path, query, way=way)
        if len(asked) == 1:
            return
        for way, query in _broken({name: asked[name]}, name):  # by itself: no other one stops it at the door
            yield Request(_view_at(path), path, query, way=way)

    def _actions(self, path: str, sent: dict[str, str]) -> Iterator[Request]:
        model = self._models.get("/".join(path.split("/")[2:4]))
        admin_of = None
        if model is not None:
            from django.contrib import admin

            admin_of = admin.site._registry[model]
        for action in [*(getattr(admin_of, "actions", None) or ()), "delete_selected"]:
            for selected in ("1", *BROKEN.values()):
                for more in ("0&index=0", "1&index=%00&why=because&post=yes"):
                    body = f"action={action}&_selected_action={selected}&select_across={more}"
                    yield Request(_view_at(path), path, "", body, "POST", "actions of a list")


def _broken(values: dict[str, str], name: str) -> Iterator[tuple[Way, str]]:
    rest = [f"{quote_plus(other)}={quote_plus(value)}" for other, value in values.items() if other != name]
    key = quote_plus(name)
    for way, value in BROKEN.items():
        yield way, "&".join([*rest, f"{key}={value}"])
    yield "left out", "&".join(rest)
    yield "twice", "&".join([*rest, f"{key}={quote_plus(values[name])}", f"{key}=x"])
    yield "an array", "&".join([*rest, f"{key}[]=1", f"{key}[]=2", f"{key}[a]=3"])


def sample(site: Site, number: int, seed: int) -> list[Request]:
    """`number` of them, of each view and in each way alike often, as far as it goes; the same for the same seed."""
    chance = random.Random(seed)
    kinds: dict[tuple[str, Way], list[Request]] = {}
    for request in site.requests():
        kinds.setdefault((request.view, request.way), []).append(request)
    chosen = [chance.choice(kinds[kind]) for kind in sorted(kinds)]
    chance.shuffle(chosen)
    return chosen[:number]


# --- asking -----------------------------------------------------------------------------------------------------------
def attack(client: Client, requests: Iterator[Request] | list[Request], *, keep: bool = False) -> Attacked:
    """Send them. Without `keep` each is taken back afterwards, so that the next one meets the same rows."""
    done, raised = Attacked(), []
    client.raise_request_exception = False

    def heard(sender, request=None, **kwargs):
        raised.append(sys.exc_info()[1])

    got_request_exception.connect(heard)
    logging.disable()  # 10,000 refusals, each with where it was raised
    try:
        for request in requests:
            raised.clear()
            kept = (keep and request.view not in OF_A_SESSION) or request.view in OUTSIDE
            with _statements() as sql, _taken_back(kept):
                cookies = client.cookies.copy()
                try:
                    response = _send(client, request)
                    if response.streaming:
                        for _ in response:
                            pass
                except Exception as error:
                    done.troubles.append(f"{request}: raised {type(error).__name__}: {error}"[:900])
                    done.statuses[0] += 1
                    continue
                finally:
                    client.cookies = cookies  # what ends a session takes it away
            done.statuses[response.status_code] += 1
            done.ways[request.way] += 1
            done.views.add(request.view)
            for table in sql:
                if table == TURN_TO_SIGN_IN and request.path == "/admin/login/" and is_galera():
                    continue
                done.written.setdefault(table, str(request))
            unwell = request.path.startswith("/healthz") and response.status_code == 503
            if response.status_code >= 500 and not unwell:
                said = f"{type(raised[-1]).__name__}: {raised[-1]}" if raised else ""
                done.troubles.append(f"{request}: {response.status_code} {said}"[:900])
            elif raised:
                done.troubles.append(f"{request}: {response.status_code}, and {raised[-1]!r}"[:900])
    finally:
        logging.disable(logging.NOTSET)
        got_request_exception.disconnect(heard)
    return done


def _send(client: Client, request: Request):
    more = {"QUERY_STRING": request.query} | request.headers
    if request.body is not None:
        more |= {"data": request.body, "content_type": "application/x-www-form-urlencoded"}
    return client.generic(request.method, request.path, **more)


class _Back(Exception):
    pass


@contextmanager
def _taken_back(not_at_all: bool):
    if not_at_all:
        yield
        return
    try:
        with transaction.atomic():
            yield
            raise _Back
    except _Back:
        pass


@contextmanager
def _statements():
    """The tables that statements wrote to."""
    tables: set[str] = set()

    def execute(run, sql, params, many, context):
        words = sql.split(None, 3)
        if words and words[0].upper() in WRITING:
            skipped = {"INTO", "FROM", "TABLE", "IGNORE", "TEMPORARY", "IF", "NOT", "EXISTS", "LOW_PRIORITY"}
            tables.add(next((word.strip("`(") for word in sql.split()[1:] if word.upper() not in skipped), "?"))
        return run(sql, params, many, context)

    with connection.execute_wrapper(execute):
        yield tables


# --- who --------------------------------------------------------------------------------------------------------------
def checksums() -> dict[str, int]:
    """Of every table but those in which a session lies."""
    names = [name for name in connection.introspection.table_names() if name not in OF_ONESELF]
    with connection.cursor() as cursor:
        cursor.execute(f"CHECKSUM TABLE {', '.join(f'`{name}`' for name in names)}")
        return {table.rpartition(".")[2]: checksum for table, checksum in cursor.fetchall()}


def plant_more(by: User) -> None:
    """What the planted desk lacks and has a page of its own."""
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    TriageBatch.begun("ASSIGN", by=by.get_username(), now=now, findings=1, assignee=by.get_username())
    ImportPreview.objects.create(asked={"days": ["all"]}, request={}, source="/archive", made_by=by.get_username())
    Group.objects.get_or_create(name="A group")
    OrmQ.objects.create(key="warehouse", payload="x", lock=now)
