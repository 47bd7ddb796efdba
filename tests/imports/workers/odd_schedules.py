"""Rows of recurring jobs as somebody writes them by SQL."""

from datetime import timedelta

from django.db import connection
from django.utils import timezone

#: what a form, a save and a check refuse, as somebody writes it by SQL: columns and values
BY_SQL = {
    "year 206": {"next_run": "0206-01-01 00:00:00", "schedule_type": "I", "minutes": 1},
    "year 206, monthly": {"next_run": "0206-01-31 00:00:00", "schedule_type": "M"},
    "year 1": {"next_run": "0001-01-01 00:00:00", "schedule_type": "H"},
    "no date": {"next_run": "0000-00-00 00:00:00", "schedule_type": "H"},
    "day 0": {"next_run": "2025-01-00 00:00:00", "schedule_type": "D"},
    "minutes 0": {"schedule_type": "I", "minutes": 0},
    "minutes 65535": {"schedule_type": "I", "minutes": 65_535},
    "no minutes": {"schedule_type": "I"},
    "cron that never comes": {"schedule_type": "C", "cron": "0 0 31 2 *"},
    "cron of leap years": {"schedule_type": "C", "cron": "0 0 29 2 1"},
    "cron of nothing": {"schedule_type": "C", "cron": ""},
    "no cron": {"schedule_type": "C"},
    "cron of seconds": {"schedule_type": "C", "cron": "* * * * * *"},
    "cron of nonsense": {"schedule_type": "C", "cron": "\x00 \u202e * * @hourly"},
    "long cron": {"schedule_type": "C", "cron": ",".join(["1"] * 46) + " * * * *"},
    "no kind": {"schedule_type": "ZZ"},
    "arguments": {"args": "(" * 5_000},
    "long arguments": {"args": "1," * 100_000},
    "signs": {"args": "-" * 100_000 + "1"},
    "keywords": {"kwargs": "{1: 2}"},
    "runs in the scheduler": {"kwargs": "sync=True", "func": "config.tasks.tell_attention"},
    "runs in the scheduler by options": {"kwargs": "{'q_options': {'sync': True}}"},
    "options that are none": {"kwargs": "{'q_options': 7}"},
    "date as an option": {"intended_date_kwarg": "sync"},
    "hook": {"hook": "os.abort"},
    "another cluster": {"cluster": "nobody"},
    "os": {"func": "os.system", "args": "'true'", "schedule_type": "O"},
    "queues another": {"func": "imports.tasks.async_task", "args": "'os.system', 'true'", "schedule_type": "O"},
    "no function": {"func": ""},
    "below all repeats": {"repeats": -(2**31)},
}


def insert(name: str, **columns: object) -> None:
    values = {
        "name": name,
        "func": "quality.tasks.daily_check",
        "schedule_type": "D",
        "repeats": -1,
        "next_run": timezone.now() - timedelta(minutes=1),
        **columns,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO django_q_schedule ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})",
            [*values.values()],
        )
