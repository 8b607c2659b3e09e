"""Expiry: how long log events are kept; `retention` deletes what is older."""

DAY_MS = 86_400_000

#: What PutRetentionPolicy takes (its API reference, `retentionInDays`).
RETENTION_DAYS = frozenset(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
)


def cutoff(retention_days: int, now_ms: int) -> int:
    """Events before this time have expired; 0 if they never do."""
    return now_ms - retention_days * DAY_MS if retention_days else 0
