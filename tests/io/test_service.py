"""The daemon as a service: systemd's units as systemd reads them, its socket, and what other systems are given."""

import json
import os
import plistlib
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpcore2
import pytest

from reflexd_io import activation
from reflexd_io.service import CannotManage, Found, Manager, launchd, named, start_installed, startup, systemd
from reflexd_io.service import run as service_run
from support.process import command, environment, serving

_LONG = 120.0
"""Seconds that no machine needs, however busy it is."""
REFLEXD = ["/opt/my tools/reflexd"]


def a_program(folder: Path) -> list[str]:
    """One that is there."""
    program = folder / "my tools" / "reflexd"
    program.parent.mkdir()
    program.touch(mode=0o755)
    return [str(program)]


def manager(
    home: Path, platform: str, said: dict[str, tuple[int, str]] | None = None, command: Sequence[str] = REFLEXD
) -> tuple[Manager, list[str]]:
    ran: list[str] = []

    def run(wanted: Sequence[str]) -> tuple[int, str]:
        ran.append(" ".join(wanted))
        return next((answer for part, answer in (said or {}).items() if part in ran[-1]), (0, ""))

    return Manager(command, port=8080, address="127.0.0.1", platform=platform, home=home, run=run), ran


@pytest.fixture(autouse=True)
def _plain_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("APPDATA", raising=False)


@pytest.fixture(name="units")
def made_units(tmp_path: Path) -> list[Path]:
    """As installed, with a program that is there."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed (Debian: systemd)")
    made = systemd.files([sys.executable, "-m", "reflexd_io.cli"], tmp_path, {}, port=8080, address="127.0.0.1")
    for path, content in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return list(made)


def test_systemd_finds_no_fault_in_the_units(units: list[Path]) -> None:
    checked = ["systemd-analyze", "--user", "--man=no", "verify", *map(str, units)]
    done = subprocess.run(checked, capture_output=True, text=True, check=False, env=_with_runtime(units[0].parent))
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if "reflexd." in line]  # others' units are looked at too


def test_the_service_is_not_exposed_more_than_a_users_service_must_be(units: list[Path]) -> None:
    wanted = ["systemd-analyze", "security", "--offline=true", "--json=short", str(units[1])]
    done = subprocess.run(wanted, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    # A service without any hardening is told 9.6; what a user's manager may not set leaves most of the rest.
    overall = subprocess.run(wanted[:3] + wanted[4:], capture_output=True, text=True, check=False).stdout
    exposure = float(overall.split("Overall exposure level")[1].split(":")[1].split()[0])
    assert exposure <= 6.5, overall
    unset = {row["name"] for row in json.loads(done.stdout) if row["set"] is False}
    assert not unset & {"NoNewPrivileges=", "LockPersonality=", "RestrictRealtime=", "RestrictSUIDSGID="}


def _with_runtime(folder: Path) -> dict[str, str]:
    return {**os.environ, "XDG_RUNTIME_DIR": str(folder)}


def test_install_and_uninstall_leave_nothing_behind(tmp_path: Path) -> None:
    reflexd = a_program(tmp_path)
    there, ran = manager(tmp_path, "linux", {"is-active": (3, "inactive"), "is-enabled": (1, "")}, reflexd)
    assert there.look().installed is False
    assert [line.split()[0] for line in there.install()] == ["wrote", "wrote", "ran", "ran", "ran"]
    assert there.look().installed is True
    service = (tmp_path / ".config/systemd/user/reflexd.service").read_text()
    assert f'ExecStart="{reflexd[0]}" serve\n' in service
    assert there.uninstall()[-1] == "ran systemctl --user daemon-reload"
    assert [str(path) for path in tmp_path.rglob("*") if path.is_file()] == reflexd
    assert there.uninstall() == ["nothing was installed"]
    assert "systemctl --user disable --now reflexd.socket reflexd.service" in ran


def test_what_the_manager_says_no_to_is_told_with_what_to_type(tmp_path: Path) -> None:
    said = {"daemon-reload": (1, "Failed to connect to bus")}
    there, _ = manager(tmp_path, "linux", said, a_program(tmp_path))
    with pytest.raises(CannotManage, match=r"`systemctl --user daemon-reload` failed: Failed to connect to bus"):
        there.install()
    assert there.look().installed


def test_what_is_left_to_type_is_told_whole(tmp_path: Path) -> None:
    there, _ = manager(tmp_path, "linux", {"enable": (1, "Failed to connect to bus")})
    with pytest.raises(CannotManage) as failed:
        there.install()
    left = str(failed.value).partition("login: ")[2]
    assert [line.split()[2] for line in left.split(" && ")] == ["enable", "restart"]


def test_without_systemd_nothing_is_written(tmp_path: Path) -> None:
    there, _ = manager(tmp_path, "linux", {"systemctl": (127, "systemctl is not there")})
    with pytest.raises(CannotManage, match="this system has no systemd"):
        there.install()
    assert not list(tmp_path.iterdir())
    assert there.look() == Found(installed=False, state="no systemd here", files=[])


def test_a_service_that_cannot_be_stopped_is_removed_all_the_same(tmp_path: Path) -> None:
    said: dict[str, tuple[int, str]] = {}
    there, _ = manager(tmp_path, "linux", said)
    there.install()
    units = tmp_path / ".config/systemd/user"
    for folder, unit in (("default.target.wants", "reflexd.service"), ("sockets.target.wants", "reflexd.socket")):
        (units / folder).mkdir()
        (units / folder / unit).symlink_to(units / unit)
    said["disable"] = (1, "Failed to connect to bus")
    with pytest.raises(CannotManage, match="the files are taken away, but `systemctl --user disable"):
        there.uninstall()
    assert not [path for path in tmp_path.rglob("*") if path.is_symlink() or path.is_file()]


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_a_service_whose_program_has_gone_is_none_until_it_is_installed_anew(tmp_path: Path, platform: str) -> None:
    old, new = a_program(tmp_path), [str(tmp_path / "moved here" / "reflexd")]
    moved, _ = manager(tmp_path, platform, command=new)
    manager(tmp_path, platform, command=old)[0].install()
    assert (moved.look().installed, moved.look().missing) == (True, None), "another's, which is there"
    Path(old[0]).parent.rename(Path(new[0]).parent)
    found = moved.look()
    assert (found.installed, found.missing) == (False, old[0])
    assert found.files, "uninstall takes them away all the same"
    moved.install()
    assert (moved.look().installed, moved.look().missing) == (True, None)


def test_a_file_that_cannot_be_read_stops_no_look(tmp_path: Path) -> None:
    watched, _ = manager(tmp_path, "linux", command=a_program(tmp_path))
    watched.install()
    unit = Path(watched.look().files[-1])
    unit.unlink()
    unit.mkdir()
    assert watched.look().missing is None


def test_the_status_names_the_program_that_has_gone(tmp_path: Path) -> None:
    """The command itself, over files of a home of its own."""
    (gone,) = a_program(tmp_path)
    manager(tmp_path, sys.platform, {"systemctl": (0, "active")}, [gone])[0].install()
    Path(gone).unlink()
    environ = {**environment("http://127.0.0.1:9/v1"), "HOME": str(tmp_path), "APPDATA": ""}
    line = [sys.executable, "-m", "reflexd_io.cli", "service", "status", "--storage-path", str(tmp_path / "store")]
    said = subprocess.run(line, env=environ, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (1, "")
    assert said.stdout.startswith("not installed, ")
    assert f"What they start is not there: {gone}. `reflexd service install` writes them anew." in said.stdout
    told = subprocess.run([*line, "--json"], env=environ, capture_output=True, text=True, check=False)
    assert (told.returncode, json.loads(told.stdout)["missing"]) == (1, gone)


_NAMES = ["/opt/reflexd", "/opt/my tools/reflexd", '/opt/100%/it\'s "here" $HOME/a\\b', "/opt/Zoë/;x"]


@pytest.mark.parametrize("name", _NAMES)
def test_a_program_is_read_as_it_was_written(tmp_path: Path, name: str) -> None:
    for made in (
        systemd.files([name, "-m", "x y"], tmp_path, {}, port=8080, address="127.0.0.1"),
        launchd.files([name, "-m", "x y"], tmp_path),
    ):
        path, content = list(made.items())[-1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        assert named.program(path) == name


@pytest.mark.parametrize("name", ["C:\\Programs\\reflexd.exe", "C:\\Users\\Zoë\\my tools\\reflexd.exe"])
def test_a_program_of_windows_is_read_as_it_was_written(tmp_path: Path, name: str) -> None:
    ((path, content),) = startup.files([name], tmp_path, {}).items()
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert named.program(path) == name


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("x.service", b"[Service]\nType=notify\n"),
        ("x.service", b"[Service]\nExecStart=\n"),
        ("x.desktop", b"\xff\xfe"),
        ("x.plist", b"<plist><nonsense"),
        ("x.plist", plistlib.dumps({"ProgramArguments": []})),
        ("x.plist", plistlib.dumps(["a list"])),
        ("x.vbs", b"odd"),
    ],
)
def test_what_names_no_program_starts_none(tmp_path: Path, file: str, content: bytes) -> None:
    path = tmp_path / file
    path.write_bytes(content)
    assert named.missing(path) == "(no program is named)"


def test_a_packages_own_units_count_once_they_are_enabled(tmp_path: Path) -> None:
    there, _ = manager(tmp_path, "linux", {"is-active": (0, "active"), "is-enabled": (0, "enabled")})
    assert there.look() == Found(installed=True, state="active", files=[])
    there, _ = manager(tmp_path, "linux", {"is-active": (3, "inactive"), "is-enabled": (1, "disabled")})
    assert not there.look().installed


@pytest.mark.parametrize(
    ("platform", "said", "started", "line"),
    [
        ("linux", {}, True, "systemctl --user start reflexd.service"),
        ("linux", {"is-active": (3, "inactive")}, False, "systemctl --user is-active reflexd.socket"),
        ("darwin", {}, True, "launchctl kickstart"),
        ("darwin", {"print": (113, "Could not find service")}, False, "launchctl print"),
    ],
)
def test_who_starts_a_daemon_that_is_a_service(
    platform: str, said: dict[str, tuple[int, str]], started: bool, line: str
) -> None:
    ran: list[str] = []

    def run(wanted: Sequence[str]) -> tuple[int, str]:
        ran.append(" ".join(wanted))
        return next((answer for part, answer in said.items() if part in ran[-1]), (0, ""))

    assert start_installed(run, platform) is started
    assert ran[-1].startswith(line)


def test_a_program_that_is_not_there_is_no_accident() -> None:
    assert service_run(["no-such-program-anywhere"]) == (127, "no-such-program-anywhere is not there")


@pytest.mark.skipif(sys.platform != "linux", reason="systemd's")
def test_a_daemon_that_runs_already_is_not_installed_over(tmp_path: Path) -> None:
    with serving(tmp_path / "store", "http://127.0.0.1:9/v1"):
        where = ["--storage-path", str(tmp_path / "store")]
        line = [sys.executable, "-m", "reflexd_io.cli", "service", "install", *where]
        environ = {**environment("http://127.0.0.1:9/v1"), "HOME": str(tmp_path), "PATH": str(tmp_path)}
        done = subprocess.run(line, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Reflex runs already, though not as a service" in done.stderr
    assert not (tmp_path / ".config").exists()


def test_a_launch_agent_is_started_again_when_it_fails(tmp_path: Path) -> None:
    there, ran = manager(tmp_path, "darwin", {"print": (0, "x = {\n\tstate = running\n}")})
    there.install()
    (path,) = tmp_path.rglob("*.plist")
    agent = plistlib.loads(path.read_bytes())
    assert agent["ProgramArguments"] == [*REFLEXD, "serve"]
    assert agent["KeepAlive"]["SuccessfulExit"] is False
    assert ran[2].startswith("launchctl bootstrap gui/")
    assert there.look().state == "running"
    assert [line.split()[1] for line in ran[:3]] == ["print", "bootout", "bootstrap"], "one that is loaded goes first"


def test_windows_starts_it_without_a_window(tmp_path: Path) -> None:
    reflexd = a_program(tmp_path)
    there, ran = manager(tmp_path, "win32", command=reflexd)
    there.install()
    (path,) = tmp_path.rglob("*.vbs")
    script = path.read_text("utf-16")
    assert script == f'CreateObject("WScript.Shell").Run """{reflexd[0]}"" serve", 0, False\n'
    assert (ran, there.look().state) == ([], "starts at login")


def test_arguments_mean_to_systemd_what_they_say() -> None:
    assert systemd._quoted("/usr/bin/reflexd") == "/usr/bin/reflexd"
    assert systemd._quoted('a "b" $c 100%\\') == '"a \\"b\\" $$c 100%%\\\\"'


@pytest.mark.skipif(sys.platform == "win32", reason="Windows hands no sockets over")
def test_connections_wait_while_the_daemon_restarts(tmp_path: Path) -> None:
    """As systemd does it: the socket is opened before the daemon and outlives it."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listening:
        port = listening.getsockname()[1]
        with _activated(tmp_path, listening) as first:
            assert _status(port) == 200
            first.send_signal(signal.SIGTERM)
            first.wait(_LONG)
        with socket.create_connection(("127.0.0.1", port)) as waiting:
            waiting.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            with _activated(tmp_path, listening):
                waiting.settimeout(_LONG)
                assert waiting.recv(100).startswith(b"HTTP/1.1 200")


def _status(port: int) -> int:
    with httpcore2.ConnectionPool() as pool:
        return pool.request("GET", f"http://127.0.0.1:{port}/healthz").status


@contextmanager
def _activated(folder: Path, listening: socket.socket) -> Iterator["subprocess.Popen[bytes]"]:
    """The daemon with the socket as its descriptor 3, once it has said that it is ready; killed at the end."""
    place = folder / "notify"
    place.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place))
        manager.settimeout(_LONG)
        script = (
            f"import os; os.dup2({listening.fileno()}, 3); os.set_inheritable(3, True)\n"
            "os.environ['LISTEN_PID'] = str(os.getpid()); os.environ['LISTEN_FDS'] = '1'\n"
            f"os.execv({sys.executable!r}, {command(folder / 'store')!r})"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            env={**environment("http://127.0.0.1:9/v1"), "NOTIFY_SOCKET": str(place)},
            pass_fds=(listening.fileno(),),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert manager.recv(100) == b"READY=1"
            yield process
        finally:
            process.kill()
            process.wait(_LONG)


def test_what_was_meant_for_another_process_is_not_taken() -> None:
    environ = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x"}
    assert activation.take_socket(environ) is None
    assert environ == {}
    with pytest.raises(ValueError, match="2 sockets were handed over"):
        activation.take_socket({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"})
