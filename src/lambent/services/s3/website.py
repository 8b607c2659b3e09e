"""Website hosting: what a bucket that is a website answers to a path.

The shell looks up the keys that `candidates` names (index document, folder, error document), then `decide` says what to
do. Source: S3 user guide, "Hosting a static website": index documents in every folder, `/folder` redirected to
`/folder/`, custom error documents, redirects of everything, of an object, or by routing rules.

A key that does not exist is a 404 whoever may list the bucket, and one that exists but is not public a 403: the codes
of the user guide's table of website errors, which people write their routing rules against.
"""

import functools
from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum
from typing import Any
from urllib.parse import quote

import orjson

from lambent.kit.frozen import frozen
from lambent.services.s3 import errors

MAX_ROUTING_RULES = 50
MAX_KEY_BYTES = 1024

_PARSED = 256
_PROTOCOLS = frozenset({"http", "https"})
_SAFE = "/~!$&'()*+,;=:@-._"


class Found(Enum):
    #: Everybody may read it.
    PUBLIC = "public"
    #: It is there, but not for everybody.
    PRIVATE = "private"
    MISSING = "missing"


@frozen
class LookedUp:
    found: Found
    redirect: str = ""
    """The object's x-amz-website-redirect-location."""


MISSING = LookedUp(Found.MISSING)


@frozen
class RoutingRule:
    key_prefix: str = ""
    error_code: int = 0
    host: str = ""
    protocol: str = ""
    status: int = 301
    replace_prefix: str | None = None
    replace_key: str | None = None


@frozen
class WebsiteConfiguration:
    redirect_all_host: str = ""
    redirect_all_protocol: str = ""
    index_suffix: str = ""
    error_key: str = ""
    rules: tuple[RoutingRule, ...] = ()

    def to_text(self) -> str:
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def from_text(cls, text: str) -> "WebsiteConfiguration":
        return _from_text(text)


@frozen
class Serve:
    key: str
    status: int = 200


@frozen
class Redirect:
    location: str
    """An absolute path, or an address with protocol and host."""
    status: int


@frozen
class ErrorPage:
    """Nothing of the bucket fits: S3's own page."""

    status: int
    code: str
    message: str
    key: str = ""


Decision = Serve | Redirect | ErrorPage


@frozen
class Address:
    """Where the website is: redirects stay there unless a rule says otherwise."""

    protocol: str
    host: str


def candidates(configuration: WebsiteConfiguration, key: str) -> tuple[str, ...]:
    """The keys to look up before `decide`."""
    if configuration.redirect_all_host:
        return ()
    wanted = [_document(configuration, key)]
    if not _is_folder(key):
        wanted.append(f"{key}/{configuration.index_suffix}")
    if configuration.error_key:
        wanted.append(configuration.error_key)
    return tuple(wanted)


def decide(
    configuration: WebsiteConfiguration, key: str, objects: Mapping[str, LookedUp], address: Address
) -> Decision:
    """`key` is the decoded path without its first slash; `objects` has what was found of the candidates."""
    if configuration.redirect_all_host:
        protocol = configuration.redirect_all_protocol or address.protocol
        return Redirect(f"{protocol}://{configuration.redirect_all_host}/{_quoted(key)}", 301)
    rule = _rule_for(configuration, key, 0)
    if rule is not None:
        return _follow(rule, key, address)
    document = _document(configuration, key)
    looked_up = objects.get(document, MISSING)
    if looked_up.found is Found.PUBLIC:
        return Redirect(looked_up.redirect, 301) if looked_up.redirect else Serve(document)
    if looked_up.found is Found.MISSING and not _is_folder(key):
        inside = objects.get(f"{key}/{configuration.index_suffix}", MISSING)
        if inside.found is Found.PUBLIC:
            return Redirect(f"/{_quoted(key)}/", 302)
    return _fail(configuration, key, looked_up.found, objects, address)


def _fail(
    configuration: WebsiteConfiguration,
    key: str,
    found: Found,
    objects: Mapping[str, LookedUp],
    address: Address,
) -> Decision:
    status = 403 if found is Found.PRIVATE else 404
    rule = _rule_for(configuration, key, status)
    if rule is not None:
        return _follow(rule, key, address)
    if configuration.error_key and objects.get(configuration.error_key, MISSING).found is Found.PUBLIC:
        return Serve(configuration.error_key, status)
    if status == 403:
        return ErrorPage(403, "AccessDenied", "Access Denied")
    return ErrorPage(404, "NoSuchKey", "The specified key does not exist.", _document(configuration, key))


def _is_folder(key: str) -> bool:
    return not key or key.endswith("/")


def _document(configuration: WebsiteConfiguration, key: str) -> str:
    return key + configuration.index_suffix if _is_folder(key) else key


def _rule_for(configuration: WebsiteConfiguration, key: str, status: int) -> RoutingRule | None:
    """The first rule for this stage: before the look-up (status 0) those without an error code, later those with it."""
    for rule in configuration.rules:
        if rule.error_code == status and key.startswith(rule.key_prefix):
            return rule
    return None


def _follow(rule: RoutingRule, key: str, address: Address) -> Redirect:
    target = key
    if rule.replace_key is not None:
        target = rule.replace_key
    elif rule.replace_prefix is not None:
        target = rule.replace_prefix + key[len(rule.key_prefix) :]
    protocol, host = rule.protocol or address.protocol, rule.host or address.host
    return Redirect(f"{protocol}://{host}/{_quoted(target)}", rule.status)


def _quoted(key: str) -> str:
    return quote(key, safe=_SAFE)


# --- the document


def parse(document: Mapping[str, Any]) -> WebsiteConfiguration:
    """A WebsiteConfiguration as put. Raises InvalidArgument, InvalidRequest."""
    redirect_all = document.get("RedirectAllRequestsTo")
    if redirect_all:
        return _redirect_all(document, redirect_all)
    suffix = (document.get("IndexDocument") or {}).get("Suffix", "")
    if not suffix or "/" in suffix:
        raise errors.InvalidArgument("The IndexDocument Suffix is not well formed", name="IndexDocument", value=suffix)
    error_key = (document.get("ErrorDocument") or {}).get("Key", "")
    if "ErrorDocument" in document and not 1 <= len(error_key.encode()) <= MAX_KEY_BYTES:
        raise errors.InvalidArgument("The ErrorDocument Key is not well formed", name="ErrorDocument", value=error_key)
    rules = document.get("RoutingRules") or ()
    if len(rules) > MAX_ROUTING_RULES:
        raise errors.InvalidRequest(
            f"{len(rules)} routing rules provided, the number of routing rules in a website configuration is limited "
            f"to {MAX_ROUTING_RULES}."
        )
    return WebsiteConfiguration(
        index_suffix=suffix, error_key=error_key, rules=tuple(_routing_rule(rule) for rule in rules)
    )


def to_document(configuration: WebsiteConfiguration) -> dict[str, Any]:
    if configuration.redirect_all_host:
        everything = {"HostName": configuration.redirect_all_host}
        if configuration.redirect_all_protocol:
            everything["Protocol"] = configuration.redirect_all_protocol
        return {"RedirectAllRequestsTo": everything}
    shown: dict[str, Any] = {"IndexDocument": {"Suffix": configuration.index_suffix}}
    if configuration.error_key:
        shown["ErrorDocument"] = {"Key": configuration.error_key}
    if configuration.rules:
        shown["RoutingRules"] = [_shown_rule(rule) for rule in configuration.rules]
    return shown


def _redirect_all(document: Mapping[str, Any], redirect_all: Mapping[str, Any]) -> WebsiteConfiguration:
    if any(document.get(member) for member in ("IndexDocument", "ErrorDocument", "RoutingRules")):
        raise errors.InvalidArgument(
            "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules or documents.",
            name="RedirectAllRequestsTo",
        )
    host = redirect_all.get("HostName", "")
    if not host:
        raise errors.InvalidArgument("RedirectAllRequestsTo needs a HostName", name="HostName")
    return WebsiteConfiguration(redirect_all_host=host, redirect_all_protocol=_protocol(redirect_all.get("Protocol")))


def _routing_rule(rule: Mapping[str, Any]) -> RoutingRule:
    condition, redirect = rule.get("Condition") or {}, rule.get("Redirect") or {}
    if "Condition" in rule and not condition:
        raise errors.InvalidRequest(
            "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't "
            "be present."
        )
    if not redirect:
        raise errors.InvalidRequest("A routing rule must have a non-empty Redirect.")
    if "ReplaceKeyWith" in redirect and "ReplaceKeyPrefixWith" in redirect:
        raise errors.InvalidRequest("You can only define ReplaceKeyPrefix or ReplaceKey but not both.")
    return RoutingRule(
        key_prefix=condition.get("KeyPrefixEquals", ""),
        error_code=_code(condition.get("HttpErrorCodeReturnedEquals"), 400, 599, "HttpErrorCodeReturnedEquals"),
        host=redirect.get("HostName", ""),
        protocol=_protocol(redirect.get("Protocol")),
        status=_code(redirect.get("HttpRedirectCode"), 300, 399, "HttpRedirectCode") or 301,
        replace_prefix=redirect.get("ReplaceKeyPrefixWith"),
        replace_key=redirect.get("ReplaceKeyWith"),
    )


def _protocol(value: str | None) -> str:
    if value and value not in _PROTOCOLS:
        raise errors.InvalidRequest(
            "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected "
            "automatically."
        )
    return value or ""


def _code(value: str | None, lowest: int, highest: int, name: str) -> int:
    """0 if there is none."""
    if not value:
        return 0
    if not value.isdecimal() or not lowest <= int(value) <= highest:
        raise errors.InvalidRequest(f"The provided {name} ({value}) is not valid.")
    return int(value)


def _shown_rule(rule: RoutingRule) -> dict[str, Any]:
    condition = {
        "KeyPrefixEquals": rule.key_prefix or None,
        "HttpErrorCodeReturnedEquals": str(rule.error_code) if rule.error_code else None,
    }
    redirect = {
        "HostName": rule.host or None,
        "Protocol": rule.protocol or None,
        "ReplaceKeyPrefixWith": rule.replace_prefix,
        "ReplaceKeyWith": rule.replace_key,
        "HttpRedirectCode": str(rule.status),
    }
    shown = {"Redirect": {name: value for name, value in redirect.items() if value is not None}}
    present = {name: value for name, value in condition.items() if value is not None}
    return {"Condition": present, **shown} if present else shown


@functools.lru_cache(_PARSED)
def _from_text(text: str) -> WebsiteConfiguration:
    loaded = orjson.loads(text)
    rules = tuple(RoutingRule(**rule) for rule in loaded.pop("rules"))
    return WebsiteConfiguration(**loaded, rules=rules)
