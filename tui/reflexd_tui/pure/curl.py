"""A request as a ``curl`` command that can be pasted into a shell. The key is left to the shell's own variable."""

import shlex

_ANTHROPIC = ("x-api-key: $ANTHROPIC_API_KEY", "anthropic-version: 2023-06-01")
_GEMINI = ("x-goog-api-key: $GEMINI_API_KEY",)
_VARIABLES = {
    "messages": _ANTHROPIC,
    "count-tokens": _ANTHROPIC,
    "gemini": _GEMINI,
    "gemini-stream": _GEMINI,
    "ollama-chat": (),
    "ollama-generate": (),
}
PATHS = {
    "chat": "/v1/chat/completions",
    "messages": "/v1/messages",
    "count-tokens": "/v1/messages/count_tokens",
    "responses": "/v1/responses",
    "embeddings": "/v1/embeddings",
    "completions": "/v1/completions",
    "ollama-chat": "/api/chat",
    "ollama-generate": "/api/generate",
}
"""By dialect; Gemini's names the model, and is known of an exchange only."""
_WHOLE = ("/v1", "/api/", "/openai/")
_BEARER = ("Authorization: Bearer $OPENAI_API_KEY",)


def whole(path: str) -> str:
    """A path as a client sends it: those of an exchange stand below the provider's base URL."""
    return path if path.startswith(_WHOLE) else "/v1" + path


def command(url: str, path: str, dialect: str, body: str) -> str:
    headers = _VARIABLES.get(dialect, _BEARER)
    lines = [f"curl {shlex.quote(url + path)}", '-H "Content-Type: application/json"']
    lines += [f'-H "{header}"' for header in headers]
    lines.append(f"--data-binary {shlex.quote(body)}")
    return " \\\n  ".join(lines)
