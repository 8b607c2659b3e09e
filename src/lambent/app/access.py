"""What execution environments have of the platform."""

import socket
from collections import Counter

from lambent.gateway.credentials import CredentialStore
from lambent.net.listener import Adopted, Listener
from lambent.sandbox.types import FunctionSpec, RoleCredentials


class Access:
    """What an execution environment has of the platform: its endpoint and its role's credentials, while it lives."""

    def __init__(self, credentials: CredentialStore) -> None:
        self._credentials = credentials
        self._keys: dict[str, str] = {}
        self.listener: Listener

    def issue(self, spec: FunctionSpec, environment_id: str) -> RoleCredentials:
        issued = self._credentials.issue(spec.role_arn, spec.name, account_id=spec.account_id)
        self._keys[environment_id] = issued.access_key_id
        return issued

    async def serve(self, listening: socket.socket, _spec: FunctionSpec, environment_id: str) -> "Visit":
        return Visit(self, await self.listener.adopt(listening, environment_id), environment_id)

    def connections(self) -> Counter[str]:
        return self.listener.connections()

    def revoke(self, environment_id: str) -> None:
        key = self._keys.pop(environment_id, None)
        if key is not None:
            self._credentials.revoke(key)


class Visit:
    """An environment's listening socket; closing it ends the environment's access."""

    def __init__(self, access: Access, adopted: Adopted, environment_id: str) -> None:
        self._access = access
        self._adopted = adopted
        self._environment_id = environment_id

    async def close(self) -> None:
        self._adopted.close()
        self._access.revoke(self._environment_id)
