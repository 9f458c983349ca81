"""Which lists become tables, and what their schemas are called."""

import pytest

from reflexd_core.canonical import Json
from reflexd_core.tauq.naming import Table, Tables, rows_of


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([{"a": 1}, {"a": None}], id="two objects"),
        pytest.param([{"a": 1, "b": 2}, {"b": 3, "a": 4}], id="in whatever order"),
        pytest.param([{"a-b": [], "é": {}, "_": "x"}] * 3, id="fields of any plain name, values of any kind"),
    ],
)
def test_lists_that_are_tables(rows: Json) -> None:
    assert rows_of(rows) == rows


@pytest.mark.parametrize(
    "value",
    [
        *[None, 1, "ab", {}, {"a": 1}],
        pytest.param([], id="nothing"),
        pytest.param([{"a": 1}], id="one object"),
        pytest.param([{}, {}], id="no fields"),
        pytest.param([{"a": 1}, 1], id="not only objects"),
        pytest.param([1, {"a": 1}], id="nor at first"),
        pytest.param([{"a": 1}, {"b": 1}], id="other fields"),
        pytest.param([{"a": 1}, {"a": 1, "b": 1}], id="more fields"),
        *[[{key: 1}, {key: 2}] for key in ("", "my key", "2023", "a:b", "true", "inf", "NaN", "a.b", "1a", "-")],
    ],
)
def test_lists_that_are_none(value: Json) -> None:
    assert rows_of(value) is None


@pytest.mark.parametrize(
    ("key", "name"),
    [
        *[("users", "User"), ("entries", "Entry"), ("class", "Class"), ("s", "S"), ("ies", "Y"), ("p", "P")],
        *[("order_items", "OrderItem"), ("a-b_c", "ABC"), ("userList", "Userlist"), ("straße", "Straße")],
        *[("été", "été"), ("_x", "X"), ("inform", "Inform"), ("true", "True")],
    ],
)
def test_a_schema_is_called_after_its_key(key: str, name: str) -> None:
    assert Tables().table(("a",), key) == Table(name, ("a",))


@pytest.mark.parametrize("key", ["", "my key", "2023s", "infs", "nan", "_", "-", "s s", "a.b", "\n"])
@pytest.mark.parametrize(
    ("fields", "name"),
    [
        *[(("user_id", "name"), "User"), (("USERID",), "User"), (("productId",), "Product")],
        *[(("product_id", "x"), "Product"), (("id", "name"), "Record"), (("x_id", "Name"), "Record")],
        *[(("ID",), "Item"), (("x_id",), "Item"), (("name", "x"), "Entry"), (("x",), "Row"), (("idx",), "Row")],
    ],
)
def test_or_after_its_fields_where_the_key_is_no_name(key: str, fields: tuple[str, ...], name: str) -> None:
    assert Tables().table(fields, None).name == name
    assert Tables().table(fields, key).name == name


def test_the_same_fields_share_a_schema() -> None:
    tables = Tables()
    first = tables.table(("a", "b"), "users")
    assert tables.table(("b", "a"), "others") is first
    assert tables.all() == [first]


def test_no_two_schemas_share_a_name() -> None:
    tables = Tables()
    keys = ["user2", "users", "user", "Users", "user2s", "users"]
    names = [tables.table((f"f{number}",), key).name for number, key in enumerate(keys)]
    assert names == ["User2", "User", "User3", "User4", "User22", "User5"]
    assert [table.name for table in tables.all()] == sorted(names)
