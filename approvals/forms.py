"""What people send from the review page. Rules of the copy itself live in approvals.limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from django import forms
from django.http import QueryDict

from approvals.limits import CALLS_TO_ACTION, HARD_LIMITS, LABELS, LINK_LIMIT, AdCopy
from approvals.models import Decision, VariantRevision
from approvals.services.images import MAX_BYTES
from leadmetrics.tenancy.models import User

COMMENT_LIMIT = 1000
WORDS_LIMIT = 500


class ShownForm(forms.Form):
    """Which content was on the screen: its hash decides, the rest says what changed since."""

    content_hash = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    revision = forms.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput
    )
    goes_to = forms.CharField(required=False, max_length=4000, widget=forms.HiddenInput)

    @property
    def shown_hash(self) -> str:
        """The hash that the page carried; empty, and so equal to none, when it is missing."""
        value: str = self.cleaned_data.get("content_hash") or ""
        return value

    @property
    def shown_number(self) -> int:
        """The number of the version that the page showed; 0 when it is missing."""
        return self.cleaned_data.get("revision") or 0

    @property
    def shown_target(self) -> str:
        """The signed note of where the ad went that the page showed; empty when it is missing."""
        value: str = self.cleaned_data.get("goes_to") or ""
        return value


class RejectForm(ShownForm):
    """One of the eight reasons, and a comment that the agent will read."""

    reason = forms.ChoiceField(
        choices=Decision.Reason.choices,
        error_messages={
            "required": "Choose one of the reasons.",
            "invalid_choice": "Choose one of the reasons.",
        },
    )
    comment = forms.CharField(
        required=False,
        max_length=COMMENT_LIMIT,
        error_messages={"max_length": f"Use at most {COMMENT_LIMIT:,} characters."},
    )


class ChangesForm(ShownForm):
    """What should change; the agent reads it."""

    comment = forms.CharField(
        max_length=COMMENT_LIMIT,
        error_messages={
            "required": "Say what should change, so that the next version can be better.",
            "max_length": f"Use at most {COMMENT_LIMIT:,} characters.",
        },
    )


class CommentForm(ShownForm):
    """What somebody says about an ad, the words it is about, and who is told."""

    words = forms.CharField(
        required=False,
        label="About these words",
        max_length=WORDS_LIMIT,
        widget=forms.TextInput(attrs={"dir": "auto"}),
        help_text="Mark words of the ad before you begin, or type them as they stand there.",
        error_messages={"max_length": f"Quote at most {WORDS_LIMIT} characters."},
    )
    text = forms.CharField(
        label="Comment",
        max_length=COMMENT_LIMIT,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        help_text="@Name tells that person by mail.",
        error_messages={
            "required": "Write what you want to say.",
            "max_length": f"Use at most {COMMENT_LIMIT:,} characters.",
        },
    )
    tell = forms.TypedMultipleChoiceField(
        required=False,
        coerce=int,
        label="Tell by mail",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Somebody you ticked is no longer a member here."},
    )
    field = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)
    near = forms.IntegerField(
        required=False, min_value=0, max_value=100_000, widget=forms.HiddenInput
    )

    def __init__(self, *args: Any, people: Iterable[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.TypedMultipleChoiceField, self.fields["tell"]).choices = [
            (person.pk, person.name) for person in people
        ]
        for name in ("words", "text"):
            self.fields[name].widget.attrs.pop("maxlength", None)  # never cut off silently
        self.fields["text"].widget.attrs |= {"data-focus": True, "autofocus": True}

    def add_problems(self, problems: Iterable[Mapping[str, Any]]) -> None:
        """Put what the service found beside the fields it is about."""
        for problem in problems:
            self.add_error(str(problem["field"]) or None, str(problem["message"]))


class EditForm(ShownForm):
    """The words of the ad, and a new picture if one is chosen."""

    primary_text = forms.CharField(
        label=LABELS["primary_text"],
        max_length=2 * HARD_LIMITS["primary_text"],
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )
    headline = forms.CharField(
        label=LABELS["headline"],
        max_length=2 * HARD_LIMITS["headline"],
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )
    description = forms.CharField(
        label=LABELS["description"],
        required=False,
        max_length=2 * HARD_LIMITS["description"],
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )
    link = forms.CharField(
        label=LABELS["link"],
        max_length=2 * LINK_LIMIT,
        widget=forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false"}),
    )
    call_to_action = forms.ChoiceField(
        label=LABELS["call_to_action"],
        choices=list(CALLS_TO_ACTION.items()),
        error_messages={"invalid_choice": "Select a valid choice."},
    )
    image = forms.FileField(
        label="Another image",
        required=False,
        help_text="PNG or JPEG, at most 8 MB. The present one stays if you choose none.",
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            # Not in the browser: a paste must never be cut off silently.
            field.widget.attrs.pop("maxlength", None)
            field.error_messages["max_length"] = "This is far too long for an ad."
            field.error_messages["required"] = f"{field.label} is missing."

    @classmethod
    def of(cls, revision: VariantRevision, shown: Mapping[str, Any]) -> EditForm:
        """The form with what the revision says; ``shown`` are values of ShownForm."""
        return cls(initial={**{name: getattr(revision, name) for name in LABELS}, **shown})

    @property
    def copy(self) -> AdCopy:
        """The words as typed."""
        return AdCopy(**{name: self.cleaned_data[name] for name in LABELS})

    def clean_image(self) -> Any:
        image = self.cleaned_data.get("image")
        if image and image.size > MAX_BYTES:
            raise forms.ValidationError("The image is larger than 8 MB.")
        return image

    def aim_focus(self) -> None:
        """Put the cursor where work begins: in the first field that is wrong, or the first one."""
        names = [name for name in self.fields if not self[name].is_hidden]
        wrong = [name for name in names if name in self.errors]
        attrs = self.fields[[*wrong, *names][0]].widget.attrs
        attrs["autofocus"] = attrs["data-focus"] = True

    def add_problems(self, problems: Iterable[Mapping[str, Any]]) -> None:
        """Put what the service found beside the fields it is about."""
        for problem in problems:
            field = str(problem["field"])
            self.add_error(field if field in self.fields else None, str(problem["message"]))

    def shown_anew(self, shown: Mapping[str, Any]) -> None:
        """Keep what was typed but bind it to the content that is on the screen now."""
        assert isinstance(self.data, QueryDict)
        data = self.data.copy()
        for name, value in shown.items():
            data[name] = str(value)
        self.data = data
