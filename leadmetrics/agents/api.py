"""The JSON API for agents: /api/v1/. Bearer keys only; cookies mean nothing here."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, cast
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import Header, NinjaAPI, Status
from ninja.errors import HttpError, ValidationError
from ninja.security import HttpBearer

from approvals.services.propose import IdempotencyConflict, hash_request
from leadmetrics.agents import auth, schemas, tools
from leadmetrics.agents.models import AgentKey
from leadmetrics.errors import InvalidInput, LeadmetricsError, NotFound, StateConflict
from leadmetrics.tenancy.actors import Actor

_STATUS: dict[type[LeadmetricsError], int] = {
    NotFound: 404,
    IdempotencyConflict: 409,
    StateConflict: 409,
    InvalidInput: 422,
}


class AgentRequest(HttpRequest):
    """A request that carries a valid key."""

    actor: Actor
    agent_key: AgentKey


class KeyAuth(HttpBearer):
    """``Authorization: Bearer lm_…``"""

    def authenticate(self, request: HttpRequest, token: str) -> AgentKey | None:
        """The key behind the token, or None, which answers 401."""
        found = auth.authenticate(token)
        if found is None:
            return None
        key, actor = found
        if not auth.allow(key):
            raise HttpError(429, "Too many requests with this key. Wait a minute and go on.")
        agent_request = cast(AgentRequest, request)
        agent_request.agent_key, agent_request.actor = key, actor
        return key


api = NinjaAPI(
    title="Leadmetrics for Meta Ads",
    version="1",
    description="Propose ad copy for human review and read what people decided.",
    docs_url=None,
    auth=KeyAuth(),
    urls_namespace="api",
)


@api.post(
    "/variants",
    response={201: schemas.ProposalOut, 422: schemas.ProposalOut},
    summary="Propose 1 to 200 ad copy variants",
)
def propose_variants(
    request: HttpRequest,
    payload: schemas.ProposalIn,
    idempotency_key: Annotated[str, Header(max_length=255)] = "",
) -> Status[dict[str, Any]]:
    """Valid items are stored and wait for a person; the others come back with their problems.

    201 when at least one was stored, 422 when none was. Repeat a request whose answer was lost
    with the same Idempotency-Key: it is answered again and nothing is stored twice.
    """
    agent_request = cast(AgentRequest, request)
    if not auth.allow_proposals(agent_request.agent_key, len(payload.variants)):
        raise HttpError(429, "This key has proposed as much as it may today.")
    result = tools.propose(
        agent_request.actor,
        payload,
        idempotency_key=idempotency_key,
        request_hash=hash_request(request.body),
    )
    stored = any(item["status"] == "proposed" for item in result.items)
    answer = {"replayed": result.replayed, "results": result.items}
    return Status(201 if stored else 422, answer)


@api.get("/variants", response=schemas.FeedbackPage, summary="Read what became of variants")
def list_variants(request: HttpRequest, cursor: str = "") -> schemas.FeedbackPage:
    """Variants that changed since the cursor, oldest change first."""
    return tools.feedback(cast(AgentRequest, request).actor, cursor)


@api.post("/variants/{uuid:variant_id}/withdraw", response=schemas.FeedbackOut)
def withdraw_variant(request: HttpRequest, variant_id: UUID) -> schemas.FeedbackOut:
    """Take back a variant that nobody has decided yet."""
    return tools.withdraw(cast(AgentRequest, request).actor, variant_id)


@api.post("/variants/{uuid:variant_id}/revise", response=schemas.FeedbackOut)
def revise_variant(
    request: HttpRequest, variant_id: UUID, revision: schemas.RevisionIn
) -> schemas.FeedbackOut:
    """Send the next version of a variant for which people asked for changes."""
    return tools.revise(cast(AgentRequest, request).actor, variant_id, revision)


@api.get("/ad-accounts", response=schemas.AdAccountsPage)
def list_ad_accounts(
    request: HttpRequest, cursor: schemas.Cursor = "", limit: schemas.Limit = schemas.LIST_SIZE
) -> schemas.AdAccountsPage:
    """The enabled ad accounts. The order does not change; pass next_cursor on until it is empty."""
    actor = cast(AgentRequest, request).actor
    return tools.list_ad_accounts(actor, cursor=cursor, limit=limit)


@api.get("/push-targets", response=schemas.PushTargetsPage)
def list_push_targets(
    request: HttpRequest, cursor: schemas.Cursor = "", limit: schemas.Limit = schemas.LIST_SIZE
) -> schemas.PushTargetsPage:
    """Where variants can be proposed for; pass next_cursor on until it is empty."""
    actor = cast(AgentRequest, request).actor
    return tools.list_push_targets(actor, cursor=cursor, limit=limit)


@api.get("/audiences", response=schemas.AudiencesPage)
def list_custom_audiences(
    request: HttpRequest, cursor: schemas.Cursor = "", limit: schemas.Limit = schemas.LIST_SIZE
) -> schemas.AudiencesPage:
    """Custom audiences to target; pass next_cursor on until it is empty."""
    actor = cast(AgentRequest, request).actor
    return tools.list_custom_audiences(actor, cursor=cursor, limit=limit)


@api.get("/insights", response=schemas.InsightsPage, summary="Read campaign performance")
def read_campaign_insights(
    request: HttpRequest,
    since: date,
    until: date,
    cursor: schemas.Cursor = "",
) -> schemas.InsightsPage:
    """Daily campaign rows between two days of the ad accounts' calendars, both included."""
    return tools.read_campaign_insights(
        cast(AgentRequest, request).actor, since=since, until=until, cursor=cursor
    )


@login_not_required
def docs(request: HttpRequest) -> HttpResponse:
    """The API explained for people, from the same OpenAPI document that machines read."""
    return render(request, "agents/docs.html", {"schema": api.get_openapi_schema()})


def _problem(
    request: HttpRequest, status: int, code: str, detail: str, errors: list[Any] | None = None
) -> HttpResponse:
    titles = {
        401: "Unauthorized",
        404: "Not found",
        409: "Conflict",
        422: "Invalid",
        429: "Slow down",
    }
    body = schemas.Problem(
        title=titles.get(status, "Error"),
        status=status,
        code=code,
        detail=detail,
        errors=errors or [],
    )
    response = api.create_response(request, body.model_dump(exclude_none=True), status=status)
    response["Content-Type"] = "application/problem+json"
    return response


@api.exception_handler(LeadmetricsError)
def _on_our_error(request: HttpRequest, exc: LeadmetricsError) -> HttpResponse:
    status = next((number for kind, number in _STATUS.items() if isinstance(exc, kind)), 400)
    return _problem(request, status, exc.code, exc.user_message, getattr(exc, "problems", None))


@api.exception_handler(ValidationError)
def _on_invalid(request: HttpRequest, exc: ValidationError) -> HttpResponse:
    errors = [
        {
            "code": str(error["type"]),
            "field": ".".join(str(part) for part in error["loc"][1:] if part != "payload"),
            "message": str(error["msg"]),
        }
        for error in exc.errors
    ]
    return _problem(request, 422, "invalid", "The request does not have the right shape.", errors)


@api.exception_handler(HttpError)
def _on_http_error(request: HttpRequest, exc: HttpError) -> HttpResponse:
    codes = {400: "malformed", 401: "unauthorized", 429: "rate_limited"}
    detail = {
        400: "The body is not valid JSON.",
        401: "The key is missing, wrong, revoked or expired.",
    }.get(exc.status_code, str(exc))
    return _problem(request, exc.status_code, codes.get(exc.status_code, "error"), detail)
