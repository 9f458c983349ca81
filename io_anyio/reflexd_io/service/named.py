"""Which program a file names that starts something at login, and whether that program is still there.

An environment that was moved or removed leaves such files behind, and what they start then fails unseen. Read is what
is written here and by the tray: a desktop entry, a systemd unit, a launch agent, a script of the Startup folder.
"""

import plistlib
import re
import shutil
from pathlib import Path
from xml.parsers.expat import ExpatError

_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_ESCAPED = re.compile(r"\\(.)")
_SCRIPT = re.compile(r'\.Run "((?:[^"]|"")*)"')


def missing(path: Path) -> str | None:
    """What the file would start and cannot; None where all is well. Raises `OSError` where there is no file."""
    wanted = program(path)
    if wanted is None:
        return "(no program is named)"
    return None if shutil.which(wanted) else wanted


def program(path: Path) -> str | None:
    """Raises `OSError`."""
    content = path.read_bytes()
    match path.suffix:
        case ".plist":
            return _of_agent(content)
        case ".vbs":
            return _of_script(content)
        case ".desktop":
            line = _value(content, "Exec").replace("\\\\", "\\")  # a string of the file first, then a command line
            return _first(line).replace("%%", "%") or None
        case _:
            line = _value(content, "ExecStart").lstrip("@-:+!")
            return _first(line).replace("%%", "%").replace("$$", "$") or None


def _value(content: bytes, name: str) -> str:
    """What stands behind ``name=``, at its first place."""
    found = re.search(rf"^{name}\s*=\s*(.*)$", content.decode("utf-8", "replace"), re.MULTILINE)
    return found[1].strip() if found is not None else ""


def _first(line: str) -> str:
    """The first argument, out of its quotes."""
    found = _WORD.match(line)
    if found is None:
        return ""
    quoted, plain = found.groups()
    return plain if quoted is None else _ESCAPED.sub(r"\1", quoted)


def _of_agent(content: bytes) -> str | None:
    try:
        agent = plistlib.loads(content)
    except (ValueError, AttributeError, ExpatError):  # the second of a date that is none
        return None
    arguments = agent.get("ProgramArguments") if isinstance(agent, dict) else None
    return str(arguments[0]) if isinstance(arguments, list) and arguments else None


def _of_script(content: bytes) -> str | None:
    """The first of Windows' own command line, in which a backslash is one."""
    found = _SCRIPT.search(content.decode("utf-16", "replace"))
    if found is None:
        return None
    line = found[1].replace('""', '"')
    return line[1:].partition('"')[0] if line.startswith('"') else line.partition(" ")[0]
