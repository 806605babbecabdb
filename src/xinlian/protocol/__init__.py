"""The protocol: records, trees, receipts, bundles, verification, envelopes, codes. Pure."""
