"""The use cases of a node: catalogue, publishing, anchoring, sharing, exchange, cases, audit."""
