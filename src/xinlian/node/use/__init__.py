"""What a department does with other departments' data: use records, disposal, and what waits because of them."""

from __future__ import annotations

from xinlian.node.use.disposing import Disposing
from xinlian.node.use.proving import Proof, Proving
from xinlian.node.use.recording import UseRecords
from xinlian.node.use.waiting import disposals_waiting, records_waiting

__all__ = ["Disposing", "Proof", "Proving", "UseRecords", "disposals_waiting", "records_waiting"]
