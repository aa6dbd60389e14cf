"""Words that names of persons, and of columns about persons, are made of."""

import re

COMMON = """
aaron abdul abdullah abigail adam agnieszka ahmed ahmet aino aisha alain alan alejandro alexander alexei alexey ali
alice amanda amelia amina amit amy ana anastasia andrea andreas andrei andrew andrzej angela angelo anil anja anjali
ann anna anouk anthony antoine antonio arif arjun ashley astrid ava avraham ayse barbara beatriz benjamin bernard
bernd betty birgit bjorn brandon brenda brian brigitte bruno budi camille carlos carmen carol carolyn catherine celine
charles charlotte cheryl chiara chinedu chloe christina christine christopher claire claudia cornelis cynthia daniel
david deborah debra dennis diane diego dimitrios dirk divya dmitri dmitry dolores donald donna dorothy edward eino
ekaterina elena eleni elizabeth ella emeka emily emine emma eric erik erzsebet ethan evelyn ewa fang fatima fatma
felix femke fernanda fernando fiona florian francesca francesco francois francoise frank gabriel gary george georgios
giovanna giovanni gisela giulia giuseppe gloria grace gregory gunter hannah hans harry haruto hasan hassan heather
heike helen helga helmut henry hiroshi hugo huseyin hussein ian ibrahim igor ines ingrid irina isabel isabella
isabelle istvan ivan jack jacob jacqueline jacques james jan jane janet janice jason javier jean jeffrey jennifer jens
jerry jessica jesus jing jiri jiwoo joan joanna joao johannes john jonas jonathan jorge jose josefa joseph joshua
jovana joyce juan judith jukka julia juliana julie julien jurgen justin karen kari karin katalin katarzyna kate
katherine kathleen katrin kavita keiko kelly kenji kenneth kevin khadija khalid kimberly kirsten klaus kofi
konstantinos krzysztof kwame kyle lakshmi larry lars laszlo laura lauren layla lea lena leon leonie li liam linda lisa
logan lorenzo louis luc luca lucas lucia lucy luigi luis lukas madison magnus malgorzata manfred manon manuel marcin
marco margaret maria mariana marie marija mario mark marta martha martin mary maryam matteo matthew matti maximilian
megan mehmet melissa mette mia michael michal michel michelle miguel mikael mikhail milos ming minjun mohamed mohammed
monika monique moritz moshe muhammad mustafa nancy natalia nathalie nathan neha neil ngozi nguyen nicholas nicolas
nicole nikola nikolai nils noah noor oleg olga oliver olivia olof omar pablo pamela paolo patricia patrick paul paula
pawel pedro peter petr petra philippe pierre pieter pilar piotr pooja priya putri rachel rafael rahul raj rajesh ralf
ramesh raymond rebecca renate reza richard rivka robert rodrigo rohan ronald rosa rui ryan sabine sakura samantha
samuel sandra sanjay sanne sara sarah scott sebastian seoyeon sergei sergey sergio sharon shirley sigrid silke simon
sipho siti sofia sophie soren stanislaw stefan stephanie stephen steven stuart sunil sunita suresh susan susanne sven
svetlana sylvie takashi tatiana teresa thabo thomas thorsten tiago timothy tobias tomas tomasz tyler ursula uwe
valerie victoria vijay vincenzo vladimir wei willem william wolfgang yosef youssef yuki yuko yusuf zachary zainab
zeynep zoltan
"""
GIVEN = frozenset(COMMON.split())
"""Common given names of many countries, in small letters without accents: a third of a list of persons has one."""

PHONE = (
    "phone telephone tel mobile mobil cell cellphone handy fax whatsapp msisdn gsm telefon telefono telefone celular"
)
CARD = "card pan creditcard cardnumber kreditkarte"
ACCOUNT = "iban account konto bankaccount"
NATIONAL = (
    "ssn nino dni nie nif pesel cpf nir bsn personnummer steuerid aadhaar nationalid socialsecurity taxid idnumber "
    "codicefiscale insurance"
)
NAMED = "name fullname customername clientname contactname kundenname nombre nome nom"
PART_OF_NAME = (
    "surname lastname firstname forename givenname familyname maidenname middlename vorname nachname familienname "
    "prenom apellido apellidos cognome"
)
WRITTEN = (
    "note notes comment comments remark remarks feedback message text bemerkung bemerkungen notiz notizen review "
    "complaint address street adresse strasse anschrift"
)
HINTS = {
    kind: frozenset(words.split())
    for kind, words in {
        "phone": PHONE, "card": CARD, "iban": ACCOUNT, "national": NATIONAL, "name": NAMED,
        "part of name": PART_OF_NAME, "text": WRITTEN,
    }.items()
}  # fmt: skip
"""The words by which a column's name says what it holds."""
BESIDE = frozenset(("no", "nr", "num", "number", "id", "code", "digits", "home", "work", "private", "1", "2", "3", "4"))
"""What such a word may have behind it: phone_number is about phones, phone_calls is not."""
OTHER = "product item brand company shop store file category city country campaign segment event plan group team"
THINGS = frozenset(OTHER.split())
"""What a name may be of that is no person."""


def hints_at(name: str, kind: str) -> bool:
    """Return whether a column's name says that it holds phones, cards, IBANs, national ids, names or free text.

    >>> hints_at("phone_number", "phone"), hints_at("PhoneCalls", "phone"), hints_at("product name", "name")
    (True, False, False)
    """
    words = [word.casefold() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", name)]
    if kind == "name" and THINGS & set(words):
        return False
    while words:
        if {words[-1], "".join(words), "".join(words[-2:])} & HINTS[kind]:
            return True
        if words.pop() not in BESIDE:
            return False
    return False
