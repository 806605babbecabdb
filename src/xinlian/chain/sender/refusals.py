"""What a node means when it refuses a raw transaction: clients word it differently, and only their text tells.

Example: ``has(refusal_text(error), NONCE_USED)``
"""

from __future__ import annotations

from collections.abc import Sequence

from xinlian.protocol.errors import ChainError

KNOWN = ("already known", "already imported", "known transaction", "already exists", "already in pool", "alreadyknown")
NONCE_USED = ("nonce too low", "nonce is too low", "invalid nonce", "oldnonce", "nonce_too_low")
UNDERPRICED = ("underpriced", "replacement_underpriced", "gasprice too low to replace")
_FUNDS = ("insufficient funds", "insufficientfunds", "upfront cost exceeds", "out of funds")


def refusal_text(error: ChainError) -> str:
    """The node's words, in lower case; empty when it said nothing."""
    return str(error.fields.get("rpc_message", "")).lower()


def has(text: str, words: Sequence[str]) -> bool:
    """Whether one of these wordings stands in the text."""
    return any(word in text for word in words)


def raise_funds(error: ChainError, address: str) -> None:
    """Raise chain-funds when a node's refusal means that the address cannot pay.

    Raises:
        ChainError: chain-funds.
    """
    if has(refusal_text(error), _FUNDS):
        raise ChainError("chain-funds", f"address {address} cannot pay for the transaction", address=address) from error
