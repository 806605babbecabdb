"""Puts the attachments of a node together from its settings."""

from __future__ import annotations

import os
from collections.abc import Callable

from xinlian.node.attachments.keeping import Keeping
from xinlian.node.attachments.library import Library
from xinlian.node.attachments.scanning import scanner_of
from xinlian.node.attachments.uploads import Limits, Uploads
from xinlian.node.settings import Settings
from xinlian.store.blobs import BlobStore
from xinlian.store.opening import Store
from xinlian.store.secrets import NodeKeys


def library_of(settings: Settings, keys: NodeKeys, store: Store, blobs: BlobStore, wall_s: Callable[[], float]) -> Library:
    """The attachments of a node.

    Args:
        settings: limits and scanner.
        keys: of the node.
        store: the databases.
        blobs: the files.
        wall_s: wall clock, epoch seconds.
    """
    keeping = Keeping(store, blobs, keys.vault(os.urandom), keys.sealer(os.urandom), keys.storage.column, wall_s)
    scanner = scanner_of(settings.malware_scan_command, settings.malware_scan_clamd, settings.malware_scan_timeout_s)
    limits = Limits(
        settings.attachment_max_bytes, settings.attachment_unfinished_per_user, settings.attachment_unfinished_hours * 3_600
    )
    uploads = Uploads(keeping, scanner, limits)
    return Library(keeping, uploads, settings.attachment_publish_unscanned, settings.attachment_unused_days * 86_400)
