"""The processes of clusters, as the heartbeat of each says: who is alive, who has ended, who makes no round."""

from collections.abc import Iterable
from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from imports.archive.process import host_and_machine, is_known_dead
from warehouse.fields import OutsideCharField
from warehouse.outside import shown

WORKER_STALE_SECONDS = 15
#: without a round: told, and the process is ended by the one that watches it (imports.workers.sentinel)
NO_ROUND_SECONDS = 120
# Of a round: a table that is locked for a backup keeps nobody silent. More than innodb_lock_wait_timeout, 50 s.
DATABASE_ANSWERS_WITHIN_SECONDS = 55
NO_ROUND = "its cluster"  # `ended_by` of those begins so
DIED = "a kill, or its host"  # that nobody saw
#: six beats and more missed; the imports of such a worker are gone on with after 25 s
HOLDER_SILENT_SECONDS = 30
#: what a worker that has just ended said of its last task is written down within
RESULT_ON_ITS_WAY_SECONDS = 5


class Role(models.TextChoices):
    """What a process of a cluster does: its rounds are other ones."""

    WORKER = "worker"
    SCHEDULER = "scheduler"  # django-q2's sentinel, which watches the others
    PUSHER = "pusher"  # takes messages from the queue
    MONITOR = "monitor"  # keeps what came of tasks
    MAIN = "main process"  # manage.py qcluster itself: watches the scheduler, which says in its place that it does


class Worker(models.Model):
    """A process of a cluster: its last round (imports.workers.heartbeat). `name` is its process token."""

    worker_id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=255, unique=True, help_text="host/pid/...: as in the imports it holds")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.WORKER, db_default=Role.WORKER)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now(), help_text="its last round")
    doing = OutsideCharField(max_length=255, blank=True, help_text="the task in hand; empty: idle")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="empty: not that anybody knew")
    ended_by = models.CharField(
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text="by whom it was ended, and why; empty: by itself",
    )

    class Meta:
        db_table = "workers"
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        host, _, rest = self.name.partition("/")
        return shown(f"{host}, process {rest.partition('/')[0]}")

    @classmethod
    def seen(cls, name: str, doing: str, role: str = Role.WORKER) -> None:
        """A round of the process token `name`. `doing`: the task in hand (cut at 255 characters), "" for none."""
        doing = doing[:255]
        if not cls.objects.filter(name=name).update(seen_at=Now(), doing=doing, ended_at=None, ended_by=""):
            new = cls(name=name, doing=doing, role=role)
            cls.objects.bulk_create([new], update_conflicts=True, update_fields=["doing"])

    @classmethod
    def ended(cls, names: Iterable[str], by: str = "") -> None:
        """Of process tokens that have ended; `by`: why somebody ended them."""
        cls.objects.filter(name__in=list(names), ended_at=None).update(ended_at=Now(), ended_by=by[:255])

    @classmethod
    def bury(cls) -> None:
        """Write down those of this machine that died without a word, and of this host's name before its last start."""
        host, machine = host_and_machine()
        quiet = cls.objects.filter(ended_at=None, seen_at__lt=Now() - timedelta(seconds=WORKER_STALE_SECONDS))
        dead = [each.name for each in quiet if is_known_dead(each.name)]
        before = [
            each.name
            for each in cls.objects.filter(cls.is_silent(), name__startswith=f"{host}/")
            if machine != "0" and not each.name.endswith(f"/{machine}")
        ]
        if dead or before:
            cls.ended([*dead, *before], DIED)

    @classmethod
    def was_alive(cls, ago: timedelta) -> bool:
        """Whether a worker was alive that long ago, or within the minute before; not longer ago than a day."""
        then = Now() - ago
        return cls.objects.filter(
            role=Role.WORKER, started_at__lte=then, seen_at__gt=then - timedelta(minutes=1)
        ).exists()

    @classmethod
    def alive(cls) -> models.QuerySet["Worker"]:
        """The workers with a heartbeat in the last WORKER_STALE_SECONDS, by the server's clock."""
        return cls.objects.filter(
            role=Role.WORKER, ended_at=None, seen_at__gt=Now() - timedelta(seconds=WORKER_STALE_SECONDS)
        )

    @classmethod
    def is_silent(cls) -> Q:
        """Those that have made no round for NO_ROUND_SECONDS, and are not known to have ended."""
        return Q(ended_at=None, seen_at__lte=Now() - timedelta(seconds=NO_ROUND_SECONDS))

    @classmethod
    def of_holders(cls) -> Q:
        """Those that may have a message in hand: see imports.workers.fetched."""
        return Q(ended_at=None, seen_at__gt=Now() - timedelta(seconds=HOLDER_SILENT_SECONDS)) | Q(
            ended_at__gt=Now() - timedelta(seconds=RESULT_ON_ITS_WAY_SECONDS)
        )


class FetchedMessage(models.Model):
    """A message of the queue that was fetched: who has it, and how many died having it (imports.workers.fetched).

    It is gone when the message is acknowledged. django-q2's own table says only until when nobody else fetches it.
    """

    message_id = models.BigIntegerField(primary_key=True, help_text="of django_q_ormq")
    holder = models.CharField(max_length=255, blank=True, help_text="process token; empty: given back")
    fetched_at = models.DateTimeField(db_default=Now())
    taken_at = models.DateTimeField(null=True, help_text="when a worker began with it; empty: it lies in its cluster")
    done_at = models.DateTimeField(null=True, help_text="when its task ended; what came of it is not written down yet")
    deaths = models.PositiveSmallIntegerField(default=0, db_default=0, help_text="of processes that had it in hand")
    last_death = models.CharField(max_length=255, blank=True, default="", db_default="")

    class Meta:
        db_table = "fetched_messages"
        default_permissions = ()

    def __str__(self) -> str:
        return f"message {self.message_id}, {self.holder or 'given back'}"
