"""The whole attack, by hand (docs/reliability.md has what came of it):

    ./bin/test -n 0 -s -o faulthandler_timeout=0 tests/config/trial_attack.py

ATTACK_SHARE=10 takes every tenth request; ATTACK_FROM=3 begins with the fourth, for shares side by side, each with a
database of its own (another name in DATABASE_URL). ATTACK_REPORT names a file for all that went wrong.
"""

import itertools
import os
import sys
import time
from pathlib import Path

import pytest
from django.test import Client

from tests.attacking import OF_ONESELF, attack, checksums
from tests.config.test_attack import OF_OPERATORS, site  # noqa: F401 (a fixture)
from tests.imports.desk import somebody
from tests.odd_values import look_at, odds

SHARE, FROM = int(os.environ.get("ATTACK_SHARE", "1")), int(os.environ.get("ATTACK_FROM", "0"))
REPORT = os.environ.get("ATTACK_REPORT", "")


@pytest.mark.timeout(0)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["superuser", "Operators", "Viewers", "anonymous"])
def test_the_whole_attack(site, who):  # noqa: F811
    """A superuser sends all; the others every second of them, and anonymous every fourth, which meet most refusals."""
    client = site.boss if who == "superuser" else Client() if who == "anonymous" else somebody(who)
    may = {"superuser": None, "Operators": OF_OPERATORS}.get(who, OF_ONESELF)
    each = {"superuser": 1, "anonymous": 4}.get(who, 2)
    requests = list(itertools.islice(site.requests(), FROM, None, SHARE * each))  # a superuser looks for them
    begun, before, keep = time.monotonic(), checksums(), may is OF_ONESELF
    done = attack(client, requests, keep=keep)
    answers = ", ".join(f"{count:,} of {status}" for status, count in sorted(done.statuses.items()))
    sys.stdout.write(
        f"\n{who}: {done.requests:,} requests of {len(done.views)} views in {len(done.ways)} ways, {answers}; "
        f"{len(done.troubles)} troubles, {time.monotonic() - begun:.0f} s\n"
    )
    changed = [name for name, checksum in checksums().items() if keep and checksum != before[name]]
    written = {table: by for table, by in done.written.items() if may is not None and table not in may}
    if REPORT:
        with Path(REPORT).open("a") as report:
            report.writelines(f"{who}: {each}\n" for each in [*done.troubles, *written.items(), *changed])
    assert not done.troubles, f"{len(done.troubles)}:\n" + "\n".join(done.troubles[:60])
    assert not written, written
    assert not changed, changed


@pytest.mark.timeout(0)
@pytest.mark.django_db
def test_every_odd_value(site):  # noqa: F811
    """Whatever SQL may write into any column, the pages that show it open."""
    found, asked, troubles = list(itertools.islice(odds(), FROM, None, SHARE)), 0, []
    for odd in found:
        done = look_at(site.boss, odd)
        asked += done.requests
        troubles += done.troubles
        if REPORT and done.troubles:
            with Path(REPORT).open("a") as report:
                report.writelines(f"{odd}: {trouble}\n" for trouble in done.troubles)
    sys.stdout.write(f"\n{len(found):,} odd values, {asked:,} requests, {len(troubles)} troubles\n")
    assert not troubles, "\n".join(troubles[:60])
