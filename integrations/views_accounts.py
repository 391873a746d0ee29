"""What each ad account is ready for, and what its new targets start with."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from integrations.access import access_ad_account
from integrations.forms import AccountSettingsForm, CopySettingsForm
from integrations.models import AdAccount
from integrations.selectors.connections import is_history_open
from integrations.selectors.places import SEARCH_FROM, accounts_beside
from integrations.selectors.readiness import readiness_page
from integrations.services import account_settings
from leadmetrics.errors import InvalidInput
from leadmetrics.tenancy.access import role_required
from leadmetrics.tenancy.middleware import TenantRequest
from leadmetrics.tenancy.models import Role


@require_GET
@role_required(Role.ADMIN)
def readiness(request: TenantRequest, tenant: str) -> HttpResponse:
    """The grid: a row per ad account in use, a column per thing that must be right."""
    search = _text(request.GET, "q")
    after = request.GET.get("after", "")
    number = int(after) if after.isdecimal() and len(after) < 19 else None
    found = readiness_page(request.tenant, search=search, after=number)
    return render(
        request,
        "integrations/readiness.html",
        {
            "rows": found.rows,
            "after": found.after,
            "search": search,
            "titles": [cell.title for cell in found.rows[0].cells] if found.rows else [],
            "with_gaps": sum(bool(row.gaps) for row in found.rows),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@role_required(Role.ADMIN)
def settings(request: TenantRequest, tenant: str, account: int) -> HttpResponse:
    """Page, Instagram, link, URL parameters and conversion of one ad account."""
    ad_account = access_ad_account(actor=request.actor, pk=account)
    form = AccountSettingsForm(request.POST or None, account=ad_account)
    if request.method == "POST" and form.is_valid():
        try:
            account_settings.save_settings(actor=request.actor, pk=account, **form.cleaned_data)
        except InvalidInput as exc:
            form.add_problems(exc)
        else:
            messages.success(request, f"Saved. New targets of {ad_account.name} start with this.")
            if "conversion_action_type" in form.changed_data:
                messages.info(request, "Older days are read again, so that all count the same.")
            return redirect("connections:account_settings", tenant=tenant, account=account)
    return _settings_page(request, ad_account, form, status=422 if form.is_bound else 200)


@require_POST
@role_required(Role.ADMIN)
def copy_settings(request: TenantRequest, tenant: str, account: int) -> HttpResponse:
    """Give other ad accounts the same settings, or look for some; what is ticked stays ticked."""
    ad_account = access_ad_account(actor=request.actor, pk=account)
    copy = CopySettingsForm(request.POST, account=ad_account)
    chosen = copy.cleaned_data.get("to", []) if copy.is_valid() else []
    if "look" in request.POST:
        form = AccountSettingsForm(account=ad_account)
        return _settings_page(
            request, ad_account, form, search=_text(request.POST, "q"), ticked=chosen
        )
    if not chosen:
        problem = next(iter(copy.errors.values()), ["Choose at least one ad account."])[0]
        messages.error(request, str(problem))
        return redirect("connections:account_settings", tenant=tenant, account=account)
    done = account_settings.copy_settings(actor=request.actor, pk=account, to=chosen)
    count = len(done.accounts)
    messages.success(request, f"Copied to {count} ad account{'' if count == 1 else 's'}.")
    if done.without_page:
        names = ", ".join(other.name for other in done.without_page[:5])
        messages.warning(request, f"Not reached there, so the Page was left as it is: {names}.")
    return redirect("connections:account_settings", tenant=tenant, account=account)


def _settings_page(
    request: TenantRequest,
    account: AdAccount,
    form: AccountSettingsForm,
    *,
    search: str = "",
    ticked: Collection[int] = (),
    status: int = 200,
) -> HttpResponse:
    found = list(accounts_beside(account, search))
    marked = list(accounts_beside(account).filter(pk__in=ticked)) if ticked else []
    return render(
        request,
        "integrations/account_settings.html",
        {
            "account": account,
            "form": form,
            "others": [*marked, *(other for other in found if other not in marked)],
            "found": len(found),
            "ticked": ticked,
            "search": search,
            "is_reading_history": is_history_open(account),
            "is_long": search or len(found) > SEARCH_FROM,
        },
        status=status,
    )


def _text(values: QueryDict, name: str) -> str:
    return values.get(name, "").replace("\0", "").strip()[:200]
