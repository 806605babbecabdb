"""A form that asks the applicant for what a grant supplies (40(1)): found on the department's node, told to the authority's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.integration.exchange.test_texts import until
from tests.support.exchange import PURPOSE, SCENARIO
from tests.support.network import D01, D02, D03, running_network
from xinlian.node.findings import FindingInfo
from xinlian.node.life import Node
from xinlian.node.paging import Window
from xinlian.node.sharing import TermsByName
from xinlian.scenarios.catalogue import load_schemas


def found(node: Node) -> list[FindingInfo]:
    return node.findings.page(Window(10), "40(1)", None).items


async def test_repeated_collection_reaches_the_authority(tmp_path: Path) -> None:
    code = load_schemas("new-home-loan")["ZJ-02"].code
    fields = [{"dataset": code, "name": "contract_no"}, {"dataset": code, "name": "filing_status"}]
    forms = [{"item_code": "411599GJJDK1", "title": "贷款申请表", "fields": fields}]
    file = tmp_path / "collected.json"
    file.write_text(json.dumps({"format": "xinlian-collected/1", "forms": forms}), "utf-8")
    settings: dict[str, Any] = {"collected": file, "authority_department": D01, "findings_s": 0.5}
    async with running_network(tmp_path / "network", [D02, D03], **settings) as network:
        await network.offer(D03, "ZJ-02")
        assert found(network[D02].node) == []
        now = network[D02].node.clock.law_s()
        terms = TermsByName((), ("contract_no",), (), (), (PURPOSE,), (SCENARIO,), now - 10, now + 9_000_000, 5)
        await network.share(D03, D02, "ZJ-02", terms)
        (one,) = await until(lambda: found(network[D02].node))
        assert one.content["facts"] == {"item_codes": "411599GJJDK1", "fields": "contract_no", "field_count": 1}
        (told,) = await until(lambda: found(network[D01].node))
        assert (told.id, told.origin, told.department) == (one.id, D02, D02)
