"""Signing in as somebody who guesses would: how often it may fail, from where, what is said, and who lifts it."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from threading import Lock

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.signin.address import address_of
from config.signin.limits import RULES, WITHIN, forget_old
from tests.imports.desk import somebody

pytestmark = pytest.mark.django_db
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
RIGHT = "Tr0ut-and-brook"


@pytest.fixture
def anna() -> User:
    return User.objects.create_user("anna", password=RIGHT, is_staff=True)


def sign_in(username="anna", password="wrong", address=HERE, client=None, next=None, **headers):
    form = {"username": username, "password": password} | ({} if next is None else {"next": next})
    client = client or Client()
    return client.post("/admin/login/", form, REMOTE_ADDR=address, **headers)


def fail(times: int, **how) -> None:
    for _ in range(times):
        sign_in(**how)


def gets_in(**how) -> bool:
    answer = sign_in(**{"password": RIGHT, **how})
    assert answer.status_code in (302, 429), answer.content.decode()
    return answer.status_code == 302


def failed_before(username: str, address: str, failures: int) -> None:
    """As if that had been tried: each try renders a page."""
    AccessAttempt.objects.create(username=username, ip_address=address, failures_since_start=failures)


# --- what is locked, and what is not ----------------------------------------------------------------------------------
def test_after_five_failures_the_right_password_is_refused_and_the_page_says_until_when_and_what_to_do(anna, caplog):
    fail(4)
    assert sign_in().status_code == 429
    answer = sign_in(password=RIGHT)
    page = answer.content.decode()

    assert answer.status_code == 429
    assert 850 <= int(answer["Retry-After"]) <= 900
    assert re.search(r"until \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ \(in 14 min|\(in 15 min", page)
    assert "axes_reset_username" in page
    assert "'anna' from 192.0.2.1" in caplog.text
    assert caplog.text.count("Locking out") == 1
    assert not AccessLog.objects.exists()


def test_nobody_else_is_locked_out_by_that(anna):
    User.objects.create_user("bert", password=RIGHT, is_staff=True)
    fail(5)

    assert gets_in(address=ELSEWHERE)
    assert gets_in(username="bert")
    assert not gets_in()


def test_whether_there_is_such_a_user_is_not_told(anna):
    pages = []
    for username in ("anna", "nobody-of-that-name"):
        fail(5, username=username)
        page = sign_in(username=username).content.decode().replace(username, "NAME")
        pages.append(re.sub(r"\d\d:\d\d:\d\dZ|in 1\d min[ \ds]*|csrf\S+ value=\S+", "", page))
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    "how",
    [
        lambda n: {"HTTP_USER_AGENT": f"browser {n}"},
        lambda n: {"username": ("anna", "Anna", "ANNA", "ánna", "aNNa")[n]},
        lambda n: {"HTTP_X_FORWARDED_FOR": f"203.0.113.{n}", "HTTP_X_REAL_IP": f"203.0.113.{n}"},
        lambda n: {"HTTP_COOKIE": f"sessionid={n:032}"},
    ],
    ids=["another browser", "another spelling", "made-up forwarding", "another session"],
)
def test_what_a_sender_may_choose_does_not_help(anna, how):
    for n in range(5):
        sign_in(**how(n))
    assert not gets_in()


def test_one_address_that_tries_many_users_is_locked_out_and_no_other(anna):
    for n in range(4):
        failed_before(f"user {n}", HERE, 4)
    fail(1, username="somebody")
    fail(1, username="else")
    fail(1, username="yet another")
    assert sign_in(username="and another").status_code == 429  # the twentieth

    assert not gets_in()
    assert gets_in(address=ELSEWHERE)


def test_many_addresses_that_try_one_user_lock_it_but_for_where_it_has_signed_in(anna):
    assert gets_in(address="192.0.2.200")
    for n in range(10):
        failed_before("anna", f"203.0.113.{n}", 5)

    assert not gets_in(address=ELSEWHERE)
    assert gets_in(address="192.0.2.200")
    AccessLog.objects.update(attempt_time=timezone.now() - timedelta(days=91))
    assert not gets_in(address="192.0.2.200")


def test_a_login_of_ones_own_clears_nothing_that_was_tried_on_others(anna):
    User.objects.create_user("eve", password=RIGHT, is_staff=True)
    fail(4)
    assert gets_in(username="eve")
    fail(1)
    assert not gets_in()


def test_a_sign_in_clears_what_its_own_user_failed_before(anna):
    fail(4)
    assert gets_in()
    fail(4)
    assert gets_in()


def test_a_lock_ends_by_itself_and_tries_meanwhile_make_it_no_longer(anna, time_machine):
    begun = timezone.now()
    time_machine.move_to(begun, tick=False)
    fail(5)
    time_machine.move_to(begun + WITHIN - timedelta(seconds=1), tick=False)
    assert sign_in(password=RIGHT)["Retry-After"] in ("1", "2")
    fail(3)
    time_machine.move_to(begun + WITHIN + timedelta(seconds=1), tick=False)
    assert gets_in()


def test_the_first_rule_is_that_of_django_axes(settings):
    assert (RULES[0].failures, RULES[0].fields) == (settings.AXES_FAILURE_LIMIT, ("username", "ip_address"))
    assert [
        list(rule.fields) if len(rule.fields) > 1 else rule.fields[0] for rule in RULES
    ] == settings.AXES_LOCKOUT_PARAMETERS


def test_a_test_and_a_command_sign_in_without_an_address(anna):
    for _ in range(9):
        assert not Client().login(username="anna", password="wrong")
    assert Client().login(username="anna", password=RIGHT)
    assert not AccessLog.objects.exists()


# --- a hundred at once ------------------------------------------------------------------------------------------------
class Counting(MD5PasswordHasher):
    """Slow enough that others come in between, as the real one."""

    algorithm, looked, inside, lock = "counting", 0, 0, Lock()

    def verify(self, password, encoded):
        with Counting.lock:
            Counting.looked += 1
            Counting.inside += 1
        for _ in range(10):
            if Counting.inside == 1:
                time.sleep(0.005)
        with Counting.lock:
            Counting.inside -= 1
        return super().verify(password, encoded)


@pytest.mark.django_db(transaction=True)
def test_many_tries_at_once_are_not_more_than_one_after_the_other(settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.Counting"]
    User.objects.create_user("anna", password=RIGHT, is_staff=True)
    Counting.looked = 0

    def one(n: int) -> int:
        try:
            return sign_in().status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as pool:
        answers = sorted(pool.map(one, range(16)))
    assert Counting.looked == 5
    assert answers == [200] * 4 + [429] * 12


# --- from where -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("forwarded", "proxies", "address"),
    [
        ("203.0.113.9", 1, "203.0.113.9"),
        ("10.0.0.1, 203.0.113.9", 1, "203.0.113.9"),  # the first is what the sender wrote
        ("10.0.0.1, 203.0.113.9, 192.0.2.50", 2, "203.0.113.9"),
        ("203.0.113.9", 2, "203.0.113.9"),
        ("203.0.113.9:4711", 1, "203.0.113.9"),
        ("[2001:db8:1:2:3:4:5:6]:4711", 1, "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::1", 1, "2001:db8:1:2::"),
        ("::ffff:203.0.113.9", 1, "203.0.113.9"),
        ("unknown", 1, HERE),
        ("' OR 1=1 --", 1, HERE),
        ("", 1, HERE),
    ],
)
def test_behind_a_proxy_the_address_is_what_the_proxy_wrote(settings, rf, forwarded, proxies, address):
    settings.BEHIND_TLS_PROXY, settings.PROXIES = True, proxies
    asked = rf.get("/", REMOTE_ADDR=HERE, headers={"X-Forwarded-For": forwarded})
    assert address_of(asked) == address
    settings.BEHIND_TLS_PROXY = False
    assert address_of(asked) == HERE


def test_without_an_address_there_is_none(rf):
    assert address_of(rf.get("/", REMOTE_ADDR="")) is None


# --- told, shown, lifted ----------------------------------------------------------------------------------------------
ODD = "an\x1b[2Jna\u202e<b>"


def test_what_was_typed_is_shown_as_text_in_the_log_the_page_and_the_admin(admin_client, caplog, capsys):
    fail(5, username=ODD, HTTP_USER_AGENT="\x1b]0;x\x07<script>")
    pages = [sign_in(username=ODD).content.decode()]
    pages += [
        admin_client.get(reverse(f"admin:axes_{name}_changelist")).content.decode()
        for name in ("accessattempt", "accessfailurelog", "accesslog")
    ]
    row = AccessFailureLog.objects.first()
    pages.append(admin_client.get(reverse("admin:axes_accessfailurelog_change", args=[row.pk])).content.decode())
    call_command("axes_list_attempts")

    for text in (*pages, caplog.text, capsys.readouterr().out):
        assert not {"\x1b", "\u202e", "\x07"} & set(text)
    assert not any("<b>" in page or "<script>" in page for page in pages)
    assert r"an\x1b[2Jna\u202e&lt;b&gt;" in pages[0]
    assert r"an\x1b[2Jna\u202e" in pages[1] and "until 20" in pages[1]


def test_operators_see_locks_superusers_lift_them_and_that_is_in_the_history(anna, admin_client, admin_user):
    fail(5)
    row = AccessAttempt.objects.get()
    url, act = reverse("admin:axes_accessattempt_changelist"), {"action": "lift", "_selected_action": [row.pk]}
    operator = somebody("Operators")

    assert b"anna" in operator.get(url).content
    assert b"Forget these" not in operator.get(url).content
    operator.post(url, act)
    assert not gets_in()
    assert somebody("Viewers").get(url).status_code == 403
    for name in ("add", "delete"):
        address = reverse(f"admin:axes_accessattempt_{name}", args=[row.pk] if name != "add" else [])
        assert admin_client.post(address, {"post": "yes"}).status_code == 403

    assert b"1 forgotten" in admin_client.post(url, act, follow=True).content
    assert gets_in()
    assert "5 failed sign-ins of anna from 192.0.2.1" in LogEntry.objects.get(user=admin_user).get_change_message()


def test_a_lock_that_other_failures_hold_is_told(admin_client, anna):
    fail(5, HTTP_USER_AGENT="a")
    failed_before("anna", HERE, 5)
    row = AccessAttempt.objects.filter(user_agent="a").get()
    url = reverse("admin:axes_accessattempt_changelist")
    page = admin_client.post(url, {"action": "lift", "_selected_action": [row.pk]}, follow=True)
    assert b"Still locked out by other failures: anna" in page.content


def test_a_command_lifts_a_lock(anna):
    fail(5)
    call_command("axes_reset_username", "anna", stdout=StringIO())
    assert gets_in()


def test_what_is_kept_of_sign_ins_ends_after_90_days(anna):
    fail(1)
    assert gets_in()
    AccessFailureLog.objects.update(attempt_time=timezone.now() - timedelta(days=91))
    assert forget_old() == 1
    assert (AccessFailureLog.objects.count(), AccessLog.objects.count()) == (0, 1)


# --- where it leads ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "refused",
    [
        "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "javascript:alert(1)",
        "data:text/html,x", "/does-not-exist", "/accounts/profile/", "/admin/does/not/exist/", "/admin/logout/",
        "/admin/login/", "/static/x", "\x00", "http://[", "",
    ],
)  # fmt: skip
def test_a_refused_next_leads_home(anna, refused):
    for answer in (
        sign_in(password=RIGHT, next=refused),
        Client().post(f"/admin/login/?{'next=' + refused}", {"username": "anna", "password": RIGHT}),
    ):
        assert (answer.status_code, answer["Location"]) == (302, "/admin/")


@pytest.mark.parametrize("page", ["/admin/", "/admin/warehouse/park/?q=a&o=1", "/admin/auth/user", "/"])
def test_a_page_that_there_is_is_led_to(anna, page):
    assert sign_in(password=RIGHT, next=page)["Location"] == page
