"""A receiver that is no department (a bank): refused without a cover, on API and contract alike (Decree 809 art. 25)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.support.http import client_of
from tests.support.network import D02, D05, E07, running_network
from xinlian.node.chain_state import Cover
from xinlian.node.sharing import NewRequest, StepDetails, TermsByName
from xinlian.protocol.errors import ConflictError

DOCUMENT = hashlib.sha256(b"a text of the tests").digest()


async def test_a_bank_needs_a_cover_and_a_department_has_none(tmp_path: Path) -> None:
    async with running_network(tmp_path, [D02, D05, E07]) as network:
        await network.offer(D02, "GJJ-01")
        owner = network[D02].node
        now = owner.clock.law_s()
        terms = TermsByName((), ("balance_yuan",), (), (), ("HPF_LOAN_REVIEW",), (), now, now + 9_000, 1, True)
        numbers = {}
        for receiver in (E07, D05):
            await network.in_step()
            new = NewRequest(D02, "GJJ-01", None, terms, False, DOCUMENT, DOCUMENT)
            numbers[receiver] = (await network[receiver].node.requests.submit(new))[0]["number"]
        await network.in_step()

        async with client_of(network[D02]) as client:
            path = f"/api/v1/requests/{E07}/{numbers[E07]}/steps/agree"
            reply = await client.call("POST", path, json={"form": {}})
            assert (reply.status, reply.json["code"]) == (409, "third-party-cover")
        covered = StepDetails(DOCUMENT, cover=Cover.CONSENT)
        with pytest.raises(ConflictError, match="needs no cover") as of_node:
            await owner.requests.take("agree", D05, numbers[D05], covered)
        call = owner.requests._check_cover
        owner.requests._check_cover = lambda *_: None  # type: ignore[method-assign]
        try:
            with pytest.raises(ConflictError) as of_contract:
                await owner.requests.take("agree", E07, numbers[E07], StepDetails(DOCUMENT))
        finally:
            owner.requests._check_cover = call  # type: ignore[method-assign]
        assert of_node.value.code == of_contract.value.code == "third-party-cover"

        await owner.requests.take("agree", E07, numbers[E07], covered)
        delivered, _ = await owner.requests.take("deliver", E07, numbers[E07], StepDetails(DOCUMENT))
        assert owner.state.grants[D02, delivered["grant"]].cover is Cover.CONSENT
