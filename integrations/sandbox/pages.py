"""The page "Ads Manager (stand-in)": what the ad accounts now hold, newest ads first."""

from __future__ import annotations

from collections.abc import Sized
from urllib.parse import urlencode

from integrations.sandbox import statuses, tokens
from integrations.sandbox.html import document, esc
from integrations.sandbox.nodes import iso
from integrations.sandbox.paging import dumps
from integrations.sandbox.seed import Node
from integrations.sandbox.switches_form import ad_switches, side_switches
from integrations.sandbox.world import World

NEWEST = 12
TREE_CAMPAIGNS = 30
_STATUS_CLASS = {
    "ACTIVE": "good",
    "DISAPPROVED": "bad",
    "WITH_ISSUES": "bad",
    "PENDING_REVIEW": "warn",
    "IN_PROCESS": "warn",
}
_ACCOUNT_STATUS = {
    1: "Active",
    2: "Disabled",
    3: "Unsettled",
    7: "Pending risk review",
    9: "In grace period",
    101: "Closed",
}


def overview(world: World, wanted: str) -> str:
    """The whole page, with the account `wanted` (or the first) opened."""
    accounts = list(world.of_kind("AdAccount"))
    chosen = next((a for a in accounts if a["id"] == wanted), accounts[0])
    made = [ad for ad in world.of_kind("Ad") if ad["_by"] == "app" and ad["status"] != "DELETED"]
    made.sort(key=lambda ad: (ad["_created"], ad["id"]), reverse=True)
    body = f"""
<header class="top">
  <p class="brand">Ads Manager <span class="tag">stand-in</span></p>
  <p class="quiet">The app's view of Facebook on this machine. Clock: {_clock(world)}</p>
</header>
<main class="wide">
  <div class="columns">
    <div>
      <h1>Ads made through the API</h1>
      <p class="state">{_state(world, made)}</p>
      {_newest(world, made)}
      <h2>Ad accounts</h2>
      <nav aria-label="Ad accounts" class="tabs">{_tabs(accounts, chosen)}</nav>
      {_account(world, chosen)}
    </div>
    <aside>
      <h2>People</h2>
      {_people(world)}
      <h2>Make trouble</h2>
      {side_switches(world, chosen)}
    </aside>
  </div>
</main>"""
    return document("Ads Manager (stand-in)", body)


def _clock(world: World) -> str:
    offset = float(world.setting("clock_offset_days"))
    text = iso(world.now())[:16].replace("T", " ") + " UTC"
    return esc(f"{text} ({offset:+g} days)" if offset else text)


def _state(world: World, made: list[Node]) -> str:
    if not made:
        return "None yet. An approved variant shows up here once it is pushed."
    live = sum(statuses.ad_status(world, ad) == "ACTIVE" for ad in made)
    review = sum(statuses.ad_status(world, ad) == "PENDING_REVIEW" for ad in made)
    return f"{len(made)} in all: {live} live, {review} in Meta's review, the rest not running."


def _newest(world: World, made: list[Node]) -> str:
    cards = "".join(f"<li>{ad_card(world, ad, switches=True)}</li>" for ad in made[:NEWEST])
    return f'<ul class="cards">{cards}</ul>' if cards else ""


def ad_card(world: World, ad: Node, *, switches: bool = False) -> str:
    """One ad as people would see it, with its two statuses and where it sits."""
    creative = world.nodes[ad["_creative"]]
    ad_set, campaign = world.nodes[ad["adset_id"]], world.nodes[ad["campaign_id"]]
    labels = ", ".join(world.nodes[label]["name"] for label in ad["_labels"])
    facts = [
        ("Ad", f"{ad['name']} · {ad['id']}"),
        ("Ad set", ad_set["name"]),
        ("Campaign", campaign["name"]),
        ("Made", iso(ad["_created"])[:16].replace("T", " ")),
        ("Labels", labels),
        ("Link tags", creative["_spec"].get("url_tags", "")),
    ]
    listed = "".join(f"<dt>{name}</dt><dd>{esc(value)}</dd>" for name, value in facts if value)
    verdict = ""
    if ad.get("_verdict"):
        policies = "; ".join(f"{k}: {v}" for k, v in ad["_verdict"]["global"].items())
        verdict = f'<p class="note bad">Meta refused it. {esc(policies)}</p>'
    more = ad_switches(ad) if switches else ""
    return f"""<article class="card" data-ad="{esc(ad["id"])}">
  <p class="chips">{chips(world, ad)}</p>
  {feed(world, creative)}
  {verdict}<dl class="facts">{listed}</dl>{more}
</article>"""


def chips(world: World, node: Node) -> str:
    """Configured and effective status, once when they are the same."""
    effective = statuses.effective(world, node)
    css = _STATUS_CLASS.get(effective, "")
    if effective == node["status"]:
        return f'<span class="chip {css}">{esc(effective)}</span>'
    own = f'<span class="chip">Set to {esc(node["status"])}</span>'
    return f'{own} <span class="chip {css}">Is {esc(effective.replace("_", " "))}</span>'


def feed(world: World, creative: Node) -> str:
    """The creative drawn like a post in the feed."""
    story = creative["_spec"].get("object_story_spec", {})
    data = story.get("link_data", {})
    page = world.nodes.get(str(story.get("page_id", "")), {"name": "Page"})
    picture = ""
    if data.get("image_hash"):
        source = f"/sandbox/images/{creative['account_id']}/{data['image_hash']}"
        picture = f'<img src="{esc(source)}" alt="" width="480" height="252" loading="lazy">'
    action = data.get("call_to_action", {}).get("type", "")
    button = (
        f'<span class="cta">{esc(action.replace("_", " ").capitalize())}</span>' if action else ""
    )
    description = data.get("description", "")
    return f"""<div class="post">
    <p class="post-head"><b>{esc(page["name"])}</b> <span class="quiet">Sponsored</span></p>
    <p class="message">{esc(data.get("message", ""))}</p>
    {picture}
    <div class="post-foot"><div><p class="quiet host">{esc(data.get("link", ""))}</p>
    <p class="headline">{esc(data.get("name", ""))}</p>
    <p class="quiet">{esc(description)}</p></div>{button}</div>
  </div>"""


# --- accounts and people -----------------------------------------------------------------------
def _tabs(accounts: list[Node], chosen: Node) -> str:
    links = []
    for account in accounts[:40]:
        current = ' aria-current="page"' if account is chosen else ""
        query = urlencode({"account": account["id"]})
        links.append(f'<a href="/sandbox/?{query}"{current}>{esc(account["name"])}</a>')
    more = f" and {len(accounts) - 40} more" if len(accounts) > 40 else ""
    return "".join(links) + more


def _account(world: World, account: Node) -> str:
    status = _ACCOUNT_STATUS.get(account["account_status"], str(account["account_status"]))
    owner = world.nodes.get(account["_business"], {"name": "no business"})
    css = "good" if account["account_status"] == 1 else "bad"
    campaigns = world.kids(account, "campaigns")
    shown = "".join(_campaign(world, campaign) for campaign in campaigns[:TREE_CAMPAIGNS])
    left = len(campaigns) - TREE_CAMPAIGNS
    more = f'<p class="quiet">And {left} more campaigns.</p>' if left > 0 else ""
    return f"""<section class="account" aria-label="{esc(account["name"])}">
  <p class="chips"><span class="chip {css}">{esc(status)}</span>
  <span class="chip">{esc(account["currency"])}</span>
  <span class="chip">{esc(account["timezone_name"])}</span>
  <span class="quiet">{esc(account["id"])} · {esc(owner["name"])}</span></p>
  {shown}{more}
</section>"""


def _campaign(world: World, campaign: Node) -> str:
    ad_sets = "".join(_ad_set(world, ad_set) for ad_set in world.kids(campaign, "adsets"))
    return (
        f'<details class="branch"><summary><span>{esc(campaign["name"])}</span> '
        f'<span class="chips">{chips(world, campaign)}</span></summary>{ad_sets}</details>'
    )


def _ad_set(world: World, ad_set: Node) -> str:
    ads = [ad for ad in world.kids(ad_set, "ads") if ad["status"] != "DELETED"]
    ads.reverse()
    notes = []
    if "dsa_beneficiary" not in ad_set and "DE" in dumps(ad_set["targeting"]):
        notes.append("no DSA beneficiary or payor")
    if ad_set["is_dynamic_creative"]:
        notes.append("dynamic creative")
    rows = "".join(
        f'<li><details class="leaf"><summary><span>{esc(ad["name"])}</span> '
        f'<span class="chips">{chips(world, ad)}</span></summary>'
        f"{ad_card(world, ad)}</details></li>"
        for ad in ads
    )
    words = f"{len(ads)} ads" + "".join(f", {note}" for note in notes)
    return (
        f'<details class="branch inner"><summary><span>{esc(ad_set["name"])} '
        f'<span class="quiet">{esc(words)}</span></span> '
        f'<span class="chips">{chips(world, ad_set)}</span></summary>'
        f'<p class="quiet id">{esc(ad_set["id"])}</p><ul class="plain">{rows}</ul></details>'
    )


def _people(world: World) -> str:
    items = []
    for person in world.of_kind("User"):
        alive = [t for t in tokens.tokens_of(world, person["id"]) if _live(world, t)]
        scopes = tokens.grant(world, person["id"])["scopes"]
        said_no = [name for name, status in scopes.items() if status != "granted"]
        words = "connected" if alive else "not connected"
        if said_no:
            words += f"; said no to {', '.join(said_no)}"
        assets = f"{_count(person['_accounts'], 'ad account')}, {_count(person['_pages'], 'Page')}"
        items.append(
            f'<li><b>{esc(person["name"])}</b> <span class="quiet">{esc(words)}<br>'
            f"{assets}, id {esc(person['id'])}</span></li>"
        )
    return f'<ul class="plain lines">{"".join(items)}</ul>'


def _count(things: Sized, word: str) -> str:
    return f"{len(things) or 'no'} {word}{'' if len(things) == 1 else 's'}"


def _live(world: World, token: Node) -> bool:
    ends = token["expires_at"]
    return not token["dead"] and not token["page"] and (not ends or ends > world.now())


def preview(world: World, creative: Node) -> str:
    """The page inside a preview's iframe."""
    return document("Ad preview", f'<main class="preview">{feed(world, creative)}</main>')
