"""SenderId: who sent a message, as AWS shows it: the account of a root user, a role's id with its session."""

from hashlib import sha256

from lambent.services.caller import Caller

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def sender_id(caller: Caller) -> str:
    if caller.is_anonymous:
        return "anonymous"
    _, _, assumed = caller.arn.partition(":assumed-role/")
    if not assumed:
        return caller.account_id
    role, _, session = assumed.partition("/")
    digest = sha256(f"{caller.account_id}/{role}".encode()).digest()
    return f"AROA{''.join([_ALPHABET[byte & 31] for byte in digest[:17]])}:{session}"
