"""Minimum necessity: whether the need-to-know matrix of a scenario covers what a request asks for.

Rules
1. A matrix is a file (``xinlian-need-to-know/1``), field by field: receiver, dataset, mode, purpose, fields or views. The shipped
   scenarios' matrices hold; further files are named in the settings.
2. What no rule names is 超范围: it needs a written reason and the authority's review. A dataset with sharing property 1 is
   outside the matrix (Decree 809 art. 14: no further condition).
3. The requester's node flags before it files; the provider's node flags what the requester's did not.

Source: Decree 809 art. 20; PIPL art. 6; dossier 2.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xinlian.scenarios.catalogue import NeedToKnowRule, load_need_to_know, scenario_names

_MODES = ("verify", "query", "answer", "batch")


@dataclass(frozen=True, slots=True)
class Uncovered:
    """What no rule names: mode, name, and the purpose it is asked for."""

    mode: str
    name: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Necessity:
    """The matrices that hold on this node.

    Args:
        rules: of all of them.
    """

    rules: tuple[NeedToKnowRule, ...]

    @classmethod
    def of_shipped_scenarios(cls) -> Necessity:
        """The matrices of the shipped scenarios."""
        return cls(tuple(rule for name in scenario_names() for rule in load_need_to_know(name).rules))

    def uncovered(
        self, receiver: str, alias: str | None, names: Mapping[str, Iterable[str]], purposes: Iterable[str]
    ) -> list[Uncovered]:
        """What of a request is 超范围.

        Args:
            receiver: USCC of the requester.
            alias: of the dataset; None when its schema is not known, then nothing is covered.
            names: fields per mode, views under ``answer``.
            purposes: codes.
        """
        wanted = [(mode, name, purpose) for mode in _MODES for name in names.get(mode, ()) for purpose in purposes]
        return [Uncovered(*one) for one in wanted if not self._names(receiver, alias, *one)]

    def _names(self, receiver: str, alias: str | None, mode: str, name: str, purpose: str) -> bool:
        top = name.partition("[")[0].partition(".")[0]
        return any(
            rule.receiver == receiver
            and rule.dataset == alias
            and rule.mode.value == mode
            and rule.purpose == purpose
            and (name in rule.fields or top in rule.fields or name in rule.views)
            for rule in self.rules
        )
