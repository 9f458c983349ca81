"""What the mind may load: looked at in a fresh interpreter, since a static graph cannot see what imports import."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import reflexd_core

ROOM = Path(reflexd_core.__file__).parent
SOURCES = sorted(ROOM.rglob("*.py"))

HANDS = {
    *(
        "socket",
        "ssl",
        "select",
        "selectors",
        "asyncio",
        "anyio",
        "trio",
        "http",
        "h11",
        "httpcore2",
        "urllib.request",
    ),
    *("threading", "concurrent.futures", "multiprocessing", "subprocess", "queue", "sched", "signal", "ctypes"),
    *("logging", "random", "secrets", "tempfile", "shutil", "sqlite3", "keyring"),
}
"""Modules with I/O, threads, chance or logs behind them; none may be loaded by loading the mind."""

FORBIDDEN = HANDS | {"os", "sys", "io", "time", "datetime", "uuid", "pathlib", "platform", "builtins", "importlib"}
"""Besides, modules that the interpreter or a codec loads anyway; none may be imported by the mind's own code."""

LOAD = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
before = set(sys.modules)
import importlib
for name in json.loads(sys.argv[2]):
    importlib.import_module(name)
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def module_of(source: Path) -> str:
    return ".".join(source.relative_to(ROOM.parent).with_suffix("").parts).removesuffix(".__init__")


def loaded_by(*names: str) -> set[str]:
    """What a fresh interpreter has loaded after importing these modules, and had not before."""
    paths = [str(ROOM.parent), *(path for path in sys.path if path.endswith("site-packages"))]
    command = [sys.executable, "-I", "-S", "-c", LOAD, json.dumps(paths), json.dumps(names)]
    return set(json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout))


def test_loading_the_whole_mind_loads_no_hands() -> None:
    loaded = loaded_by(*map(module_of, SOURCES))
    assert loaded >= set(map(module_of, SOURCES))
    assert loaded & HANDS == set()


def test_loading_the_whole_mind_loads_two_libraries_and_no_other_room() -> None:
    roots = {name.partition(".")[0] for name in loaded_by(*map(module_of, SOURCES))}
    # One of the two looks whether typing_extensions is installed; it does nothing but declare types.
    assert roots - set(sys.stdlib_module_names) - {"typing_extensions"} == {"reflexd_core", "blake3", "msgspec"}


def test_a_hand_would_be_seen() -> None:
    assert loaded_by("logging") & HANDS >= {"logging", "threading"}


@pytest.mark.parametrize("source", SOURCES, ids=[str(source.relative_to(ROOM)) for source in SOURCES])
def test_a_source_file_imports_nothing_that_acts(source: Path) -> None:
    imported: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            imported |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    roots = {name.partition(".")[0] for name in imported}
    assert (imported | roots) & FORBIDDEN == set()
    assert roots <= set(sys.stdlib_module_names) | {"reflexd_core", "blake3", "msgspec"}


@pytest.mark.parametrize("source", SOURCES, ids=[str(source.relative_to(ROOM)) for source in SOURCES])
def test_a_source_file_awaits_opens_and_prints_nothing(source: Path) -> None:
    tree = ast.parse(source.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
    called = {
        node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    allowed = {"print"} if source.name == "table.py" else set()  # prints its document, and only when asked
    assert called & {"open", "input", "print", "exec", "eval", "__import__", "breakpoint"} <= allowed
