"""One sender per signing key: it owns the key's nonces, and a transaction reaches the chain exactly once.

Rules
1. Build, sign, **store**, then broadcast. What is stored is sent again, byte for byte, until its nonce is used on the chain.
2. A kill before the store leaves nothing; a kill after it leaves a transaction that ``resync`` broadcasts again. Neither loses
   nor doubles: the nonce admits one.
3. The oldest open transaction that is not mined for ``stuck_after_s`` is replaced by itself with higher fees and the same nonce.
   Either may win; the load belongs to the nonce. A zero-fee chain has nothing to raise: there it is only broadcast again.
4. A nonce that is missing before stored ones (a log restored from a backup) is filled with an empty transfer to ourselves.
5. A nonce that was used by a transaction we do not know is ``tx-lost``: the key is used elsewhere. Its load waits again.
6. After a reorganisation the log takes transactions back to open, and ``resync`` broadcasts them again.

Example::

    sender = Sender(rpc, key, log, SenderOptions(chain_id=31337))
    await sender.resync()
    ticket = await sender.send(ledger.anchor([batch], []), "anchor", load)
    mined = await sender.wait(ticket, timeout_s=60)

One room a job: ``values`` (what goes in and out, the log's port), ``nonces`` (the open ones), ``desk`` (what all share, and
storing), ``pricing``, ``broadcasting``, ``settling``, ``refusals`` (what nodes mean), and ``sender`` for the public steps.
"""

from __future__ import annotations

from xinlian.chain.sender.sender import FILLER, Sender
from xinlian.chain.sender.values import Mined, SenderOptions, StoredTx, Ticket, TransactionLog

__all__ = ["FILLER", "Mined", "Sender", "SenderOptions", "StoredTx", "Ticket", "TransactionLog"]
