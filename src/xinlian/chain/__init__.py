"""The chain: contract bindings, one transaction sender per key, the event follower, views and deployment.

Rules
1. Everything third-party (JSON-RPC, eth_abi, eth_account, anvil) is spoken to here and nowhere above, and every one of its
   errors leaves as a ``ChainError`` or ``ConfigError`` with a stable code.
2. Calls and events are pure values (``bindings``, ``events``); only ``rpc``, ``anvil`` and the classes built on them do I/O.
3. ``chain`` and ``store`` do not know each other: what must be kept is written through small ports
   (``sender.TransactionLog``, ``follower.KnownBlocks``) that the node implements over its tables.
4. web3 is not imported: its import costs a second and its layers hide what the sender must decide itself (nonce, raw bytes,
   replacement). Its codec is used, ``eth_abi`` and ``eth_account``; web3 itself is the oracle of the tests.
"""
