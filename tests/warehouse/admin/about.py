"""Asking the page about a park or a ride, for the tests of the sections that the apps add to it."""

from warehouse.admin.about.park_sections import Section


def section(response, slug: str) -> Section:
    assert response.status_code == 200
    return next(each for each in response.context["sections"] if each.slug == slug)


def said_in(response, slug: str) -> list[list]:
    """The rows of all its tables, without their links."""
    return [
        [getattr(cell, "said", cell) for cell in row]
        for listing in section(response, slug).listings
        for row in listing.rows
    ]


def figures_of(response, slug: str) -> dict[str, str]:
    return {fact.label: f"{fact.value}" for fact in section(response, slug).facts}
