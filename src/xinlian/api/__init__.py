"""The public API v1 and the node-to-node exchange v1, on FastAPI: parse, call one use case, render."""
