"""Which column is the customer, the time, the order, the amount ...: named by the caller, else found by its name."""

import re
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from gpuseg.errors import InvalidInput, listed, missing_column, nearest_hint
from gpuseg.settings import say

# Without capitals, blanks, points and underscores: "Customer ID" is customerid.
WORDS = {
    "customer": (
        "customerid customer customerno customernumber customerkey customercode custid custno clientid client "
        "userid user memberid member shopperid visitorid accountid buyerid householdid"
    ),
    "time": (
        "invoicedate invoicedatetime orderdate orderdatetime ordertime orderedat date datetime timestamp ts time "
        "transactiondate transactiontime transactiondatetime transactiontimestamp purchasedate purchasetime "
        "purchasedat orderpurchasetimestamp saledate salesdate eventtime eventdate createdat"
    ),
    "order": (
        "invoiceno invoice invoiceid invoicenumber orderid orderno ordernumber order transactionid transactionno "
        "transaction basketid receiptid receiptno receipt ticketid"
    ),
    "amount": (
        "amount amt totalamount lineamount linetotal total totalprice totalspent sales saleamount salesamount "
        "salesvalue revenue spend spent dollars netamount transactionamount subtotal paymentvalue ordervalue ordertotal"
    ),
    "quantity": "quantity qty quantities units unitssold pieces",
    "price": "unitprice price itemprice priceeach sellingprice",
    "product": (
        "stockcode productid productcode productkey productno product sku itemid item itemcode articleid articleno "
        "article asin upc ean"
    ),
}
EVENT_WORDS = {
    "customer": WORDS["customer"] + " contactid subscriberid profileid recipientid userpseudoid distinctid anonymousid",
    "time": WORDS["time"] + " eventtimestamp eventdatetime occurredat sentat loggedat clickedat visitedat servertime",
    "type": (
        "type event eventtype eventname eventkind eventaction action actiontype activity activitytype interaction "
        "interactiontype behavior behaviour behaviortype"
    ),
    "channel": (
        "channel channelname channeltype eventchannel marketingchannel mediachannel mediumchannel saleschannel "
        "trafficchannel touchpoint"
    ),
}
NAMES = {role: tuple(words.split()) for role, words in WORDS.items()}
EVENT_NAMES = {role: tuple(words.split()) for role, words in EVENT_WORDS.items()}
ROLES = tuple(NAMES)
FLAG = "returned"  # a true/false column of this name is what clean_transactions made of returns="net"
Returns = Literal["exclude", "net"]


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the caller said about columns and cleaning; None means that nothing was said.

    By keyword alone: seven columns of one type are soon swapped.
    """

    customer: str | None = None
    time: str | None = None
    order: str | None = None
    amount: str | None = None
    quantity: str | None = None
    price: str | None = None
    product: str | None = None
    time_format: str | None = None
    as_of: Any = None
    returns: Returns | None = None
    cancelled_prefix: str | None = "C"
    drop_duplicates: bool = False


class Roles(NamedTuple):
    """The columns of a table by what they mean; None for what it does not have."""

    customer: str
    time: str
    order: str | None = None
    amount: str | None = None
    quantity: str | None = None
    price: str | None = None
    product: str | None = None

    def present(self) -> dict[str, str]:
        """Return the columns that there are, by role."""
        return {role: column for role, column in self._asdict().items() if column is not None}


class EventRoles(NamedTuple):
    """The columns of a table of events by what they mean; None for a channel that it does not have."""

    customer: str
    time: str
    type: str
    channel: str | None = None

    def present(self) -> dict[str, str]:
        """Return the columns that there are, by role."""
        return {role: column for role, column in self._asdict().items() if column is not None}


def resolve(columns: list[str], wishes: Wishes) -> Roles:
    """Return the column of every role: as named, else by a common name, which is said.

    Raises InvalidInput for a column that is not there, a name for two roles, several columns that
    fit, and where the customer, the time, or the amount or quantity and price are not found.

    >>> resolve(["Customer ID", "InvoiceDate", "Total"], Wishes())
    columns taken by their names: customer='Customer ID', time='InvoiceDate', amount='Total'
    Roles(customer='Customer ID', time='InvoiceDate', order=None, amount='Total', quantity=None, ...)
    """
    named = _named(columns, {role: getattr(wishes, role) for role in ROLES})
    skipped = {"quantity", "price"} if "amount" in named else set()
    found = _found(columns, named, {role: names for role, names in NAMES.items() if role not in skipped})
    taken = named | found
    _need(taken, columns, NAMES, ("customer", "time"))
    if "amount" not in taken and not {"quantity", "price"} <= set(taken):
        raise _not_found("amount", "name amount='...', or quantity='...' and price='...'", columns, NAMES)
    _say_found(found)
    if "amount" in found and (others := [taken[role] for role in ("quantity", "price") if role in taken]):
        say(f"amounts are those of {found['amount']!r}; {listed(others)} only tell returns and free items")
    return Roles(**taken)


def resolve_events(columns: list[str], wishes: dict[str, str | None]) -> EventRoles:
    """Return the customer, time, type and channel of a table of events, as ``resolve`` does for transactions.

    >>> resolve_events(["user_id", "event_time", "event_type"], {"type": "event_type"})
    columns taken by their names: customer='user_id', time='event_time'
    EventRoles(customer='user_id', time='event_time', type='event_type', channel=None)
    """
    named = _named(columns, wishes)
    found = _found(columns, named, EVENT_NAMES)
    _need(named | found, columns, EVENT_NAMES, ("customer", "time", "type"))
    _say_found(found)
    return EventRoles(**named | found)


def find_customer(columns: list[str]) -> str | None:
    """Return the column that is the customer by its name, None where there is none.

    >>> find_customer(["Customer ID", "recency"])
    'Customer ID'
    """
    return _guess("customer", columns, EVENT_NAMES)


def _named(columns: list[str], wishes: dict[str, str | None]) -> dict[str, str]:
    named = {role: name for role, name in wishes.items() if name is not None}
    for role, column in named.items():
        if column not in columns:
            raise missing_column(role, column, columns)
    for role, column in named.items():
        if both := [other for other, same in named.items() if same == column and other != role]:
            raise InvalidInput(f"column {column!r} is named as {role} and as {both[0]}; name one column for each")
    return named


def _found(columns: list[str], named: dict[str, str], names: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Return the columns of the roles that are not named, by common names."""
    free = [column for column in columns if column not in named.values()]
    guessed = {role: _guess(role, free, names) for role in names if role not in named}
    return {role: column for role, column in guessed.items() if column is not None}


def _guess(role: str, columns: list[str], names: dict[str, tuple[str, ...]]) -> str | None:
    fitting = [column for column in columns if re.sub(r"[^a-z0-9]", "", column.lower()) in names[role]]
    if len(fitting) > 1:
        raise InvalidInput(f"{listed(fitting)} may each be the {role}; name one, as in {role}={fitting[0]!r}")
    return fitting[0] if fitting else None


def _say_found(found: dict[str, str]) -> None:
    if found:
        say("columns taken by their names: " + ", ".join(f"{role}={column!r}" for role, column in found.items()))


def _need(taken: dict[str, str], columns: list[str], names: dict[str, tuple[str, ...]], roles: tuple[str, ...]) -> None:
    for role in roles:
        if role not in taken:
            raise _not_found(role, f"name it, as in {role}='...'", columns, names)


def _not_found(role: str, advice: str, columns: list[str], names: dict[str, tuple[str, ...]]) -> InvalidInput:
    near = [hint for name in names[role] if (hint := nearest_hint(name, columns))]
    return InvalidInput(
        f"no column is the {role} by its name among {listed(columns)}; {advice}{near[0] if near else ''}"
    )
