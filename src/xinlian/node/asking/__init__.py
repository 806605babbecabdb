"""The requester's side of the exchange: ask, verify against this node's own view, only then show.

Rules
1. ``attempted`` is committed, with its read entry, before anything is sent; the outcome is a second entry.
2. The same sealed bytes are sent again on a broken connection while the request is of its time: the provider answers once.
3. Values are shown only when every check of their evidence holds against this node's own view; otherwise ``not-proven``.
4. What was received goes, encrypted, into the case file with a disposal date.

``asker`` sends and takes the answer, ``judging`` decides what may be shown, ``history`` looks back; ``files``
fetches what received records name; ``line`` seals and opens.

Source: design 4.5; Decree 809 art. 25, 29.
"""

from xinlian.node.asking.asker import DISPOSE_AFTER_S, Asking, AskingParts
from xinlian.node.asking.file_source import Wanted
from xinlian.node.asking.files import Fetching
from xinlian.node.asking.question import Asked, AskItem, Question, ShownItem

__all__ = ["DISPOSE_AFTER_S", "AskItem", "Asked", "Asking", "AskingParts", "Fetching", "Question", "ShownItem", "Wanted"]
