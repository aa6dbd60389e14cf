"""What one value looks like: e-mail, card, phone, name, free text, as marks in one whole number."""

import re
import unicodedata

from gpuseg.privacy.checks import NATIONAL, iban, luhn
from gpuseg.privacy.names import GIVEN

EMAIL, IBAN_SHAPE, IBAN, CARD_SHAPE, CARD, PHONE, DIALLED, NAME, GIVEN_NAME, WORD, WORDS, LONG, REPEATED = (
    1 << place for place in range(13)
)
"""PHONE: written as only phones are; DIALLED: digits that may be one. NAME: words as a full name has; GIVEN_NAME: with
a common given name where it stands in a name; WORD: one word. WORDS: three words or more; LONG: a sentence. REPEATED:
it is the value of several rows."""
ABOUT_A_PERSON = EMAIL | IBAN | CARD | PHONE | GIVEN_NAME | LONG
"""What a value alone is enough to tell of."""
FIRST_NATIONAL = 16
"""The place of the first national id: each has a mark for its shape and, behind it, one for its check."""
LETTER = r"[^\W\d_]"
PART = rf"{LETTER}(?:{LETTER}|['.\u2019-])*"
"""A word of a name; names may have an apostrophe, a hyphen or, cut short, a point."""
ADDRESS = re.compile(r"[^\s@,;<>()]+@[^\s@,;<>()]+\.[A-Za-z]{2,}")
ACCOUNT = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
ISSUERS = re.compile(
    r"4\d{12}(?:\d{3})?(?:\d{3})?|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|(?:6011|65\d\d|64[4-9]\d|62\d\d|35(?:2[89]|[3-8]\d))\d{12}|3(?:0[0-5]|[68]\d)\d{11}"
)
"""Visa, Mastercard, American Express, Discover, UnionPay, JCB and Diners Club by their first digits and length."""
CALLED = re.compile(
    r"(?:\+|00(?=[1-9]\d*[ ./()-]))[1-9][\d ./()-]{7,20}"  # with the country
    r"|\(0?\d{2,5}\)[\d ./-]{5,15}"  # an area code in brackets
    r"|0\d{1,5}[ /][\d /-]{5,14}"  # a trunk 0, as in Europe
    r"|(?:1[ .-])?[2-9]\d\d([ .-])[2-9]\d\d\1\d{4}"  # North America
)
DIALS = re.compile(r"\+?[\d ./()-]{7,22}")
DATES = re.compile(r"\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}")
SHORTEST, LONGEST = 7, 15
"""Digits of a phone number: of one in town, and of the longest that E.164 allows."""
FULL_NAME = re.compile(rf"{PART},?(?: {PART}){{1,3}}")
ONE_WORD = re.compile(PART)
SPOKEN = re.compile(rf"{LETTER}{{2,}}")
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
"""Signs of languages that set no blanks between words."""
SENTENCE, SIGNS = 5, 12
"""Words, and such signs, from which text is a sentence and no name of a thing."""
READ = 300
"""Characters that are looked at: beyond them nothing new is said."""


def marks_of(value: str) -> int:
    """Return the marks of a value.

    >>> marks_of("ann@example.org") & EMAIL > 0, marks_of("4111 1111 1111 1111") & CARD > 0, marks_of("gold") == WORD
    (True, True, True)
    """
    text = value[:READ]
    found = EMAIL if "@" in text and ADDRESS.search(text) else 0
    return found | (_of_digits(text) if any(map(str.isdecimal, text)) else _of_words(text))


def shown_value(value: object) -> str:
    """Return a value as a sentence shows it, but for one that may tell of a person.

    >>> shown_value("gold"), shown_value("ann@example.org")
    ("'gold'", '(not shown, for it may tell of a person)')
    """
    told = marks_of(value) & ABOUT_A_PERSON if isinstance(value, str) else 0
    return "(not shown, for it may tell of a person)" if told else repr(value)


def _of_digits(text: str) -> int:
    """Return the marks of text with digits; a sentence may hold some."""
    plain = re.sub(r"[\s.-]", "", text).upper()
    found = _of_words(text) & (WORDS | LONG)
    if ACCOUNT.fullmatch(plain):
        found |= IBAN_SHAPE | IBAN * iban(plain)
    if ISSUERS.fullmatch(plain):
        found |= CARD_SHAPE | CARD * luhn(plain)
    for place, one in enumerate(NATIONAL, FIRST_NATIONAL // 2):
        # Two places each: the shape, and behind it the check.
        if one.shape.fullmatch(plain) or one.shape.fullmatch(text):
            found |= (1 | 2 * one.passes(plain)) << 2 * place
    return found | _of_phones(text)


def _of_phones(text: str) -> int:
    if not DIALS.fullmatch(text) or not SHORTEST <= sum(map(str.isdecimal, text)) <= LONGEST:
        return 0
    return DIALLED if not CALLED.fullmatch(text) or DATES.fullmatch(text) else DIALLED | PHONE


def _of_words(text: str) -> int:
    spoken = len(SPOKEN.findall(text))
    found = WORDS * (spoken > 2) | LONG * (spoken >= SENTENCE)  # noqa: PLR2004 - a name of a thing has one or two
    if len(UNSPACED.findall(text)) >= SIGNS:
        return found | WORDS | LONG
    if ONE_WORD.fullmatch(text):
        return found | WORD
    if FULL_NAME.fullmatch(text):
        first, *_ = text.rpartition(", ")[2].split(" ")
        found |= NAME | GIVEN_NAME * (_folded(first) in GIVEN)
    return found


def _folded(word: str) -> str:
    """Return a word in small letters without accents, as ``GIVEN`` has it.

    >>> _folded("José")
    'jose'
    """
    return "".join(sign for sign in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(sign))
