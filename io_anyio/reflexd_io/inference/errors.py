"""How models fail: when they are loaded, and when they are asked."""


class UnusableModel(Exception):  # noqa: N818 - it says what the model is
    """A model cannot be loaded; in words for the one who installed it."""


class InferenceFailed(Exception):  # noqa: N818 - it says what happened
    """The backend broke on this text, or what it computed is not a number."""


class CannotCompare(ValueError):  # noqa: N818 - it says what the text is
    """This text cannot be read whole: empty, too long, or not text."""
