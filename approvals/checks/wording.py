"""What the words themselves give away: left-over placeholders, shouting, claims, foreign matter.

A placeholder is never meant to run, so it is refused. Everything else can be right in one language
or brand and wrong in another: it is shown to whoever decides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby

from approvals.checks.finding import Finding, Severity, search, texts_of
from approvals.checks.links import host_of, site_of
from approvals.limits import AdCopy

_BLANKS = (
    "product|brand|company|firm|name|first ?name|last ?name|customer|city|location|price|discount|"
    "date|offer|link|url|headline|description|cta|text|image|logo|number|percent|benefit|feature|"
    "audience|placeholder|tbd|todo|insert[^\\]>}]*|your [^\\]>}]*|add [^\\]>}]*|"
    "produkt|marke|firma|preis|datum|stadt|ort|vorname|nachname|rabatt|"
    "produit|marque|entreprise|prix|ville|nom|prénom|producto|marca|empresa|precio|ciudad|nombre|"
    "prodotto|azienda|prezzo|città|nome|produto|preço|cidade|продукт|товар|бренд|цена|город|имя|"
    "商品名|製品名|会社名|价格|产品|品牌|제품명|회사명"
)
_PLACEHOLDER = re.compile(
    r"\{\{.{0,60}?\}\}"
    r"|\{%.{0,60}?%\}"
    r"|\$\{[^}\n]{0,60}\}"
    r"|\{[a-z][a-z0-9_. ]{0,40}\}"
    r"|%\([a-z_]+\)s|(?<![\w%])%s(?!\w)"
    rf"|[\[<]\s*(?:{_BLANKS})(?:[_ ]?(?:name|here|\d+))?\s*[\]>]"
    r"|\b__[A-Z][A-Z0-9_]*__\b"
    r"|\blorem\s+ipsum\b|\bdolor\s+sit\s+amet\b"
    r"|\[object Object\]",
    re.IGNORECASE,
)
_NOTE = re.compile(r"\b(?:TODO|FIXME|TBD|TBC)\b|\bXXX+\b(?!L)|\b(?:undefined|NaN)\b")
_PUNCTUATION = re.compile(r"[!?¡¿！？؟]{2,}|\.{4,}|[,;:]{2,}|\${3,}|([*~=#])\1{2,}")
_MARKUP = re.compile(r"</?[a-z!?][^<>\n]{0,200}>|&(?:[a-z]{2,8}|#x?[0-9a-f]{1,6});|<!--", re.I)
_SCHEME = re.compile(r"\b(?:javascript|vbscript|data|file|blob)\s*:\s*\S+", re.IGNORECASE)
_ADDRESS = re.compile(
    r"(?:https?://|www\.)\S+|(?<![\w@.])(?:[a-z0-9-]{1,63}\.)+(?:com|net|org|io|co|info|biz|ru|cn|"
    r"de|fr|es|it|uk|app|shop|store|online|site|xyz|top|click|link|zip|example)(?:/\S*)?(?![\w.])",
    re.IGNORECASE,
)
_INSTRUCTION = re.compile(
    r"\b(?:ignore|disregard|forget|override)\s+(?:(?:all|any|the|your|previous|prior|above|earlier)"
    r"\s+){1,4}(?:instructions?|prompts?|rules?|messages?|checks?)"
    r"|\b(?:system|developer)\s+(?:prompt|message|instructions?)\b"
    r"|\bas an? (?:ai|language model|assistant)\b|\b(?:ai|llm) (?:reviewer|assistant)s?\b"
    r"|(?:^|\n)\s*(?:system|assistant|user|human)\s*:"
    r"|<\|[a-z_]+\|>|\[/?INST\]|###\s*(?:instruction|system|response)"
    r"|\b(?:auto[- ]?)?approve (?:this|these|all|every|the) (?:ads?|variants?|texts?|proposals?)\b"
    r"|\b(?:you are|act as) (?:now )?(?:an?|the) (?:ai|assistant|reviewer|admin\w*)\b"
    r"|ignorier\w* (?:alle|die|sämtliche) (?:\w+ ){0,2}anweisung"
    r"|ignore[zr]? (?:toutes )?les instructions|ignor[ae]r? (?:todas )?las instrucciones"
    r"|игнорируй\w* (?:все )?(?:\w+ )?инструкц|忽略(?:之前|以上|所有)\S{0,6}(?:指令|说明)"
    r"|(?:以前|上記)の指示を無視",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_CASED = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN")
_SHORT = 3  # up to here capitals are an abbreviation: USB, VIP, NEU


def check_wording(copy: AdCopy) -> Iterator[Finding]:
    """Placeholders, notes, shouting, markup, and words that are meant for a machine."""
    block, warn = Severity.BLOCK, Severity.WARN
    yield from search(
        copy, _PLACEHOLDER, "placeholder", "{label}: “{words}” is a placeholder left in.", block
    )
    yield from search(copy, _NOTE, "note_left_in", "{label}: “{words}” looks like a note.", warn)
    yield from search(
        copy, _PUNCTUATION, "repeated_punctuation", "{label}: “{words}” repeats a sign.", warn
    )
    yield from search(
        copy, _MARKUP, "markup", "{label}: “{words}” would be shown as it is written.", warn
    )
    yield from search(
        copy, _SCHEME, "script_address", "{label}: “{words}” is an address that runs code.", block
    )
    yield from search(
        copy, _INSTRUCTION, "instruction", "{label}: “{words}” speaks to a machine.", warn
    )
    yield from _capitals(copy)
    yield from _addresses(copy)


def check_claims(copy: AdCopy, claims: Sequence[str]) -> Iterator[Finding]:
    """Words on the tenant's list, in any case; a word that stands alone where words are spaced."""
    if not claims:
        return
    longest_first = sorted(claims, key=len, reverse=True)
    parts = "|".join(_as_pattern(claim) for claim in longest_first)
    yield from search(
        copy,
        re.compile(parts, re.IGNORECASE),
        "claim",
        "{label}: “{words}” is on your list of claims to prove.",
        Severity.WARN,
    )


def _as_pattern(claim: str) -> str:
    """Where words are written without spaces, the claim may stand inside a longer run."""
    words = r"\s+".join(re.escape(word) for word in claim.split())
    start = r"(?<!\w)" if claim[0] < "\u0e00" and claim[0].isalnum() else ""
    end = r"(?!\w)" if claim[-1] < "\u0e00" and claim[-1].isalnum() else ""
    return f"{start}{words}{end}"


def _capitals(copy: AdCopy) -> Iterator[Finding]:
    """Words in capitals in a row, two of them long, or a text that is mostly capitals."""
    for field, label, text in texts_of(copy):
        words = list(_WORD.finditer(text))
        runs = [list(run) for is_upper, run in groupby(words, _is_upper) if is_upper]
        loud = [match for run in runs for match in run if len(match.group()) > _SHORT]
        row = next((run for run in runs if len(set(run) & set(loud)) > 1), loud[:1])
        letters = sum(len(match.group()) for match in words)
        is_mostly_loud = sum(len(match.group()) for match in loud) * 3 > 2 * letters >= 24
        if row and (len(row) > 1 or is_mostly_loud):
            start, end = row[0].start(), row[-1].end()
            yield Finding(
                "all_caps",
                field,
                f"{label}: “{text[start:end]}” is written in capitals.",
                Severity.WARN,
                start,
                end,
                text[start:end],
            )


def _is_upper(match: re.Match[str]) -> bool:
    letters = [letter for letter in match.group() if letter.isalpha()]
    # Elsewhere there are no capitals, or, as in Cherokee and Georgian, they are everyday letters.
    return len(letters) > 1 and all(
        letter.isupper() and unicodedata.name(letter, "").startswith(_CASED) for letter in letters
    )


def _addresses(copy: AdCopy) -> Iterator[Finding]:
    """A web address in the text that is not the link's own site."""
    own = site_of(host_of(copy.link))
    for field, label, text in texts_of(copy):
        for match in _ADDRESS.finditer(text):
            address = match.group()
            link = address if "//" in address else f"https://{address}"
            if site_of(host_of(link)) == own:
                continue
            yield Finding(
                "address_in_text",
                field,
                f"{label}: “{address}” is not the site that the ad links to.",
                Severity.WARN,
                match.start(),
                match.end(),
                address,
            )
            break
