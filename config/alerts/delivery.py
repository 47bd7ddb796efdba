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

import requests
from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q

from config.alerts.messages import channels
from config.models import Delivery

ANSWERS_WITHIN_SECONDS = 10
CLAIM_LASTS = timedelta(minutes=5)  # longer than an attempt takes: then whoever was at it is dead
AT_ONCE = 20
KEPT = timedelta(days=7)

logger = logging.getLogger(__name__)


class NotDelivered(Exception):
    """The message names the host and what it said, and no secret."""


def deliver(now: datetime) -> tuple[int, list[str]]:
    """What is due, each channel until something fails. How many were delivered, and a sentence for each failure."""
    Delivery.objects.filter(delivered_at=None).exclude(channel__in=channels()).delete()
    Delivery.objects.filter(made_at__lt=now - KEPT).delete()
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
    )
    try:
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
        answer = requests.post(
            settings.ALERT_WEBHOOK_URL,
            json=message.payload,
            timeout=ANSWERS_WITHIN_SECONDS,
            headers={"User-Agent": settings.USER_AGENT},
            allow_redirects=False,  # wherever that leads, nobody asked us to tell it there
            stream=True,  # whatever it says, it is not read
        )
    except Exception as error:  # of whatever kind: its text, and a traceback, may hold the whole address
        raise NotDelivered(f"{host}: {_of_what_kind(error)}") from None
    with answer:
        if not 200 <= answer.status_code < 300:
            raise NotDelivered(f"{host} answers {answer.status_code}")


def _of_what_kind(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


SENDERS: dict[str, Callable[[Delivery], None]] = {
    Delivery.Channel.MAIL.value: _mail,
    Delivery.Channel.WEBHOOK.value: _webhook,
}
