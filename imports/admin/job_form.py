"""The times of a recurring job as an operator says them: every so many minutes, or by day and clock; cron for experts.

What is chosen by fields is stored as a cron expression, of which the next run follows. All of it is held to what the
workers can bear (imports.workers.times).
"""

import re
from datetime import timedelta

from django import forms
from django.utils import timezone
from django_q.models import Schedule

from imports.archive.pause_model import Pause
from imports.workers import times

MINUTES, HOUR, DAY, WEEK, MONTH, CRON, AS_IT_IS = "minutes", "hour", "day", "week", "month", "cron", "as it is"
HOW = (
    (MINUTES, "Every so many minutes"),
    (HOUR, "Every hour"),
    (DAY, "Every day"),
    (WEEK, "Every week"),
    (MONTH, "Every month"),
    (CRON, "By a cron expression"),
)
_LAST_DAY = 28  # that every month has


class ScheduleForm(forms.ModelForm):
    """When a job runs, and whether it is switched on: never which function."""

    enabled = forms.BooleanField(required=False, label="Switched on")
    how = forms.ChoiceField(choices=HOW, label="How often")
    minutes = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=times.MINUTES_MAX,
        label="Minutes",
        help_text=f"For every so many minutes: 1 to {times.MINUTES_MAX:,}.",
    )
    at = forms.TimeField(
        required=False,
        label="At (UTC)",
        input_formats=["%H:%M", "%H:%M:%S"],
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text="For every day, week or month: the time. For every hour: its minutes count.",
    )
    weekday = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "-"), *((n % 7, times.DAYS[n % 7]) for n in range(1, 8))],
        label="On",
        help_text="For every week.",
    )
    day = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=_LAST_DAY,
        label="On day",
        help_text=f"For every month: 1 to {_LAST_DAY}, which every month has.",
    )
    cron = forms.CharField(
        required=False,
        max_length=100,
        label="Cron (UTC)",
        help_text="For experts: minute, hour, day of month, month, weekday. 30 2 * * 1-5 is 02:30, Monday to Friday.",
    )
    next_run = forms.SplitDateTimeField(
        required=False,
        label="Next run (UTC)",
        widget=forms.SplitDateTimeWidget(
            date_attrs={"type": "date", "aria-label": "Day of the next run"},
            time_attrs={"type": "time", "aria-label": "Time of the next run, UTC"},
            time_format="%H:%M",
        ),
        help_text="For every so many minutes: when it begins, within a year. For all others it follows from the times.",
    )

    class Meta:
        model = Schedule
        fields = ("minutes", "cron", "next_run")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.before = described(self.instance)
        self.initial |= initial_of(self.instance)
        if self.initial["how"] == AS_IT_IS:
            self.fields["how"].choices = [*HOW, (AS_IT_IS, f"As it is: {times.in_words(self.instance)}")]

    def clean(self):
        cleaned = super().clean()
        if self.errors:
            return cleaned
        how = cleaned["how"]
        for name, when, said in (
            ("minutes", (MINUTES,), f"Say every how many minutes, 1 to {times.MINUTES_MAX:,}."),
            ("at", (HOUR, DAY, WEEK, MONTH), "Say at what time (UTC), as 02:30."),
            ("weekday", (WEEK,), "Say on which day of the week."),
            ("day", (MONTH,), "Say on which day of the month."),
            ("cron", (CRON,), "Say when: minute, hour, day of month, month, day of week."),
        ):
            if how in when and cleaned.get(name) in (None, ""):
                self.add_error(name, said)
        if self.errors:
            return cleaned
        if how == CRON and (problem := times.problem_of_cron(cleaned["cron"])):
            self.add_error("cron", f"{problem[0].upper()}{problem[1:]}.")
        now, chosen = timezone.now(), cleaned.get("next_run")
        is_new = how == MINUTES and chosen and "next_run" in self.changed_data
        if is_new and not now - timedelta(days=1) <= chosen <= now + times.AHEAD_MAX:
            self.add_error("next_run", "The next run is to lie within a year from now.")
        if cleaned["enabled"] and self.instance.repeats == 0 and (pause := Pause.current()):
            self.add_error("enabled", f"{pause.in_words()}. Resume everything first.")
        return cleaned

    def _post_clean(self):
        """The times that were chosen, on the schedule; what it cannot be held to is an error of the form."""
        if self.errors:
            return
        job, cleaned, now = self.instance, self.cleaned_data, timezone.now()
        stood = (job.schedule_type, job.cron, job.minutes)
        job.repeats = (job.repeats or -1) if cleaned["enabled"] else 0
        if cleaned["how"] == MINUTES:
            job.schedule_type, job.minutes, job.cron = Schedule.MINUTES, cleaned["minutes"], None
            if "next_run" in self.changed_data and cleaned["next_run"]:
                job.next_run = cleaned["next_run"]
        elif cleaned["how"] != AS_IT_IS:
            job.schedule_type, job.minutes, job.cron = Schedule.CRON, None, expression(cleaned)
        if job.schedule_type == Schedule.CRON and (job.schedule_type, job.cron, job.minutes) != stood:
            job.next_run = times.next_of_cron(job.cron, now)
        if times.problem_of_next_run(job, now):
            job.next_run = times.next_run_set_right(job, now)
        if problem := times.problem_of(job, now):
            self.add_error(None, f"{problem[0].upper()}{problem[1:]}.")

    def what_changed(self) -> str:
        """For the history: every 5 minutes → every day at 02:30 UTC; switched on → switched off."""
        after = described(self.instance)
        return "; ".join(
            f"{self.before[name]} → {said}" if name in self.before else said
            for name, said in after.items()
            if said != self.before.get(name)
        )


def described(schedule: Schedule) -> dict[str, str]:
    """What of a job can be changed, in words."""
    next_run = f"{schedule.next_run:%Y-%m-%d %H:%M}Z" if schedule.next_run else "never"
    found = {
        "times": times.in_words(schedule),
        "on": "switched off" if schedule.repeats == 0 else "switched on",
    }
    if schedule.schedule_type != Schedule.CRON:
        found["next"] = f"next run {next_run}"
    return found


def expression(chosen: dict) -> str:
    """The cron expression of what the fields say."""
    if chosen["how"] == CRON:
        return " ".join(chosen["cron"].split())
    minute, hour = chosen["at"].minute, chosen["at"].hour
    return {
        HOUR: f"{minute} * * * *",
        DAY: f"{minute} {hour} * * *",
        WEEK: f"{minute} {hour} * * {chosen['weekday']}",
        MONTH: f"{minute} {hour} {chosen['day']} * *",
    }[chosen["how"]]


def initial_of(schedule: Schedule) -> dict:
    """What the fields show of a stored schedule."""
    found: dict = {"enabled": schedule.repeats != 0, "how": CRON, "next_run": schedule.next_run, "cron": schedule.cron}
    if schedule.schedule_type == Schedule.MINUTES:
        return found | {"how": MINUTES}
    if schedule.schedule_type != Schedule.CRON:
        return found | {"how": AS_IT_IS}
    read = re.fullmatch(r"(\d+) (\*|\d+) (\*|\d+) \* (\*|[0-7])", schedule.cron or "")
    if read is None or times.problem_of_cron(schedule.cron):
        return found
    minute, hour, day, weekday = read.groups()
    at = f"{0 if hour == '*' else int(hour):02}:{int(minute):02}"
    if hour == "*":
        return found | ({"how": HOUR, "at": at} if day == weekday == "*" else {})
    if day == weekday == "*":
        return found | {"how": DAY, "at": at}
    if day == "*":
        return found | {"how": WEEK, "at": at, "weekday": int(weekday) % 7}
    if weekday == "*" and int(day) <= _LAST_DAY:
        return found | {"how": MONTH, "at": at, "day": int(day)}
    return found
