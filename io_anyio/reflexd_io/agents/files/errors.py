"""What can be wrong with a configuration file of somebody else's."""


class CannotEdit(Exception):  # noqa: N818 - it says what cannot be done
    """The file cannot be read, or cannot be edited without touching more than was meant; the message says why."""
