"""The provider's side of the exchange: authenticate, open, check, answer from own records, commit, then send.

Rules
1. Nothing is opened before the signature holds under a key that the sender's department has registered now.
2. ``rid`` and ciphertext digest decide: same bytes get the same sealed answer again, other bytes are a conflict (409).
3. Uses, attempts, answer statements, read entries and the sealed answer commit in one transaction before anything is sent.
4. An authenticated request that a check refuses gets a sealed answer that names the check, and a read entry; one that fails
   authentication is counted and rate-limited, never anchored.
5. A value not anchored yet goes out with its statement signed and ``anchor_by``.
6. ``query`` and ``verify`` give records of the granted dataset version only; ``none`` is said of that version. A derived view is
   answered over all versions, or refused when a record has not the fields it looks at.

``serving`` authenticates, commits and seals; ``answering`` finds what each item comes to, ``files`` gives pieces of attachments.

Source: design 4.5.
"""

from xinlian.node.authentic import SKEW_S
from xinlian.node.incoming import Incoming, Outgoing
from xinlian.node.providing.parts import ProvidingLimits, ProvidingParts
from xinlian.node.providing.serving import FILES_PATH, PATH, Providing

__all__ = ["FILES_PATH", "PATH", "SKEW_S", "Incoming", "Outgoing", "Providing", "ProvidingLimits", "ProvidingParts"]
