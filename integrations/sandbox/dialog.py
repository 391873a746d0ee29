"""The login dialog a person clicks through: who, which permissions, continue or cancel."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from integrations.sandbox import tokens
from integrations.sandbox.html import document, esc, page_response
from integrations.sandbox.seed import Node
from integrations.sandbox.versions import split_version
from integrations.sandbox.wire import Request, Response
from integrations.sandbox.world import World

LOOPBACK = ("localhost", "127.0.0.1", "::1")
RESPONSE_TYPES = ("code", "token", "code token", "granted_scopes", "code granted_scopes")
DEFAULT_SCOPES = (
    "ads_read",
    "ads_management",
    "business_management",
    "pages_show_list",
    "pages_read_engagement",
    "pages_manage_ads",
)
_DISPLAYS = ("", "page", "popup", "touch")
_ASKED = (
    "client_id",
    "redirect_uri",
    "state",
    "response_type",
    "scope",
    "config_id",
    "override_default_response_type",
    "auth_type",
    "display",
)
_WORDS = {
    "ads_read": "See the numbers of your ads",
    "ads_management": "Create and change your ads",
    "business_management": "See your businesses",
    "pages_show_list": "Show the list of your Pages",
    "pages_read_engagement": "Read what your Pages publish",
    "pages_manage_ads": "Run ads for your Pages",
    "instagram_basic": "See your Instagram profile",
    "email": "Your e-mail address",
}


class BadDialog(ValueError):
    """A request the dialog cannot show; the text is for the developer."""


def is_dialog(path: str) -> bool:
    """Whether a path is `/{version}/dialog/oauth`."""
    return split_version(path)[1] == ["dialog", "oauth"]


def handle(world: World, request: Request) -> Response:
    """Show the dialog, or carry out what the person clicked."""
    form = request.form()[0] if request.method == "POST" else {}
    asked = {name: {**request.query, **form}.get(name, "") for name in _ASKED}
    try:
        scopes = _check(world, asked)
        if request.method == "POST":
            return _decide(world, asked, scopes, form)
        who = _person(world, request.query.get("person", ""))
    except BadDialog as exc:
        words = f"<h1>This app is not set up correctly</h1><p>{esc(exc)}</p>"
        page = document("Log in", f'<main class="narrow">{words}</main>')
        return page_response(page, status=400)
    page = _page(world, asked, scopes, who)
    return page_response(page, form_target=_origin(asked["redirect_uri"]))


def _check(world: World, asked: Mapping[str, str]) -> list[str]:
    """The asked scopes, in order. Raises `BadDialog` for anything Meta would not show."""
    if asked["client_id"] != world.app_id:
        raise BadDialog("Invalid App ID: the provided app ID does not look like a valid app ID.")
    target = urlsplit(asked["redirect_uri"])
    if target.scheme not in ("http", "https") or target.hostname not in LOOPBACK:
        raise BadDialog(
            "The redirect_uri is missing or not on this machine. The stand-in only sends people "
            "back to http(s)://localhost or 127.0.0.1."
        )
    if target.fragment or target.username:
        raise BadDialog("The redirect_uri must have no fragment and no user name.")
    if (asked["response_type"] or "code") not in RESPONSE_TYPES:
        raise BadDialog("Invalid parameter: response_type.")
    if asked["auth_type"] not in ("", "rerequest", "reauthenticate"):
        raise BadDialog("Invalid parameter: auth_type.")
    if asked["display"] not in _DISPLAYS:
        raise BadDialog("Invalid parameter: display.")
    if asked["config_id"] and not asked["scope"]:
        return list(DEFAULT_SCOPES)
    scopes = [scope for scope in asked["scope"].replace(" ", ",").split(",") if scope]
    unknown = [scope for scope in scopes if scope not in tokens.KNOWN_SCOPES]
    if unknown:
        raise BadDialog(f"Invalid Scopes: {', '.join(unknown)}.")
    return [scope for scope in dict.fromkeys(scopes) if scope != "public_profile"]


def _person(world: World, wanted: str) -> Node:
    people = list(world.of_kind("User"))
    if not wanted:
        return people[0]
    for person in people:
        if person["id"] == wanted:
            return person
    raise BadDialog("There is no such demo person.")


def _askable(world: World, asked: Mapping[str, str], scopes: list[str], user: str) -> set[str]:
    """Scopes the dialog really asks: those declined before only with `auth_type=rerequest`."""
    known = tokens.grant(world, user)["scopes"]
    again = asked["auth_type"] == "rerequest"
    return {scope for scope in scopes if again or known.get(scope) != "declined"}


# --- the click ---------------------------------------------------------------------------------
def _decide(
    world: World, asked: Mapping[str, str], scopes: list[str], form: Mapping[str, str]
) -> Response:
    if form.get("decision") != "continue":
        return _back(
            asked,
            {
                "error": "access_denied",
                "error_code": "200",
                "error_description": "Permissions error",
                "error_reason": "user_denied",
            },
        )
    user = _person(world, form.get("person", ""))["id"]
    askable = _askable(world, asked, scopes, user)
    granted = [scope for scope in scopes if scope in askable and form.get(f"scope:{scope}")]
    declined = [scope for scope in scopes if scope not in granted]
    tokens.log_in(world, user, granted, declined)
    kind = asked["response_type"] or "code"
    answer = {}
    if "code" in kind.split() or kind == "granted_scopes":
        wants_system = asked["config_id"] and asked["override_default_response_type"] == "true"
        answer["code"] = tokens.issue_code(
            world, user, asked["redirect_uri"], "system" if wants_system else ""
        )
    if "granted_scopes" in kind:
        answer["granted_scopes"] = ",".join(["public_profile", *granted])
        answer["denied_scopes"] = ",".join(declined)
    if "token" in kind.split():
        row = tokens.issue_token(world, user, "short")
        seconds = row["expires_at"] - row["issued_at"]
        token = {"access_token": row["token"], "expires_in": str(seconds), "state": asked["state"]}
        return _back(asked, answer, fragment=urlencode(token))
    return _back(asked, answer)


def _back(
    asked: Mapping[str, str], answer: Mapping[str, str], *, fragment: str = "_=_"
) -> Response:
    """The redirect, with `state` echoed and `#_=_` at the end as Facebook adds it."""
    target = urlsplit(asked["redirect_uri"])
    pairs = [*parse_qsl(target.query, keep_blank_values=True), *answer.items()]
    if asked["state"]:
        pairs.append(("state", asked["state"]))
    where = urlunsplit((target.scheme, target.netloc, target.path, urlencode(pairs), fragment))
    return Response(302, b"", [("Location", where), ("Cache-Control", "no-store")], "text/html")


def _origin(uri: str) -> str:
    target = urlsplit(uri)
    return f"{target.scheme}://{target.netloc}"


# --- the page ----------------------------------------------------------------------------------
def _page(world: World, asked: Mapping[str, str], scopes: list[str], who: Node) -> str:
    askable = _askable(world, asked, scopes, who["id"])
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{esc(value)}">'
        for name, value in asked.items()
        if value
    )
    boxes = "".join(_box(scope, scope in askable) for scope in scopes)
    body = f"""
<main class="narrow">
  <p class="brand">Facebook <span class="tag">stand-in</span></p>
  <h1>Leadmetrics wants to connect to your account</h1>
  <section aria-label="Who connects"><ul class="people">{_people(world, asked, who)}</ul></section>
  <form method="post">
    {hidden}<input type="hidden" name="person" value="{esc(who["id"])}">
    <fieldset>
      <legend>What Leadmetrics may do</legend>
      {boxes or "<p>Only your name and profile picture.</p>"}
    </fieldset>
    {_assets(world, who)}
    <p class="buttons">
      <button type="submit" name="decision" value="continue" class="primary">Continue</button>
      <button type="submit" name="decision" value="cancel">Cancel</button>
    </p>
  </form>
  <p class="quiet">Nothing here reaches Facebook. Untick a permission to see what happens
  without it.</p>
</main>"""
    return document("Log in with Facebook (stand-in)", body)


def _people(world: World, asked: Mapping[str, str], who: Node) -> str:
    items = []
    for person in world.of_kind("User"):
        initials = "".join(part[0] for part in person["name"].split()[:2])
        words = (
            f'<span class="face" aria-hidden="true">{esc(initials)}</span><span><b>'
            f'{esc(person["name"])}</b><br><span class="quiet">{esc(person["_note"])}</span></span>'
        )
        query = urlencode({**{k: v for k, v in asked.items() if v}, "person": person["id"]})
        if person["id"] == who["id"]:
            items.append(f'<li class="person chosen" aria-current="true">{words}</li>')
        else:
            items.append(f'<li><a class="person" href="?{esc(query)}">{words}</a></li>')
    return "".join(items)


def _box(scope: str, askable: bool) -> str:
    words = esc(_WORDS.get(scope, scope.replace("_", " ").capitalize()))
    name = f'<code class="quiet">{esc(scope)}</code>'
    if not askable:
        return (
            f'<p class="line declined">{words} {name}<br><span class="quiet">You said no to this '
            "earlier, and the app did not ask again.</span></p>"
        )
    return (
        f'<label class="line"><input type="checkbox" name="scope:{esc(scope)}" value="1" checked> '
        f"<span>{words} {name}</span></label>"
    )


def _assets(world: World, who: Node) -> str:
    accounts = [world.nodes[account]["name"] for account in who["_accounts"]]
    pages = [world.nodes[page]["name"] for page in who["_pages"]]
    listed = [
        f"<p><b>{title}:</b> {esc(', '.join(names[:6])) or 'none'}"
        f"{f' and {len(names) - 6} more' if len(names) > 6 else ''}</p>"
        for title, names in (("Ad accounts", accounts), ("Pages", pages))
    ]
    return f'<div class="assets">{"".join(listed)}</div>'
