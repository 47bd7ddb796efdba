"""A file that was read before: what its new reading changes, and what it lacks (import_archive --replace).

With --replace the file is the truth for its park days: a stored row that says something else is replaced, and a row of
an earlier reading that the file lacks now is withdrawn, in the file's transaction. Without it nothing is, and the
findings say the command that would. Only what is proven goes: the row came from the archive, an earlier reading of
this very file held it (imports.archive.file_rows), no other file holds it, and none may of which that is not known.
LIVE rows never go (docs/decisions/file-as-the-truth.md).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from imports.archive import file_rows
from imports.archive.completeness import heard
from imports.archive.file_rows import Earlier
from imports.archive.prefetch import Reading
from imports.archive.request import command_for
from imports.archive.run import ImportRun
from imports.loading.attribution import Attributed
from imports.loading.loader import delete
from quality import log
from quality.evidence import EXAMPLES_MAX
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.days import ONE_DAY, midnight
from warehouse.models import Park, Ride
from warehouse.rides import stays
from warehouse.snapshot_id import first_id_at, ride_id_of

Rows = dict[int, tuple[datetime, str, int | None]]  # by snapshot_id: when, status, wait


@dataclass
class Settled:
    """What became of the rows that the file's new reading lacks: those that went by park_id, and the findings."""

    withdrawn: dict[int, Rows] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def nothing(cls, parks: Sequence[Park]) -> "Settled":
        """Of a file that is no truth of its day: it is not asked what it lacks."""
        return cls({park.pk: {} for park in parks})


class Republished:
    """One reading of a file beside the earlier ones, for the parks of one transaction. To be made inside of it."""

    def __init__(self, run: ImportRun, reading: Reading, parks: Sequence[Park], earlier: Mapping[int, Earlier]):
        """`earlier`: what the ledger has of the file, by park_id."""
        self._run, self._reading, self._file, self._parks = run, reading, reading.file, parks
        self._earlier = earlier
        self._lacking: dict[int, Collection[int]] = {}  # by park_id: stored still, and to be remembered

    def replace_changed(self, snapshot_ids: set[int]) -> set[int]:
        """Those of these stored rows, which say something else than the file, that give way: they are deleted here."""
        rows = file_rows.archive_rows(snapshot_ids).keys()
        going = set(rows) - file_rows.held_elsewhere(set(rows), self._file)
        low, high = first_id_at(midnight(self._file.day)), first_id_at(midnight(self._file.last_day + ONE_DAY))
        for park in self._parks:  # of its own days the file is the truth, of the days beside it another may be
            going -= {
                key for key in file_rows.perhaps_held_elsewhere(going, park.pk, self._file) if not low <= key < high
            }
        delete(going)
        return going

    def settle(self, found: Attributed, now: datetime) -> Settled:
        """Withdraw what the file lacks now, or say that it does; before the rows of the file are loaded."""
        settled = Settled.nothing(self._parks)
        of_the_file = {key for ids in found.ids.values() for key in ids} if self._earlier else set()
        for park in self._parks:
            earlier = self._earlier.get(park.pk)
            if earlier is None:
                continue
            if earlier.ids is None:
                findings = self._unproven(park, earlier, of_the_file)
            else:
                before = file_rows.decode(earlier.ids) | file_rows.decode(earlier.lacking_ids)
                findings = self._lacks(park, before, before - of_the_file, found, settled)
            findings += self._replaced(park, settled.withdrawn[park.pk], found)
            settled.findings += findings
            self._resolve(park, earlier, [*found.findings, *findings], now)
        return settled

    def held(self, found: Attributed) -> file_rows.HeldIds:
        """What this reading held, where that is not written down yet; once its rows are stored."""
        held = {}
        for park in self._parks:
            earlier, ids = self._earlier.get(park.pk), found.ids[park.pk]
            lacking = self._lacking.get(park.pk)
            entry = file_rows.encode(ids), file_rows.encode(lacking) if lacking else None
            if entry != ((earlier.ids, earlier.lacking_ids) if earlier else None) and (ids or earlier):
                held[park.pk] = (ids, *entry)
        return held

    # --- what the file lacks ------------------------------------------------------------------------------------
    def _lacks(
        self, park: Park, before: set[int], lacking: set[int], found: Attributed, settled: Settled
    ) -> list[Finding]:
        rows = file_rows.archive_rows(lacking) if lacking else {}
        left = set(rows) - file_rows.held_elsewhere(set(rows), self._file)
        if not left:
            return []
        unknown = file_rows.perhaps_held_elsewhere(left, park.pk, self._file)
        now_heard, heard_before = heard(found.ids[park.pk]), heard(before)
        short = now_heard.falls_far_short_of(heard_before) and not self._run.options.force
        going = left - unknown.keys() if self._run.options.replace_archive and not short else set()
        delete(going)
        settled.withdrawn[park.pk] = {key: rows[key] for key in going}
        stay = self._lacking[park.pk] = left - going
        if not stay:
            return []
        if short:
            advice = f"It holds {now_heard}, the earlier one {heard_before}. If the file is right:  " + self._command(
                park, "--replace", "--force"
            )
        elif self._run.options.replace_archive:
            days = ", ".join(f"{day}" for day in sorted(set(unknown.values())))
            advice = f"The file of {days} may hold them, which is not known: import it again, then this one"
        else:
            advice = f"To take the file as the truth:  {self._command(park, '--replace')}"
        return [self._finding("rows_lacking", park, len(stay), _examples({key: rows[key] for key in stay}), advice)]

    def _unproven(self, park: Park, earlier: Earlier, of_the_file: set[int]) -> list[Finding]:
        """An earlier reading of which it is not known what it held, and whose file was not this one."""
        unchanged = earlier.sha256 == self._reading.sha256 and not self._run.options.replace_archive
        if unchanged or not earlier.events_read:
            return []
        periods = stays.periods_of(park.pk, midnight(self._file.day), midnight(self._file.last_day + ONE_DAY))
        of_the_day = {key for period in periods for key in file_rows.stored_between(*period)}
        rows = file_rows.archive_rows(of_the_day - of_the_file)
        left = rows.keys() - file_rows.held_elsewhere(set(rows), self._file)
        if not left:
            return []
        examples = _examples({key: rows[key] for key in left})
        return [self._finding("rows_unproven", park, len(left), examples, REASONS["rows_unproven"].advice)]

    # --- saying it ------------------------------------------------------------------------------------------------
    def _replaced(self, park: Park, rows: Rows, found: Attributed) -> list[Finding]:
        replaced, withdrawn = found.counts[park.pk].replaced, len(rows)
        if not replaced + withdrawn:
            return []
        examples = [*found.replaced[park.pk][: EXAMPLES_MAX - 2], *_examples(rows, "withdrawn")]
        many = replaced + withdrawn
        return [self._finding("file_replaced", park, many, examples, replaced=replaced, withdrawn=withdrawn)]

    def _finding(
        self, reason: str, park: Park, count: int, examples: list, advice: str = "", **measured: object
    ) -> Finding:
        return Finding(
            reason=reason,
            entity_type="park",
            entity_key=park.themeparks_wiki_id,
            entity_id=park.park_id,
            scope=self._file.key,
            description=f"{park}, {self._file.label}: {REASONS[reason].say(count, **measured)}. {advice}".strip(),
            start=midnight(self._file.day),
            end=midnight(self._file.last_day + ONE_DAY),
            source_file=self._file.key,
            count=count,
            examples=examples,
        )

    def _command(self, park: Park, *options: str) -> str:
        return command_for(self._run.source.url, park, self._file.day, *options)

    def _resolve(self, park: Park, earlier: Earlier, found: list[Finding], now: datetime) -> None:
        """What an earlier reading said and is so no longer: the file has the rows again, or was taken as the truth."""
        reasons = ["rows_lacking"] if earlier.lacking_ids or self._run.options.replace_archive else []
        reasons += ["conflicting_event"] if self._run.options.replace_archive else []
        gone = {self._finding(reason, park, 0, []).fingerprint for reason in reasons}
        log.resolve_gone(gone - {finding.fingerprint for finding in found}, "Not so in the file's last reading.", now)


def _examples(rows: Rows, what: str = "stays") -> list[dict]:
    keys = sorted(rows)[:EXAMPLES_MAX]
    names = dict(Ride.objects.filter(pk__in={ride_id_of(key) for key in keys}).values_list("pk", "ride_name"))
    return [
        {
            "ride": names.get(ride_id_of(key), f"ride {ride_id_of(key)}"),
            "recorded_at": f"{rows[key][0]}",
            what: {"status": rows[key][1], "wait_time": rows[key][2]},
        }
        for key in keys
    ]
