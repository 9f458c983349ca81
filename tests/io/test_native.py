"""Native libraries: loaded in the one order that works, by one module, and only by those who need them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import reflexd_io
from reflexd_io import native

ROOM = Path(reflexd_io.__file__).parent


def _fresh(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "code",
    [
        "from reflexd_io import native; native.usearch().Index(ndim=8); native.onnxruntime.get_available_providers()",
        "import reflexd_io.near.parts as p; p._new_graph(8); import onnxruntime; onnxruntime.SessionOptions()",
        "import numpy, numkong; from reflexd_io import native; native.usearch()",
        "import reflexd_io.app; from reflexd_io import native; native.usearch()",
    ],
)
def test_a_fresh_interpreter_lives_through_loading_them(code: str) -> None:
    done = _fresh(code)
    assert done.returncode == 0, done.stderr


def test_one_module_imports_them() -> None:
    importers = set()
    for source in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if {name.partition(".")[0] for name in names} & {"usearch", "onnxruntime"}:
                importers.add(source.relative_to(ROOM).as_posix())
    assert importers == {"native.py"}


@pytest.mark.parametrize("module", ["cli", "cli.status", "settings", "runtime"])
def test_a_command_that_compares_nothing_loads_none_of_them(module: str) -> None:
    heavy = "{'numpy', 'numkong', 'usearch', 'onnxruntime', 'tokenizers', 'mlx'}"
    done = _fresh(f"import sys, reflexd_io.{module}; print(sorted({heavy} & set(sys.modules)))")
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_the_daemon_loads_no_graphs_before_it_needs_them() -> None:
    done = _fresh("import sys, reflexd_io.app; print('usearch' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr


def test_two_packages_that_own_one_module_are_told_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    assert native.clash() is None
    monkeypatch.setattr(native, "_version", {"onnxruntime": "1.32.0", "onnxruntime-gpu": "1.31.1"}.get)
    told = native.clash()
    assert told is not None
    assert told.startswith("onnxruntime 1.32.0 and onnxruntime-gpu 1.31.1 are both installed")
    assert "have no CUDA now" in told
    assert native.CURE in told
