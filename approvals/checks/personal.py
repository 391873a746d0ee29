"""Words that tell readers something about themselves.

Meta's advertising standards, "Personal attributes": an ad must not assert or imply race, religion,
age, orientation, health, finances, criminal record, membership or name of the person who sees it.
Only the plainest way to say so is found, in six languages, and only as a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from approvals.checks.finding import Finding, Severity, search
from approvals.limits import AdCopy

# language: (how the reader is addressed, what they are said to be or to have)
_ADDRESSES = {
    "en": (
        r"(?:are you|you are|you're|because you are|since you're)(?: an?| still| currently)*",
        r"(?:black|white|asian|african[- ]american|latin[oax]|hispanic|arab|jew(?:ish)?|muslims?|"
        r"christians?|catholic|hindu|buddhist|gay|lesbian|bisexual|trans(?:gender)?|queer|"
        r"disabled|diabetic|depressed|anxious|overweight|obese|fat|bald|pregnant|infertile|"
        r"alcoholic|addict(?:ed)?|hiv[- ]positive|bankrupt|broke|poor|in debt|unemployed|"
        r"single|divorced|widowed|senior|elderly|over \d\d|under \d\d|an immigrant|ex-con\w*|"
        r"felon|convicted)",
    ),
    "de": (
        r"(?:bist du|sind sie|du bist|sie sind)(?: eine?| noch| immer noch)*",
        r"(?:schwarz|weiß|jude|jüdisch|muslim\w*|christ\w*|schwul|lesbisch|bi(?:sexuell)?|trans|"
        r"behindert|zuckerkrank|diabetiker\w*|depressiv|übergewichtig|dick|fettleibig|schwanger|"
        r"unfruchtbar|alkoholiker\w*|süchtig|pleite|insolvent|verschuldet|arm|arbeitslos|single|"
        r"geschieden|verwitwet|senior\w*|über \d\d|vorbestraft)",
    ),
    "fr": (
        r"(?:êtes[- ]vous|es[- ]tu|vous êtes|tu es)(?: une?| encore)*",
        r"(?:noire?|blanche?|arabe|juive?|musulmane?|chrétien\w*|gay|homosexuel\w*|lesbienne|"
        r"handicapée?|diabétique|dépressi\w+|en surpoids|obèse|grosse?|enceinte|stérile|"
        r"alcoolique|endettée?|ruinée?|au chômage|célibataire|divorcée?|senior)",
    ),
    "es": (
        r"(?:¿?eres|¿?es usted|¿?estás|¿?está usted)(?: una?| todavía)*",
        r"(?:negr[oa]|blanc[oa]|judí[oa]|musulm[aá]n\w*|cristian[oa]|gay|homosexual|lesbiana|"
        r"discapacitad[oa]|diabétic[oa]|deprimid[oa]|obes[oa]|gord[oa]|embarazada|alcohólic[oa]|"
        r"endeudad[oa]|desemplead[oa]|solter[oa]|divorciad[oa])",
    ),
    "it": (
        r"(?:sei|lei è|siete)(?: una?| ancora)*",
        r"(?:ner[oa]|ebre[oa]|musulman[oa]|cristian[oa]|gay|omosessuale|lesbica|disabile|"
        r"diabetic[oa]|depress[oa]|sovrappeso|obes[oa]|grass[oa]|incinta|alcolizzat[oa]|"
        r"indebitat[oa]|disoccupat[oa]|single|divorziat[oa])",
    ),
    "pt": (
        r"(?:você é|você está|és|estás)(?: uma?| ainda)*",
        r"(?:negr[oa]|branc[oa]|jude[ui]\w*|muçulman[oa]|cristã\w*|gay|homossexual|lésbica|"
        r"deficiente|diabétic[oa]|deprimid[oa]|obes[oa]|gord[oa]|grávida|alcoólatra|"
        r"endividad[oa]|desempregad[oa]|solteir[oa]|divorciad[oa])",
    ),
}
_CONDITIONS = (
    r"(?:depression|anxiety|diabetes|hiv|cancer|obesity|disability|debts?|bankruptcy|addiction|"
    r"criminal record|erectile dysfunction|menopause|skin colou?r|religion|sexual orientation)"
)
_YOUR = (
    rf"\b(?:your|cure your|struggling with|suffering from|living with)(?: own)? {_CONDITIONS}\b"
    r"|\bd?eine? (?:depression|angststörung|diabetes|schulden|behinderung|sucht|vorstrafe)\b"
    r"|\bihre (?:depression|schulden|behinderung|sucht|vorstrafe)\b"
    r"|\b(?:votre|ton|ta) (?:dépression|diabète|handicap|dette|obésité|religion)\b"
    r"|\btus? (?:depresión|diabetes|discapacidad|deudas|obesidad|religión)\b"
)
_PERSONAL = re.compile(
    "|".join(rf"\b{you} {what}\b" for you, what in _ADDRESSES.values()) + "|" + _YOUR,
    re.IGNORECASE,
)


def check_personal(copy: AdCopy) -> Iterator[Finding]:
    """The first words of each text that say what the reader is or suffers from."""
    yield from search(
        copy,
        _PERSONAL,
        "personal_attribute",
        "{label}: “{words}” says something about the reader's person, which Meta refuses.",
        Severity.WARN,
    )
