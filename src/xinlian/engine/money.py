"""Money between the texts of datasets and the whole fen of decisions.

Rules
1. A text has exactly the scale of its unit: yuan two places (``500000.00``), 万元 four (``50.0000``). So an amount in
   the wrong unit is refused by its form, and 50 can never be taken for both.
2. Nothing is rounded; results are whole fen up to 2^53 - 1.

Example: ``fen_of_wan("50.0000") == fen_of_yuan("500000.00") == 50_000_000``

Source: dossier 3.1.2 (BDC-02: registration uses 万元, the fund uses 元).
"""

from __future__ import annotations

import re
from typing import Final

from xinlian.protocol.errors import InputError
from xinlian.protocol.types import MAX_EXACT_INT

_YUAN: Final = re.compile(r"(0|[1-9][0-9]{0,15})\.([0-9]{2})")
_WAN: Final = re.compile(r"(0|[1-9][0-9]{0,15})\.([0-9]{4})")
FEN_PER_YUAN: Final = 100


def fen_of_yuan(text: str) -> int:
    """Whole fen of an amount in yuan with two places.

    Raises:
        InputError: ``field-type`` or ``number-range``.
    """
    return _fen(_YUAN, text, 1, "元 with two places, such as 500000.00")


def fen_of_wan(text: str) -> int:
    """Whole fen of an amount in 万元 with four places.

    Raises:
        InputError: ``field-type`` or ``number-range``.
    """
    return _fen(_WAN, text, FEN_PER_YUAN, "万元 with four places, such as 50.0000")


def yuan_of_fen(fen: int) -> str:
    """The amount in yuan with two places; ``fen`` is not negative."""
    return f"{fen // FEN_PER_YUAN}.{fen % FEN_PER_YUAN:02d}"


def _fen(form: re.Pattern[str], text: str, factor: int, expected: str) -> int:
    match = form.fullmatch(text)
    if match is None:
        raise InputError("field-type", f"expected an amount in {expected}", expected=expected)
    fen = int(match[1] + match[2]) * factor
    if fen > MAX_EXACT_INT:
        raise InputError("number-range", "an amount leaves the exact range", limit_fen=MAX_EXACT_INT)
    return fen
