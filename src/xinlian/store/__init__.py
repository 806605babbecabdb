"""The database and the key store behind one Writer."""
