import pytest

from marea.demo.erp import NOW, Erp
from marea.demo.expected import differences, expected
from marea.demo.rows import NEW_CODE, WRONG, Size

pytestmark = pytest.mark.unit

SMALL = Size(customers=120, items=40, suppliers=10, outdated=20)


@pytest.fixture
def erp(tmp_path):
    erp = Erp.create(tmp_path / "erp.db", SMALL)
    yield erp
    erp.close()


def dates(erp):
    return {
        row["Customer"]: row["TBModified"] for row in erp.rows("SELECT * FROM MA_CustSuppCustomerOptions")
    }


def test_a_raw_update_leaves_the_last_edit_date_alone(erp):
    before = dates(erp)
    assert erp.execute("UPDATE MA_CustSuppCustomerOptions SET TaxCode = :code", {"code": NEW_CODE}) == 120
    assert dates(erp) == before


def test_an_edit_of_the_erps_own_programs_moves_it(erp):
    before = dates(erp)
    sql = f"UPDATE MA_CustSuppCustomerOptions SET TBModified = {NOW} WHERE Customer = 'C00005'"
    assert erp.execute(sql) == 1
    after = dates(erp)
    assert {code for code in after if after[code] != before[code]} == {"C00005"}
    assert after["C00005"] > max(before.values())


def test_an_inserted_row_has_the_defaults_of_the_erp(erp):
    erp.execute("INSERT INTO MA_Items (Item) VALUES ('NEW-1')")
    row = erp.rows("SELECT * FROM MA_Items WHERE Item = 'NEW-1'")[0]
    assert row["Disabled"] == "0"
    assert row["CreationDate"] == "1799-12-31 00:00:00.000"
    assert row["TBGuid"] == "00000000-0000-0000-0000-000000000000"
    assert row["TBModified"] == row["TBCreated"]


def test_a_failed_statement_changes_nothing(erp):
    with pytest.raises(Exception, match="UNIQUE"):
        erp.execute("INSERT INTO MA_ProductCtg (Category) VALUES ('NEW'), ('NEW')")
    assert erp.count("SELECT count(*) FROM MA_ProductCtg WHERE Category = 'NEW'") == 0


def test_the_crm_is_expected_to_hold_every_customer_but_the_wrong_ones(erp):
    accounts = expected(erp)["accounts"]
    assert len(accounts) == 120 - len(WRONG)
    assert not accounts.keys() & WRONG.keys()


def test_suppliers_with_the_code_of_a_customer_are_no_accounts(erp):
    supplier = erp.rows("SELECT * FROM MA_CustSupp WHERE CustSuppType = 3211265 AND CustSupp = 'C00003'")[0]
    assert expected(erp)["accounts"]["C00003"]["vat_number"] != supplier["TaxIdNumber"]


def test_equal_sets_have_no_difference():
    assert differences({"a": {"n": 1}}, {"a": {"n": 1.0}}) == []


def test_each_difference_is_named():
    wanted = {"a": {"n": 1}, "b": {"n": 1, "m": None}, "c": {"n": 1}}
    found = {"b": {"n": 2, "m": None}, "c": {"n": 1}, "d": {"n": 1}}
    assert differences(wanted, found) == [
        "a is missing",
        "b differs in n: n should be 1, is 2",
        "d should not be there",
    ]


def test_a_field_too_many_is_a_difference():
    assert differences({"a": {"n": 1}}, {"a": {"n": 1, "secret": None}}) != []
