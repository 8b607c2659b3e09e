"""The AWS wire protocols without I/O: bytes in, values out. Whatever the bytes, the outcome is a value or a ServiceError."""
