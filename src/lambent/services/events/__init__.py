"""Amazon EventBridge: buses that take events, rules that choose among them or fire by the clock, archives and replays.

PutEvents appends to the log `events` (`putting`); `delivery.rules` reads it, matches (`rule_index`) and sends on.
"""
