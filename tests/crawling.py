"""Following the links of pages, as somebody who clicks on everything: which lead nowhere, to a refusal or to an error.

Of pages of one kind (the same view, asked for the same things) one is opened and not all, which keeps it cheap: a list
with a hundred rows leads to a hundred pages of one kind. What a page offers of itself (filters, orders, tabs,
periods) is opened once, and of what came by that no more of the like: a list with six filters has thousands of states.
"""

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit

from django.test import Client
from django.urls import Resolver404, resolve

OF_A_VIEW = 12  # however many kinds of a view's pages there are
#: what is no page: ends the session, or is read by scripts
PASSED_OVER = re.compile(r"^/admin/(logout|jsi18n|autocomplete|password_change)\b")
#: parameters of a list that choose nothing but its order or its place
OF_ORDER = {"o", "p", "all", "_facets", "e", "_changelist_filters"}
#: parameters whose value chooses another page of the same view
CHOOSING = ("show", "state", "status", "failures", "trouble", "days")
_HREF = re.compile(r"""<(?:a|area)\b[^>]*?\shref="([^"]*)\"""")
_ID = re.compile(r"""\sid="([^"]+)\"""")
#: what the Content-Security-Policy refuses: a style or a script in the page itself, and what is called by an event
_INLINE = re.compile(
    r"""<style\b[^>]*>|<script\b(?![^>]*\s(?:src=|type="application/json"))[^>]*>|<[^>]*\s(?:style|on[a-z]+)="[^"]*\""""
)

Kind = tuple[str, tuple[str, ...], tuple[str, ...]]


@dataclass
class Crawled:
    """What was opened: `links` by page, as addresses; `troubles` in words, each with the page that showed the link."""

    links: dict[str, set[str]] = field(default_factory=dict)
    ids: dict[str, set[str]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    def kinds(self) -> set[str]:
        """The names of the views that were opened."""
        return {_view(url) for url in self.links}


def links_of(html: str, at: str) -> set[str]:
    """The addresses under /admin/ that a page links, without those that leave it."""
    found = {urljoin(at, unescape(href)) for href in _HREF.findall(html)}
    return {url for url in found if urlsplit(url).path.startswith("/admin/") and not PASSED_OVER.match(url)}


def crawl(client: Client, *starts: str, whatever_is_asked: bool = True) -> Crawled:
    """One page of every kind that can be reached by links, `starts` first and the home page after them. Without
    `whatever_is_asked` all pages of a view are of one kind, as is enough for who may see which.

    A link must lead to a page (200) that its reader may see, or to another page (301, 302) that is followed, and where
    it names a place on that page, to one that is there.
    """
    found = Crawled()
    client.raise_request_exception = False
    opened: set[Kind | str] = set()
    of_views: Counter[str] = Counter()
    waiting, seen = deque((start, "") for start in (*starts, "/admin/")), {*starts, "/admin/"}
    of_itself: set[str] = set()  # addresses that a page of the same view led to
    anchors: list[tuple[str, str, str]] = []
    while waiting:
        url, source = waiting.popleft()
        kind = kind_of(url) if whatever_is_asked else _view(url)
        view = _view(url)
        if kind in opened or of_views[view] >= OF_A_VIEW:
            continue
        opened.add(kind)
        of_views[view] += 1
        response = client.get(url)
        if response.status_code in (301, 302):
            target = urljoin(url, response["Location"])
            if urlsplit(target).path == "/admin/login/":
                found.troubles.append(f"{source} leads to {url}, which asks to sign in again")
            elif target not in seen:
                seen.add(target)
                waiting.append((target, source))
            found.links[url] = set()
            continue
        if response.status_code != 200:
            found.troubles.append(f"{source} leads to {url}: {response.status_code}")
            continue
        html = b"".join(response).decode(errors="replace") if response.streaming else response.content.decode()
        if not response["Content-Type"].startswith("text/html"):
            found.links[url] = set()
            continue
        found.links[url], found.ids[url] = links_of(html, url), set(_ID.findall(html))
        found.troubles += [f"{url} has inside {inline}, which browsers refuse here" for inline in _INLINE.findall(html)]
        for link in sorted(found.links[url]):
            page, fragment = urldefrag(link)
            if fragment:
                anchors.append((url, page, fragment))
            same = _view(page) == _view(url)
            if page not in seen and not (same and url in of_itself):
                seen.add(page)
                waiting.append((page, url))
                if same:
                    of_itself.add(page)
    for source, page, fragment in anchors:
        if page in found.ids and fragment not in found.ids[page]:
            found.troubles.append(f"{source} leads to {page}#{fragment}, and there is no such place there")
    return found


def kind_of(url: str) -> Kind:
    """By view and by what is asked of it."""
    asked = [
        (name, value) for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True) if name not in OF_ORDER
    ]
    chosen = tuple(f"{name}={value}" for name, value in asked if name in CHOOSING)
    return _view(url), tuple(sorted({name for name, _ in asked})), chosen


def _view(url: str) -> str:
    return _view_at(urlsplit(url).path)


@cache  # 60,000 links of three crawls lead to some thousand places
def _view_at(path: str) -> str:
    try:
        return resolve(path).view_name
    except Resolver404:
        return path  # opened, to find that there is none
