"""Ads for support: found by any id, looked at, and put back on their way; never decided."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse

from approvals.explain import where_of
from approvals.models import (
    AdVariant,
    Comment,
    Decision,
    Proposal,
    Push,
    PushStep,
    VariantRevision,
    WriteStop,
)
from approvals.selectors.pushed import current_push, pushes_of
from approvals.selectors.variants import acts_on, revisions_of
from approvals.selectors.verdicts import decisions_of
from approvals.services.repairs import repair
from approvals.services.stops import resume_all_writes, stop_all_writes
from approvals.timeline import timeline
from leadmetrics.errors import LeadmetricsError, NotFound
from leadmetrics.tenancy.admin import ReadOnlyAdmin
from leadmetrics.tenancy.models import User

REFERENCE_PREFIX = "lm-"


class ReadOnlyInline(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs only
    """Rows of a page, to look at."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_change_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, *_: Any, **__: Any) -> bool:
        return request.user.is_active and request.user.is_staff


class SearchedByReference(ReadOnlyAdmin):
    """Takes the reference as Ads Manager shows it, with its prefix, and ids in quotes or dashes."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        words = (word.strip("\"'“”").removeprefix(REFERENCE_PREFIX) for word in search_term.split())
        return super().get_search_results(request, queryset, " ".join(words))


class RevisionInline(ReadOnlyInline):
    model = VariantRevision
    fk_name = "variant"
    fields = ["number", "headline", "primary_text", "author_label", "content_hash", "created_at"]
    readonly_fields = ["created_at"]
    ordering = ["-number"]


class PushInline(ReadOnlyInline):
    model = Push
    fields = ["reference", "state", "problem", "ad_id", "creative_id", "created_at", "finished_at"]
    readonly_fields = ["reference", "created_at"]
    ordering = ["-created_at"]


class StepInline(ReadOnlyInline):
    model = PushStep
    show_change_link = False
    fields = [
        "kind",
        "state",
        "fence",
        "sent_at",
        "finished_at",
        "object_id",
        "error_code",
        "empty_lookups",
        "looked_up_at",
    ]
    ordering = ["pk"]


@admin.register(AdVariant)
class AdVariantAdmin(SearchedByReference):
    list_display = ["__str__", "status", "tenant", "target", "created_at", "updated_at"]
    list_filter = ["status"]
    list_select_related = ["head", "tenant", "target"]
    search_fields = [
        "id",
        "client_ref",
        "head__headline",
        "pushes__id",
        "pushes__ad_id",
        "pushes__creative_id",
        "pushes__image_hash",
        "pushes__payload_hash",
        "pushes__activations__id",
        "head__content_hash",
        "proposal__id",
        "proposal__idempotency_key",
        "proposal__run_id",
        "tenant__slug",
        "target__ad_account__ad_account_id",
        "target__ad_set__ad_set_id",
        "target__ad_set__campaign__campaign_id",
        "target__page__page_id",
        "target__id",
        "decisions__reviewer__email",
    ]
    search_help_text = (
        "Our id or reference lm-…; the id of an ad, creative, image, campaign, ad set, Page, ad "
        "account, push target, proposal or activation; a content hash, now or once approved; a "
        "reviewer's e-mail, client_ref, run, idempotency key, or headline"
    )
    ordering = ["-updated_at"]
    inlines = [PushInline, RevisionInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AdVariant]:
        return (
            super()
            .get_queryset(request)
            .select_related("tenant", "proposal", "target__ad_account", "head")
        )

    def get_urls(self) -> list[URLPattern]:
        repair = self.admin_site.admin_view(self.repair_view)
        own = path("<uuid:variant_id>/repair/", repair, name="approvals_advariant_repair")
        return [own, *super().get_urls()]

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: AdVariant | None = None,
    ) -> HttpResponse:
        """The variant with the same cause and timeline that its workspace sees."""
        if obj is not None:
            pushes = list(pushes_of(obj))
            context["where"] = where_of(obj, current_push(pushes))
            context["timeline"] = timeline(
                obj,
                revisions_of(obj),
                decisions_of(obj),
                pushes,
                acts_on(obj),
            )
            context["repair_url"] = reverse("admin:approvals_advariant_repair", args=[obj.pk])
        return super().render_change_form(request, context, add, change, form_url, obj)

    def repair_view(self, request: HttpRequest, variant_id: UUID) -> HttpResponse:
        """Look again, release, or hand back; never anything that stands in for a decision."""
        variant = self.get_queryset(request).filter(pk=variant_id).first()
        if variant is None or not self.has_view_permission(request):
            raise Http404
        back_url = reverse("admin:approvals_advariant_change", args=[variant_id])
        problem, reason = "", request.POST.get("reason", "")
        if request.method == "POST":
            assert isinstance(request.user, User)
            try:
                repair(
                    user=request.user,
                    variant_id=variant_id,
                    kind=request.POST.get("kind", ""),
                    reason=reason,
                )
            except NotFound:
                raise Http404 from None
            except LeadmetricsError as exc:
                problem = exc.user_message
            else:
                messages.success(request, "Done, and noted in the workspace's activity.")
                return redirect(back_url)
        context = {
            **self.admin_site.each_context(request),
            "title": "Repair",
            "variant": variant,
            "where": where_of(variant, current_push(pushes_of(variant))),
            "problem": problem,
            "reason": reason,
            "back_url": back_url,
        }
        status = 422 if problem else 200
        return render(request, "admin/approvals/advariant/repair.html", context, status=status)


@admin.register(Push)
class PushAdmin(SearchedByReference):
    list_display = ["reference", "variant", "state", "problem", "ad_id", "attempts", "created_at"]
    list_filter = ["state"]
    search_fields = [
        "id",
        "ad_id",
        "creative_id",
        "problem_code",
        "payload_hash",
        "variant__id",
        "variant__head__headline",
        "variant__tenant__slug",
    ]
    search_help_text = "Reference lm-…, ad id, creative id, variant id, content hash, or headline"
    ordering = ["-created_at"]
    inlines = [StepInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Push]:
        return super().get_queryset(request).select_related("variant__head", "decision__reviewer")


@admin.register(Decision)
class DecisionAdmin(SearchedByReference):
    list_display = ["variant", "verdict", "reason_code", "reviewer", "created_at"]
    list_filter = ["verdict", "reason_code"]
    search_fields = [
        "variant__id",
        "revision__headline",
        "reviewer__email",
        "reviewer__name",
        "content_hash",
        "push__id",
        "push__ad_id",
        "variant__tenant__slug",
    ]
    search_help_text = "Variant id, headline, reviewer, content hash, reference lm-…, or ad id"
    ordering = ["-created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        return super().get_queryset(request).select_related("variant__head", "revision", "reviewer")


@admin.register(VariantRevision)
class VariantRevisionAdmin(SearchedByReference):
    list_display = ["variant", "number", "headline", "author_label", "author_kind", "created_at"]
    list_filter = ["author_kind"]
    search_fields = [
        "variant__id",
        "headline",
        "primary_text",
        "content_hash",
        "author_label",
        "variant__pushes__id",
        "variant__pushes__ad_id",
        "variant__tenant__slug",
    ]
    search_help_text = "Variant id, words of the text, author, content hash, reference, or ad id"
    ordering = ["-created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[VariantRevision]:
        return super().get_queryset(request).select_related("variant__head", "image", "author")


@admin.register(Comment)
class CommentAdmin(SearchedByReference):
    list_display = ["__str__", "variant", "text", "words", "created_at"]
    list_select_related = ["author", "variant__head"]
    search_fields = ["variant__id", "author__email", "text", "words", "variant__tenant__slug"]
    search_help_text = "Variant id, author's e-mail, words, or workspace"
    ordering = ["-created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Comment]:
        return super().get_queryset(request).select_related("author", "revision", "variant__head")


@admin.register(Proposal)
class ProposalAdmin(SearchedByReference):
    list_display = ["submitted_by", "tenant", "run_id", "model", "idempotency_key", "created_at"]
    list_select_related = ["tenant"]
    search_fields = [
        "submitted_by",
        "run_id",
        "idempotency_key",
        "variants__id",
        "variants__client_ref",
        "variants__pushes__ad_id",
        "tenant__slug",
    ]
    search_help_text = "Agent, run, idempotency key, variant id, client_ref, or ad id"
    ordering = ["-created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Proposal]:
        return super().get_queryset(request).select_related("tenant")


@admin.register(WriteStop)
class WriteStopAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """Adding a row stops sending in every workspace; deleting that row lets it go on."""

    list_display = ["__str__", "stopped_by", "stopped_at"]
    fields = ["reason"]
    actions = None

    def has_change_permission(self, *_: Any, **__: Any) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        is_stopped = WriteStop.objects.filter(tenant=None).exists()
        return super().has_add_permission(request) and not is_stopped

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_own = obj is not None and obj.tenant_id is not None
        return super().has_delete_permission(request, obj) and not is_own

    def save_model(self, request: HttpRequest, obj: WriteStop, *_: Any) -> None:
        assert isinstance(request.user, User)
        obj.pk = stop_all_writes(person=request.user.name, reason=obj.reason).pk

    def delete_model(self, request: HttpRequest, _obj: WriteStop) -> None:
        assert isinstance(request.user, User)
        resume_all_writes(person=request.user.name)
