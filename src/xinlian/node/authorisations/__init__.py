"""Authorisations of data subjects: recorded here, shown with a use, checked by the provider, withdrawn anywhere.

Rules
1. The signed form stays encrypted at the department that recorded it; the chain holds a random id, the salted digest, the
   commitment to a secret, and the end of the term.
2. A use needs one when the grant's cover is *authorisation* or the catalogue entry says so (``checking``; ADR 012).
3. Whoever hands in the secret withdraws it, at any participant's node: that node honours it from this moment on, and relays it to
   the chain until it is mined (``withdrawing``).

``recording`` records and keeps, ``shelf`` finds what a question has to show, ``checking`` decides.

Source: design 4.5, 5; PIPL art. 14-16, 29; Decree 809 art. 25.
"""

from xinlian.node.authorisations.checking import Known, Use, check_authorisations, needs_authorisation
from xinlian.node.authorisations.desk import AuthorisationParts, Authorisations, authorisations_of
from xinlian.node.authorisations.recording import NewAuthorisation
from xinlian.node.authorisations.shelf import Shelf, refs_of

__all__ = [
    "AuthorisationParts",
    "Authorisations",
    "Known",
    "NewAuthorisation",
    "Shelf",
    "Use",
    "authorisations_of",
    "check_authorisations",
    "needs_authorisation",
    "refs_of",
]
