"""Starting at login, and the terminal emulator, as each system wants it; macOS and Windows were not run."""

import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from reflexd_io.control_client import named
from reflexd_tray import at_login, memory, terminal

WANTED = ["/opt/a b/python", "-m", "reflexd_tray", 'with "quotes" $HOME 100%']


def test_the_desktop_entry_is_valid(tmp_path: Path) -> None:
    if shutil.which("desktop-file-validate") is None:
        pytest.skip("desktop-file-validate is not installed (Debian: desktop-file-utils)")
    entry = tmp_path / "reflex-tray.desktop"
    entry.write_bytes(at_login.content(WANTED, platform="linux"))
    done = subprocess.run(["desktop-file-validate", entry], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_arguments_are_quoted_as_desktop_entries_want_them() -> None:
    entry = at_login.content(WANTED, platform="linux").decode()
    assert 'Exec="/opt/a b/python" -m reflexd_tray "with \\\\"quotes\\\\" \\\\$HOME 100%%"\n' in entry


def test_a_launch_agent_runs_the_command_at_load() -> None:
    agent = plistlib.loads(at_login.content(WANTED, platform="darwin"))
    assert (agent["ProgramArguments"], agent["RunAtLoad"]) == (WANTED, True)


def test_windows_runs_a_script() -> None:
    script = at_login.content(["C:\\Users\\Zoë\\my tools\\reflex-tray.exe"], platform="win32").decode("utf-16")
    program = '""C:\\Users\\Zoë\\my tools\\reflex-tray.exe""'
    assert script == f'CreateObject("WScript.Shell").Run "{program}", 0, False\r\n'


@pytest.mark.parametrize(
    ("platform", "environ", "where"),
    [
        ("linux", {}, ".config/autostart/reflex-tray.desktop"),
        ("linux", {"XDG_CONFIG_HOME": "/x"}, "/x/autostart/reflex-tray.desktop"),
        ("darwin", {}, "Library/LaunchAgents/dev.reflex.tray.plist"),
        ("win32", {"APPDATA": "/r"}, "/r/Microsoft/Windows/Start Menu/Programs/Startup/reflex-tray.vbs"),
    ],
)
def test_where_each_system_looks(platform: str, environ: dict[str, str], where: str) -> None:
    home = Path("/home/somebody")
    assert at_login.place(platform=platform, environ=environ, home=home) == home / where


def test_the_tick_shows_what_is_on_disk(tmp_path: Path) -> None:
    entry = tmp_path / "autostart" / "reflex-tray.desktop"
    assert not at_login.is_on(entry)
    at_login.switch(True, entry)
    assert at_login.is_on(entry)
    entry.write_text(entry.read_text().replace("enabled=true", "enabled=false"))
    assert not at_login.is_on(entry), "switched off by the desktop's own settings"
    at_login.switch(False, entry)
    at_login.switch(False, entry)
    assert not entry.exists()


def test_an_entry_whose_program_has_gone_is_off_and_ticking_writes_it_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = tmp_path / "autostart" / "reflex-tray.desktop"
    environment = tmp_path / "an 'environment' of 100%"
    environment.mkdir()
    program = environment / "python"
    program.touch(mode=0o755)
    monkeypatch.setattr(at_login, "command", lambda _: [str(program), "-m", "reflexd_tray"])
    at_login.switch(True, entry)
    assert at_login.is_on(entry)
    moved = environment.rename(tmp_path / "elsewhere")
    assert not at_login.is_on(entry)
    assert entry.exists()
    monkeypatch.setattr(at_login, "command", lambda _: [str(moved / "python"), "-m", "reflexd_tray"])
    at_login.switch(True, entry)
    assert at_login.is_on(entry)
    (moved / "python").chmod(0o644)
    assert not at_login.is_on(entry), "it is there and cannot be run"


@pytest.mark.parametrize(("platform", "name"), [("linux", "a.desktop"), ("darwin", "a.plist"), ("win32", "a.vbs")])
def test_each_systems_entry_is_read_as_it_is_written(tmp_path: Path, platform: str, name: str) -> None:
    program = tmp_path / "my tools" / "python"
    program.parent.mkdir()
    program.touch(mode=0o755)
    entry = tmp_path / name
    entry.write_bytes(at_login.content([str(program), "-m", "reflexd_tray"], platform=platform))
    assert at_login.is_on(entry)
    program.unlink()
    assert not at_login.is_on(entry)


@pytest.mark.parametrize(
    "content",
    [
        *("", "<date>x</date>", "<integer>x</integer>", "<string>a</string>"),
        *(
            f"<dict><key>ProgramArguments</key>{value}</dict>"
            for value in ("<integer>4</integer>", "<dict/>", "<array/>")
        ),
    ],
)
def test_an_agent_of_any_other_shape_names_no_program(tmp_path: Path, content: str) -> None:
    entry = tmp_path / "a.plist"
    entry.write_text(f'<?xml version="1.0"?><plist version="1.0">{content}</plist>', "utf-8")
    assert named.program(entry) is None
    assert not at_login.is_on(entry)


def test_the_first_argument_is_read_out_of_its_quotes(tmp_path: Path) -> None:
    entry = tmp_path / "a.desktop"
    for program in (*WANTED, "/opt/$HOME/`x`/a\\b"):
        entry.write_bytes(at_login.content([program, *WANTED], platform="linux"))
        assert named.program(entry) == program


def test_whether_notices_are_wanted_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "tray.json"
    assert memory.wants_notices(path)
    memory.remember_notices(False, path)
    assert not memory.wants_notices(path)
    path.write_text("nonsense")
    assert memory.wants_notices(path)


def test_the_terminal_that_there_is_gets_the_command() -> None:
    def which(*names: str) -> "object":
        return lambda name: f"/usr/bin/{name}" if name in names else None

    run = ["reflex-tui"]

    def opened(platform: str, *names: str, **environ: str) -> list[str]:
        return terminal.command(run, platform=platform, environ=environ, which=which(*names))  # type: ignore[arg-type]

    assert opened("linux", "konsole", "xterm") == ["konsole", "-e", "reflex-tui"]
    assert opened("linux", "gnome-terminal") == ["gnome-terminal", "--", "reflex-tui"]
    assert opened("linux", "kitty", "foot", TERMINAL="kitty") == ["kitty", "reflex-tui"]
    assert opened("linux", "xterm", TERMINAL="not-there") == ["xterm", "-e", "reflex-tui"]
    assert opened("win32", "wt") == ["/usr/bin/wt", "reflex-tui"]
    assert opened("win32") == ["cmd", "/c", "start", "", "reflex-tui"]
    with pytest.raises(terminal.NoTerminal, match="type it in one: reflex-tui"):
        opened("linux")


def test_a_window_stays_until_it_was_read() -> None:
    wanted = terminal.held(["sh", "-c", "echo 'it ran'"], platform="linux")
    done = subprocess.run(wanted, input="\n", capture_output=True, text=True, check=True)
    assert done.stdout == "it ran\n\n[Enter closes this window] "
    assert terminal.held(["reflexd.exe", "logs"], platform="win32") == ["cmd", "/k", "reflexd.exe", "logs"]


def test_on_macos_a_script_is_opened_which_removes_itself(tmp_path: Path) -> None:
    *before, script = terminal.command(["sh", "-c", "echo 'it ran' > out"], platform="darwin")
    assert before == ["open", "-a", "Terminal"]
    subprocess.run([script], cwd=tmp_path, check=True)
    assert (tmp_path / "out").read_text() == "it ran\n"
    assert not Path(script).exists()
