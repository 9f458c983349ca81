"""Windows: a script in the Startup folder, which starts the daemon without a window. Not run on Windows here."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_FOLDER = Path("Microsoft", "Windows", "Start Menu", "Programs", "Startup")


def files(command: Sequence[str], home: Path, environ: Mapping[str, str]) -> dict[Path, bytes]:
    roaming = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
    line = subprocess.list2cmdline([*command, "serve"]).replace('"', '""')
    script = f'CreateObject("WScript.Shell").Run "{line}", 0, False\r\n'
    # Windows Script Host reads the system's own code page or UTF-16, and a person's name may stand in the path.
    return {roaming / _FOLDER / "reflexd.vbs": b"\xff\xfe" + script.encode("utf-16-le")}
