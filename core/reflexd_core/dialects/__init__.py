"""Dialects: one wire API each, behind the interface of `reflexd_core.dialects.base`."""

from reflexd_core.dialects.base import Dialect
from reflexd_core.dialects.chat import CHAT
from reflexd_core.dialects.completions import COMPLETIONS
from reflexd_core.dialects.count_tokens import COUNT_TOKENS
from reflexd_core.dialects.embeddings import EMBEDDINGS
from reflexd_core.dialects.messages import MESSAGES
from reflexd_core.dialects.responses import RESPONSES

DIALECTS: tuple[Dialect, ...] = (CHAT, MESSAGES, COUNT_TOKENS, RESPONSES, EMBEDDINGS, COMPLETIONS)

BY_PATH: dict[str, Dialect] = {dialect.path: dialect for dialect in DIALECTS}
"""The path of a cached dialect, as it stands behind the client's base_url prefix."""

BY_HOME: dict[str, Dialect] = {"anthropic": MESSAGES}
"""Whose errors are understood on a provider's other paths; anywhere else it is the chat dialect's."""

BY_NAME: dict[str, Dialect] = {dialect.name: dialect for dialect in DIALECTS}
