"""Owns the six steps of the story: what happens in the ERP, what Marea does, what that must have come to."""

from __future__ import annotations

from collections.abc import Callable

from marea.demo.erp import NOW
from marea.demo.rows import CUSTOMER, NEW_CATEGORY, NEW_CODE, OLD_CODE, WRONG
from marea.demo.scene import Scene

BATCH = 500
"""As the configuration has it: records in one call of the CRM."""

STILL = "what was rejected before is not mended yet"
"""Why runs that deliver everything else end with exit code 1."""

AGAIN = (
    "(What was edited within a second of a run, the next one reads again, since that second may have brought"
    " more: records that are equal count as unchanged.)"
)
"""Why a run may detect what the one before has delivered."""


def first_synchronization(scene: Scene) -> None:
    """Everything is delivered once; a second run has nothing to do."""
    tell, erp = scene.teller, scene.erp
    tell.say(
        "The ERP holds customers with their options and branches, items with their prices, VAT codes and"
        " product categories. The CRM is empty. marea.yaml says what becomes of what."
    )
    scene.forget_calls()
    scene.marea("sync", exits=1, because=f"{len(WRONG)} customers were rejected and held back nothing else")
    created = {
        "accounts": {"created": scene.size.customers - len(WRONG)},
        "product-categories": {"created": erp.count("SELECT count(*) FROM MA_ProductCtg")},
        "products": {"created": scene.size.items},
        "tax-codes": {"created": erp.count("SELECT count(*) FROM MA_TaxCodes")},
    }
    tell.check("the CRM counted every record created once, and nothing else", created, scene.changed())
    scene.prove_equal()

    tell.say("Nothing has changed since. A second run must find nothing and leave the CRM alone.")
    scene.forget_calls()
    scene.marea("sync", exits=1, because=f"nothing to do, and {STILL}")
    tell.check("the CRM was not called at all", 0, scene.writes())


def mass_change(scene: Scene) -> None:
    """The VAT code of many customers changes in a related table: exactly those follow."""
    tell = scene.teller
    count = scene.size.outdated
    tell.say(
        f"{count:,} customers still carry {OLD_CODE}, Italy's VAT rate of 21 % that ended in 2013. Accounting"
        " moves them all. The code stands in the customers' options, so only that table's date moves:"
        " the customers' own rows stay as they are."
    )
    rows = scene.edit(
        f"UPDATE MA_CustSuppCustomerOptions SET TaxCode = :new, TBModified = {NOW} WHERE TaxCode = :old",
        {"new": NEW_CODE, "old": OLD_CODE},
    )
    tell.check(f"{count:,} rows changed in the ERP", count, rows)
    scene.forget_calls()
    scene.marea("sync", exits=1, because=f"all that changed was delivered, and {STILL}")
    tell.check(
        f"exactly those {count:,} accounts were updated, nothing else",
        {"accounts": {"updated": count}},
        scene.changed(),
    )
    calls = -(-count // BATCH)
    tell.check(f"that took {calls} calls of up to {BATCH} records", calls, scene.writes())
    scene.prove_equal()


def direct_sql(scene: Scene) -> None:
    """A change by raw SQL leaves the date alone: a run cannot see it, `marea touch` tells of it."""
    tell = scene.teller
    tell.say(
        "An administrator moves the paints to the building trade with a raw UPDATE. In this ERP the"
        " last-edit date is only a default: the UPDATE does not move it."
    )
    count = scene.edit(
        "UPDATE MA_Items SET ProductCtg = :new WHERE ProductCtg = 'VERNICI'", {"new": NEW_CATEGORY}, "sql"
    )
    scene.forget_calls()
    scene.marea("sync", exits=1, because=f"nothing to deliver, and {STILL}")
    tell.check(
        "the run delivered nothing: it goes by the last-edit date, and no product's date moved",
        {},
        scene.changed(),
    )
    tell.say(AGAIN)
    tell.say(
        "So the administrator says which records are meant. That sets their date, and the next run follows."
    )
    condition = f"ProductCtg = '{NEW_CATEGORY}'"
    scene.marea("touch", "items", "--where", condition, because="the dates are set")
    scene.marea("sync", exits=1, because=f"all that changed was delivered, and {STILL}")
    tell.check(
        f"exactly those {count:,} products were updated, nothing else",
        {"products": {"updated": count}},
        scene.changed(),
    )
    scene.prove_equal()


def outage(scene: Scene) -> None:
    """The CRM is in maintenance, then away altogether, while work in the ERP goes on."""
    tell = scene.teller
    tell.say("The CRM goes into maintenance: it answers 503 to everything. Work in the ERP goes on.")
    scene.crm.ask("POST", "/admin/maintenance", {"on": True})
    moved = scene.edit(
        f"UPDATE MA_CustSupp SET Address = 'Via Nuova 1', TBModified = {NOW}"
        " WHERE CustSuppType = :customer AND CustSupp BETWEEN 'C00101' AND 'C00140'",
        {"customer": CUSTOMER},
    )
    scene.marea("sync", exits=3, because="a system is away; nothing is lost")
    tell.say("Then the CRM is switched off. More changes, some of them to the same customers.")
    scene.crm.stop()
    scene.edit(
        f"UPDATE MA_CustSupp SET Telephone1 = '0200000001', TBModified = {NOW}"
        " WHERE CustSuppType = :customer AND CustSupp BETWEEN 'C00131' AND 'C00140'",
        {"customer": CUSTOMER},
    )
    _new_customer(scene)
    priced = scene.edit(
        f"UPDATE MA_ItemsPriceLists SET Price = round(Price * 1.05, 2), TBModified = {NOW}"
        " WHERE PriceList = 'TRADE' AND Item LIKE 'UTE-%'"
    )
    scene.marea("sync", exits=3, because="it is still away; nothing is lost")

    tell.say("The CRM is back. One run delivers what is due: each record once, as it is now.")
    scene.crm.start()
    scene.marea("sync", exits=1, because=f"all that changed was delivered, and {STILL}")
    tell.check(
        f"{moved} accounts and {priced} products were updated, 1 account was created, nothing else",
        {"accounts": {"created": 1, "updated": moved}, "products": {"updated": priced}},
        scene.changed(),
    )
    scene.prove_equal()


def _new_customer(scene: Scene) -> None:
    code = f"C{scene.size.customers + 1:05}"
    scene.edit(
        "INSERT INTO MA_CustSupp (CustSuppType, CustSupp, CompanyName, TaxIdNumber, City, ISOCountryCode)"
        " VALUES (:customer, :code, 'Vetreria Nuova S.r.l.', '02345678903', 'Bologna', 'IT')",
        {"customer": CUSTOMER, "code": code},
    )
    scene.edit(
        "INSERT INTO MA_CustSuppCustomerOptions (CustSuppType, Customer, TaxCode)"
        " VALUES (:customer, :code, :tax)",
        {"customer": CUSTOMER, "code": code, "tax": NEW_CODE},
    )


def the_log(scene: Scene) -> None:
    """Everything that happened is in the log: by run, by cause, before and after."""
    tell = scene.teller
    tell.say("Every run is on record, and every delivery in it.")
    scene.marea("runs", because="read from the log")
    tell.say("What the mass change did to the customers, found by its cause: the last three of them.")
    scene.marea(
        "log",
        "--entity",
        "customers",
        "--cause",
        "related table",
        "--limit",
        "3",
        because="read from the log",
    )
    entries = scene.ask("log", "--entity", "customers", "--cause", "related table", "--field", "tax_code")
    tell.check(
        f"the log has {scene.size.outdated:,} such entries, each with the VAT code before and after",
        {(OLD_CODE, NEW_CODE): scene.size.outdated},
        _counted(tuple(entry["changes"]["tax_code"]) for entry in entries),
    )
    tell.check("they are of one run", 1, len({entry["run"] for entry in entries}))
    run = str(entries[0]["run"])
    tell.check("and that run did nothing else", scene.size.outdated, len(scene.ask("log", "--run", run)))


def _counted(values: object) -> dict[object, int]:
    from collections import Counter

    return dict(Counter(values))  # type: ignore[call-overload]


def the_wrong_customer(scene: Scene) -> None:
    """Why a customer is not in the CRM, and how it gets there."""
    tell = scene.teller
    code = next(iter(WRONG))
    key = f"{CUSTOMER},{code}"
    tell.say(f"Sales miss a customer in the CRM: {code}. Why?")
    scene.marea("explain", "customers", key, because="the record was found")
    tell.say("So accounting corrects the number in the ERP, and the customer follows with the next run.")
    scene.edit(
        f"UPDATE MA_CustSupp SET TaxIdNumber = FiscalCode, TBModified = {NOW}"
        " WHERE CustSuppType = :customer AND CustSupp = :code",
        {"customer": CUSTOMER, "code": code},
    )
    scene.forget_calls()
    scene.marea("sync", exits=1, because=f"all that changed was delivered, and {STILL}")
    tell.check("exactly that account was created", {"accounts": {"created": 1}}, scene.changed())
    others = ", ".join(other for other in WRONG if other != code)
    tell.say(f"{others} is still wrong, and stays on record until it is mended: see marea status.")
    scene.prove_equal()


STEPS: tuple[tuple[str, Callable[[Scene], None]], ...] = (
    ("First synchronization", first_synchronization),
    ("A mass change of VAT codes", mass_change),
    ("A change by SQL that leaves the date alone", direct_sql),
    ("The CRM is away, work goes on", outage),
    ("The log of all of it", the_log),
    ("Why is this customer not in the CRM?", the_wrong_customer),
)
