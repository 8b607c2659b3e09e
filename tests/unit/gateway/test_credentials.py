from lambent.gateway.credentials import CredentialStore
from lambent.kit.clock import VirtualClock
from lambent.kit.ids import CountedIds, RandomIds
from lambent.settings import BUILT_IN_CREDENTIAL

ACCOUNT = "123456789012"
ROLE = "arn:aws:iam::123456789012:role/service-role/resize"


def test_permanent_credentials_belong_to_the_root_of_their_account() -> None:
    store = CredentialStore([BUILT_IN_CREDENTIAL], clock=VirtualClock(), ids=CountedIds())
    principal = store.lookup("test")
    assert principal is not None
    assert (principal.account_id, principal.arn) == ("000000000000", "arn:aws:iam::000000000000:root")
    assert store.lookup("nobody") is None
    assert store.secret("nobody") is None


def test_a_session_has_its_role_without_the_path_until_it_is_revoked() -> None:
    store = CredentialStore([], clock=VirtualClock(), ids=RandomIds())
    issued = store.issue(ROLE, "environment-1", account_id=ACCOUNT)
    principal = store.lookup(issued.access_key_id)
    assert principal is not None
    assert issued.access_key_id.startswith("ASIA")
    assert len(issued.access_key_id) == 20
    assert principal.arn == "arn:aws:sts::123456789012:assumed-role/resize/environment-1"
    secret = store.secret(issued.access_key_id)
    assert secret is not None
    assert (secret.secret_access_key, secret.session_token) == (issued.secret_access_key, issued.session_token)
    store.revoke(issued.access_key_id)
    store.revoke(issued.access_key_id)
    assert store.lookup(issued.access_key_id) is None


def test_expired_sessions_are_forgotten_after_a_day() -> None:
    clock = VirtualClock()
    store = CredentialStore([BUILT_IN_CREDENTIAL], clock=clock, ids=CountedIds())
    short, endless = (
        store.issue(ROLE, "a", account_id=ACCOUNT, ttl_seconds=60),
        store.issue(ROLE, "b", account_id=ACCOUNT),
    )
    clock._now += 3600
    store.issue(ROLE, "c", account_id=ACCOUNT)
    assert store.lookup(short.access_key_id) is not None
    clock._now += 24 * 3600
    store.issue(ROLE, "d", account_id=ACCOUNT)
    assert store.lookup(short.access_key_id) is None
    assert store.lookup(endless.access_key_id) is not None
