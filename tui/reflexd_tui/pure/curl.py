"""A request as a ``curl`` command that can be pasted into a shell. The key is left to the shell's own variable."""

import shlex

_VARIABLES = {"messages": ("x-api-key: $ANTHROPIC_API_KEY", "anthropic-version: 2023-06-01")}
_BEARER = ("Authorization: Bearer $OPENAI_API_KEY",)


def command(url: str, path: str, dialect: str, body: str) -> str:
    headers = _VARIABLES.get(dialect, _BEARER)
    lines = [f"curl {shlex.quote(url + path)}", '-H "Content-Type: application/json"']
    lines += [f'-H "{header}"' for header in headers]
    lines.append(f"--data-binary {shlex.quote(body)}")
    return " \\\n  ".join(lines)
