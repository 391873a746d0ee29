"""How alike two texts are, in nine languages and with emoji."""

from __future__ import annotations

from dataclasses import replace

import pytest

from approvals.alike import closest, folded, is_alike, likeness
from approvals.limits import AdCopy

# language: a text, the same with a word or a sign changed, and another thought of the same length
TEXTS = {
    "English": (
        "Pack light. Walk far. Our tents weigh less than two kilos.",
        "Pack light! Walk far. Our tents weigh less than three kilos.",
        "Free returns for thirty days, on every pair of boots we make.",
    ),
    "German": (
        "Wetterfest bis zum Gipfel: Jacken, die auch im Regen atmen.",
        "Wetterfest bis zum Gipfel: Hosen, die auch im Regen atmen.",
        "Dreißig Tage kostenlos zurückgeben, ohne einen Grund zu nennen.",
    ),
    "Turkish": (
        "Işığı takip et, yolu hafif bir çantayla geç ve dağın tadını çıkar.",
        "IŞIĞI takip et, yolu hafif çantayla geç ve dağın tadını çıkar.",
        "Otuz gün içinde ücretsiz iade, hiçbir soru sormadan geri alırız.",
    ),
    "Arabic": (
        "احزم خفيفًا وامش بعيدًا مع خيام أخف من كيلوغرامين.",
        "احزم خفيفًا وامش بعيدًا مع خيام أخف من ثلاثة كيلوغرامات.",
        "إرجاع مجاني خلال ثلاثين يومًا لكل زوج من الأحذية.",
    ),
    "Hebrew": (
        "ארוז קל ולך רחוק עם אוהלים קלים משני קילו לכל דרך.",
        "ארוז קל ולך רחוק עם אוהלים קלים משלושה קילו לכל דרך.",
        "החזרה חינם תוך שלושים יום על כל זוג נעליים שאנחנו מייצרים.",
    ),
    "Japanese": (
        "軽い荷物で遠くまで歩こう。二キロ未満のテントをご用意しました。",
        "軽い荷物で遠くまで歩こう。三キロ未満のテントをご用意しました。",
        "すべての靴は三十日以内なら無料で返品できます。理由は問いません。",
    ),
    "Hindi": (
        "हल्का पैक करें, दूर तक चलें: दो किलो से हल्के टेंट।",
        "हल्का पैक करें, दूर तक चलें: तीन किलो से हल्के टेंट।",
        "तीस दिन तक हर जोड़ी जूते मुफ़्त में लौटाएँ, बिना सवाल।",
    ),
    "emoji": (
        "🏕️👨‍👩‍👧‍👦 Pack light 🎒 walk far 🏔️ sleep well ✨",
        "🏕️👨‍👩‍👧‍👦 Pack light 🎒 walk far 🏔️ eat well ✨",
        "👟 Free returns 📦 thirty days 🗓️ no questions ❤️‍🔥",
    ),
    "Thai": (
        "แพ็คเบาเดินไกลกับเต็นท์ที่หนักไม่ถึงสองกิโลกรัม",
        "แพ็คเบาเดินไกลกับเต็นท์ที่หนักไม่ถึงสามกิโลกรัม",
        "คืนสินค้าฟรีภายในสามสิบวันสำหรับรองเท้าทุกคู่",
    ),
    "Russian": (
        "Бери меньше, иди дальше: палатки легче двух килограммов.",
        "Бери меньше, иди дальше: палатки легче трёх килограммов.",
        "Бесплатный возврат тридцать дней на каждую пару ботинок.",
    ),
}


def copy(text: str, **changes: str) -> AdCopy:
    return replace(AdCopy(text, "", "", "https://a.example/", "SHOP_NOW"), **changes)


@pytest.mark.parametrize("language", TEXTS)
def test_a_changed_word_is_alike_and_another_thought_is_not(language):
    text, changed, other = TEXTS[language]
    assert is_alike(folded(copy(text)), folded(copy(changed)))
    assert not is_alike(folded(copy(text)), folded(copy(other)))


def test_equal_words_in_other_letter_forms_are_the_same():
    assert likeness(folded(copy("Café ＡＢＣ")), folded(copy("CAFE\u0301  abc"))) == 100


def test_link_and_button_do_not_count_but_the_headline_does():
    one = copy("Pack light.", headline="Tents")
    same = replace(one, link="https://b.example/", call_to_action="SIGN_UP")
    assert likeness(folded(one), folded(same)) == 100
    other = replace(one, headline="Returns are free for a month")
    assert likeness(folded(one), folded(other)) < 80


def test_the_closest_comes_first_and_the_rest_is_left_out():
    text, changed, other = TEXTS["English"]
    found = closest(copy(text), [copy(other), copy(changed), copy(text)])
    assert [place for place, _ in found] == [2, 1]
    assert closest(copy(text), []) == []
