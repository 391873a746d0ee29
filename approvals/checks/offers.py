"""Prices, discounts and dates in the ad, looked up on the page it leads to.

What counts is the figure: "ab 49,90 €" is found on a page that says "EUR 49.90".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from approvals.checks.finding import Finding, Severity, texts_of
from approvals.limits import AdCopy

_CURRENCY = (
    r"(?:€|\$|£|¥|₹|₽|₩|₺|₴|₪|zł|Kč|kr|CHF|EUR|USD|GBP|JPY|PLN|SEK|NOK|DKK|INR|BRL|R\$|円|元|원)"
)
_AMOUNT = r"\d[\d.,'’\u00a0\u202f ]*\d|\d"
_PRICE = re.compile(
    rf"{_CURRENCY}\s?({_AMOUNT})|({_AMOUNT})\s?{_CURRENCY}(?!\w)|({_AMOUNT})\s?[%٪]"
)
_MONTHS = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|fév|avr|juin|juil|août|"
    r"déc|ene|abr|ago|dic|gen|mag|giu|lug|set|ott|янв|фев|мар|апр|мая|июн|июл|авг|сен|окт|ноя|дек)"
    r"[^\W\d_]*"
)
_DATE = re.compile(
    rf"\b\d{{4}}-\d{{1,2}}-\d{{1,2}}\b|\b\d{{1,2}}[./]\d{{1,2}}[./](?:\d{{4}}|\d{{2}})?(?!\d)"
    rf"|\b(\d{{1,2}})(?:\.|st|nd|rd|th)?\s?(?:of |de |di )?({_MONTHS})\b"
    rf"|\b({_MONTHS})\s(\d{{1,2}})(?:st|nd|rd|th)?\b"
    r"|(\d{1,2})月(\d{1,2})日",
    re.IGNORECASE,
)


def check_offers(copy: AdCopy, page_text: str) -> Iterator[Finding]:
    """Per text, the first price or percentage and the first date that ``page_text`` lacks."""
    page, figures = _read(page_text)
    for field, label, text in texts_of(copy):
        for match in _PRICE.finditer(text):
            amount = next(group for group in match.groups() if group)
            if _figure(amount) in figures:
                continue
            yield _missing("price_not_on_page", field, label, match.group().strip(), match)
            break
        for match in _DATE.finditer(text):
            if _has_date(match, page):
                continue
            yield _missing("date_not_on_page", field, label, match.group().strip(), match)
            break


def has_offer(copy: AdCopy) -> bool:
    """Whether a text names a price, a percentage or a date at all."""
    return any(_PRICE.search(text) or _DATE.search(text) for _, _, text in texts_of(copy))


@lru_cache(maxsize=4)  # one page is held against every ad that leads to it
def _read(page_text: str) -> tuple[str, frozenset[str]]:
    """The page's words in one spelling, and the figures in them."""
    page = _flat(page_text)
    amounts = (_figure(number) for number in re.findall(_AMOUNT, page))
    return page, frozenset([*amounts, *re.findall(r"\d+", page)])


def _has_date(match: re.Match[str], page: str) -> bool:
    words = _flat(match.group()).strip()
    if words in page:
        return True
    numbers = [str(int(number)) for number in re.findall(r"\d+", words)]
    month = re.search(_MONTHS, words)
    if not month:
        return all(re.search(rf"(?<!\d)0?{number}(?!\d)", page) for number in numbers)
    day, name = numbers[0], month.group()[:3]
    near = rf"(?<!\d)0?{day}\D{{0,6}}{name}|{name}[^\W\d_]*\D{{0,3}}0?{day}(?!\d)"
    return re.search(near, page) is not None


def _missing(code: str, field: str, label: str, words: str, match: re.Match[str]) -> Finding:
    message = f"{label}: the landing page does not show “{words}”."
    return Finding(code, field, message, Severity.WARN, match.start(), match.end(), words)


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).casefold()


def _figure(amount: str) -> str:
    """The amount without its separators' dialect: 1.299,00 and 1,299 are both 1299."""
    digits = re.sub(r"[\s'’]", "", unicodedata.normalize("NFKC", amount))
    whole, _, cents = digits.rpartition(",") if re.search(r",\d{1,2}$", digits) else ("", "", "")
    if not whole and re.search(r"\.\d{1,2}$", digits):
        whole, _, cents = digits.rpartition(".")
    whole = re.sub(r"\D", "", whole or digits)
    cents = cents.ljust(2, "0") if cents else ""
    return f"{int(whole or 0)}.{cents}" if cents.strip("0") else str(int(whole or 0))
