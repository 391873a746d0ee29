"""The tools as MCP describes them: name, arguments, and which function of ``tools`` runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field

from approvals.services.propose import hash_request
from leadmetrics.agents import auth, schemas, tools
from leadmetrics.agents.models import AgentKey
from leadmetrics.errors import LeadmetricsError
from leadmetrics.tenancy.actors import Actor


class TooMuchForToday(LeadmetricsError):
    code = "rate_limited"
    user_message = "This key has proposed as much as it may today."


class NoArguments(Schema):
    model_config = ConfigDict(extra="forbid")


class Cursor(NoArguments):
    cursor: schemas.Cursor = ""


class Part(Cursor):
    limit: schemas.Limit = schemas.LIST_SIZE


class Days(Cursor):
    since: date = Field(description="First day, in the ad accounts' calendar.")
    until: date = Field(description="Last day, included.")


class OneVariant(NoArguments):
    variant_id: UUID


class Revision(schemas.RevisionIn):
    variant_id: UUID


class Proposal(schemas.ProposalIn):
    idempotency_key: str = Field(
        "", max_length=255, description="Repeat a call whose answer was lost with the same key."
    )


@dataclass(frozen=True, slots=True)
class Tool:
    """One operation. ``run`` gets the key, its actor and the validated arguments."""

    name: str
    description: str
    arguments: type[Schema]
    run: Callable[[AgentKey, Actor, Any], Any]
    reads_only: bool = True

    def as_json(self) -> dict[str, Any]:
        """The tool as ``tools/list`` shows it."""
        return {
            "name": self.name,
            "description": self.description,
            "inputSchema": self.arguments.model_json_schema(),
            "annotations": {
                "readOnlyHint": self.reads_only,
                "destructiveHint": False,
                "openWorldHint": False,
            },
        }


def as_object(answer: Any) -> dict[str, Any]:
    """An answer of ``tools`` as a JSON object."""
    return answer.model_dump(mode="json") if isinstance(answer, Schema) else dict(answer)


def _propose(key: AgentKey, actor: Actor, arguments: Proposal) -> dict[str, Any]:
    if not auth.allow_proposals(key, len(arguments.variants)):
        raise TooMuchForToday
    result = tools.propose(
        actor,
        arguments,
        idempotency_key=arguments.idempotency_key,
        request_hash=hash_request(arguments.model_dump_json().encode()),
    )
    return {"replayed": result.replayed, "results": result.items}


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "list_ad_accounts",
            "The ad accounts this workspace uses, with currency, timezone and state.",
            Part,
            lambda _key, actor, arguments: tools.list_ad_accounts(actor, **arguments.model_dump()),
        ),
        Tool(
            "list_push_targets",
            "Where ad copy can be proposed for, with the copy limits and calls to action.",
            Part,
            lambda _key, actor, arguments: tools.list_push_targets(actor, **arguments.model_dump()),
        ),
        Tool(
            "list_custom_audiences",
            "Custom audiences of the ad accounts, with Meta's size band.",
            Part,
            lambda _key, actor, arguments: tools.list_custom_audiences(
                actor, **arguments.model_dump()
            ),
        ),
        Tool(
            "read_campaign_insights",
            "Daily performance per campaign between two days. null: Meta did not say.",
            Days,
            lambda _key, actor, arguments: tools.read_campaign_insights(
                actor, since=arguments.since, until=arguments.until, cursor=arguments.cursor
            ),
        ),
        Tool(
            "propose_ad_variants",
            "Propose 1 to 200 ad copy variants. People decide; each item is answered on its own.",
            Proposal,
            _propose,
            reads_only=False,
        ),
        Tool(
            "withdraw_ad_variant",
            "Take back a variant that nobody has decided yet.",
            OneVariant,
            lambda _key, actor, arguments: tools.withdraw(actor, arguments.variant_id),
            reads_only=False,
        ),
        Tool(
            "revise_ad_variant",
            "Send the next version of a variant for which people asked for changes.",
            Revision,
            lambda _key, actor, arguments: tools.revise(
                actor,
                arguments.variant_id,
                schemas.RevisionIn(**arguments.model_dump(exclude={"variant_id"})),
            ),
            reads_only=False,
        ),
        Tool(
            "read_feedback",
            "What people decided and where each variant is, oldest change first.",
            Cursor,
            lambda _key, actor, arguments: tools.feedback(actor, arguments.cursor),
        ),
    )
}
