"""Dialects: one wire API each, behind the interface of `reflexd_core.dialects.base`."""

from reflexd_core.dialects.base import Dialect
from reflexd_core.dialects.chat import CHAT

DIALECTS: tuple[Dialect, ...] = (CHAT,)

BY_PATH: dict[str, Dialect] = {dialect.path: dialect for dialect in DIALECTS}
"""The path of a cached dialect, as it stands behind the client's base_url prefix."""
