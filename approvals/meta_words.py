"""Meta's ad review in our words, and which sentence of the copy it means. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from approvals.comparison import normal_text

# Part of a policy's title, lower case: what it asks of the copy.
_POLICIES = (
    ("unacceptable business", "The ad promises something that the page behind the link does not."),
    ("personal attributes", "The text seems to say something about the reader as a person."),
    ("personal health", "The text dwells on bodies or health in a way Meta does not allow."),
    ("before and after", "The ad shows or promises a before and after."),
    ("misleading", "Meta finds a claim misleading. It needs to be provable."),
    ("misinformation", "Meta finds a claim untrue. It needs to be provable."),
    ("discriminat", "Meta finds that the text leaves out or demeans a group of people."),
    ("grammar", "Meta objects to spelling, capitals or signs. Write it plainly."),
    ("profanity", "Meta objects to a coarse word."),
    ("landing page", "The page behind the link does not work for Meta's reviewers."),
    ("non-functional", "The page behind the link does not work for Meta's reviewers."),
    ("circumvent", "Meta finds that the text goes around its review, for instance by odd letters."),
    ("trademark", "The ad uses a name or picture that belongs to somebody else."),
    ("third-party", "The ad uses a name or picture that belongs to somebody else."),
    ("social issues", "Meta takes this for politics. It needs the ad account's authorisation."),
    ("financial", "Meta's rules for offers of money apply. The text must name the conditions."),
    ("alcohol", "Meta's rules for alcohol apply; the ad set must fit them, too."),
    ("gambling", "Gambling needs Meta's permission first."),
    ("adult", "Meta finds the ad too suggestive."),
    ("sensational", "Meta finds the ad shocking or sensational."),
)
_OTHER = "Meta names this policy; compare the text with it."
_QUOTED = re.compile("[\"“„«']([^\"”“»']{3,200})[\"”“»']")
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*\s*|\n+")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason: our words, Meta's policy title, and its explanation as it came."""

    words: str
    policy: str
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the copy; ``is_meant`` when Meta's explanation names it."""

    text: str
    is_meant: bool


def refusals(feedback: Iterable[Mapping[str, str]]) -> list[Refusal]:
    """Each of Meta's reasons in our words."""
    return [
        Refusal(_words(remark["policy"]), remark["policy"], remark["text"]) for remark in feedback
    ]


def marked(copy: str, feedback: Iterable[Mapping[str, str]]) -> list[Part]:
    """The copy in sentences, those marked that Meta's explanation quotes, whole or in part."""
    said = [normal_text(remark["text"]).casefold() for remark in feedback]
    quotes = [quote.casefold() for text in said for quote in _QUOTED.findall(text)]
    return [
        Part(sentence, _is_meant(normal_text(sentence).casefold(), said, quotes))
        for sentence in _sentences(copy)
    ]


def objected_to(texts: Iterable[str], feedback: Iterable[Mapping[str, str]]) -> list[list[Part]]:
    """Each text of the ad that is not empty, marked where Meta objects to it."""
    remarks = list(feedback)
    return [marked(text, remarks) for text in texts if text]


def _is_meant(sentence: str, said: list[str], quotes: list[str]) -> bool:
    bare = sentence.rstrip(".!? ")
    if len(bare) < 3:
        return False
    is_quoted_in_part = any(quote.rstrip(".!? ") in sentence for quote in quotes)
    return is_quoted_in_part or (len(bare) >= 12 and any(bare in text for text in said))


def _sentences(copy: str) -> Iterator[str]:
    yield from (match.group() for match in _SENTENCE.finditer(copy))


def _words(policy: str) -> str:
    title = policy.casefold()
    return next((words for part, words in _POLICIES if part in title), _OTHER)
