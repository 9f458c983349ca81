"""The mouse, taken from the terminal or left to it, which selects text with it then.

Textual hears at its start whether it is to take it, and has no public way to change that later. Its drivers have had
these methods since there are drivers; where one lacks them, the change holds from the next start on.
"""

from textual.app import App


def take(app: App[None], wanted: bool) -> None:
    driver = app._driver
    if driver is None:
        return
    driver._mouse = True  # both methods do nothing without it
    change = getattr(driver, "_enable_mouse_support" if wanted else "_disable_mouse_support", None)
    if change is not None:
        change()
    driver._mouse = wanted
