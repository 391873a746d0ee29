"""What admins enter about connections."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django import forms

from integrations.models import AdSet, Integration, Page
from integrations.selectors import ad_sets_for_targets, pages_for_targets


class AdSetChoices(forms.models.ModelChoiceIterator):  # type: ignore[type-arg]  # stubs only
    """Ad sets, grouped by ad account."""

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        yield ("", "Choose an ad set")
        for account, ad_sets in groupby(self.queryset, key=lambda ad_set: ad_set.ad_account):
            yield (account.name, [self.choice(ad_set) for ad_set in ad_sets])


class AdSetField(forms.ModelChoiceField):  # type: ignore[type-arg]  # generic in the stubs only
    iterator = AdSetChoices

    def label_from_instance(self, obj: AdSet) -> str:
        note = " (dynamic creative, cannot be used)" if obj.is_dynamic_creative else ""
        return f"{obj.campaign.name} › {obj.name}{note}"


class PushTargetForm(forms.Form):
    """Where approved ads go. Nothing is chosen beforehand."""

    name = forms.CharField(
        max_length=120,
        label="Name of this target",
        help_text="Reviewers and agents see it, for example “Spring, new customers”.",
    )
    ad_set = AdSetField(queryset=AdSet.objects.none(), label="Ad set")
    page = forms.ModelChoiceField(
        queryset=Page.objects.none(), label="Facebook Page", empty_label="Choose the Page that speaks"
    )
    use_instagram = forms.BooleanField(
        required=False, label="Also speak as the Page's Instagram account"
    )
    default_link = forms.URLField(
        max_length=1000,
        required=False,
        label="Default link",
        assume_scheme="https",
        help_text="Used when an agent sends no link.",
    )
    url_tags = forms.CharField(
        max_length=500,
        required=False,
        label="URL parameters",
        help_text="Added to every link by Meta, for example utm_source=meta.",
    )

    def __init__(self, *args: Any, integration: Integration, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ad_set"].queryset = ad_sets_for_targets(integration)  # type: ignore[attr-defined]
        self.fields["page"].queryset = pages_for_targets(integration)  # type: ignore[attr-defined]
