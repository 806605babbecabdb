"""One folder per scenario: data, not code."""
