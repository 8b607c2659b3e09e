"""Durability: one database (one writer with group commit, many readers), the log, and files for large object bytes."""
