"""Failed sign-ins, locks and sign-ins in the admin: windows, of which superusers may lift a lock."""

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.utils import timezone

from config.signin.limits import USERNAME_LENGTH, WITHIN, locked_until
from warehouse.admin.operator_overrides import ReadOnlyAdmin
from warehouse.outside import shown
from warehouse.zones import utc_in_words


class SignInAdmin(ReadOnlyAdmin):
    """What the three lists have in common. Nothing of a browser's is shown that was not made fit to be."""

    list_display_links = None
    search_fields = ("username", "ip_address")
    fields = ("attempt_time", "user", "ip_address", "browser")
    show_full_result_count = False
    title, subtitle = "", ""

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, {"title": self.title, "subtitle": self.subtitle})

    @admin.display(description="user", ordering="username")
    def user(self, row):
        return shown(row.username, USERNAME_LENGTH) or "-"

    @admin.display(description="browser", ordering="user_agent")
    def browser(self, row):
        return shown(row.user_agent, 80)


@admin.register(AccessAttempt)
class FailuresAdmin(SignInAdmin):
    """Failures that count now, by user, address and browser."""

    title, subtitle = "Locked out now", "Failed sign-ins of the last 15 minutes, and what they lock."
    list_display = ("attempt_time", "user", "ip_address", "browser", "failures_since_start", "locked")
    ordering = ("-attempt_time",)
    list_per_page = 50
    actions = ("lift",)

    def get_queryset(self, request):
        return super().get_queryset(request).filter(attempt_time__gte=timezone.now() - WITHIN)

    def has_lift_permission(self, request) -> bool:
        return request.user.is_superuser

    @admin.display(description="locked out")
    def locked(self, row):
        found = locked_until(row.username, row.ip_address)
        return f"until {utc_in_words(found[0], 'seconds')}: {found[1]}" if found else "-"

    @admin.action(description="Forget these failures, which lifts their locks", permissions=["lift"])
    def lift(self, request, queryset) -> None:
        rows = list(queryset)
        for row in rows:
            said = f"Forgot {row.failures_since_start} failed sign-ins of {self.user(row)} from {row.ip_address}"
            LogEntry.objects.log_actions(request.user.pk, [row], CHANGE, said, single_object=True)
        queryset.delete()
        self.message_user(request, f"{len(rows)} forgotten. Whoever was locked out by them may try again.")
        if still := {self.user(row) for row in rows if locked_until(row.username, row.ip_address)}:
            who = ", ".join(sorted(still))
            self.message_user(request, f"Still locked out by other failures: {who}.", messages.WARNING)


@admin.register(AccessFailureLog)
class FailureLogAdmin(SignInAdmin):
    """Every failure of the last 90 days."""

    title = "Failed sign-ins"
    list_display = ("attempt_time", "user", "ip_address", "browser", "locked_out")
    list_filter = ("locked_out",)
    fields = (*SignInAdmin.fields, "locked_out")


@admin.register(AccessLog)
class SignInsAdmin(SignInAdmin):
    """Every sign-in of the last 90 days."""

    title = "Sign-ins"
    list_display = ("attempt_time", "logout_time", "user", "ip_address", "browser")
    fields = (*SignInAdmin.fields, "logout_time")
