"""Credentials: which keys may sign, and whose they are.

Long-lived pairs come from the settings and belong to an account's root. Temporary ones are issued to execution
environments (the role of their function) and live in memory only: environments do not outlive the process either.
"""

from collections.abc import Iterable

from lambent.kit.arn import Arn
from lambent.kit.clock import Clock
from lambent.kit.frozen import frozen
from lambent.kit.ids import Ids
from lambent.sandbox.types import RoleCredentials
from lambent.settings import Credential
from lambent.wire.sigv4 import Secret


@frozen
class Principal:
    """Whom a key belongs to."""

    access_key_id: str
    account_id: str
    arn: str
    secret: Secret
    expires_at: float | None = None
    """Seconds since the epoch; None: only revoked."""


class CredentialStore:
    def __init__(self, permanent: Iterable[Credential], *, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._principals = {
            one.access_key_id: Principal(one.access_key_id, one.account_id, one.arn, Secret(one.secret_access_key))
            for one in permanent
        }

    def lookup(self, access_key_id: str) -> Principal | None:
        return self._principals.get(access_key_id)

    def secret(self, access_key_id: str) -> Secret | None:
        """What `sigv4.Verifier` asks for."""
        principal = self._principals.get(access_key_id)
        return None if principal is None else principal.secret

    def issue(
        self, role_arn: str, session_name: str, *, account_id: str, ttl_seconds: float | None = None
    ) -> RoleCredentials:
        """A session of a role, `arn:aws:iam::<any>:role/<path/name>`; valid until revoked unless `ttl_seconds`.

        It acts in `account_id`, whatever account the ARN names: AWS refuses a function whose role is another account's,
        but tools for local use make such ARNs up, and a role must not lead out of the account.

        An assumed role's ARN has the role's name without its path:
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
        """
        role = Arn.parse(role_arn)
        name = role.resource.rpartition("/")[2]
        issued = RoleCredentials(f"ASIA{self._ids.token(16)}", self._ids.secret(), self._ids.secret())
        self._forget_expired()
        self._principals[issued.access_key_id] = Principal(
            issued.access_key_id,
            account_id,
            str(Arn("sts", "", account_id, f"assumed-role/{name}/{session_name}", role.partition)),
            Secret(issued.secret_access_key, issued.session_token),
            None if ttl_seconds is None else self._clock.now() + ttl_seconds,
        )
        return issued

    def revoke(self, access_key_id: str) -> None:
        """Nothing happens if it is gone already."""
        self._principals.pop(access_key_id, None)

    def _forget_expired(self) -> None:
        """A day late, so that a client hears that its token expired and not that it never was."""
        limit = self._clock.now() - 24 * 3600
        for key in [
            key for key, one in self._principals.items() if one.expires_at is not None and one.expires_at < limit
        ]:
            del self._principals[key]
