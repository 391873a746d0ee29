"""Meta's own preview of an ad that need not exist yet."""

from __future__ import annotations

from html.parser import HTMLParser

from integrations.meta_ads.ads import build_creative_body
from integrations.meta_ads.errors import Unreadable
from integrations.meta_ads.parse import read_list, read_object, read_text
from integrations.meta_ads.transport import Transport
from integrations.meta_ads.types import AccessToken, AdCreativeSpec


def read_preview(
    transport: Transport,
    token: AccessToken,
    ad_account_id: str,
    spec: AdCreativeSpec,
    ad_format: str,
) -> str:
    """The address of the frame in Meta's answer; it works for about a day. Creates nothing.

    The HTML around it is thrown away. The caller checks whose address it is.
    """
    # Marketing API reference: Ad Account, Generatepreviews
    answer = transport.get(
        f"{ad_account_id}/generatepreviews",
        {"ad_format": ad_format, "creative": build_creative_body(spec)},
        token,
    )
    for row in read_list(answer.get("data")):
        frame = _Frame()
        frame.feed(read_text(read_object(row).get("body"), limit=20_000))
        if frame.source:
            return frame.source
    raise Unreadable


class _Frame(HTMLParser):
    source = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "iframe" and not self.source:
            self.source = dict(attrs).get("src") or ""
