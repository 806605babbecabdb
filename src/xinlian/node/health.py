"""How the node is: view of the chain, readiness, metrics, and what the doctor says.

Rules
1. Ready = database open, keys registered, chain reached lately, no alarm, no doubt. Publishing goes on without the chain, so
   a node that is not ready still accepts records.
2. Nothing here holds payloads, names or ids of persons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import Gauge

from xinlian.node import agreeing, completeness
from xinlian.node.anchoring import PARKED_KIND, Anchoring
from xinlian.node.chain_state import ChainState
from xinlian.node.clock import Clock
from xinlian.node.following import Following
from xinlian.node.parking import Parking
from xinlian.node.reattach import describe
from xinlian.protocol.errors import ConfigError
from xinlian.protocol.types import Uscc

_VIEW_AGE = Gauge("xinlian_view_age_seconds", "Seconds since the chain's head was last confirmed")
_BACKLOG = Gauge("xinlian_backlog", "Entries that are not final yet", ["stream"])
_REFUSED = Gauge("xinlian_unauthenticated_total", "Exchange requests that failed authentication")
_PARKED = Gauge("xinlian_parked", "Items that wait for a person")


@dataclass(frozen=True, slots=True)
class HealthParts:
    """What health looks at."""

    department: Uscc
    state: ChainState
    clock: Clock
    following: Following
    anchoring: Anchoring
    warn_age_s: float
    max_age_s: float
    signing_key: Callable[[], object]
    refused_total: Callable[[], int]
    awaited: Callable[[], Sequence[str]]
    parking: Parking


class Health:
    """Answers how the node is."""

    def __init__(self, parts: HealthParts) -> None:
        self._p = parts

    def view(self) -> dict[str, Any]:
        """Block and time as of which the node speaks, the age of that view, and how old that is in words."""
        head, age_s = self._p.clock.head(), self._p.clock.view_age_s()
        state = "stale" if age_s > self._p.max_age_s else "aging" if age_s > self._p.warn_age_s else "fresh"
        return {
            "block_number": head.number,
            "block_hash": head.hash,
            "block_time": head.time,
            "age_s": None if age_s == float("inf") else round(age_s, 1),
            "law_time": self._p.clock.law_s(),
            "state": state,
        }

    def readiness(self) -> dict[str, Any]:
        """Named checks; ready when all hold."""
        checks = [
            self._chain(),
            self._alarm(),
            self._agreed(),
            self._complete(),
            self._registered(),
            self._keys(),
            self._not_parked(),
            self._reattached(),
        ]
        return {
            "ready": all(check["ok"] for check in checks),
            "checks": checks,
            "view": self.view(),
            "wall_offset_s": round(self._p.clock.offset_s(), 1),
        }

    def _chain(self) -> dict[str, Any]:
        view, trouble = self.view(), self._p.following.trouble
        detail = f"view {view['state']}" if trouble is None else f"{trouble.code}: {trouble.message}"
        return _check("chain", trouble is None and view["state"] != "stale", detail)

    def _alarm(self) -> dict[str, Any]:
        alarm = self._p.following.alarm
        return _check("chain-identity", alarm is None, "as in the manifest" if alarm is None else alarm.message)

    def _agreed(self) -> dict[str, Any]:
        doubt = self._p.following.doubts.get(agreeing.DOUBT)
        return _check("endpoints-agree", doubt is None, "they agree" if doubt is None else doubt.message)

    def _complete(self) -> dict[str, Any]:
        doubt = self._p.following.doubts.get(completeness.DOUBT)
        detail = "the events followed fold into the contracts' accumulators" if doubt is None else doubt.message
        return _check("events-complete", doubt is None, detail)

    def _reattached(self) -> dict[str, Any]:
        awaited = self._p.awaited()
        return _check("reattached", not awaited, describe(awaited))

    def _registered(self) -> dict[str, Any]:
        department = self._p.state.department(self._p.department)
        if department is None:
            return _check("registered", False, "the department is not registered; the authority registers it")
        return _check("registered", department.active, "active" if department.active else "suspended by the authority")

    def _keys(self) -> dict[str, Any]:
        try:
            self._p.signing_key()
        except ConfigError as error:
            return _check("keys-registered", False, error.message)
        return _check("keys-registered", True, "the signing key stands in the key set on chain")

    def _not_parked(self) -> dict[str, Any]:
        """Parked anchoring makes a node unready; a notice that somebody else does not take does not."""
        waiting, anchoring = self._p.parking.count(), self._p.parking.count(PARKED_KIND)
        return _check("nothing-parked", anchoring == 0, f"{waiting} items wait for a person")

    def update_metrics(self) -> None:
        """Bring the gauges up to date before they are read."""
        _VIEW_AGE.set(self._p.clock.view_age_s())
        for stream, waiting in self._p.anchoring.backlog().items():
            _BACKLOG.labels(stream).set(waiting)
        _REFUSED.set(self._p.refused_total())
        _PARKED.set(self._p.parking.count())


def _check(name: str, ok: bool, detail: str) -> dict[str, Any]:  # a plain record
    return {"name": name, "ok": ok, "detail": detail}
