"""The worker processes that are alive, as the heartbeat of each says."""

from datetime import timedelta

from django.db import models
from django.db.models.functions import Now

from warehouse.fields import OutsideCharField

WORKER_STALE_SECONDS = 15


class Worker(models.Model):
    """A worker process of django-q2: its last heartbeat (imports.workers.heartbeat). `name` is its process token."""

    worker_id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=255, unique=True, help_text="host/pid/...: as in the imports it holds")
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    doing = OutsideCharField(max_length=255, blank=True, help_text="the task in hand; empty: idle")

    class Meta:
        db_table = "workers"
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        host, pid, *_ = self.name.split("/")
        return f"{host}, process {pid}"

    @classmethod
    def seen(cls, name: str, doing: str) -> None:
        """A heartbeat of the process token `name`. `doing`: the task in hand (cut at 255 characters), "" for none."""
        doing = doing[:255]
        if not cls.objects.filter(name=name).update(seen_at=Now(), doing=doing):
            new = cls(name=name, doing=doing)
            cls.objects.bulk_create([new], update_conflicts=True, update_fields=["doing"])

    @classmethod
    def was_alive(cls, ago: timedelta) -> bool:
        """Whether one was alive that long ago, or within the minute before; not longer ago than a day."""
        then = Now() - ago
        return cls.objects.filter(started_at__lte=then, seen_at__gt=then - timedelta(minutes=1)).exists()

    @classmethod
    def alive(cls) -> models.QuerySet["Worker"]:
        """Those with a heartbeat in the last WORKER_STALE_SECONDS, by the server's clock."""
        return cls.objects.filter(seen_at__gt=Now() - timedelta(seconds=WORKER_STALE_SECONDS))
