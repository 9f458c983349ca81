"""Each state of each screen as a picture: compared with the one in the repository, on a clock that stands.

``uv run pytest tests/tui/test_pictures.py --snapshot-update`` draws them anew; look at them before keeping them.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from reflexd_io.control_client import NotThere, Place
from reflexd_io.control_client.place import ADVICE
from reflexd_tui.remembered import Remembered, save
from support.control import ScriptedDaemon
from support.pictures import LOST, scenes
from support.terminal import ClockedApp, settle, until

SCENES = scenes()


def nowhere() -> Place:
    raise NotThere(LOST + ADVICE)


@pytest.mark.parametrize("name", SCENES)
def test_picture(
    name: str, snap_compare: Callable[..., bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = SCENES[name]
    if not scene.colour:
        monkeypatch.setenv("NO_COLOR", "1")
    memory = tmp_path / "tui.json"
    save(memory, Remembered(theme=scene.theme))
    scripted = ScriptedDaemon(world=scene.world())
    with scripted.running():
        find = scripted.place if scene.linked else nowhere
        if scene.token is not None:
            given = Place(scripted.url, scene.token)
            find = lambda: given  # noqa: E731
        app = ClockedApp(find, memory=memory, **scene.settings)

        async def before(pilot: Pilot[None]) -> None:
            if scene.linked:
                await until(pilot, lambda: app.session.is_linked and scripted.listeners > 0)
            else:
                await until(pilot, lambda: "again in 1 s" in (app._problem or ""))
                app.workers.cancel_group(app, "session")
                await settle(pilot)
                # On a busy machine it has looked again by now, and waits for longer.
                app.session._on_link((app._problem or "").partition(" (again in")[0], 1)
            await settle(pilot)
            for step in scene.steps:
                await step(pilot, scripted)
            if scene.waits:
                await settle(pilot)

        assert snap_compare(app, terminal_size=scene.size, run_before=before)
