"""A keyring of our own making, for what no real one does on demand: be locked, be slow, lose what it is given."""

import threading

import keyring.errors
from keyring.backend import KeyringBackend


class SmallKeyring(KeyringBackend):  # type: ignore[misc]
    """Passwords in a dictionary; may be locked, or slow until told otherwise."""

    priority = 1  # type: ignore[assignment]

    def __init__(self, **stored: str) -> None:
        super().__init__()
        self.stored = {name.replace("__", "/"): secret for name, secret in stored.items()}
        self.asked: list[str] = []
        self.locked = False
        self.forgetful = False
        """It takes what it is given and does not keep it."""
        self.answers = threading.Event()
        self.answers.set()

    def get_password(self, service: str, username: str) -> str | None:
        self._ask(service, username)
        return self.stored.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._ask(service, username)
        if not self.forgetful:
            self.stored[username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._ask(service, username)
        if username not in self.stored:
            raise keyring.errors.PasswordDeleteError("not found")
        del self.stored[username]

    def _ask(self, service: str, username: str) -> None:
        assert service == "reflexd"
        self.asked.append(username)
        self.answers.wait(20)
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")
