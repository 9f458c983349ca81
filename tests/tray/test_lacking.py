"""What a desktop lacks for an icon is said in words that help."""

import sys
from types import ModuleType

import pytest

from reflexd_tray import lacking, shown
from reflexd_tray.shown import NoTray


class FakeBusError(Exception):
    __module__ = "gi.repository.GLib"


def absent(name: str) -> object:
    raise OSError("libwayland-client.so.0: cannot open shared object file: No such file or directory")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has its own words")
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("Namespace Gtk not available"), "bindings lack Gtk here: install Debian's python3-gi"),
        (AssertionError(), "GTK does not load here (libwayland-client.so.0: cannot open shared object file"),
        (FakeBusError("g-io-error-quark: Could not connect"), "`dbus-run-session reflex-tray`"),
        (RuntimeError("Failed to execute child process “dbus-launch”"), "there is no session bus"),
        (ImportError("unknown backend: 'x'"), "no icon can be had (ImportError: unknown backend: 'x')"),
    ],
)
def test_a_cause_is_told_with_what_to_install(error: Exception, said: str) -> None:
    assert said in lacking.why(error, absent)


def test_a_cause_nobody_has_seen_is_told_by_its_name() -> None:
    assert lacking.why(AssertionError(), lambda _: None) == "no icon can be had (AssertionError)"


def test_who_uses_sudo_is_told_whose_tray_that_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("os.geteuid", lambda: 0, raising=False)
    monkeypatch.delenv("SUDO_UID", raising=False)
    assert lacking.desktop("linux") is None, "root's own desktop"
    monkeypatch.setenv("SUDO_UID", "1000")
    assert "start it without" in (lacking.desktop("linux") or "")
    assert lacking.desktop("darwin") is None


def test_without_an_app_indicator_gtks_own_icon_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    tried: list[str | None] = []

    class Finder:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "pystray":
                tried.append(os.environ.get("PYSTRAY_BACKEND"))
                if len(tried) == 1:
                    raise ValueError("Namespace AyatanaAppIndicator3 not available")
                module = ModuleType("pystray")
                module.Icon = type("Icon", (), {"__module__": "pystray._gtk"})  # type: ignore[attr-defined]
                sys.modules["pystray"] = module
                raise RuntimeError("found")

    monkeypatch.delenv("PYSTRAY_BACKEND", raising=False)
    monkeypatch.delitem(sys.modules, "pystray", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with pytest.raises(RuntimeError, match="found"):
        shown._backend()
    assert tried == [None, "gtk"]
    assert "PYSTRAY_BACKEND" not in os.environ
    assert shown._backend() == "pystray._gtk"
    monkeypatch.delitem(sys.modules, "pystray")


def test_no_display_is_no_tray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lacking, "desktop", lambda: "there is none")
    with pytest.raises(NoTray, match="there is none; use reflex-tui"):
        shown.Shown(lambda _: None)
