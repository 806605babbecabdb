"""Everything about the person's ledger of one node, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from xinlian.chain.keys import ChainKey
from xinlian.node.asking.asker import AskingParts
from xinlian.node.asking.line import Line
from xinlian.node.providing import Providing
from xinlian.node.self_access.giving import Giving
from xinlian.node.self_access.ledger import Ledger
from xinlian.node.self_access.logins import DemoLogins, Logins, NoLogins, OidcLogins, Provider
from xinlian.node.self_access.writing import Writing
from xinlian.node.settings import Settings


@dataclass(frozen=True, slots=True)
class SelfAccess:
    """The three sides: persons' logins, giving what this log says, putting a ledger together."""

    logins: Logins
    giving: Giving
    ledger: Ledger


def self_access_of(settings: Settings, parts: AskingParts, providing: Providing, authority_key: ChainKey | None) -> SelfAccess:
    """Put the use cases together.

    Args:
        settings: the identity provider, the oldest view.
        parts: as for asking.
        providing: authenticates and commits what is given.
        authority_key: the authority's chain key, None on every other node.
    """
    p, node = parts, parts.store.node
    writing = Writing(p.department, p.sealer, p.reads, p.clock.law_s)
    giving = Giving(node, p.sealer, p.state, p.clock, p.reads, p.bundles, providing, writing, settings.max_view_age_s)
    line = Line(p.state, p.clock, p.identity, p.peers, p.following, p.client)
    ledger = Ledger(p.department, node, p.state, p.clock, p.following, p.bundles, line, giving, writing, authority_key)
    return SelfAccess(logins_of(settings, p.clock.wall_s), giving, ledger)


def logins_of(settings: Settings, wall_s: Callable[[], float]) -> Logins:
    """How this node verifies persons, as its settings say."""
    if settings.demo_login:
        return DemoLogins(wall_s)
    if settings.oidc_issuer is None or settings.oidc_client_id is None or settings.oidc_redirect_uri is None:
        return NoLogins()
    secret = settings.oidc_client_secret
    provider = Provider(
        settings.oidc_issuer,
        settings.oidc_client_id,
        None if secret is None else secret.get_secret_value(),
        settings.oidc_redirect_uri,
        settings.oidc_id_number_claim,
    )
    return OidcLogins(provider, wall_s, settings.peer_timeout_s, development=settings.development)
