"""Every list is named by what it holds, each cell by its column, and an empty one says whether a filter empties it."""

import pytest
from django.urls import reverse

from config.templatetags.lists import headed
from warehouse.models import Park

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("cell", "heading", "shown"),
    [
        (
            '<td class="field-rows">1234567</td>',
            "rows",
            '<td data-heading="Rows" class="field-rows number">1,234,567</td>',
        ),
        ('<td class="field-mb">-1234.50</td>', "MB", '<td data-heading="MB" class="field-mb number">-1,234.50</td>'),
        ('<td class="field-id">1234</td>', "ride id", '<td data-heading="Ride id" class="field-id">1234</td>'),
        ('<td class="field-x">2026-11-26</td>', "day", '<td data-heading="Day" class="field-x">2026-11-26</td>'),
    ],
)
def test_a_figure_has_its_thousands_apart_and_an_id_has_not(cell, heading, shown):
    assert headed([cell], [{"text": heading}]) == [shown]


def page(client, name: str, query: str = "") -> str:
    return client.get(reverse(f"admin:{name}") + query).content.decode()


def test_cells_name_their_columns_for_screens_of_one_column(admin_client):
    Park.objects.create(park_name='A & "B"', themeparks_wiki_id="75ea578a-adc8-4116-a54d-dccb60765ef9")

    html = page(admin_client, "warehouse_park_changelist")

    assert '<th data-heading="Park name" class="field-park_name' in html
    assert "<h1>Parks</h1>" in html
    assert "<title>Parks |" in html


def test_an_empty_list_says_whether_something_was_asked_for(admin_client):
    assert "There are no parks yet." in page(admin_client, "warehouse_park_changelist")
    assert "None that fits what is asked for." in page(admin_client, "warehouse_park_changelist", "?q=nobody")
