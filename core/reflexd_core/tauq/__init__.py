"""Tauq notation: JSON's values in fewer characters, written and read without loss.

`encode` gives the canonical text of a value, `decode` the value of a text. The grammar is that of the reference
implementation (0.2), so either side may be somebody else's; where the reference writes what it cannot read back, this
package writes it in another way that the reference reads rightly, and where there is none it refuses
(`Inexpressible`): then the value stays JSON. Nothing here knows of requests or answers; `served` does.
"""

from reflexd_core.tauq.reader import decode
from reflexd_core.tauq.scanner import DEEPEST, LARGEST, TauqError
from reflexd_core.tauq.writer import DEFAULT, Inexpressible, Style, encode

__all__ = ["DEEPEST", "DEFAULT", "LARGEST", "Inexpressible", "Style", "TauqError", "decode", "encode"]
