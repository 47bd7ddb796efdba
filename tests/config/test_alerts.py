"""Telling operators: what begins and ends is told once, what flickers seldom, and what is not delivered is seen."""

import logging
import socketserver
import threading
import time
from contextlib import suppress
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from django.views.debug import get_default_exception_reporter_filter
from django_q.models import Schedule

from config import tasks
from config.alerts import delivery, rounds
from config.alerts.messages import channels
from config.home import home
from config.home.page import Attention
from config.models import Alert, Delivery
from imports.workers import schedules
from tests.config.alert_servers import MailServer, WebhookServer, served
from tests.imports.desk import new_import, park, running
from tests.waiting import HANG_SECONDS

pytestmark = pytest.mark.django_db
SECRET = "/services/T000/B000/XXXXsecretXXXX?token=hidden"
FAILED = Attention("imports.failed", "An import has failed", "/admin/imports/")
SILENT = Attention("live.silent", "A park is open and silent")
NOW = timezone.now()


@pytest.fixture
def mail(settings):
    with served(MailServer()) as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.ALERT_EMAILS = ["anna@example.org", "ben@example.org"]
        settings.DEFAULT_FROM_EMAIL = "Warehouse <warehouse@example.org>"
        yield server


@pytest.fixture
def webhook(settings):
    with served(WebhookServer()) as server:
        settings.ALERT_WEBHOOK_URL = f"http://127.0.0.1:{server.server_port}{SECRET}"
        yield server


class Rounds:
    """Rounds two minutes apart: each says what began and what ended."""

    def __init__(self):
        self.now = NOW

    def __call__(self, *attention: Attention, minutes: float = 2) -> tuple[list[str], list[str]]:
        self.now += timedelta(minutes=minutes)
        return tuple([alert.key for alert in alerts] for alerts in rounds.compare(attention, self.now))


@pytest.fixture
def a_round(webhook):
    return Rounds()


# --- begins and ends ----------------------------------------------------------------------------------------------
def test_what_stays_for_two_rounds_has_begun_and_what_is_gone_for_ten_minutes_has_ended_each_told_once(a_round):
    assert a_round(FAILED) == ([], [])
    assert a_round(FAILED) == (["imports.failed"], [])
    assert a_round(FAILED) == a_round(FAILED, SILENT) == ([], [])
    assert a_round(FAILED, SILENT) == (["live.silent"], [])
    assert [a_round(SILENT) for _ in range(6)] == [([], [])] * 5 + [([], ["imports.failed"])]
    assert a_round(SILENT) == ([], [])
    subjects = list(Delivery.objects.order_by("pk").values_list("subject", flat=True))
    assert subjects == [
        "Needs attention: An import has failed",
        "Needs attention: A park is open and silent",
        "Over: An import has failed",
    ]
    text = Delivery.objects.order_by("pk")[1].text
    assert "Still needs attention\n- An import has failed (since 20" in text


def test_another_wording_of_the_same_trouble_is_not_told_again(a_round):
    a_round(FAILED), a_round(FAILED)
    assert a_round(Attention("imports.failed", "2 imports have failed")) == ([], [])
    assert Alert.objects.get().said == "2 imports have failed"


def test_what_comes_for_one_round_alone_is_not_told(a_round):
    a_round(FAILED)
    assert [a_round() for _ in range(10)] == [([], [])] * 10
    assert a_round(FAILED) == ([], []), "it begins anew"
    assert not Delivery.objects.exists()


def test_what_flickers_from_round_to_round_is_told_once(a_round):
    for _ in range(15):
        a_round(FAILED), a_round()
    assert Delivery.objects.count() == 1


def test_what_comes_and_goes_slowly_is_told_twice_an_hour_at_most(a_round):
    """15 minutes there and 15 not, for 4 hours."""
    for _ in range(8):
        for _ in range(3):
            a_round(FAILED, minutes=5)
        for _ in range(3):
            a_round(minutes=5)
    assert 4 <= Delivery.objects.count() <= 8


def test_nothing_ends_while_a_part_could_not_be_worked_out(a_round):
    a_round(FAILED), a_round(FAILED)
    unknown = Attention("imports.unknown", "Imports could not be worked out")
    told = [a_round(unknown) for _ in range(8)]
    assert [ended for _, ended in told] == [[]] * 8
    assert ["imports.unknown"] in [begun for begun, _ in told]


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_tell_once(webhook, settings):
    later = NOW + timedelta(minutes=2)
    rounds.compare([FAILED, SILENT], NOW)
    together = threading.Barrier(2, timeout=HANG_SECONDS)

    def work():
        together.wait()
        rounds.compare([SILENT, FAILED], later)
        delivery.deliver(later)
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    delivery.deliver(later)  # of what the other one may have left
    told = [each["key"] for post in webhook.posts for each in post["begun"]]
    assert sorted(told) == ["imports.failed", "live.silent"]


# --- delivered ----------------------------------------------------------------------------------------------------
def test_mail_and_webhook_say_what_home_says(mail, webhook, settings):
    settings.DESK_URL = "https://warehouse.example.org"
    running(new_import(park())).fail("the disk is full")
    tasks.tell_attention()
    Alert.objects.update(since=timezone.now() - timedelta(minutes=5))
    assert "2 delivered" in tasks.tell_attention()
    assert "0 delivered" in tasks.tell_attention()
    (message,) = mail.mails
    assert message["To"] == "anna@example.org, ben@example.org"
    assert message["From"] == "Warehouse <warehouse@example.org>"
    assert message["Subject"].startswith("[warehouse] Need attention: ")
    assert message["Message-ID"].endswith("@example.org>")
    text = message.get_content()
    (post,) = webhook.posts
    said = {each.key: each for each in home(lambda _: True, timezone.now()).attention}
    assert {each["key"] for each in post["begun"]} == set(said)
    for each in said.values():
        assert f"- {each.said} (since " in text
    assert f"  https://warehouse.example.org{said['imports.failed'].url}" in text
    assert post["event"] == "attention"
    assert "An import has failed" in post["text"]
    assert webhook.paths == [SECRET]


def test_the_report_of_the_night_is_sent_once_a_day(mail, webhook):
    running(new_import(park())).fail("the disk is full")
    assert tasks.report_night() == "2 delivered"
    assert tasks.report_night() == "0 delivered"
    (message,) = mail.mails
    assert message["Subject"] == "[warehouse] Last night: 1 import failed"
    assert "the disk is full" in message.get_content()
    (post,) = webhook.posts
    assert (post["event"], post["night"]["failed"]) == ("night", 1)


def test_what_is_not_delivered_is_tried_again_in_order_is_seen_on_home_and_holds_no_secret(mail, webhook, caplog):
    caplog.set_level(logging.DEBUG)
    webhook.status = 500
    tasks.report_night()
    rounds.compare([SILENT], NOW)
    rounds.compare([SILENT], NOW + timedelta(minutes=2))
    came = tasks._deliver()
    assert came == "1 delivered; Webhook could not be delivered: 127.0.0.1 answers 500"
    assert len(mail.mails) == 2, "the other channel does not wait for it"
    assert len(webhook.paths) == 2, "and the second message waits for the first"
    (attention,) = [each for each in home(lambda _: True, timezone.now()).attention if each.key.startswith("alerts")]
    assert attention.key == "alerts.webhook"
    assert attention.said.startswith("Webhook to operators is not delivered, the first for ")
    assert "127.0.0.1 answers 500" in attention.said
    for text in (caplog.text, attention.said, came, *Delivery.objects.values_list("error", flat=True)):
        assert "secret" not in text
        assert "hidden" not in text
    webhook.status = 200
    assert tasks._deliver() == "2 delivered"
    assert [post["event"] for post in webhook.posts] == ["night", "attention"]
    assert not [each for each in home(lambda _: True, timezone.now()).attention if each.key.startswith("alerts")]


@pytest.mark.parametrize("status", [302, 404, 410])
def test_a_webhook_that_answers_otherwise_is_not_delivered_and_not_followed(webhook, status):
    webhook.status = status
    assert tasks.report_night() == f"0 delivered; Webhook could not be delivered: 127.0.0.1 answers {status}"
    assert webhook.paths == [SECRET]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://nowhere.invalid", "http://[::1", "http://a b"])
def test_an_address_where_nobody_listens_is_told_by_its_host_alone(settings, url):
    settings.ALERT_WEBHOOK_URL = url + SECRET
    came = tasks.report_night()
    assert came.startswith("0 delivered; Webhook could not be delivered: ")
    assert "secret" not in came


def test_the_page_of_an_error_leaves_the_address_out(settings):
    settings.ALERT_WEBHOOK_URL, settings.EMAIL_HOST_PASSWORD = f"https://example.org{SECRET}", "secret"
    shown = get_default_exception_reporter_filter().get_safe_settings()
    assert "secret" not in f"{shown['ALERT_WEBHOOK_URL']} {shown['EMAIL_HOST_PASSWORD']} {shown['DATABASES']}"


def test_a_mail_server_that_refuses_or_is_gone_is_told_without_users(mail, settings):
    mail.refusal = "550 user anna-secret is not let in"
    assert tasks.report_night() == (
        "0 delivered; Mail could not be delivered: 127.0.0.1 answers 550 (SMTPSenderRefused)"
    )
    mail.refusal, settings.EMAIL_PORT = "", 1
    assert tasks._deliver() == "0 delivered; Mail could not be delivered: 127.0.0.1: Connection refused"
    (due,) = Delivery.objects.all()
    assert (due.attempts, due.delivered_at, due.claimed_at) == (2, None, None)


def test_whoever_died_while_sending_is_waited_for_and_then_it_is_sent_anew(webhook):
    rounds.report(_a_night())
    now = timezone.now()
    Delivery.objects.update(claimed_at=now)
    assert delivery.deliver(now) == (0, [])
    assert delivery.deliver(now + timedelta(minutes=6)) == (1, [])


def test_what_waits_for_a_channel_that_is_switched_off_is_dropped(mail, webhook, settings):
    rounds.report(_a_night())
    settings.ALERT_WEBHOOK_URL = ""
    assert delivery.deliver(timezone.now()) == (1, [])
    assert list(Delivery.objects.values_list("channel", flat=True)) == ["mail"]


def _a_night():
    from config.night import night

    return night(timezone.now())


# --- nothing set --------------------------------------------------------------------------------------------------
def test_where_nothing_is_set_nothing_is_kept_or_sent_and_home_is_silent():
    running(new_import(park())).fail("the disk is full")
    assert tasks.tell_attention() == tasks.report_night() == tasks.NOTHING_SET
    assert not Alert.objects.exists()
    assert not Delivery.objects.exists()
    assert not [each for each in home(lambda _: True, timezone.now()).attention if each.key.startswith("alerts")]
    with pytest.raises(CommandError, match="ALERT_EMAILS"):
        call_command("tell_operators")


def test_the_jobs_are_there_where_somebody_wants_to_be_told(settings):
    told = {"config.tasks.tell_attention", "config.tasks.report_night"}
    for emails, url, wanted in (([], "", set()), (["a@b.c"], "", told), ([], "https://b.c", told), ([], "", set())):
        settings.ALERT_EMAILS, settings.ALERT_WEBHOOK_URL = emails, url
        list(schedules.sync())
        jobs = set(Schedule.objects.filter(func__startswith="config.").values_list("func", flat=True))
        assert jobs - {"config.tasks.forget_old_sign_ins"} == wanted


def test_the_command_tries_it_and_says_what_fails(mail, webhook):
    out = StringIO()
    call_command("tell_operators", "--night", stdout=out)
    call_command("tell_operators", "--night", stdout=out)
    assert "2 delivered over mail, webhook" in out.getvalue()
    assert len(mail.mails) == len(webhook.posts) == 2
    webhook.status = 500
    with pytest.raises(CommandError, match="answers 500"):
        call_command("tell_operators", "--night", stdout=out)


# --- servers that never come to an end ------------------------------------------------------------------------------
class Trickling(socketserver.ThreadingTCPServer):
    """Says a byte every 10 ms, of an answer that never ends."""

    daemon_threads = True

    def __init__(self, begin: bytes, again: bytes):
        super().__init__(("127.0.0.1", 0), _Trickle)
        self.begin, self.again = begin, again
        self.given_up = threading.Event()


class _Trickle(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with suppress(OSError):
            self.request.sendall(self.server.begin)
            while True:
                for byte in self.server.again:
                    self.request.sendall(bytes([byte]))
                    time.sleep(0.01)
        self.server.given_up.set()


def test_a_mail_server_that_trickles_is_given_up(settings, monkeypatch):
    monkeypatch.setattr(delivery, "DELIVERED_WITHIN_SECONDS", 0.3)
    with served(Trickling(b"", b"220-still here\r\n")) as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.ALERT_EMAILS = ["anna@example.org"]
        call_and_fail("127.0.0.1: the answer is not complete after 0.3 s")
        assert server.given_up.wait(HANG_SECONDS)


def test_a_webhook_that_trickles_is_given_up(settings, monkeypatch):
    monkeypatch.setattr(delivery, "DELIVERED_WITHIN_SECONDS", 0.3)
    with served(Trickling(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")) as server:
        settings.ALERT_WEBHOOK_URL = f"http://127.0.0.1:{server.server_address[1]}{SECRET}"
        call_and_fail("127.0.0.1: the answer is not complete after 0.3 s")
        assert server.given_up.wait(HANG_SECONDS)


def call_and_fail(says: str) -> None:
    Delivery.objects.create(channel=channels()[0], subject="s", text="t", payload={}, name="n", made_at=NOW)
    assert delivery.deliver(NOW)[0] == 0
    assert says in Delivery.objects.get().error
    assert "secret" not in Delivery.objects.get().error
