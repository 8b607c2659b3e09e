"""EventBridge Scheduler (`scheduler`): schedules, their groups and tags.

`operations` is the entry; `delivery.schedules` fires what is due.
"""
