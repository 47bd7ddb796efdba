"""What operators were told of, and what is still to be delivered to them."""

from django.db import models
from django.db.models.functions import Now

from warehouse.fields import OutsideCharField, OutsideTextField


class Alert(models.Model):
    """Something that needs attention, by the key that the home page gives it: since when, and whether it was told.

    It begins when it is told, and ends when it is told that it is over (config.alerts.rounds).
    """

    alert_id = models.BigAutoField(primary_key=True)
    key = models.CharField(max_length=190, unique=True)
    said = OutsideTextField(help_text="as it was said last")
    url = models.CharField(max_length=500, blank=True)
    since = models.DateTimeField(help_text="when it came up")
    seen_at = models.DateTimeField(help_text="when it was there last")
    told = models.BooleanField(default=False, help_text="operators know of it, and not yet that it is over")
    told_at = models.DateTimeField(null=True, help_text="when its begin or its end was told last")

    class Meta:
        db_table = "desk_alerts"

    def __str__(self) -> str:
        return self.key


class Delivery(models.Model):
    """A message for operators on its way over one channel. Tried again until it is delivered."""

    class Channel(models.TextChoices):
        MAIL = "mail", "Mail"
        WEBHOOK = "webhook", "Webhook"

    delivery_id = models.BigAutoField(primary_key=True)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    name = models.CharField(max_length=64, help_text="which message it is: one that is made twice is sent once")
    subject = OutsideCharField(max_length=200)
    text = OutsideTextField()
    payload = models.JSONField(help_text="what the webhook gets")
    made_at = models.DateTimeField(db_default=Now())
    claimed_at = models.DateTimeField(null=True, help_text="when a worker began to deliver it; empty: nobody is at it")
    delivered_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0, help_text="that failed")
    error = OutsideCharField(max_length=200, blank=True, help_text="of the last attempt; names the host and no more")

    class Meta:
        db_table = "desk_deliveries"
        constraints = [models.UniqueConstraint(fields=["channel", "name"], name="unique_delivery")]
        indexes = [models.Index(fields=["delivered_at", "channel"], name="idx_deliveries_due")]

    def __str__(self) -> str:
        return f"{self.channel}: {self.subject}"
