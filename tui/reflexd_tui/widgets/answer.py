"""An answer, rendered as Markdown where it is short enough for that, else as plain text; never all of a huge one."""

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Markdown, Static

from reflexd_tui.pure import words
from reflexd_tui.pure.safe import block

AS_MARKDOWN = 40_000
AS_TEXT = 100_000
"""Characters; a pager (``o``) shows all."""


class AnswerPane(VerticalScroll):
    DEFAULT_CSS = """
    AnswerPane { height: 1fr; padding: 0 1; }
    AnswerPane Markdown { background: transparent; margin: 0; padding: 0; }
    """

    def compose(self) -> ComposeResult:
        yield Markdown("", open_links=False)
        yield Static("")

    async def show(self, text: str) -> None:
        markdown, plain = self.query_one(Markdown), self.query_one(Static)
        rendered = len(text) <= AS_MARKDOWN
        markdown.display, plain.display = rendered, not rendered
        if rendered:
            await markdown.update(block(text))
            return
        shown = block(text[:AS_TEXT])
        if len(text) > AS_TEXT:
            shown += f"\n\n… {words.size(len(text))} in all: o shows it in your pager"
        plain.update(Text(shown))
