"""Users: who may log in here, and into which group they go.

Of Django's own pages two things cost newcomers their way: a user is made first and given rights on a second page, and
one without "Staff status" is told "wrong password" though it is right. Here both are asked for at once, and a user who
holds rights and cannot log in is told of wherever it is seen.
"""

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.utils.html import format_html

from warehouse.admin.list_csv import ListCsvAdmin
from warehouse.admin.operator_overrides import NOTHING_CHANGED, in_words

admin.site.unregister(User)
admin.site.unregister(Group)

STAFF_HELP = "Whoever logs in here needs it. Without it the right password is refused as a wrong one."
GROUPS_HELP = (
    "Viewers look at everything and change nothing. Operators start and stop imports and triage findings, too. "
    "Configurers also change jobs, partitions, parks and hours. (manage.py sync_groups makes them.)"
)


class Told:
    """For the history: what each right was, and what it is; nothing of a password."""

    def construct_change_message(self, request, form, formsets, add=False):
        changes = {
            name: (_plain(form.initial.get(name)), _plain(form.cleaned_data.get(name)))
            for name in form.changed_data
            if "password" not in name
        }
        return in_words(changes) or NOTHING_CHANGED


def _plain(value):
    if isinstance(value, list | QuerySet):
        return ", ".join(sorted(map(str, value))) or None
    return value


class NewUserForm(AdminUserCreationForm):
    """Name, password, and what a user is made for."""

    is_staff = forms.BooleanField(label="Staff status", required=False, initial=True, help_text=STAFF_HELP)
    groups = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"), required=False, widget=forms.CheckboxSelectMultiple, help_text=GROUPS_HELP
    )


@admin.register(User)
class PeopleAdmin(Told, ListCsvAdmin, UserAdmin):
    """Django's own, with the group and "Staff status" where a user is made."""

    add_form = NewUserForm
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "usable_password", "password1", "password2")}),
        ("What they may do", {"classes": ("wide",), "fields": ("is_staff", "groups")}),
    )
    list_display = ("username", "email", "may_log_in", "member_of", "is_superuser", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active", "groups")

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("groups")

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name in ("is_staff", "groups"):
            field.help_text = STAFF_HELP if db_field.name == "is_staff" else GROUPS_HELP
        return field

    @admin.display(description="may log in", ordering="is_staff")
    def may_log_in(self, user):
        if user.is_active and user.is_staff:
            return "yes"
        lacks = "Staff status" if user.is_active else "Active"
        return format_html('<span class="site-bad">no: {} is not ticked</span>', lacks)

    @admin.display(description="groups")
    def member_of(self, user):
        return ", ".join(group.name for group in user.groups.all()) or "-"

    def save_related(self, request, form, formsets, change):
        """With the groups saved it is known whether the user holds rights that it has no way to use."""
        super().save_related(request, form, formsets, change)
        user = form.instance
        if user.is_active and not user.is_staff and (user.groups.exists() or user.user_permissions.exists()):
            self.message_user(
                request,
                f"{user} cannot log in here: tick Staff status. Without it the right password is called a wrong one.",
                messages.WARNING,
            )
        elif user.is_staff and not (user.is_superuser or user.groups.exists() or user.user_permissions.exists()):
            self.message_user(
                request,
                f"{user} can log in and see nothing yet: put them into a group, such as Viewers.",
                messages.WARNING,
            )


@admin.register(Group)
class GroupsAdmin(Told, ListCsvAdmin, GroupAdmin):
    """Django's own, which tells in its history what was changed."""

    list_display = ("name", "members")

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("user_set")

    @admin.display(description="members")
    def members(self, group):
        return ", ".join(sorted(user.username for user in group.user_set.all())) or "-"
