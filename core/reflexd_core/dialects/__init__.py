"""Dialects: one wire API each, behind the interface of `reflexd_core.dialects.base`."""

from reflexd_core.dialects.base import Dialect
from reflexd_core.dialects.chat import CHAT
from reflexd_core.dialects.completions import COMPLETIONS
from reflexd_core.dialects.count_tokens import COUNT_TOKENS
from reflexd_core.dialects.embeddings import EMBEDDINGS
from reflexd_core.dialects.exact_only import ExactOnly
from reflexd_core.dialects.gemini import GEMINI, GEMINI_STREAM
from reflexd_core.dialects.messages import MESSAGES
from reflexd_core.dialects.ollama import OLLAMA_CHAT, OLLAMA_GENERATE
from reflexd_core.dialects.responses import RESPONSES

_PLAIN: tuple[Dialect, ...] = (CHAT, MESSAGES, COUNT_TOKENS, RESPONSES, EMBEDDINGS, COMPLETIONS)

DIALECTS: tuple[Dialect, ...] = (*_PLAIN, GEMINI, GEMINI_STREAM, OLLAMA_CHAT, OLLAMA_GENERATE)

BY_PATH: dict[str, Dialect] = {dialect.path: dialect for dialect in _PLAIN}
"""The path of a cached dialect, as it stands behind the client's base_url prefix."""

ON_AZURE: dict[str, Dialect] = {path: ExactOnly(dialect, "azure") for path, dialect in BY_PATH.items()}
"""The same behind a deployment's path."""

OF_OLLAMA: dict[str, Dialect] = {dialect.path: dialect for dialect in (OLLAMA_CHAT, OLLAMA_GENERATE)}
"""By the whole path, as is Ollama's own wire."""

OF_GEMINI: dict[tuple[str, str], Dialect] = {
    ("generateContent", "json"): GEMINI,
    ("streamGenerateContent", "sse"): GEMINI_STREAM,
}
"""By what stands behind the model in the path, and the form that was asked for (``alt``, which no key holds)."""

BY_HOME: dict[str, Dialect] = {"anthropic": MESSAGES, "gemini": GEMINI, "ollama": OLLAMA_CHAT}
"""Whose errors are understood on a provider's other paths; anywhere else it is the chat dialect's."""

BY_NAME: dict[str, Dialect] = {dialect.name: dialect for dialect in DIALECTS}
