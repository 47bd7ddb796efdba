"""How many sign-ins may fail, and what is locked then: rules that django-axes' one limit cannot say.

Each rule counts failures of the last quarter of an hour (WITHIN). A lock ends by itself when enough of them are older;
tries while it is locked are refused without a look at the password, and do not make it longer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.utils import timezone

from config.signin.address import address_of
from warehouse.outside import shown

WITHIN: timedelta = settings.AXES_COOLOFF_TIME
KNOWN_FOR = timedelta(days=90)  # an address from which this user has signed in; and as long the lists are kept
USERNAME_LENGTH = 150  # of Django's users


@dataclass(frozen=True)
class Rule:
    """`failures` of those who share `fields` lock them out; `strangers_only`: but for who has signed in from there."""

    fields: tuple[str, ...]
    failures: int
    what: str
    strangers_only: bool = False


RULES = (
    Rule(("username", "ip_address"), settings.AXES_FAILURE_LIMIT, "this user from this address"),
    # one address that tries many users; people behind one address share it
    Rule(("ip_address",), 20, "this address"),
    # many addresses that try one user. Alone it would let anybody lock an operator out, so not where they are known.
    Rule(("username",), 50, "this user, from addresses where they have not signed in lately", strangers_only=True),
)


class Limits(AxesDatabaseHandler):
    """django-axes' handler with the rules above."""

    def get_failures(self, request: HttpRequest, credentials: dict | None = None) -> int:
        """Of the rule that is nearest to its limit, as if the limit were AXES_FAILURE_LIMIT."""
        username = get_client_username(request, credentials)
        shares = [
            failures * settings.AXES_FAILURE_LIMIT // rule.failures
            for rule, attempts in _attempts_by_rule(username, request.axes_ip_address)
            if (failures := attempts.aggregate(Sum("failures_since_start"))["failures_since_start__sum"])
        ]
        return max(shares, default=0)

    def reset_user_attempts(self, request: HttpRequest, credentials: dict | None = None) -> int:
        """After a sign-in, those of this user from this address alone: whoever has a login of their own would else
        clear what they have tried on others."""
        username = get_client_username(request, credentials)
        return AccessAttempt.objects.filter(username=username, ip_address=request.axes_ip_address).delete()[0]

    def remove_out_of_limit_failure_logs(self, *, username: str, limit: int | None = None) -> int:
        """Nothing: it would delete the newest. `forget_old` keeps the list short."""
        return 0

    def user_logged_in(self, sender, request, user, **kwargs) -> None:
        """Nothing is kept of who comes without a request, as tests do."""
        if request.method:
            super().user_logged_in(sender, request, user, **kwargs)


def _attempts_by_rule(username: str | None, address: str | None) -> Iterator[tuple[Rule, QuerySet[AccessAttempt]]]:
    """What each rule that holds for this user at this address counts now."""
    values = {"username": username, "ip_address": address}
    recent = AccessAttempt.objects.filter(attempt_time__gte=timezone.now() - WITHIN)
    for rule in RULES:
        if not (rule.strangers_only and _is_known(username, address)):
            yield rule, recent.filter(**{field: values[field] for field in rule.fields})


def _is_known(username: str | None, address: str | None) -> bool:
    since = timezone.now() - KNOWN_FOR
    return AccessLog.objects.filter(username=username, ip_address=address, attempt_time__gte=since).exists()


def locked_until(username: str | None, address: str | None) -> tuple[datetime, str] | None:
    """When the last lock of this user at this address ends, and what is locked; None: nothing is."""
    found = []
    for rule, attempts in _attempts_by_rule(username, address):
        left = 0
        for at, failures in attempts.order_by("-attempt_time").values_list("attempt_time", "failures_since_start"):
            left += failures
            if left >= rule.failures:  # as soon as this one is too old, too few are left
                found.append((at + WITHIN, rule.what))
                break
    return max(found, default=None)


def typed_username(request: HttpRequest, credentials: dict | None) -> str | None:
    """What stands in lists and logs, and what is counted by: control characters as escapes (AXES_USERNAME_CALLABLE)."""
    typed = (credentials or request.POST).get("username")
    return None if typed is None else shown(typed, USERNAME_LENGTH)


def who(username, ip_address, user_agent, path_info, request) -> str:
    """In the log (AXES_CLIENT_STR_CALLABLE)."""
    return f"{shown(username or 'nobody', USERNAME_LENGTH)!r} from {ip_address or address_of(request) or 'here'}"


def forget_old() -> int:
    """Delete what is kept of sign-ins of before KNOWN_FOR; returns how much."""
    before = timezone.now() - KNOWN_FOR
    return sum(model.objects.filter(attempt_time__lt=before).delete()[0] for model in (AccessLog, AccessFailureLog))
