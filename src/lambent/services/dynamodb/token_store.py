"""Client request tokens: which transactions were made in the last ten minutes."""

from lambent.kit.frozen import frozen
from lambent.storage.transaction import Transaction

#: API Reference, TransactWriteItems: "A client request token is valid for 10 minutes after the first request".
VALID_MS = 10 * 60 * 1000
#: Rows that one transaction of the clean-up deletes.
_DELETED_PER_TRANSACTION = 500


@frozen
class Token:
    account_id: str
    region: str
    text: str
    digest: bytes
    """Of the request it came with."""


def claim_token(tx: Transaction, token: Token, *, now_ms: int) -> bytes | None:
    """None: it is new, and now taken. Otherwise the digest of the request that took it."""
    row = tx.row(
        "SELECT digest, expires_ms FROM dynamodb_request_token WHERE account_id = ? AND region = ? AND token = ?",
        (token.account_id, token.region, token.text),
    )
    if row is not None and row[1] > now_ms:
        return bytes(row[0])
    tx.execute(
        "INSERT INTO dynamodb_request_token (account_id, region, token, digest, expires_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (account_id, region, token) DO UPDATE"
        " SET digest = excluded.digest, expires_ms = excluded.expires_ms",
        (token.account_id, token.region, token.text, token.digest, now_ms + VALID_MS),
    )
    return None


def has_expired_tokens(tx: Transaction, now_ms: int) -> bool:
    return tx.row("SELECT 1 FROM dynamodb_request_token WHERE expires_ms <= ? LIMIT 1", (now_ms,)) is not None


def delete_expired_tokens(tx: Transaction, now_ms: int) -> None:
    """A portion of them."""
    tx.execute(
        "DELETE FROM dynamodb_request_token WHERE (account_id, region, token) IN"
        " (SELECT account_id, region, token FROM dynamodb_request_token WHERE expires_ms <= ? LIMIT ?)",
        (now_ms, _DELETED_PER_TRANSACTION),
    )
