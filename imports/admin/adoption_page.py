"""Undo an adoption: an entity that was taken for a ride without an id gets a ride of its own again, with its rows.

Reached from the page of the finding that told it. It stands here and not beside the finding because a running import
keeps in mind which ride an entity is: while one of the destination is at work, nothing is undone.
"""

from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from imports.models import ImportCheckpoint, ImportStatus
from quality.models import TO_DO, DataQualityLog, ResolutionStatus
from warehouse.models import Park, Ride
from warehouse.rides.splitting import Adopted, Held, Split, SplitRefused, split
from warehouse.server.away import despite_deadlocks
from warehouse.server.turns import on_every_node
from warehouse.text import count_of

TRIAGE = "quality.triage_dataqualitylog"


def undo_adoption(model_admin, request: HttpRequest, log_id: int) -> HttpResponse:
    """Ask first, then do it; the finding is resolved with a note of what moved."""
    finding = get_object_or_404(DataQualityLog, pk=log_id, reason="id_adopted")
    if not request.user.has_perm(TRIAGE):
        raise PermissionDenied
    adopted = adopted_of(finding)
    back = reverse("admin:quality_dataqualitylog_change", args=[finding.pk])
    if request.method != "POST":
        context = {
            **model_admin.admin_site.each_context(request),
            "title": "Undo: give the entity a ride of its own",
            "opts": model_admin.opts,
            "finding": finding,
            "adopted": adopted,
            "ride": Ride.objects.filter(pk=adopted.ride_id).first(),
            "back": back,
        }
        return TemplateResponse(request, "imports/undo_adoption.html", context)
    try:
        by, now = request.user.get_username(), timezone.now()
        done = despite_deadlocks(lambda: undo(finding, by=by, now=now))
    except SplitRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _said(done))
    return HttpResponseRedirect(back)


@transaction.atomic
def undo(finding: DataQualityLog, *, by: str, now: datetime) -> Split:
    """SplitRefused: there is nothing to undo, or an import of the destination is at work."""
    adopted = adopted_of(finding)
    ride = Ride.objects.filter(pk=adopted.ride_id).select_related("park").first()
    if ride is not None:
        _lock_out_imports(ride.park)
    done = split(adopted, now, by)
    if finding.resolution_status in TO_DO:
        DataQualityLog.transition([finding.pk], ResolutionStatus.RESOLVED, by=by, now=now, note=_said(done))
    return done


def adopted_of(finding: DataQualityLog) -> Adopted:
    """What the finding has kept of the moment in which the ride was given the id."""
    told = finding.evidence["examples"][0]
    first, last = (told[name] and datetime.fromisoformat(told[name]) for name in ("first_before", "last_before"))
    before = Held(told["rows_before"], first, last)
    return Adopted(told["ride_id"], told["ride_name"], told["entity"], told["called"], before)


def _lock_out_imports(park: Park) -> None:
    """An import claims its parks by their rows, so none begins before this transaction ends."""
    same = Q(pk=park.pk)
    if park.destination_wiki_id:
        same |= Q(destination_wiki_id=park.destination_wiki_id)
    on_every_node("park", Park.objects.filter(same).values_list("pk", flat=True))
    parks = list(Park.objects.select_for_update().filter(same).order_by("pk"))
    running = ImportCheckpoint.objects.filter(park__in=parks, status=ImportStatus.IN_PROGRESS).first()
    if running is not None:
        raise SplitRefused(
            f"Import {running.import_id} of {running.park} is at work and may be writing rows of this ride: "
            "pause it, then undo"
        )


def _said(done: Split) -> str:
    said = f"Undone: {done.ride} is ride {done.ride.pk} now, and {count_of(done.moved, 'row')} went with it."
    if done.in_doubt:
        said += (
            f" {count_of(done.in_doubt, 'row')} lie among those that the other ride held before: whose they are "
            "cannot be told, and they stay with that."
        )
    return said
