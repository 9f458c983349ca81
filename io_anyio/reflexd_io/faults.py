"""Faults in words that may leave this machine: without the folders that an error of the system names."""


def in_words(error: BaseException) -> str:
    """What the error says; of one that names a file only what was wrong with it."""
    if isinstance(error, OSError) and error.filename is not None:
        return error.strerror or type(error).__name__
    return str(error) or type(error).__name__
