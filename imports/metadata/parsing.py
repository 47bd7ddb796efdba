"""What answers of the API say of parks and entities: names, places, heights, tags. No database, no network.

An answer that is silent about a field says nothing of it, so each entity carries only the fields that were spoken of;
what cannot be believed is left out and becomes an issue.
"""

import functools
import json
import math
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from imports.events.issues import Issues
from imports.events.json_text import NESTED_TOO_DEEPLY
from imports.events.load_format import text_of
from imports.events.validation import shorten
from imports.loading.kinds import kind_of
from warehouse.ids import uuid_of
from warehouse.models import NAME_LENGTH
from warehouse.outside import fitting

CM_PER_INCH = Decimal("2.54")
HEIGHT_MAX_CM = 250  # a limit above the tallest visitor is a wrong unit
COORDINATE_STEP = Decimal("0.0000001")  # DECIMAL(10,7): a centimetre
TAGS_MAX_CHARACTERS = 50_000  # of one entity, as JSON; 2,000 are many
TAGS_NESTED_MAX = 8

_HEIGHTS = {
    "minimumHeight": "height_min_cm",
    "maximumHeight": "height_max_cm",
    "MINIMUM_HEIGHT": "height_min_cm",
    "MAXIMUM_HEIGHT": "height_max_cm",
}
#: Keys of an answer that are no attribute of the entity.
_STRUCTURE = {
    "id", "name", "slug", "entityType", "parentId", "parkId", "destinationId", "externalId", "timezone", "location",
    "tags", "children", "parks", "liveData",
}  # fmt: skip


@dataclass(frozen=True)
class Entity:
    """One entity as an answer has it. `says` maps fields of EntityMetadata to the values that were spoken of."""

    entity_id: str
    park_id: str | None  # themeparks_wiki_id of the park it stands in; None: in none
    kind: str  # PARK, ATTRACTION, ...; "" where it is not said
    name: str  # "" where it is not said
    says: dict[str, Any]


def read_subtree(rows: Iterable[Any], parks: Collection[str], asked_park: str | None, issues: Issues) -> list[Entity]:
    """The entities of a /children answer, each with the park it stands in, however deep below it.

    `parks`: what is known of the destination's parks beside the answer. `asked_park`: the park that was asked for,
    where it was one and not its destination. An id that stands there twice is taken once, the first time.
    """
    by_id: dict[str, dict] = {}
    for row in rows:
        entity_id = uuid_of(row.get("id")) if isinstance(row, dict) else None
        if entity_id is None:
            issues.add(asked_park, "malformed_entity", shorten(row))
        else:
            by_id.setdefault(entity_id, row)
    known = {*parks, *(entity_id for entity_id, row in by_id.items() if row.get("entityType") == "PARK")}
    return [read_entity(row, _park_of(row, by_id, known) or asked_park, issues) for row in by_id.values()]


def read_entity(row: dict, park_id: str | None, issues: Issues) -> Entity:
    """One entity, of a /children row or of an /entity answer. Its id has been looked at."""
    entity_id = uuid_of(row["id"])
    name = fitting(text_of(row.get("name")).strip(), NAME_LENGTH)
    kind = kind_of(row.get("entityType"))
    about = {"id": entity_id, "name": shorten(row.get("name"))}
    if not name:
        issues.add(park_id, "missing_name", about)
    if not kind:
        issues.add(park_id, "missing_entity_type", about)
    says: dict[str, Any] = {"entity_type": kind} if kind else {}
    for read in (_coordinates, _tags, _attributes):
        read(row, says, lambda reason, value: issues.add(park_id, reason, {**about, "value": shorten(value)}))
    return Entity(entity_id, park_id, kind, name, says)


def read_timezone(answer: dict, park_id: str, issues: Issues) -> str | None:
    """An IANA name, or None where the answer has none that exists.

    One that does not exist is an issue. That a park has none at all is said of what is stored (quality.check), since
    an answer that is silent leaves the park what it had.
    """
    value = answer.get("timezone")
    if isinstance(value, str) and value in _timezones():
        return value
    if value:
        issues.add(park_id, "unknown_timezone", {"id": park_id, "value": shorten(value)})
    return None


@functools.cache
def _timezones() -> set[str]:
    return available_timezones()


def centimetres(value: Any) -> int | None:
    """A height limit: a number of cm, or {height, unit cm|in} as older answers have it. ValueError: neither.

    None: 0, which says that there is no limit.
    """
    unit = "cm"
    if isinstance(value, dict):
        value, unit = value.get("height"), value.get("unit", "cm")
    if type(value) not in (int, float) or unit not in ("cm", "in"):
        raise ValueError
    height = round(Decimal(str(value)) * (CM_PER_INCH if unit == "in" else 1))
    if not 0 <= height <= HEIGHT_MAX_CM:
        raise ValueError
    return height or None


def _park_of(row: dict, by_id: dict[str, dict], parks: Collection[str]) -> str | None:
    """Itself, or up along parentId to the first park; what stands in the destination itself (hotels) has none."""
    named = uuid_of(row.get("parkId"))
    passed = set()
    entity_id = uuid_of(row["id"])
    while entity_id not in parks:
        passed.add(entity_id)
        entity_id = uuid_of(by_id[entity_id].get("parentId")) if entity_id in by_id else None
        if entity_id is None or entity_id in passed:
            return named
    return entity_id


def _coordinates(row: dict, says: dict, report) -> None:
    place = row.get("location")
    if place is None:
        return
    if not isinstance(place, dict):
        report("coordinates_out_of_range", place)
        return
    latitude, longitude = place.get("latitude"), place.get("longitude")
    if latitude is None and longitude is None:
        return
    if latitude is None or longitude is None:
        report("half_coordinates", place)
    elif (
        type(latitude) not in (int, float)
        or type(longitude) not in (int, float)
        or not abs(latitude) <= 90  # NaN is neither above nor below
        or not abs(longitude) <= 180
        or latitude == longitude == 0
    ):
        report("coordinates_out_of_range", {"latitude": latitude, "longitude": longitude})
    else:
        says["latitude"] = Decimal(str(latitude)).quantize(COORDINATE_STEP)
        says["longitude"] = Decimal(str(longitude)).quantize(COORDINATE_STEP)


def _tags(row: dict, says: dict, report) -> None:
    """The older shape: tags[{tag, tagName, id?, value?}], heights among them."""
    tags = row.get("tags")
    if tags is None:
        return
    if not isinstance(tags, list) or not all(isinstance(tag, dict) and isinstance(tag.get("tag"), str) for tag in tags):
        report("malformed_tags", tags)
        return
    for tag in tags:
        _height(tag["tag"], tag.get("value"), says, report)
    _keep_tags(tags, says, report)


def _attributes(row: dict, says: dict, report) -> None:
    """The present shape: attributes as further keys of the entity. They are kept as tags: mayGetWet -> MAY_GET_WET."""
    attributes = {key: value for key, value in row.items() if key not in _STRUCTURE and value is not None}
    for key, value in attributes.items():
        _height(key, value, says, report)
    if attributes:
        said = [{"tag": _tag_name(key), "value": value} for key, value in attributes.items()]
        named = {tag["tag"] for tag in said}
        _keep_tags(said + [tag for tag in says.get("tags", []) if tag["tag"] not in named], says, report)


def _height(key: str, value: Any, says: dict, report) -> None:
    column = _HEIGHTS.get(key)
    if column is None or value is None:
        return
    try:
        says[column] = centimetres(value)
    except (ValueError, ArithmeticError):
        report("invalid_height", {key: value})


def _tag_name(key: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).upper()


def _keep_tags(tags: list[dict], says: dict, report) -> None:
    """In an order of their own, so that the same tags in another order are no change; and as the server takes them."""
    fit, unfit = [], []
    for tag in tags:
        odd: list[Any] = []
        fit.append(_storable(tag, odd))
        if odd:
            unfit.append({tag["tag"]: odd})
    for found in unfit:
        report("malformed_tags", found)
    fit.sort(key=lambda tag: (tag["tag"], json.dumps(tag, sort_keys=True)))
    if len(json.dumps(fit)) <= TAGS_MAX_CHARACTERS:
        says["tags"] = fit
    else:
        report("malformed_tags", tags)


def _storable(value: Any, odd: list[Any], depth: int = 0) -> Any:
    """A JSON value with what no column of JSON takes replaced, which is appended to `odd`: NaN and infinity, numbers of
    more than 64 bits, halves of surrogate pairs, and nesting (MariaDB reads 32 levels of it)."""
    if isinstance(value, str):
        fit: Any = text_of(value)
    elif isinstance(value, float):
        fit = value if math.isfinite(value) else None
    elif isinstance(value, int):
        fit = value if abs(value) < 2**63 else str(value)
    elif isinstance(value, dict | list) and depth == TAGS_NESTED_MAX:
        fit = NESTED_TOO_DEEPLY
    elif isinstance(value, dict):
        return {_storable(key, odd): _storable(inner, odd, depth + 1) for key, inner in value.items()}
    elif isinstance(value, list):
        return [_storable(inner, odd, depth + 1) for inner in value]
    else:
        return value
    if fit is not value and fit != value:
        odd.append(shorten(value))
    return fit
