"""The HTTP listener: sockets on one side, `wire.http` Request and Response on the other. Knows nothing of AWS."""
