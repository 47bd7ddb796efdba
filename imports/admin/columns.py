"""What of an import changes while one looks at it, as HTML: the same in the list, on its page and in a refresh."""

from django.urls import reverse
from django.utils.html import conditional_escape, format_html, format_html_join

from imports.admin.actions import Shown
from imports.admin.progress import Progress
from imports.archive.checkpoint import HEARTBEAT_STALE_SECONDS
from imports.archive.transitions import ImportStatus
from warehouse.text import duration_in_words


def status(current: Progress) -> str:
    name = current.checkpoint.status
    if not (settled := _settled(current)):
        return format_html('<span class="desk-badge desk-{}">{}</span>', name.lower(), name)
    return format_html('<span class="desk-badge">{}</span><span class="desk-small">{}</span>', name, settled)


def _settled(current: Progress) -> str:
    """Why nobody needs to look at it, in a word; "" where that is not so."""
    if current.checkpoint.dismissed_at is not None:
        return "dismissed"
    at_rest = current.checkpoint.status != ImportStatus.IN_PROGRESS
    return "covered" if current.covered_by is not None and at_rest else ""


def progress(current: Progress) -> str:
    checkpoint = current.checkpoint
    return format_html(
        '<div class="desk-bar desk-{}{}" role="progressbar" aria-label="files done" aria-valuemin="0" '
        'aria-valuemax="100" aria-valuenow="{}"><span data-done="{}"></span></div>'
        '<span class="desk-small">{} of {} files{}</span>',
        "settled" if _settled(current) else checkpoint.status.lower(),
        " desk-moving" if current.alive else "",
        current.percent,
        current.percent,
        f"{current.done:,}",
        f"{current.total:,}",
        f", at {checkpoint.last_processed_date}" if checkpoint.last_processed_date else "",
    )


def rows(current: Progress) -> str:
    stored = f"{current.checkpoint.records_imported:,}"
    if current.pace is None or current.checkpoint.status != ImportStatus.IN_PROGRESS or current.checkpoint.not_before:
        return stored
    return format_html('{}<span class="desk-small">{} rows/s</span>', stored, f"{current.pace.rows_per_second:,.0f}")


def left(current: Progress) -> str:
    return "-" if current.seconds_left is None else duration_in_words(current.seconds_left)


def errors(current: Progress) -> str:
    checkpoint = current.checkpoint
    if not checkpoint.errors_encountered:
        return "0"
    url = reverse("admin:imports_importedfile_changelist")
    return format_html(
        '<a href="{}?checkpoint__checkpoint_id__exact={}&trouble=1">{}</a>',
        url,
        checkpoint.pk,
        f"{checkpoint.errors_encountered:,}",
    )


def heartbeat(current: Progress) -> str:
    checkpoint = current.checkpoint
    if checkpoint.status != ImportStatus.IN_PROGRESS or current.heartbeat_age is None or checkpoint.not_before:
        return "-"
    said = f"{duration_in_words(current.heartbeat_age)} ago"
    late = current.heartbeat_age >= HEARTBEAT_STALE_SECONDS and checkpoint.worker
    return format_html('<span class="desk-trouble">{}</span>', said) if late else said


def explanation(current: Progress) -> str:
    """Why, then who dismissed it (of one that was cancelled that is said already), and what covers it."""
    checkpoint, said = current.checkpoint, current.explanation
    parts = [conditional_escape(said)] if said else []
    if checkpoint.dismissed_at is not None and not said.startswith("cancel by "):
        parts.append(format_html('<span class="desk-small">{}</span>', checkpoint.dismissal))
    if (cover := current.covered_by) is not None:
        url = reverse("admin:imports_importcheckpoint_change", args=[cover.pk])
        covered = '<span class="desk-small">covered by <a href="{}">{}</a></span>'
        parts.append(format_html(covered, url, cover.import_id))
    return format_html_join(" ", "{}", ((part,) for part in parts)) or "-"


def shown(current: Progress) -> str:
    """What a move from this page is to find: sent with it (imports.admin.actions.Shown)."""
    checkpoint = current.checkpoint
    return format_html(
        '<input type="hidden" name="shown-{}" value="{}">', checkpoint.pk, Shown.of(checkpoint, current.at)
    )


#: name -> (heading, function)
PARTS = {
    "status": ("status", status),
    "progress": ("progress", progress),
    "rows": ("rows", rows),
    "left": ("time left", left),
    "errors": ("errors", errors),
    "heartbeat": ("heartbeat", heartbeat),
    "explanation": ("details", explanation),
}


def rendered(current: Progress) -> dict[str, str]:
    """Ready for innerHTML: what an error or an operator said is text, whatever it looks like."""
    html = {name: conditional_escape(part(current)) for name, (_, part) in PARTS.items()}
    return html | {"shown": shown(current)}
