"""The states of a ride, below the tables that keep them."""

from django.db.models import TextChoices


class RideStatus(TextChoices):
    """The four states that themeparks.wiki tells of; no other is stored."""

    OPERATING = "OPERATING"
    DOWN = "DOWN"
    CLOSED = "CLOSED"
    REFURBISHMENT = "REFURBISHMENT"
