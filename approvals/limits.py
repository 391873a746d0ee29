"""The words of an ad: its fields, how long they may be, and the calls to action.

Lengths count characters after Unicode NFC. They are Meta's recommendations (Ads Guide), so a tenant
may choose to be warned instead of refused. What else is looked at: approvals.checks.
"""

from __future__ import annotations

from dataclasses import dataclass

PRIMARY_TEXT_LIMIT = 125
HEADLINE_LIMIT = 40
DESCRIPTION_LIMIT = 30
# What the database holds; an advisory tenant can go as far as this.
HARD_LIMITS = {"primary_text": 2000, "headline": 255, "description": 255}
RECOMMENDED = {
    "primary_text": PRIMARY_TEXT_LIMIT,
    "headline": HEADLINE_LIMIT,
    "description": DESCRIPTION_LIMIT,
}
LINK_LIMIT = 1000  # Ad Creative reference: URLs have at most 1,000 characters

# Ad Creative Link Data Call To Action: the values that make sense for an ad with a website link.
CALLS_TO_ACTION = {
    "LEARN_MORE": "Learn more",
    "SHOP_NOW": "Shop now",
    "SIGN_UP": "Sign up",
    "SUBSCRIBE": "Subscribe",
    "DOWNLOAD": "Download",
    "BOOK_NOW": "Book now",
    "CONTACT_US": "Contact us",
    "GET_QUOTE": "Get quote",
    "GET_OFFER": "Get offer",
    "APPLY_NOW": "Apply now",
    "ORDER_NOW": "Order now",
    "BUY_NOW": "Buy now",
    "GET_STARTED": "Get started",
    "WATCH_MORE": "Watch more",
    "SEE_MORE": "See more",
    "NO_BUTTON": "No button",
}

LABELS = {
    "primary_text": "Primary text",
    "headline": "Headline",
    "description": "Description",
    "link": "Link",
    "call_to_action": "Call to action",
}
TEXTS = ("primary_text", "headline", "description")


@dataclass(frozen=True, slots=True)
class AdCopy:
    """The words of an ad, as they will be sent."""

    primary_text: str
    headline: str
    description: str
    link: str
    call_to_action: str
