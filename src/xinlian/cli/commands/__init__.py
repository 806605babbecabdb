"""One module per group of commands; each has ``app``."""
