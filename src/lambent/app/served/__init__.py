"""What clients are served, a module for each service: its model and its operations, made of the parts.

Each is loaded when its service is first asked for; `app.services` has the table of them.
"""
