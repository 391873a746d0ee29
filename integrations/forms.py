"""What admins enter about connections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, cast
from urllib.parse import urlsplit

from django import forms
from django.core.validators import RegexValidator, URLValidator

from integrations.models import AdAccount, AdSet, Integration, Page
from integrations.selectors.places import (
    accounts_beside,
    ad_accounts_of,
    ad_sets_for_targets,
    pages_for_targets,
)
from integrations.words import ADS_PER_AD_SET, is_full
from leadmetrics.errors import InvalidInput

_NOT_REACHED = "One of the ad accounts is not part of this connection any more. Look again."


class AdAccountsForm(forms.Form):
    """Which ad accounts are used, out of those the page showed."""

    account = forms.TypedMultipleChoiceField(
        coerce=int, required=False, error_messages={"invalid_choice": _NOT_REACHED}
    )
    shown = forms.TypedMultipleChoiceField(
        coerce=int, required=False, error_messages={"invalid_choice": _NOT_REACHED}
    )

    def __init__(self, *args: Any, integration: Integration, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reached = [(pk, pk) for pk in ad_accounts_of(integration).values_list("pk", flat=True)]
        for name in ("account", "shown"):
            self.fields[name].choices = reached  # type: ignore[attr-defined]


class AdSetChoices(forms.models.ModelChoiceIterator):  # type: ignore[type-arg]  # stubs only
    """Ad sets, grouped by ad account."""

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        yield ("", "Choose an ad set")
        for account, ad_sets in groupby(self.queryset, key=lambda ad_set: ad_set.ad_account):
            yield (_group_label(account), [self.choice(ad_set) for ad_set in ad_sets])


class AdSetSelect(forms.Select):
    """Shows ad sets that cannot carry an approved ad, but does not let them be chosen."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        ad_set = getattr(value, "instance", None)
        if ad_set is not None and (
            ad_set.is_dynamic_creative or is_full(ad_set) or not ad_set.ad_account.can_run_ads
        ):
            option["attrs"]["disabled"] = True
        return option


class AdSetField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic in the stubs only
    iterator = AdSetChoices
    widget = AdSetSelect

    def label_from_instance(self, obj: AdSet) -> str:
        note = " (dynamic creative mixes texts: cannot be used)" if obj.is_dynamic_creative else ""
        if is_full(obj):
            note = f" (full: Meta allows {ADS_PER_AD_SET} ads in an ad set)"
        return f"{obj.campaign.name} › {obj.name}{note}"


class LinkForm(forms.Form):
    """The link and the URL parameters that ads start with."""

    default_link = forms.URLField(
        max_length=1000,
        required=False,
        label="Default link",
        assume_scheme="https",
        validators=[URLValidator(schemes=["http", "https"])],
        help_text="Used when an agent sends no link.",
        error_messages={"invalid": "Enter a web address like https://shop.example/spring."},
    )
    url_tags = forms.CharField(
        max_length=500,
        required=False,
        label="URL parameters",
        help_text="Added to every link by Meta, for example utm_source=meta&utm_medium=paid.",
    )

    def clean_default_link(self) -> str:
        link: str = self.cleaned_data["default_link"]
        if link and (urlsplit(link).username or urlsplit(link).password):
            raise forms.ValidationError("Leave user name and password out of the address.")
        return link

    def clean_url_tags(self) -> str:
        tags: str = self.cleaned_data["url_tags"].removeprefix("?")
        parts = tags.split("&") if tags else []
        if any(not part.partition("=")[0] or "=" not in part for part in parts) or any(
            sign in tags for sign in "?# \t\r\n"
        ):
            raise forms.ValidationError(
                "Write pairs like utm_source=meta&utm_medium=paid, without spaces."
            )
        return tags

    def add_problems(self, exc: InvalidInput) -> None:
        """Show what the service refused at the fields it names."""
        for problem in exc.problems:
            self.add_error(str(problem["field"]), str(problem["message"]))
        if not exc.problems:
            self.add_error(None, exc.user_message)


class AccountSettingsForm(LinkForm):
    """What an ad account's new targets start with, and what counts as its conversion."""

    page = forms.ModelChoiceField(
        queryset=Page.objects.none(),
        required=False,
        label="Facebook Page",
        empty_label="No Page yet",
    )
    use_instagram = forms.BooleanField(
        required=False, label="Also speak as the Page's Instagram account"
    )
    conversion_action_type = forms.CharField(
        max_length=80,
        required=False,
        label="Conversion",
        validators=[RegexValidator(r"^[a-z0-9_.]+\Z", "Write Meta's name, like purchase or lead.")],
        help_text="Meta's name of the action that counts, like purchase, lead or "
        "offsite_conversion.fb_pixel_lead. Empty: the first present of the usual purchases.",
    )
    field_order = ("page", "use_instagram", "default_link", "url_tags", "conversion_action_type")

    def __init__(self, *args: Any, account: AdAccount, **kwargs: Any) -> None:
        kept = {
            "page": account.default_page_id,
            **{
                name: getattr(account, name)
                for name in ("use_instagram", "default_link", "url_tags", "conversion_action_type")
            },
        }
        super().__init__(*args, **{**kwargs, "initial": kept})
        self.fields["page"].queryset = pages_for_targets(account.integration)  # type: ignore[attr-defined]


class CopySettingsForm(forms.Form):
    """Which other ad accounts get the same settings: the ticked ones, or all that ``q`` finds."""

    q = forms.CharField(max_length=200, required=False)
    everyone = forms.BooleanField(required=False)
    to = forms.TypedMultipleChoiceField(
        coerce=int, required=False, error_messages={"invalid_choice": _NOT_REACHED}
    )

    def __init__(self, *args: Any, account: AdAccount, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account = account
        others = accounts_beside(account).values_list("pk", flat=True)
        self.fields["to"].choices = [(pk, pk) for pk in others]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("everyone"):
            found = accounts_beside(self.account, cleaned.get("q", ""))
            cleaned["to"] = [*cleaned.get("to", ()), *found.values_list("pk", flat=True)]
        return cleaned


class PushTargetForm(LinkForm):
    """Where approved ads go, in one of the ad accounts in use or in ``account``.

    The ad set is never chosen beforehand; the rest starts with what ``initial`` says.
    """

    name = forms.CharField(
        max_length=120,
        label="Name of this target",
        help_text="Reviewers and agents see it, for example “Spring, new customers”.",
    )
    ad_set = AdSetField(
        queryset=AdSet.objects.none(),
        label="Ad set",
        error_messages={"invalid_choice": "This ad set cannot be used any more. Choose another."},
    )
    page = forms.ModelChoiceField(
        queryset=Page.objects.none(),
        label="Facebook Page",
        empty_label="Choose the Page that speaks",
        error_messages={"invalid_choice": "This Page cannot be used any more. Choose another."},
    )
    use_instagram = forms.BooleanField(
        required=False, label="Also speak as the Page's Instagram account"
    )
    field_order = ("name", "ad_set", "page", "use_instagram", "default_link", "url_tags")

    def __init__(
        self,
        *args: Any,
        integration: Integration,
        pages: Iterable[Page],
        account: AdAccount | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        ad_set, page = (
            cast("forms.ModelChoiceField[Any]", self.fields[name]) for name in ("ad_set", "page")
        )
        ad_set.queryset = ad_sets_for_targets(integration, account)
        page.queryset = pages_for_targets(integration)
        # Both lists are read once, without counting: the page asks whether they are empty first.
        ad_sets = list(iter(AdSetChoices(ad_set)))
        speakers = [(one.pk, one.name) for one in pages if one.can_advertise]
        ad_set.choices, page.choices = ad_sets, [("", page.empty_label), *speakers]
        self.has_ad_sets, self.has_pages = len(ad_sets) > 1, bool(speakers)


def _group_label(account: AdAccount) -> str:
    if account.can_run_ads:
        return account.name
    return f"{account.name} ({account.status_label.lower()}: no ads can be created)"
