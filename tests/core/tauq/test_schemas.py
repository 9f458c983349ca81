"""Directives: what defines a schema, what puts it in force, and what is refused."""

import pytest

from reflexd_core.canonical import Json
from reflexd_core.tauq import TauqError, decode


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("!def A x\n1\n2", [{"x": 1}, {"x": 2}], id="defining puts in force"),
        pytest.param("!def A x\n!def B y\n1", {"y": 1}, id="the last one counts"),
        pytest.param("!def A x\n!def B y\n!use A\n1", {"x": 1}, id="used again"),
        pytest.param("!def A x\n!def A y\n1", {"y": 1}, id="defined again"),
        pytest.param("!def A x 1", {"x": 1}, id="rows may follow on the line"),
        pytest.param("!def A x, y; 1, 2", {"x": 1, "y": 2}, id="commas and semicolons"),
        pytest.param("!def A x --- a 1", {"a": 1}, id="dashes on the line"),
        pytest.param("!def A", [], id="no fields, no rows"),
        pytest.param("!def A\nx:1", {"x": 1}, id="no fields, but names"),
        pytest.param("!def A x x\n1 2", {"x": 2}, id="a field twice"),
        pytest.param("!schemas\nA x\nB y z;C\n---\n!use B\n1 2", {"y": 1, "z": 2}, id="a block"),
        pytest.param("!models A x ---\na 1", {"a": 1}, id="a block puts nothing in force"),
        pytest.param("!def A x\n!schemas\nB y\n---\n1", {"x": 1}, id="nor out of force"),
        pytest.param("!schemas\n---", [], id="an empty block"),
        pytest.param("!version 2", 2, id="an unknown directive is skipped, not what follows it"),
        pytest.param("a 1\n!x\nb 2", [{"a": 1}, {"b": 2}], id="any directive ends an object"),
        pytest.param("a 1\n---\nb 2", {"a": 1, "b": 2}, id="dashes do not"),
        pytest.param("!def A x:B\n!def B y\n!use A\n{1}", {"x": {"y": 1}}, id="a type may be defined later"),
        pytest.param("!def A n x:A\n1 {2 {3}}", {"n": 1, "x": {"n": 2, "x": {"n": 3}}}, id="a type of its own"),
        pytest.param("!def A x:B x\n!def B y\n!use A\nx:{1}", {"x": {"y": 1}}, id="of equal names the first"),
    ],
)
def test_what_directives_mean(text: str, value: Json) -> None:
    assert decode(text) == value


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ("!def", 1, 5, "expected a schema's name, an unquoted word, found the end of the text"),
        ("!def\nA x", 1, 5, "found the end of the line"),
        ('!def "A"', 1, 6, "found '\"A\"'"),
        ("!def 1", 1, 6, "found '1'"),
        ("!use", 1, 5, "expected a schema's name behind !use"),
        ("a 1\n!use Ghost", 2, 6, "there is no schema 'Ghost'"),
        ("[!use Ghost]", 1, 7, "there is no schema 'Ghost'"),
        ("!def A x:", 1, 10, "expected the schema of 'x'"),
        ("!def A x:5", 1, 10, "expected the schema of 'x', an unquoted word, found '5'"),
        ("!def A x:[B", 1, 12, r"expected '\]' behind the schema of 'x', found the end of the text"),
        ("!def A x:Ghost\n{1}", 2, 1, "there is no schema 'Ghost'"),
        ("x 1\n !schemas\nA x", 2, 2, "the block of schemas that begins here is not closed by ---"),
        ("!schemas\n1 x\n---", 2, 1, "expected a schema's name"),
        ("!schemas\nA 2023\n---", 2, 3, "expected a field's name, found '2023'"),
        ('!schemas\nA "x"\n---', 2, 3, "expected a field's name, found '\"x\"'"),
        ('!import "/etc/passwd"', 1, 1, "!import would read a file"),
        ("!def A 2023\n!x", 1, 8, "a row of 'A', which has no fields, found '2023'"),
        ("!def A\n1", 2, 1, "a row of 'A', which has no fields"),
    ],
)
def test_what_directives_cannot_mean(text: str, line: int, column: int, problem: str) -> None:
    with pytest.raises(TauqError, match=problem) as raised:
        decode(text)
    assert (raised.value.line, raised.value.column) == (line, column)
