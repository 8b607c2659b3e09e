"""CloudWatch metrics: what applications and the platform itself measure, by minute, and statistics of it.

Start with `operations.py`; `datums` reads what is published, `store` keeps it, `queries` answers GetMetricData.
"""
