"""The moves of imports by an operator: a button on the page of one, an action of the list on those that are ticked, and
the page that asks for a reason. Each is made only of what its page showed (imports.admin.actions)."""

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from imports.admin.actions import Shown, act, check
from imports.admin.columns import shown
from imports.admin.progress import progress_of
from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.transitions import ACTIONS, REASON_MAX, TransitionRefused
from warehouse.text import count_of


class MovingAdmin(admin.ModelAdmin):
    """Of imports; who may is for `has_operate_permission` to say."""

    actions = tuple(ACTIONS)

    def act_view(self, request, checkpoint_id: int):
        """An action from the page of an import."""
        if not self.has_operate_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        name = request.POST.get("action", "")
        if name not in ACTIONS:
            raise PermissionDenied
        checkpoint = get_object_or_404(self.get_queryset(request), pk=checkpoint_id)
        self._act(request, name, [checkpoint], request.POST.get("why", ""))
        return redirect("admin:imports_importcheckpoint_change", checkpoint.pk)

    @admin.action(description="Pause", permissions=["operate"])
    def pause(self, request, queryset):
        self._act(request, "pause", queryset)

    @admin.action(description="Resume", permissions=["operate"])
    def resume(self, request, queryset):
        self._act(request, "resume", queryset)

    @admin.action(description="Retry", permissions=["operate"])
    def retry(self, request, queryset):
        self._act(request, "retry", queryset)

    @admin.action(description="Cancel", permissions=["operate"])
    def cancel(self, request, queryset):
        return self._act_with_reason(request, "cancel", queryset)

    @admin.action(description="Dismiss", permissions=["operate"])
    def dismiss(self, request, queryset):
        return self._act_with_reason(request, "dismiss", queryset)

    @admin.action(description="Undo dismissal", permissions=["operate"])
    def restore(self, request, queryset):
        self._act(request, "restore", queryset)

    def response_action(self, request, queryset):
        """Of the imports that were ticked, whatever filter the list has: one that has changed since is to be refused,
        and not to be passed over in silence."""
        ticked = self.get_queryset(request).filter(pk__in=request.POST.getlist(ACTION_CHECKBOX_NAME))
        if request.POST.get("select_across") == "1" and queryset.count() > len(ticked):
            said = f"{len(ticked)} of {queryset.count()} imports were shown, and only what is shown can be moved"
            self.message_user(request, f"{said}: choose Show all, or a filter, first", messages.ERROR)
            return redirect(request.get_full_path())
        return super().response_action(request, ticked)

    def _act_with_reason(self, request, name: str, checkpoints):
        """Asks for the reason first, of those of which it can be done as they were shown; says what of the others."""
        if "why" in request.POST:
            self._act(request, name, checkpoints, request.POST["why"])
            return None
        found, left_out = [], []
        for current in progress_of(list(checkpoints), timezone.now()).values():
            try:
                check(name, current, self._shown(request, current.checkpoint))
            except TransitionRefused as refused:
                left_out.append(refused)
            else:
                found.append(current)
        if not found:
            for refused in left_out:
                self.message_user(request, f"{ACTIONS[name].label} refused: {refused}", messages.ERROR)
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": f"{ACTIONS[name].label} {count_of(len(found), 'import')}",
            "opts": self.opts,
            "name": name,
            "action": ACTIONS[name],
            "found": [(current, shown(current)) for current in found],
            "left_out": left_out,
            "reason_max": REASON_MAX,
            "action_checkbox_name": ACTION_CHECKBOX_NAME,
            "media": self.media,
        }
        return TemplateResponse(request, "imports/give_a_reason.html", context)

    def _shown(self, request, checkpoint: ImportCheckpoint) -> Shown:
        """What the page that this comes from showed of it; TransitionRefused: it did not say."""
        return Shown.read(request.POST.get(f"shown-{checkpoint.pk}", ""))

    def _act(self, request, name: str, checkpoints, why: str = "") -> None:
        """Each by itself: what is refused is said, and the rest is done."""
        done = []
        for checkpoint in checkpoints:
            try:
                act(name, checkpoint, request.user, why, self._shown(request, checkpoint))
            except TransitionRefused as refused:
                self.message_user(request, f"{ACTIONS[name].label} refused: {refused}", messages.ERROR)
            else:
                done.append(checkpoint)
        if len(done) == 1:
            url = reverse("admin:imports_importcheckpoint_change", args=[done[0].pk])
            said = format_html('{}: <a href="{}">{}</a>', ACTIONS[name].done, url, done[0])
            self.message_user(request, said, messages.SUCCESS)
        elif done:
            self.message_user(request, f"{ACTIONS[name].done}: {count_of(len(done), 'import')}", messages.SUCCESS)
