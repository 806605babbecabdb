"""How hard this run tries: read once from ``XINLIAN_PROFILE``, used by conftest and by tests with loops of their own.

Example: ``for seed in range(scaled(ci=20, deep=2000)): …``
"""

from __future__ import annotations

import os

PROFILES = ("ci", "deep")
PROFILE = os.environ.get("XINLIAN_PROFILE", "ci")
DEEP = PROFILE == "deep"


def scaled(*, ci: int, deep: int) -> int:
    """The count of this profile."""
    return deep if DEEP else ci
