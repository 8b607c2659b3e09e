"""AWS Lambda: functions and their packages, invoking them now (`invoker`) or later (`queue_store`, `lambent.delivery`).

Read `operations.py` first; `configuration`, `packages`, `names`, `policies` and `event_invoke` are the rules it asks.
"""
