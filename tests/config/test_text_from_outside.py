"""What comes from outside stays text wherever it is shown: pages, terminals, lines of the log, mails, chat, files."""

import json
import logging
import re
from datetime import date
from io import StringIO

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.template import engines
from django.test import Client
from django.utils import timezone

from config.alerts import messages
from config.home.page import Attention
from config.models import Alert
from config.shown_pages import shown_on_page
from imports.events.issues import Issues
from imports.models import ImportCheckpoint
from quality.evidence import EXAMPLE_MAX, bounded
from quality.findings import Finding
from quality.log import record
from quality.models import DataQualityLog
from tests.imports.desk import new_import, park
from warehouse.history.answers.written import csv_lines, json_text
from warehouse.log_lines import OneLine, ShownRecord
from warehouse.management.terminal import TerminalCommand
from warehouse.models import EntityMetadata, MetadataChange, Park, Ride
from warehouse.server.dialect import is_mariadb

EVIL = "\u202eComet\x1b[2J\u2028\u200b"
SHOWN = r"\u202eComet\x1b[2J\u2028\u200b"
HEBREW = "\u05e7\u05d8\u05e8"
HIDDEN = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@pytest.fixture
def boss(client) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.fixture
def evil(db) -> Park:
    """A park, a ride, a finding and an import with what an archive may say in each of their texts."""
    lake = park(name=EVIL)
    ride = Ride.objects.create(ride_id=1, park=lake, ride_name=f"{EVIL} {HEBREW} 5", themeparks_wiki_id="r1")
    EntityMetadata.objects.create(
        ride=ride, themeparks_wiki_id="r1", entity_type=EVIL, last_updated=timezone.now(), tags=[{"tag": EVIL}]
    )
    MetadataChange.objects.create(
        ride=ride, changed_at=timezone.now(), before={"tags": [{"tag": 5}]}, after={"a": EVIL}
    )
    new_import(lake, status="FAILED", last_error=EVIL)
    record(
        [
            Finding(
                reason="unreadable_file", entity_type="park", entity_key=lake.themeparks_wiki_id, entity_id=lake.pk,
                scope=EVIL, description=EVIL, source_file=EVIL, examples=[{"name": EVIL, "eventTime": "\ud83c"}, EVIL],
                start=timezone.now(), values={EVIL: 2},
            )
        ],
        timezone.now(),
    )  # fmt: skip
    return lake


def pages(of: Park) -> list[str]:
    finding, an_import = DataQualityLog.objects.get(), ImportCheckpoint.objects.get()
    return [
        "/admin/", "/admin/warehouse/park/", f"/admin/warehouse/park/{of.pk}/change/", "/admin/warehouse/ride/",
        "/admin/warehouse/ride/1/change/", f"/admin/warehouse/park/{of.pk}/over-time/",
        "/admin/warehouse/metadatachange/", "/admin/quality/dataqualitylog/?view=list",
        f"/admin/quality/dataqualitylog/{finding.pk}/change/", "/admin/imports/importcheckpoint/",
        f"/admin/imports/importcheckpoint/{an_import.pk}/change/", "/admin/imports/importcheckpoint/start/",
        f"/admin/imports/importcheckpoint/progress/?ids={an_import.pk}&page=1",
        "/admin/autocomplete/?app_label=warehouse&model_name=ride&field_name=park&term=",
        "/admin/warehouse/ride/csv/", "/admin/quality/dataqualitylog/csv/", "/admin/imports/importcheckpoint/csv/",
    ]  # fmt: skip


def test_nothing_is_hidden_on_any_page(evil, boss):
    seen = 0
    for page in pages(evil):
        response = boss.get(page)
        assert response.status_code == 200, page
        said = b"".join(response).decode() if response.streaming else response.content.decode()
        if response["Content-Type"].startswith("application/json"):
            said = json.dumps(json.loads(said), ensure_ascii=False)  # as a script has it
            said = said.replace(r"\\u", r"\u").replace(r"\\x", r"\x")
        assert not HIDDEN.search(said.removeprefix("\ufeff")), (
            page,
            said[HIDDEN.search(said.removeprefix("\ufeff")).start() - 200 :][:300],
        )
        seen += SHOWN in said
    assert seen > 10


def test_names_from_right_to_left_stay_readable_and_move_nothing(evil, boss):
    said = boss.get("/admin/warehouse/ride/").content.decode()
    assert f"<bdi>{HEBREW}</bdi> 5" in said


def test_a_form_keeps_what_its_fields_hold(evil, boss):
    """Saved with another time zone alone, the park keeps the name that it came with."""
    url = f"/admin/warehouse/park/{evil.pk}/edit/"
    form = boss.get(url).context["adminform"].form
    sent = {name: form[name].value() or "" for name in form.fields}
    sent |= {f"initial-{name}": value for name, value in sent.items()}
    assert f'value="{EVIL}"' in boss.get(url).content.decode()
    assert boss.post(url, sent | {"timezone": "Asia/Tokyo"}).status_code == 302
    evil.refresh_from_db()
    assert (evil.park_name, evil.timezone, evil.hand_set) == (EVIL, "Asia/Tokyo", ["timezone"])


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ('<a title="\u202e">\x1b</a>', r'<a title="\u202e">\x1b</a>'),
        ('<input value="\u202e">', '<input value="\u202e">'),
        (
            '<input title="\x1b" value="\x1b" aria-label="\x1b">',
            r'<input title="\x1b" value="' + '\x1b" aria-label="\\x1b">',
        ),
        ("<textarea>\u202e\x1b</textarea>", "<textarea>\u202e\x1b</textarea>"),
        ("<option value='\u202e'>\u202e", "<option value='\u202e'>\\u202e"),
        ("<title>" + HEBREW + "\u202e</title>", f"<title>{HEBREW}\\u202e</title>"),
        (f"<b>{HEBREW} ({HEBREW}) 7</b>", f"<b><bdi>{HEBREW} ({HEBREW}</bdi>) 7</b>"),
        ("<input value='\ud83c'>", "<input value='\ufffd'>"),
        ("plain\n\t<b>é</b>", "plain\n\t<b>é</b>"),
    ],
)
def test_a_page_is_shown(html, shown):
    assert shown_on_page(html) == shown


def test_every_template_is_shown_so():
    assert engines["shown_pages"].from_string("{{ name }}").render({"name": "\ud83c\u202e"}) == r"\ud83c\u202e"


# --- the log ---------------------------------------------------------------------------------------------------------
def test_a_record_is_one_line_whatever_is_logged():
    out = StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(OneLine("%(levelname)s %(name)s %(message)s"))
    logger = logging.getLogger("tests.of.lines")
    logger.addHandler(handler)
    try:
        logger.error("of %s", f"{EVIL}\n2026-01-01 ERROR all is lost\r")
        try:
            raise ValueError("a\nb\x1b")
        except ValueError:
            logger.exception("failed for %s", "x\ud83c")
        logger.warning("a\nb", stack_info=True)
    finally:
        logger.removeHandler(handler)
    first, second, third = out.getvalue().splitlines()
    assert first == rf"ERROR tests.of.lines of {SHOWN}\n2026-01-01 ERROR all is lost\r"
    assert r"failed for x\ud83c" in second
    assert r"ValueError: a\nb\x1b" in second
    assert third.startswith(r"WARNING tests.of.lines a\nb")


def test_every_record_of_every_library_is_so():
    assert logging.getLogRecordFactory() is ShownRecord
    formatter = settings.LOGGING["formatters"]["line"]["()"]
    assert formatter == "warehouse.log_lines.OneLine"
    assert {handler["formatter"] for handler in settings.LOGGING["handlers"].values()} == {"line"}


# --- terminals -------------------------------------------------------------------------------------------------------
class Saying(TerminalCommand):
    def handle(self, **options):
        self.stdout.write(f"{EVIL}\n\tb")
        self.stderr.write("\x9b31m", str)
        raise CommandError(EVIL)


def test_what_a_command_says_is_fit_for_a_terminal(capsys):
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError):
        call_command(Saying(), stdout=out, stderr=err)
    assert (out.getvalue(), err.getvalue()) == (f"{SHOWN}\n\tb\n", "\\x9b31m\n")
    with pytest.raises(SystemExit):
        Saying().run_from_argv(["manage.py", "saying"])
    said = capsys.readouterr()
    assert said.out == f"{SHOWN}\n\tb\n"
    assert said.err.endswith(f"CommandError: {SHOWN}\n")


def test_every_command_is_such_a_one():
    from django.core.management import get_commands, load_command_class

    ours = {name: app for name, app in get_commands().items() if app in ("warehouse", "quality", "imports", "config")}
    assert len(ours) > 12
    assert all(isinstance(load_command_class(app, name), TerminalCommand) for name, app in ours.items())


def test_the_list_of_imports_is_fit_for_a_terminal(evil):
    out = StringIO()
    call_command("import_archive", "--list", stdout=out)
    assert SHOWN in out.getvalue()
    assert not HIDDEN.search(out.getvalue())


# --- mails, chat, files ----------------------------------------------------------------------------------------------
def test_mails_and_chat_are_told_text():
    said = f"{EVIL}\r\nBcc: all@example.org\n\n{'x' * 5_000}"
    alert = Alert(key="a", said=said, since=timezone.now())
    told = messages.of_attention([alert], [], [], timezone.now())
    assert "\n" not in told["subject"]
    assert len(told["subject"]) <= messages.SUBJECT_LENGTH
    assert not HIDDEN.search(told["subject"] + told["text"] + json.dumps(told["payload"], ensure_ascii=False))
    assert not [line for line in told["text"].splitlines() if line.startswith("Bcc")]
    assert len(told["text"]) < 2_000
    assert Attention("a", "b")  # whose `said` the alert has


def test_files_for_spreadsheets_and_scripts():
    (line,) = csv_lines([[EVIL, "\t=1", "\r=1", "\uff1d1", "\u200b=1", "=1", date(2025, 1, 1), 5]])
    assert line == rf"{SHOWN},'" + "\t=1," + r"\r=1," + "'\uff1d1," + r"\u200b=1,'=1,2025-01-01,5"
    assert json.loads(json_text({"name": EVIL})) == {"name": EVIL}
    assert not HIDDEN.search(json_text({"name": EVIL}))
    assert json_text({"name": "Parc Astérix"}) == '{"name": "Parc Astérix"}'


# --- sizes -----------------------------------------------------------------------------------------------------------
BIG = "9" * 3_000_000


@pytest.mark.parametrize(
    "example",
    [
        {"eventTime": BIG, "name": "Comet"}, BIG, [BIG] * 9, {str(n): BIG[:500] for n in range(100)},
        list(range(10_000)),
        {"a": {"b": {"c": {"d": {"e": {"f": [BIG]}}}}}}, 10**5_000, float("nan"), {BIG: 1}, {"a": "\ud83c\x00"},
    ],
    ids=range(10),
)  # fmt: skip
def test_evidence_is_bounded_and_says_what_was_left_out(example):
    kept = bounded(example)
    text = json.dumps(kept, ensure_ascii=False, allow_nan=False)
    text.encode()
    assert len(text) <= EXAMPLE_MAX
    assert "…" in text or len(str(example)) < 100
    assert bounded(kept) == kept


def test_evidence_is_bounded_where_it_is_made():
    issues = Issues()
    for _ in range(3):
        issues.add(None, "unknown_status", {"eventTime": BIG}, counted_as=BIG)
    (issue,) = issues.found.values()
    made = Finding(
        "unreadable_file", "park", "k", "s", BIG, examples=[{"eventTime": BIG}] * 9, values={BIG: 1}, source_file="f"
    )
    for said in (issue.examples, issue.values, made.examples, made.values, made.description):
        assert len(json.dumps(said)) < 5 * EXAMPLE_MAX


def test_what_is_short_is_kept_as_it_came():
    example = {"name": EVIL, "value": [1, 2.5, None, True, {"a": -1}]}
    assert bounded(example) == example


def test_a_time_of_three_megabytes_makes_no_page_of_six(evil, boss):
    row = DataQualityLog.objects.get()
    key = BIG if is_mariadb() else BIG[:65_000]  # no longer one can be in MySQL's JSON
    evidence = {"examples": [{"eventTime": BIG}], "values": {key: 1}, "files": {f"{n}": 1 for n in range(5_000)}}
    DataQualityLog.objects.update(evidence=evidence)  # as was stored before they were bounded
    said = boss.get(f"/admin/quality/dataqualitylog/{row.pk}/change/").content.decode()
    assert len(said) < 100_000
    assert "2,999," in said
    assert "and 4,900 more files" in said


def test_whatever_is_written_fits_its_column(evil):
    row = DataQualityLog.objects.get()
    row.source_file = row.entity_key = row.description = "k" * 20_000
    row.save()
    row.refresh_from_db()
    assert row.source_file == "k" * 230 + "…(19,770 more characters)"
    assert (len(row.entity_key), len(row.description)) == (100, 10_000)
    Park.objects.update(park_name="n" * 10_000)
    assert Park.objects.get().park_name.endswith("more characters)")
    ImportCheckpoint.objects.update(last_error="e\x00" * 100_000)
    assert len(ImportCheckpoint.objects.get().last_error) == 10_000
    Finding("unreadable_file", "park", "\ud83c" * 500, "\ud83c", "d" * 9_999, source_file="s")  # no error
