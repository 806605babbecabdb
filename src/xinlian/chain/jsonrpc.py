"""JSON-RPC 2.0 requests and answers as bytes, and the translation of a node's errors. Pure: shared by both transports.

Rules
1. An answer counts only with our request's id; a batch may be answered in any order.
2. A revert becomes ``tx-reverted`` with the custom error's name and arguments (``reverts``); every other error of the node
   becomes ``rpc-refused`` with its number and text.
3. orjson reads it: it has its own bound on nesting, so a node cannot exhaust our stack.

Source: JSON-RPC 2.0 specification, sections 4 to 6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

import orjson

from xinlian.chain.questions import Question
from xinlian.chain.reverts import explain
from xinlian.protocol.errors import ChainError

T = TypeVar("T")

_MAX_TEXT = 300


def encode(questions: Sequence[Question[T]]) -> bytes:
    """A request body: one object for one question, a batch for several; ids count from 0."""
    calls = [
        {"jsonrpc": "2.0", "id": number, "method": question.method, "params": list(question.params)}
        for number, question in enumerate(questions)
    ]
    return orjson.dumps(calls[0] if len(calls) == 1 else calls)


def decode(body: bytes, questions: Sequence[Question[T]]) -> list[T]:
    """The typed answers in the order of the questions.

    Raises:
        ChainError: rpc-answer, rpc-refused, tx-reverted or what the questions' readers raise.
    """
    try:
        parsed: object = orjson.loads(body)
    except ValueError as error:
        raise ChainError("rpc-answer", "the RPC node's answer is not JSON") from error
    answers = parsed if isinstance(parsed, list) else [parsed]
    by_id = {answer.get("id"): answer for answer in answers if isinstance(answer, dict) and _is_id(answer.get("id"))}
    return [question.read(_result(by_id, number, question.method)) for number, question in enumerate(questions)]


def _is_id(value: object) -> bool:
    return value is None or type(value) is int


def _result(by_id: Mapping[object, dict[str, object]], number: int, method: str) -> object:
    answer = by_id.get(number)
    if answer is None:
        refusal = by_id.get(None)  # a node that could not even read the request answers with id null
        if refusal is not None and refusal.get("error") is not None:
            raise _refusal(refusal["error"], method)
        raise ChainError("rpc-answer", f"the RPC node did not answer {method}", method=method)
    if answer.get("error") is not None:
        raise _refusal(answer["error"], method)
    if "result" not in answer:
        raise ChainError("rpc-answer", f"the RPC node answered {method} with neither result nor error", method=method)
    return answer["result"]


def _refusal(error: object, method: str) -> ChainError:
    fields = cast("dict[str, object]", error) if isinstance(error, dict) else {"message": str(error)}
    text = str(fields.get("message", ""))[:_MAX_TEXT]
    revert = _revert_data(fields.get("data"))
    if revert is not None or "revert" in text.lower():
        reason = explain(revert or b"")
        return ChainError(
            "tx-reverted", f"the contract rejected the call: {reason.text}", method=method, error=reason.name, args=reason.args
        )
    number = fields.get("code")
    return ChainError("rpc-refused", f"the RPC node refused {method}: {text}", method=method, rpc_code=number, rpc_message=text)


def _revert_data(value: object) -> bytes | None:
    if isinstance(value, dict):  # some nodes wrap it once more
        value = value.get("data")
    if not isinstance(value, str) or not value.startswith("0x") or len(value) < 10:
        return None
    try:
        return bytes.fromhex(value[2:])
    except ValueError:
        return None
