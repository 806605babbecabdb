"""Notices between nodes: a department tells another about something that concerns it, until it is acknowledged.

Rules
1. What is to be told is written, in the job that makes it necessary, by ``writing``; ``telling`` sends it in the background, with
   growing pauses, across restarts; after so many attempts in vain it is parked, and told again when a person replays it.
2. Only the recipient's signed acknowledgement, or its signed refusal, settles a notice. Everything else is tried again.
3. ``taking`` follows a notice once: what is to be done commits together with what the acknowledgement says, and what was deleted
   has left the files before the acknowledgement goes out. The same notice again gets the same facts again.
4. A notice of an erasure is followed only when the sender issued the record and gave it to this node (``erased``).

``copies`` takes records out of kept content, ``showing`` makes the views.

Source: design 4.4; PIPL art. 47; docs/protocol-exchange.md.
"""
