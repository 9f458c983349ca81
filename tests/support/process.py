"""The daemon as users run it: a process of its own, which can be killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Process:
    popen: "subprocess.Popen[str]"
    url: str

    def kill(self) -> None:
        """``kill -9``."""
        self.popen.kill()
        self.popen.wait(10)

    def terminate(self) -> None:
        """SIGTERM; returns at once."""
        self.popen.send_signal(signal.SIGTERM)


def command(storage: Path, *flags: str) -> list[str]:
    config = storage.parent / "empty.toml"
    config.touch()
    return [
        *(sys.executable, "-m", "reflexd_io.cli", "serve", "--port", "0", "--json"),
        *("--config", str(config), "--storage-path", str(storage), *flags),
    ]


def environment(upstream_url: str, inference: str = "off") -> dict[str, str]:
    """The machine's own settings left out of it, and no keyring that might ask somebody something."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REFLEX_")}
    return {
        **kept,
        "REFLEX_UPSTREAM_OPENAI_URL": upstream_url,
        "REFLEX_INFERENCE_BACKEND": inference,
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }


@contextmanager
def serving(
    storage: Path, upstream_url: str, *, before: Callable[[], None] | None = None, inference: str = "off"
) -> Iterator[Process]:
    """Runs ``reflexd serve`` on a free port; ``before`` is called in the new process. Killed at the end."""
    popen = subprocess.Popen(
        command(storage),
        env=environment(upstream_url, inference),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=before,  # noqa: PLW1509 - it sets a limit and nothing else
    )
    try:
        assert popen.stdout is not None
        line = popen.stdout.readline()
        assert line, "the daemon did not start"
        yield Process(popen, json.loads(line)["base_url"])
    finally:
        popen.kill()
        popen.wait(10)
        assert popen.stdout is not None
        popen.stdout.close()
