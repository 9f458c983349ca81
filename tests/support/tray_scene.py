"""A tray on a desktop before a real daemon, and a client that asks it."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from PIL import Image

from reflexd_io.control_client import BlockingClient, calls, find
from reflexd_io.control_client.shapes.tenants import State
from reflexd_tray.icon import draw
from reflexd_tray.model import Look
from support.chat import answer
from support.desktop import Desktop, desktop, until
from support.process import environment, serving
from support.upstream import ScriptedUpstream
from support.wire import KEY

ICON = (20, 676)
"""Where the panel of 48 pixels at the bottom puts its first icon."""


@dataclass(slots=True)
class Scene:
    desktop: Desktop
    url: str
    storage: Path
    tray: "Popen[bytes]"

    def state(self) -> State:
        return BlockingClient(find(storage=self.storage)).do(calls.state())

    def ask(self) -> str:
        """How a client's request is answered."""
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "What is a closure?"}]}
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/chat/completions", json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as told:
            told.read()  # who leaves before the end has no answer kept
            return f"{told.headers['X-Reflex-Status']} {told.headers.get('X-Reflex-Reason', '')}".strip()

    def shows(self, look: Look) -> bool:
        """Whether the panel's icon looks so, as far as its size allows to tell."""
        with Image.open(self.desktop.picture("icon")) as picture:
            seen = picture.convert("RGB").crop((4, 660, 36, 692))
        wanted = Image.new("RGB", (32, 32), (48, 48, 54))
        wanted.paste(draw(look, 32), mask=draw(look, 32))
        pairs = zip(seen.tobytes(), wanted.tobytes(), strict=True)
        return sum(abs(one - other) for one, other in pairs) / (32 * 32 * 3) < 12


@contextmanager
def tray_scene(folder: Path, tray: list[str]) -> Iterator[Scene]:
    """``tray``: the command that starts it."""
    folder.chmod(0o700)
    environ = environment("http://127.0.0.1:9/v1") | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    environ.pop("XDG_CONFIG_HOME", None)
    storage = folder / "store"
    with ScriptedUpstream().running() as upstream:
        upstream.script = answer
        with serving(storage, upstream.url) as daemon, desktop(folder, environ) as shown:
            started = shown.spawn([*tray, "--no-start", "--storage-path", str(storage)], folder / "tray.log")
            scene = Scene(shown, daemon.url, storage, started)
            try:
                until(lambda: scene.shows(Look.ON))
                yield scene
            finally:
                started.kill()
                started.wait(10)
