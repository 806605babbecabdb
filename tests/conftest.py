"""What every test shares: the profile (how hard to try) and the markers that folders give.

Rules
1. ``XINLIAN_PROFILE`` is ``ci`` (default) or ``deep``; any other value stops the run before a test starts.
2. ``ci`` is derandomised, so a red run is red again; ``deep`` draws fresh examples and prints how to repeat a failure.
3. A test marked ``deep`` is deselected in ``ci``; tests in integration/, faults/ and e2e/ get the marker of that name.

Example: ``XINLIAN_PROFILE=deep pytest tests/property``
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.profile import PROFILE, PROFILES

_HERE = Path(__file__).parent
_FOLDER_MARKERS = ("integration", "faults", "e2e")

# A shared machine makes single examples slow now and then: pytest-timeout bounds the whole test instead.
settings.register_profile(
    "ci",
    max_examples=40,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "deep",
    max_examples=1000,
    stateful_step_count=60,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def pytest_configure() -> None:
    """Load the profile or say which ones there are."""
    if PROFILE not in PROFILES:
        raise pytest.UsageError(f"XINLIAN_PROFILE={PROFILE!r}: expected one of {', '.join(PROFILES)}")
    settings.load_profile(PROFILE)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give the folders' markers and leave ``deep`` tests out of the ci profile."""
    for item in items:
        parts = item.path.relative_to(_HERE).parts if item.path.is_relative_to(_HERE) else ()
        for name in _FOLDER_MARKERS:
            if name in parts:
                item.add_marker(name)
    if PROFILE == "deep":
        return
    left_out = [item for item in items if item.get_closest_marker("deep")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
