"""The OS keyring: where keys are kept, how it is asked, and what is wrong with it, in words.

Backends block, ask the person to unlock something, and raise what they like. So they are called in threads of their
own and with a time limit, and whatever they say becomes a `KeyringFault` here. No message ever holds a key: the words
of a backend are not repeated where a key was handed to it.
"""

import queue
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Literal, TypeVar

import anyio
import anyio.from_thread
import anyio.lowlevel

from reflexd_io.settings import APP

T = TypeVar("T")

TIMEOUT = 20.0
"""Seconds that a keyring is waited for while a request or a face waits."""
PATIENCE = 120.0
"""The same where a person sits before it, who may have to type a password."""

Code = Literal["no_keyring", "keyring_locked", "keyring_silent", "keyring_failed"]


class KeyringFault(Exception):  # noqa: N818 - it says what the keyring is
    """The keyring did not do it. The message says why, and what would help."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Code = code

    def instead(self, variable: str) -> "KeyringFault":
        """The same, with the environment variable that is used where there is no keyring."""
        if self.code != "no_keyring":
            return self
        return KeyringFault(self.code, f"{self}; set {variable} in the environment that starts reflexd instead")


_ABSENT = "There is no keyring here that Reflex could use, as on most servers without a desktop"
_LOCKED = "The keyring is locked, or it denied access: unlock it and allow it, then try again"
_SILENT = "The keyring gave no answer in {seconds:.0f} s; perhaps a window of it waits for your password"


def entry(tenant: str, upstream: str) -> str:
    """The user name under which a key is kept."""
    return f"{tenant}/{upstream}"


def read(tenant: str, upstream: str) -> str | None:
    """The key, or None where there is none. Blocks. Raises `KeyringFault`."""
    import keyring  # noqa: PLC0415 - takes 0.1 s to import and is not needed for most starts

    found = _translated(lambda: keyring.get_password(APP, entry(tenant, upstream)))
    return (found or "").strip() or None


def read_all(names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The keys that there are, by tenant and upstream. Keyrings cannot be listed, so each name is asked for.

    Blocks. Raises `KeyringFault` at the first that is not answered: a locked keyring would ask for each of them.
    """
    found = {(tenant, upstream): read(tenant, upstream) for tenant, upstream in names}
    return {name: key for name, key in found.items() if key is not None}


def write(tenant: str, upstream: str, key: str) -> None:
    """Keep the key. Blocks. Raises `KeyringFault`."""
    import keyring  # noqa: PLC0415

    _translated(lambda: keyring.set_password(APP, entry(tenant, upstream), key), handed=True)
    if read(tenant, upstream) != key:  # some backends take everything and keep nothing
        name = backend_name() or "the keyring"
        raise KeyringFault("keyring_failed", f"{name} took the key and did not keep it")


def erase(tenant: str, upstream: str) -> bool:
    """Forget the key; False where there was none. Blocks. Raises `KeyringFault`."""
    import keyring  # noqa: PLC0415

    if read(tenant, upstream) is None:
        return False
    _translated(lambda: keyring.delete_password(APP, entry(tenant, upstream)))
    return True


def backend_name() -> str | None:
    """The backend in use, for people; None where there is none that can be used. Blocks."""
    import keyring  # noqa: PLC0415
    from keyring.backends import fail  # noqa: PLC0415

    try:
        backend = keyring.get_keyring()
    except Exception:  # noqa: BLE001 - a backend that is configured and cannot be loaded raises what it likes
        return None
    return None if isinstance(backend, fail.Keyring) else f"{type(backend).__module__}.{type(backend).__name__}"


def within(seconds: float, work: Callable[[], T]) -> T:
    """What the blocking ``work`` gives, if it does in time; for programs without a loop. Raises `KeyringFault`."""
    answers: queue.SimpleQueue[T | BaseException] = queue.SimpleQueue()
    start(lambda: answers.put(_caught(work)))
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise KeyringFault("keyring_silent", _SILENT.format(seconds=seconds)) from None
    if isinstance(answer, BaseException):
        raise answer
    return answer


async def asked(work: Callable[[], T], seconds: float | None = None) -> T:
    """The same without holding up the event loop."""
    answers: list[T | BaseException] = []
    answered = anyio.Event()
    token = anyio.lowlevel.current_token()

    def ask() -> None:
        answers.append(_caught(work))
        with suppress(RuntimeError):  # the event loop ended meanwhile
            anyio.from_thread.run_sync(answered.set, token=token)

    seconds = TIMEOUT if seconds is None else seconds
    start(ask)
    with anyio.move_on_after(seconds):
        await answered.wait()
    if not answers:
        raise KeyringFault("keyring_silent", _SILENT.format(seconds=seconds))
    answer = answers[0]
    if isinstance(answer, BaseException):
        raise answer
    return answer


def start(work: Callable[[], object]) -> None:
    """A thread that does not keep the program from ending, as worker threads would: some backends hang."""
    threading.Thread(target=work, name="reflex-keyring", daemon=True).start()


def _caught(work: Callable[[], T]) -> T | BaseException:
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - carried over to the thread that waits
        return error


def _translated(call: Callable[[], T], *, handed: bool = False) -> T:
    """What a backend gives; whatever it raises is told as a `KeyringFault`. ``handed``: it was given a key."""
    import keyring.errors  # noqa: PLC0415

    try:
        return call()
    except keyring.errors.NoKeyringError:
        raise KeyringFault("no_keyring", _ABSENT) from None
    except keyring.errors.KeyringLocked:
        raise KeyringFault("keyring_locked", _LOCKED) from None
    except Exception as error:  # noqa: BLE001 - backends raise what they like, and it may quote what they were given
        said = "" if handed else f": {error}"
        raise KeyringFault("keyring_failed", f"The keyring failed ({type(error).__name__}){said}") from None
