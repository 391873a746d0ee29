"""What people type about themselves and their workspace."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from leadmetrics.tenancy.models import MOST_UNDO_MINUTES, Role, Tenant
from leadmetrics.tenancy.services import forgive_sign_in, may_try_sign_in

_REGIONS = (
    "Africa/",
    "America/",
    "Antarctica/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)


def client_address(request: HttpRequest) -> str:
    """The visitor's network address: behind our proxy, the one that the proxy wrote down last."""
    forwarded: str = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if settings.SECURE_PROXY_SSL_HEADER and forwarded:
        return forwarded.rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


@cache
def timezone_choices() -> list[tuple[str, str]]:
    """The zones that places have, and UTC."""
    names = sorted(name for name in available_timezones() if name.startswith(_REGIONS))
    return [(name, name.replace("_", " ")) for name in ["UTC", *names]]


class SignInForm(AuthenticationForm):
    """E-mail and password. Its answers do not tell whether an account exists."""

    error_messages = {
        "invalid_login": "This e-mail address and password do not belong together. Check both.",
        "inactive": "This e-mail address and password do not belong together. Check both.",
        "too_many": (
            "Too many tries. Wait five minutes, then try again. "
            "If you do not know your password, an admin can help."
        ),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.was_limited = False
        self.fields["username"].label = "E-mail"
        self.fields["username"].widget = forms.EmailInput(
            attrs={"autocomplete": "username", "autofocus": True, "maxlength": 254}
        )

    def clean(self) -> dict[str, Any]:
        email = str(self.cleaned_data.get("username") or "")
        if not (email and self.cleaned_data.get("password")):
            return self.cleaned_data
        assert self.request is not None
        address = client_address(self.request)
        if not may_try_sign_in(email=email, address=address):
            self.was_limited = True
            raise ValidationError(self.error_messages["too_many"], code="too_many")
        cleaned = super().clean()
        forgive_sign_in(email=email, address=address)
        return cleaned


class FirstPasswordForm(SetPasswordForm):  # type: ignore[type-arg]  # generic in stubs only
    """The password of a person who comes in by a link."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].label = "Password"
        self.fields["new_password1"].help_text = "At least 12 characters. A few words work well."
        self.fields["new_password2"].label = "The same password again"
        self.fields["new_password2"].help_text = ""


class MemberForm(forms.Form):
    """Who joins, and as what."""

    email = forms.EmailField(label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    name = forms.CharField(
        max_length=120,
        required=False,
        help_text="For a new account. Colleagues see it beside every decision.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(choices=Role.choices, initial=Role.REVIEWER)


class PolicyForm(forms.Form):
    """The rules of the workspace."""

    copy_limits = forms.ChoiceField(
        label="Text beyond Meta's recommended lengths",
        choices=Tenant.CopyLimits.choices,
        widget=forms.RadioSelect,
        help_text="Primary text 125 characters, headline 40, description 30.",
    )
    author_may_approve = forms.BooleanField(
        label="People may approve their own edit",
        required=False,
        help_text=(
            "Off: somebody else must approve a text that a person has edited. "
            "On: the receipt says that the author approved it."
        ),
    )
    approvals_needed = forms.TypedChoiceField(
        label="Who must approve",
        coerce=int,
        choices=[(1, "One person"), (2, "Two different people")],
        widget=forms.RadioSelect,
    )
    undo_minutes = forms.IntegerField(
        label="Minutes to undo a decision",
        min_value=0,
        max_value=MOST_UNDO_MINUTES,
        help_text="An approved ad is sent when they are over. 0 sends it at once.",
    )
    due_hours = forms.IntegerField(
        label="Hours to decide",
        min_value=1,
        max_value=1000,
        help_text="After this many hours an ad that waits is overdue.",
    )
    expire_days = forms.IntegerField(
        label="Days until an ad expires undecided",
        min_value=1,
        max_value=1000,
        help_text="Then it leaves the queue as not decided: neither a yes nor a no.",
    )
    claims = forms.CharField(
        label="Claims to prove",
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"}),
        help_text=(
            "One a line, in any language. An ad that uses one is let in, and the words are marked "
            "for whoever decides it."
        ),
    )
    timezone = forms.ChoiceField(
        choices=timezone_choices,
        help_text="For times on our pages. Performance always uses each ad account's own days.",
    )
