"""Parks that first appear on the way of a run of a whole destination: one that opens, or that moved in."""

from django.db.models import Q
from django.db.models.functions import Now

from imports.archive.checkpoint import AT_WORK, ImportCheckpoint
from imports.archive.day_file_model import READ, ImportedFile
from imports.archive.prefetch import Reading
from imports.archive.run import ImportRun
from imports.archive.transitions import ImportStatus
from imports.loading.resolver import make_park
from imports.sources.source import DayFile
from warehouse.models import Park
from warehouse.server.turns import wait_for_turn


def parks_joining(
    run: ImportRun, checkpoints: list[ImportCheckpoint], reading: Reading
) -> tuple[list[ImportCheckpoint], bool]:
    """Checkpoints, written in the caller's transaction, for the parks of this file that the import does not know yet,
    and whether the file is then read for every park that it speaks of. `checkpoints` are those that it is read for.

    They begin with this day: those before are no gap of theirs. A park of whom no event can be stored joins where it
    is known; where it is not, nothing but such events ever named it, and they are told under the destination.
    """
    if not run.may_be_joined:
        return [], False
    validated = reading.validated
    strangers = validated.parks.keys() - {checkpoint.park.themeparks_wiki_id for checkpoint in checkpoints}
    if not strangers:
        return [], True
    known = {park.themeparks_wiki_id: park for park in Park.objects.filter(themeparks_wiki_id__in=strangers)}
    seen = {observation.park_id for observation in validated.observations if observation.park_id is not None}
    park_ids = {park.pk for park in known.values()}
    done = _read_already(run, reading, park_ids)
    past = park_ids & {checkpoint.park_id for checkpoint in run.checkpoints}  # this day was behind them when it came
    left_out = (past | _left_to_others(run, reading.file, park_ids)) - done
    taken_in = [park.pk for park in known.values() if park.pk not in done | left_out]
    if taken_in:  # before checkpoints lock them shared: of two destinations' runs neither could lock them alone then
        wait_for_turn([*(checkpoint.park_id for checkpoint in checkpoints), *taken_in])
    joining = []
    for park_id in sorted(strangers & (seen | known.keys())):
        park = known.get(park_id) or make_park(run.destination, park_id, validated.parks[park_id])
        if park.pk not in done | left_out:
            joining.append(_checkpoint_of(run, park, reading.file))
    return joining, not left_out


def _read_already(run: ImportRun, reading: Reading, park_ids: set[int]) -> set[int]:
    """Parks for whom this very content was read: of this import, and done or resumed on their own."""
    return set(
        ImportedFile.objects.filter(
            park__in=park_ids,
            file_date=reading.file.day,
            destination_wiki_id=run.destination,
            feed=run.source.feed,
            outcome__in=READ,
            sha256=reading.sha256,
        ).values_list("park_id", flat=True)
    )


def _left_to_others(run: ImportRun, file: DayFile, park_ids: set[int]) -> set[int]:
    """Parks whose day another import from these files has before it: one of the same request that was stopped on its
    own, or one that somebody is at. What was completed once is no reason: the file may be another one since."""
    same_request = Q(
        source=run.source.url,
        end_date=run.last,
        whole_destination=True,
        **run.options.of_the_request(),
    )
    others = ImportCheckpoint.objects.filter(
        Q(last_processed_date=None) | Q(last_processed_date__lt=file.day),
        same_request | (AT_WORK & Q(missing_only=False, changed_only=False)),
        park__in=park_ids,
        destination_wiki_id=run.destination,
        start_date__lte=file.day,
        end_date__gte=file.day,
    ).exclude(status=ImportStatus.COMPLETED)
    return set(others.values_list("park_id", flat=True))


def _checkpoint_of(run: ImportRun, park: Park, file: DayFile) -> ImportCheckpoint:
    return ImportCheckpoint.objects.create(
        park=park,
        destination_wiki_id=run.destination,
        status=ImportStatus.IN_PROGRESS,
        generation=1,
        worker=run.worker,
        heartbeat_at=Now(),
        queued_at=Now() if run.queued else None,
        source=run.source.url,
        start_date=file.day,
        end_date=run.last,
        whole_destination=True,
        **run.options.columns(),
        files_total=(run.last - file.day).days + 1,
    )
