"""Addresses that Meta calls by itself, and the page that says what became of a deletion."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from integrations.deletion_models import DataDeletion
from integrations.services import callbacks
from leadmetrics.errors import LeadmetricsError

_FORGED = {"error": "This request is not signed by Meta for this app."}


# Meta has no session and no CSRF token; the signature in the body is what is checked.
@csrf_exempt
@login_not_required
@require_POST
def deauthorize(request: HttpRequest) -> HttpResponse:
    """A person removed the app at Facebook."""
    try:
        callbacks.deauthorize(request.POST.get("signed_request", ""))
    except LeadmetricsError:
        return JsonResponse(_FORGED, status=400)
    return HttpResponse("ok\n", content_type="text/plain")


@csrf_exempt
@login_not_required
@require_POST
def data_deletion(request: HttpRequest) -> HttpResponse:
    """A person asked Meta to have their data deleted here."""
    try:
        deletion = callbacks.delete_data(request.POST.get("signed_request", ""))
    except LeadmetricsError:
        return JsonResponse(_FORGED, status=400)
    path = reverse("meta_deletion_status", args=[deletion.code])
    return JsonResponse({"url": f"{settings.SITE_URL}{path}", "confirmation_code": deletion.code})


@login_not_required
@require_safe
def deletion_status(request: HttpRequest, code: str) -> HttpResponse:
    """What became of a request; the code is all that it takes, and it names nobody."""
    deletion = DataDeletion.objects.filter(code=code).first()
    if deletion is None:
        raise Http404
    return render(request, "integrations/deletion_status.html", {"deletion": deletion})
