"""The steps of a correction: who takes each, from which states, by which function of CorrectionRegistry.

Rules
1. The contract decides; this node refuses the same things with the same codes before it sends, so that nothing half-written is
   left.
2. ``adopt`` stands on no chain: the source corrected the value, the provider published the revision that is right and tells
   everybody who ever received the old one. It also makes up for an own 更正 that this node never told (a backup was restored).

Source: Decree 809 art. 26; ICorrectionRegistry; dossier 2.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from xinlian.node.chain_state import CorrectionState, CorrectionStep
from xinlian.node.corrections.texts import APPLICATION, FEEDBACK
from xinlian.protocol.acts import ActWord
from xinlian.protocol.errors import ConflictError
from xinlian.protocol.forms.correction import CorrectionResult

_S = CorrectionStep


class Party(StrEnum):
    """Who takes a step."""

    RECEIVER = "receiver"
    PROVIDER = "provider"
    ADDRESSEE = "addressee"
    ANYONE = "anyone"


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of step.

    Args:
        name: word of API and CLI, kebab-case.
        title: 中文, as on forms.
        party: who takes it.
        states: from which states.
        form: kind of the document that belongs to it, None for the plain consent.
        result: what a feedback says, None where there is none.
        act: the transition, as the anchored log states it.
    """

    name: str
    title: str
    party: Party
    states: frozenset[CorrectionStep]
    form: str | None
    result: CorrectionResult | None
    act: ActWord | None


def _step(
    name: str,
    title: str,
    party: Party,
    states: tuple[CorrectionStep, ...],
    said: tuple[str | None, CorrectionResult | None],
    act: ActWord | None,
) -> Step:
    return Step(name, title, party, frozenset(states), *said, act)


_UNANSWERED: Final = (_S.OPEN, _S.FORWARDED)
_R = CorrectionResult

STEPS: Final[dict[str, Step]] = {
    step.name: step
    for step in (
        _step("open", "提出校核", Party.RECEIVER, (), (APPLICATION, None), ActWord.CORRECTION_OPENED),
        _step("withdraw", "撤回校核", Party.RECEIVER, _UNANSWERED, (None, None), None),
        _step("correct", "更正", Party.ADDRESSEE, _UNANSWERED, (FEEDBACK, _R.CORRECTED), ActWord.CORRECTED),
        _step("maintain", "维持", Party.ADDRESSEE, _UNANSWERED, (FEEDBACK, _R.MAINTAINED), ActWord.MAINTAINED),
        _step("forward", "转数源部门", Party.PROVIDER, (_S.OPEN,), (FEEDBACK, _R.FORWARDED), ActWord.FORWARDED),
        _step("adopt", "按数源更正", Party.PROVIDER, (_S.CORRECTED,), (None, None), ActWord.CORRECTED),
        _step("record-overdue", "超期登记", Party.ANYONE, _UNANSWERED, (None, None), None),
    )
}


def check_state(step: Step, correction: CorrectionState) -> None:
    """Refuse a step that the correction's state does not allow.

    Raises:
        ConflictError: ``correction-state``.
    """
    if correction.step not in step.states:
        wanted = ", ".join(sorted(state.name.lower() for state in step.states))
        text = f"correction {correction.ref} is {correction.step.name.lower()}; {step.name} needs it to be {wanted}"
        raise ConflictError("correction-state", text, correction=correction.ref, state=correction.step.name.lower())


def check_party(step: Step, correction: CorrectionState, department: str) -> None:
    """Refuse a step that this department does not take.

    Raises:
        ConflictError: ``correction-party``.
    """
    who = {
        Party.RECEIVER: correction.receiver,
        Party.PROVIDER: correction.provider,
        Party.ADDRESSEE: correction.addressee,
        Party.ANYONE: department,
    }[step.party]
    if department != who:
        text = f"{step.name} is for the {step.party.value} of correction {correction.ref}, {who}"
        raise ConflictError("correction-party", text, correction=correction.ref, expected=who)
