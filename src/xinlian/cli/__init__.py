"""The command line ``xinlian``: parse, call one use case, render."""
