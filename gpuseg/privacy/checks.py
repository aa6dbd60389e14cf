"""Check digits: of payment cards, of IBANs, and of the numbers by which some countries know their people."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

TABLE = "TRWAGMYFPDXBNJZSQVHLCKE"
"""The letters of a Spanish DNI, by its number modulo 23."""
ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
ODD_LETTERS = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
"""What digits, and letters from A, count for at the odd places of an Italian codice fiscale (decree of 1976)."""
CHINESE = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""The weights of GB 11643, ISO 7064's MOD 11-2."""


class National(NamedTuple):
    """A number by which a country knows its people: how it is written, and whether its check digit is right.

    ``weak``: its shape alone says little, and one number in ten or eleven passes the check by chance.
    """

    name: str
    shape: re.Pattern[str]
    passes: Callable[[str], bool]
    weak: bool


def luhn(digits: str) -> bool:
    """Return whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B).

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    twice = (2 * int(digit) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(two - 9 * (two > 9) for two in twice)) % 10 == 0  # noqa: PLR2004 - a digit


def iban(text: str) -> bool:
    """Return whether an IBAN without blanks has the right check digits (ISO 13616: 1 modulo 97).

    >>> iban("GB82WEST12345698765432"), iban("GB83WEST12345698765432")
    (True, False)
    """
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1


def dni(text: str) -> bool:
    """Return whether a Spanish DNI, or the NIE of a foreigner, ends in the right letter.

    >>> dni("12345678Z"), dni("X1234567L"), dni("12345678A")
    (True, True, False)
    """
    number = text[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return TABLE[int(number) % len(TABLE)] == text[-1]


def codice_fiscale(text: str) -> bool:
    """Return whether an Italian codice fiscale ends in the right letter.

    >>> codice_fiscale("RSSMRA85T10A562S"), codice_fiscale("RSSMRA85T10A562T")
    (True, False)
    """
    odd = sum(ODD[int(sign)] if sign.isdigit() else ODD_LETTERS[ord(sign) - 65] for sign in text[0:15:2])
    even = sum(int(sign) if sign.isdigit() else ord(sign) - 65 for sign in text[1:15:2])
    return (odd + even) % 26 == ord(text[-1]) - 65


def nir(text: str) -> bool:
    """Return whether a French NIR (numero de securite sociale) has the right key of two digits.

    >>> nir("255081416802538"), nir("255081416802539")
    (True, False)
    """
    corsican = {"2A": "19", "2B": "18"}
    number = text[:5] + corsican.get(text[5:7], text[5:7]) + text[7:13]
    return 97 - int(number) % 97 == int(text[13:])


def steuer_id(text: str) -> bool:
    """Return whether a German tax id has the right check digit (ISO 7064, MOD 11,10).

    >>> steuer_id("86095742719"), steuer_id("86095742718")
    (True, False)
    """
    product = 10
    for digit in text[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(text[-1])


def pesel(text: str) -> bool:
    """Return whether a Polish PESEL has the right check digit.

    >>> pesel("44051401359"), pesel("44051401358")
    (True, False)
    """
    return weighted(text[:-1], (1, 3, 7, 9, 1, 3, 7, 9, 1, 3)) % 10 == -int(text[-1]) % 10


def cpf(text: str) -> bool:
    """Return whether a Brazilian CPF has the right two check digits; one digit eleven times over is none.

    >>> cpf("52998224725"), cpf("52998224724"), cpf("11111111111")
    (True, False, False)
    """
    ends = [weighted(text[:length], range(length + 1, 1, -1)) * 10 % 11 % 10 for length in (9, 10)]
    return text[9:] == "".join(map(str, ends)) and len(set(text)) > 1


def resident_id(text: str) -> bool:
    """Return whether a Chinese resident id ends in the right digit or X.

    >>> resident_id("11010519491231002X"), resident_id("110105194912310021")
    (True, False)
    """
    return "10X98765432"[weighted(text[:-1], CHINESE) % 11] == text[-1]


def bsn(text: str) -> bool:
    """Return whether a Dutch BSN passes its test of eleven.

    >>> bsn("111222333"), bsn("111222334")
    (True, False)
    """
    return weighted(text, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def weighted(digits: str, weights: Sequence[int]) -> int:
    """Return the sum of the digits, each times its weight."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def _always(_: str) -> bool:
    return True


MONTH, DAY = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
NATIONAL = (
    # Those of the United States and the United Kingdom have no check digit: numbers that were never given are told off.
    National("US SSN", re.compile(r"(?!000|666|9)\d{3}-(?!00)\d\d-(?!0000)\d{4}"), _always, weak=False),
    National("UK NINO", re.compile(r"(?![DFIQUV]|.[DFIOQUV])[A-Z]{2}\d{6}[A-D]"), _always, weak=False),
    National("Spanish DNI", re.compile(r"(?:\d{8}|[XYZ]\d{7})[A-HJ-NP-TV-Z]"), dni, weak=False),
    National(
        "Italian codice fiscale", re.compile(r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]"), codice_fiscale, weak=False
    ),
    National("French NIR", re.compile(rf"[12]\d\d{MONTH}(?:\d\d|2[AB])\d{{8}}"), nir, weak=False),
    National(
        "Chinese resident id",
        re.compile(rf"[1-8]\d{{5}}(?:19|20)\d\d{MONTH}{DAY}\d{{3}}[\dX]"),
        resident_id,
        weak=False,
    ),
    National("German tax id", re.compile(r"[1-9]\d{10}"), steuer_id, weak=True),
    National(
        "Polish PESEL", re.compile(rf"\d\d[02468][1-9]{DAY}\d{{5}}|\d\d[13579][0-2]{DAY}\d{{5}}"), pesel, weak=True
    ),
    National("Brazilian CPF", re.compile(r"\d{11}"), cpf, weak=True),
    National("Dutch BSN", re.compile(r"\d{9}"), bsn, weak=True),
    National("Swedish personnummer", re.compile(rf"\d\d{MONTH}{DAY}\d{{4}}"), luhn, weak=True),
)
"""Written without blanks, dashes and points between digits, but for the dashes of an SSN."""
