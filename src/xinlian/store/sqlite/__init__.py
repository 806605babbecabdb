"""The SQLite adapter: the only place that knows SQLite."""
