"""The person's ledger: who used which of my items, for which case, when, with what result.

The authority's node verifies the person (``logins``) and asks every registered department (``ledger``); each answers from its own
log (``giving``); both sides write it down (``writing``).

Source: issue "2 of 5"; PIPL art. 44, 45; docs/protocol-exchange.md.
"""

from xinlian.node.self_access.desk import SelfAccess, self_access_of
from xinlian.node.self_access.giving import PATH

__all__ = ["PATH", "SelfAccess", "self_access_of"]
