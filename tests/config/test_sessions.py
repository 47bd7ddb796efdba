"""How long a sign-in lasts, and what travels with it: cookies and headers of every answer."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

pytestmark = pytest.mark.django_db
HOUR, PASSWORD = timedelta(hours=1), "Tr0ut-and-brook"
BY_ITSELF = {"Desk-By-Itself": "yes"}


@pytest.fixture
def boss(time_machine) -> Client:
    """Somebody who signs in now; time stands still from here on."""
    time_machine.move_to(timezone.now(), tick=False)
    User.objects.create_superuser("boss", password=PASSWORD)
    client = Client()
    answer = client.post("/admin/login/", {"username": "boss", "password": PASSWORD})
    assert answer.status_code == 302
    return client


def is_in(client: Client, **headers: str) -> bool:
    return client.get("/admin/password_change/", headers=headers).status_code == 200


def test_whoever_acts_stays_and_whoever_does_not_for_12_hours_is_out(boss, time_machine):
    for _ in range(3):
        time_machine.shift(11 * HOUR)
        assert is_in(boss)
    time_machine.shift(12 * HOUR + timedelta(minutes=1))
    assert not is_in(boss)


def test_a_page_that_refreshes_itself_keeps_no_session_alive_and_writes_nothing(boss, time_machine):
    for _ in range(3):
        time_machine.shift(4 * HOUR - timedelta(minutes=1))
        with CaptureQueriesContext(connection) as asked:
            assert boss.get("/admin/home/now/", headers=BY_ITSELF).status_code == 200
        assert not [each["sql"] for each in asked if "django_session" in each["sql"] and "SELECT" not in each["sql"]]
    time_machine.shift(timedelta(minutes=4))
    assert boss.get("/admin/home/now/", headers=BY_ITSELF).status_code == 302


def test_scripts_that_ask_by_themselves_say_so():
    for name in ("refresh", "preview"):
        with open(f"imports/static/imports/{name}.js") as script:
            text = script.read()
        assert text.count("fetch(") == text.count('"Desk-By-Itself"') == 1


def test_it_is_written_every_ten_minutes_at_most(boss, time_machine):
    def writes() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert is_in(boss)
        return sum("UPDATE `django_session`" in each["sql"] for each in asked)

    assert [writes(), writes()] == [0, 0]
    time_machine.shift(timedelta(minutes=10))
    assert [writes(), writes()] == [1, 0]


def test_after_a_week_everybody_signs_in_again(boss, time_machine):
    for _ in range(15):
        time_machine.shift(11 * HOUR)
        assert is_in(boss)
    time_machine.shift(3 * HOUR + timedelta(minutes=1))
    assert not is_in(boss)
    assert not Session.objects.exists()


def test_a_key_that_was_there_before_the_sign_in_is_worth_nothing_and_none_is_after_the_sign_out(boss):
    planted = SessionStore()
    planted["by"] = "an attacker"
    planted.save()
    victim = Client()
    victim.cookies["sessionid"] = planted.session_key
    victim.post("/admin/login/", {"username": "boss", "password": PASSWORD})
    assert is_in(victim)
    assert victim.cookies["sessionid"].value != planted.session_key
    assert not Session.objects.filter(session_key=planted.session_key).exists()

    used = boss.cookies["sessionid"].value
    answer = boss.post("/admin/logout/")
    assert (answer.cookies["sessionid"].value, answer.cookies["sessionid"]["max-age"]) == ("", 0)
    assert not Session.objects.filter(session_key=used).exists()
    boss.cookies["sessionid"] = used
    assert not is_in(boss)


def test_a_new_password_ends_the_sessions_of_the_old_one(boss):
    other = Client()
    other.force_login(User.objects.get())
    form = {"old_password": PASSWORD, "new_password1": "Br00k-and-trout", "new_password2": "Br00k-and-trout"}
    assert boss.post("/admin/password_change/", form).status_code == 302
    assert is_in(boss)
    assert not is_in(other)


def test_cookies_are_for_this_site_and_for_no_script(settings, client):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    User.objects.create_superuser("boss", password=PASSWORD)
    client.get("/admin/login/")
    client.post("/admin/login/", {"username": "boss", "password": PASSWORD})
    client.get("/admin/?clock=1")
    assert set(client.cookies) == {"sessionid", "csrftoken", "desk_clock"}
    for name, cookie in client.cookies.items():
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax"), name
    assert client.cookies["sessionid"]["max-age"] == 12 * 3600


@pytest.mark.parametrize("password", ["Ab3-xyz", "password123", "8472910357", "annabelle-Qx"])
def test_a_password_that_is_guessed_is_refused(password):
    with pytest.raises(ValidationError):
        validate_password(password, User(username="annabelle"))


# --- headers ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/", "/admin/login/", "/healthz", "/static/config/site.css", "/not/there"])
def test_every_answer_says_what_a_browser_may_do_with_it(client, path):
    headers = client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'self'", "object-src": "'none'", "base-uri": "'none'", "form-action": "'self'",
        "frame-ancestors": "'none'",
    }  # fmt: skip
    assert "camera=()" in headers["Permissions-Policy"]
    assert {name: headers.get(name) for name in EXPECTED} == EXPECTED


EXPECTED = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Access-Control-Allow-Origin": None,
}


def test_with_a_proxy_in_front_all_but_monitors_are_sent_to_https_and_told_to_stay(client, settings):
    settings.BEHIND_TLS_PROXY = settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS, settings.SECURE_PROXY_SSL_HEADER = 60, ("HTTP_X_FORWARDED_PROTO", "https")
    client = Client()  # whose middleware reads the settings
    assert client.get("/admin/?a=1")["Location"] == "https://testserver/admin/?a=1"
    assert client.get("/healthz", headers={"Host": "10.0.0.7:8000"}).status_code in (200, 503)
    answer = client.get("/admin/login/", headers={"X-Forwarded-Proto": "https"})
    assert (answer.status_code, answer["Strict-Transport-Security"]) == (200, "max-age=60")


@pytest.mark.parametrize("length", ["x", "-1", "1e3", "\u0663", "9" * 5_000])
def test_a_body_whose_length_is_no_number_is_refused(client, length):
    """gunicorn says so itself; a request that another server lets through is no error of ours."""
    answer = client.post("/admin/login/", "a=b", content_type="application/json", CONTENT_LENGTH=length)
    assert answer.status_code == 400
