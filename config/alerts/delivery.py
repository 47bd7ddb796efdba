"""Bringing messages to operators, over each channel in the order in which they were written, until they are delivered.

At least once: who is killed between sending and saying so leaves a message that is sent again. A mail then has the same
Message-ID, by which most programs show it once.

What is kept and logged of a failure names the host, and neither path nor query nor user: a webhook's address is a
secret.
"""

import logging
import smtplib
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q

from config.alerts.mail import BoundBackend
from config.alerts.messages import channels
from config.models import Delivery
from warehouse.wire.bounds import OutOfBounds, within
from warehouse.wire.sessions import bound_session

ANSWERS_WITHIN_SECONDS = 10  # without a byte
DELIVERED_WITHIN_SECONDS = 30.0  # one message, from the name of the server to its last word
ANSWER_MAX_BYTES = 1024 * 1024
ALL_WITHIN_SECONDS = 200.0  # a worker ends a task after 300 s
CLAIM_LASTS = timedelta(minutes=5)  # longer than an attempt takes: then whoever was at it is dead
AT_ONCE = 20
KEPT = timedelta(days=7)

logger = logging.getLogger(__name__)


class NotDelivered(Exception):
    """The message names the host and what it said, and no secret."""


SMTP = "django.core.mail.backends.smtp.EmailBackend"


def deliver(now: datetime) -> tuple[int, list[str]]:
    """What is due, each channel until something fails. How many were delivered, and a sentence for each failure."""
    Delivery.objects.filter(delivered_at=None).exclude(channel__in=channels()).delete()
    Delivery.objects.filter(made_at__lt=now - KEPT).delete()
    with within(ALL_WITHIN_SECONDS, sleeps_count=True):
        return _deliver(now)


def _deliver(now: datetime) -> tuple[int, list[str]]:
    delivered, failures = 0, []
    for channel in channels():
        due = Delivery.objects.filter(channel=channel, delivered_at=None).order_by("pk")
        for message in due[:AT_ONCE]:
            if not _claim(message, now):
                break  # another worker is at it, and the next one comes after it
            try:
                SENDERS[channel](message)
            except NotDelivered as error:
                failures.append(f"{message.get_channel_display()} could not be delivered: {error}")
                logger.error(failures[-1])
                Delivery.objects.filter(pk=message.pk).update(
                    claimed_at=None, attempts=message.attempts + 1, error=f"{error}"[:200]
                )
                break
            Delivery.objects.filter(pk=message.pk).update(delivered_at=now, claimed_at=None)
            delivered += 1
    return delivered, failures


def _claim(message: Delivery, now: datetime) -> bool:
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIM_LASTS)
    return bool(Delivery.objects.filter(free, pk=message.pk, delivered_at=None).update(claimed_at=now))


def _mail(message: Delivery) -> None:
    _, _, domain = settings.DEFAULT_FROM_EMAIL.rstrip(">").rpartition("@")
    mail = EmailMessage(
        subject=f"{settings.EMAIL_SUBJECT_PREFIX}{message.subject}",
        body=message.text,
        to=settings.ALERT_EMAILS,
        headers={"Message-ID": f"<{message.name.replace(' ', '-')}@{domain or 'localhost'}>"},
        connection=BoundBackend() if settings.EMAIL_BACKEND == SMTP else None,
    )
    try:
        with within(DELIVERED_WITHIN_SECONDS, ANSWER_MAX_BYTES):
            mail.send()
    except smtplib.SMTPResponseException as error:  # its text may name users
        raise NotDelivered(f"{_mail_host()} answers {error.smtp_code} ({type(error).__name__})") from None
    except Exception as error:
        raise NotDelivered(f"{_mail_host()}: {_of_what_kind(error)}") from None


def _mail_host() -> str:
    return f"{settings.EMAIL_HOST or 'EMAIL_URL'}"


def _webhook(message: Delivery) -> None:
    host = "ALERT_WEBHOOK_URL"
    try:
        host = urlsplit(settings.ALERT_WEBHOOK_URL).hostname or host
        with (
            within(DELIVERED_WITHIN_SECONDS, ANSWER_MAX_BYTES),
            bound_session() as session,
            session.post(
                settings.ALERT_WEBHOOK_URL,
                json=message.payload,
                timeout=ANSWERS_WITHIN_SECONDS,
                headers={"User-Agent": settings.USER_AGENT},
                stream=True,  # whatever it says is not read, and wherever it leads, nobody asked us to tell it there
            ) as answer,
        ):
            status = answer.status_code
    except Exception as error:  # of whatever kind: its text, and a traceback, may hold the whole address
        raise NotDelivered(f"{host}: {_of_what_kind(error)}") from None
    if not 200 <= status < 300:
        raise NotDelivered(f"{host} answers {status}")


def _of_what_kind(error: Exception) -> str:
    if isinstance(error, OutOfBounds):
        return str(error)
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


SENDERS: dict[str, Callable[[Delivery], None]] = {
    Delivery.Channel.MAIL.value: _mail,
    Delivery.Channel.WEBHOOK.value: _webhook,
}
