"""The typed view of ``Integration.metadata``, whose key names are the product's first contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class IntegrationMetadata:
    """The defaults of a grant: ids as Meta writes them, empty when not chosen yet."""

    ad_account_id: str = ""
    business_id: str = ""
    page_id: str = ""
    token_expires_at: datetime | None = None

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> IntegrationMetadata:
        """From the stored JSON; missing keys are empty."""
        expires = raw.get("tokenExpiresAt")
        return cls(
            ad_account_id=raw.get("adAccountId", ""),
            business_id=raw.get("businessId", ""),
            page_id=raw.get("pageId", ""),
            token_expires_at=datetime.fromisoformat(expires) if expires else None,
        )

    def as_json(self) -> dict[str, str | None]:
        """The JSON to store."""
        return {
            "adAccountId": self.ad_account_id,
            "businessId": self.business_id,
            "pageId": self.page_id,
            "tokenExpiresAt": self.token_expires_at.isoformat() if self.token_expires_at else None,
        }
