"""Simulated data about persons, seeded: no number or name is anyone's."""

import string

import numpy as np

from gpuseg.privacy.checks import NATIONAL, TABLE, iban, luhn

FIRST = "Anna Bob Carla Dmitri Elena Felix Gerda Hanno Ines José Kwame Lotte Mary Noor Otto Priya Rosa Sven Tiago Wei"
FAMILY = "Abel Brandt Costa Dubois Eriksen Fischer García Horvat Ito Jansen Kaya Lund Moreau Novak Okafor Petrov Quinn"
SAID = "the order came late again and nobody at all told me why it had to take such a very long time to get here"


def digits(rng, count):
    return "".join(map(str, rng.integers(0, 10, count)))


def until(make, passes):
    """Return the first made value that passes a check."""
    return next(value for value in iter(make, None) if passes(value))


def email(rng):
    return f"{rng.choice(FIRST.split()).lower()}.{rng.integers(1, 9999)}@example.{rng.choice(['org', 'co.uk'])}"


def card(rng):
    return until(lambda: f"4{digits(rng, 15)}", luhn)


def account(rng):
    return until(lambda: f"DE{digits(rng, 20)}", iban)


def phone(rng):
    number = digits(rng, 7)
    ways = (f"+49 171 {number}", f"+1{rng.integers(200, 999)}{number}", f"0171 {number}", f"(030) {number}")
    return ways[rng.integers(len(ways))]


def american_phone(rng):
    return f"{rng.integers(200, 999)}-{rng.integers(200, 999)}-{digits(rng, 4)}"


def mobile(rng):
    """Return a number as spreadsheets keep it: without a zero or a plus before it."""
    return f"171{rng.integers(1, 10)}{digits(rng, 6)}"


def name(rng):
    return f"{rng.choice(FIRST.split())} {rng.choice(FAMILY.split())}{rng.choice(['', '-Smith', ' Jones'])}"


def turned_name(rng):
    return f"{rng.choice(FAMILY.split())}, {rng.choice(FIRST.split())}"


def sentence(rng):
    return " ".join(rng.permutation(SAID.split())[: rng.integers(6, 20)])


def birth(rng, pattern="{:02}{:02}{:02}"):
    return pattern.format(rng.integers(40, 99), rng.integers(1, 12), rng.integers(1, 28))


def letters(rng, count):
    return "".join(rng.choice(list(string.ascii_uppercase), count))


NATIONAL_WAYS = {
    "US SSN": lambda rng: f"{rng.integers(100, 665)}-{rng.integers(10, 99)}-{rng.integers(1000, 9999)}",
    "UK NINO": lambda rng: f"AB{digits(rng, 6)}{'ABCD'[rng.integers(4)]}",
    "Spanish DNI": lambda rng: f"{(number := digits(rng, 8))}{TABLE[int(number) % 23]}",
    "Italian codice fiscale": lambda rng: f"{letters(rng, 6)}85T10A{digits(rng, 3)}{letters(rng, 1)}",
    "French NIR": lambda rng: f"2{digits(rng, 2)}08{digits(rng, 10)}",
    "Chinese resident id": lambda rng: f"11010519{birth(rng)}{digits(rng, 4)}",
    "German tax id": lambda rng: f"{rng.integers(1, 9)}{digits(rng, 10)}",
    "Polish PESEL": lambda rng: f"{birth(rng)}{digits(rng, 5)}",
    "Brazilian CPF": lambda rng: f"{digits(rng, 11)}",
    "Dutch BSN": lambda rng: f"{digits(rng, 9)}",
    "Swedish personnummer": lambda rng: f"{birth(rng)}-{digits(rng, 4)}",
}


def national(country):
    one = next(one for one in NATIONAL if one.name == country)

    def make(rng):
        return until(lambda: NATIONAL_WAYS[country](rng), lambda text: _passes(one, text))

    return make


def _passes(one, text):
    plain = text.replace("-", "")
    return bool(one.shape.fullmatch(text) or one.shape.fullmatch(plain)) and one.passes(plain)


KINDS = {
    "e-mail addresses": [email],
    "payment card numbers": [card],
    "IBANs": [account],
    "phone numbers": [phone, american_phone],
    "names of persons": [name, turned_name],
    "free text": [sentence],
}


def many(make, count, seed=0):
    rng = np.random.default_rng(seed)
    return [make(rng) for _ in range(count)]
