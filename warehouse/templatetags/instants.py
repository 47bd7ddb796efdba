"""Instants in templates, by the clock of a park (warehouse.zones) or in UTC; a template's own `date` knows UTC alone.

`{{ instant|there:park }}`: 2025-07-01 09:30 Asia/Tokyo. `{{ instant|both:park }}`: the same with (00:30Z) behind it.
`{{ instant|utc }}`: 2025-07-01 00:30Z. "-" for none. Of no park: UTC.
"""

from datetime import datetime

from django import template

from warehouse import zones
from warehouse.models import Park

register = template.Library()


@register.filter
def there(instant: datetime | None, park: Park | None) -> str:
    return zones.there_in_words(instant, park.zone if park else None) if instant else "-"


@register.filter
def both(instant: datetime | None, park: Park | None) -> str:
    return zones.both_in_words(instant, park.zone if park else None) if instant else "-"


@register.filter
def utc(instant: datetime | None) -> str:
    return zones.utc_in_words(instant) if instant else "-"
