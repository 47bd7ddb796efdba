"""What another process asks of the API: in a module of its own, so that a fork loads no tests."""

from contextlib import suppress

from imports.api.themeparks import NoSuchEntity, ThemeParksApi


def ask_five_times(who: str, starts) -> None:
    """As soon as all are there who wait at the barrier `starts`."""
    api = ThemeParksApi()
    starts.wait()
    for number in range(5):
        with suppress(NoSuchEntity):
            api.entity(f"nobody-{who}-{number}")
