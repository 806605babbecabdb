"""Xinlian (信链): a node that shares government data between departments under a chain's evidence."""

__version__ = "0.1.0"
