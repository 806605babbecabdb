"""Serve one node in a process of its own, to be killed: ``python tests/faults/run_node.py settings.json``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from xinlian.api.server import serve
from xinlian.node.settings import Settings

if __name__ == "__main__":
    serve(Settings(**json.loads(Path(sys.argv[1]).read_text("utf-8"))))
