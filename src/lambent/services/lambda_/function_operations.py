"""Functions: create, change, look up, delete, permissions.

Code is unpacked before the transaction that refers to it and kept from removal until that has committed; conditions
(a name taken, a revision) are decided inside the transaction.
"""

from collections.abc import Callable
from dataclasses import replace

from lambent.services.caller import Caller
from lambent.services.lambda_ import documents, links, names, packages, policies, store
from lambent.services.lambda_.configuration import Function, FunctionConfiguration, check_configuration
from lambent.services.lambda_.errors import (
    InvalidParameterValue,
    PreconditionFailed,
    ResourceConflict,
    ResourceNotFound,
)
from lambent.services.lambda_.invoker import not_found
from lambent.services.lambda_.names import FunctionKey, FunctionReference
from lambent.services.lambda_.parts import Document, LambdaParts, present, reference_of
from lambent.services.lambda_.policies import Statement
from lambent.services.lambda_.tags import check_tags
from lambent.storage.transaction import Transaction
from lambent.wire.errors import ServiceError

#: https://docs.aws.amazon.com/lambda/latest/api/API_ListFunctions.html: at most 50 functions per page.
MAX_PAGE = 50


class FunctionOperations:
    def __init__(self, parts: LambdaParts) -> None:
        self._parts = parts
        self._database = parts.database

    async def create_function(self, caller: Caller, request: Document) -> Document:
        parts = self._parts
        key = reference_of(caller, request).key
        configuration = documents.configured(FunctionConfiguration(runtime="", handler="", role_arn=""), request)
        check_configuration(configuration, parts.installed_runtimes)
        tags = request.get("Tags") or {}
        check_tags(tags)
        if self._database.read(lambda tx: store.find_function(tx, key)):
            raise _exists(key)
        content = await self._package(caller, request["Code"], "CreateFunction")
        async with parts.packages.keep(content) as package:
            function = Function(
                key=key,
                configuration=configuration,
                package_sha256=package.sha256,
                package_bytes=package.size_bytes,
                revision_id=parts.ids.uuid(),
                modified_ms=parts.clock.now_ms(),
                tags=tags,
            )
            await parts.change(lambda tx: _insert(tx, function))
        parts.upkeep.compile(configuration.runtime, function.package_sha256)
        parts.prepare_runtime(configuration.runtime)
        return documents.describe_function(function)

    async def update_function_code(self, caller: Caller, request: Document) -> Document:
        parts = self._parts
        reference = reference_of(caller, request)
        current = self._parts.find(reference)
        documents.refuse_unserved(request)
        if request.get("ImageUri"):
            raise InvalidParameterValue("Container images are not served: use a .zip deployment package.")
        _check_revision(request, current.revision_id)
        architectures = request.get("Architectures") or [current.configuration.architecture]
        content = await self._package(caller, request, "UpdateFunctionCode")
        if request.get("DryRun"):
            checked = await parts.packages.check(content)
            changed = replace(current, package_sha256=checked.sha256, package_bytes=checked.size_bytes)
            return documents.describe_function(changed)
        async with parts.packages.keep(content) as package:
            updated = await self._update(
                reference,
                request,
                lambda function: replace(
                    function,
                    configuration=replace(function.configuration, architecture=architectures[0]),
                    package_sha256=package.sha256,
                    package_bytes=package.size_bytes,
                ),
            )
        parts.upkeep.compile(updated.configuration.runtime, updated.package_sha256)
        parts.upkeep.retire(updated.key.arn, updated.revision_id, package=current.package_sha256)
        return documents.describe_function(updated)

    async def update_function_configuration(self, caller: Caller, request: Document) -> Document:
        reference = reference_of(caller, request)
        runtimes = self._parts.installed_runtimes

        def change(function: Function) -> Function:
            configuration = documents.configured(function.configuration, request)
            check_configuration(configuration, runtimes)
            return replace(function, configuration=configuration)

        change(self._parts.find(reference))
        updated = await self._update(reference, request, change)
        self._parts.upkeep.retire(updated.key.arn, updated.revision_id)
        self._parts.prepare_runtime(updated.configuration.runtime)
        return documents.describe_function(updated)

    async def get_function(self, caller: Caller, request: Document) -> Document:
        function = self._parts.find(reference_of(caller, request))
        parts = self._parts
        link = links.make_link(
            caller.endpoint, function.package_sha256, now=parts.clock.now(), secret=parts.link_secret
        )
        document: Document = {
            "Configuration": documents.describe_function(function),
            "Code": {"RepositoryType": "S3", "Location": link},
        }
        if function.tags:
            document["Tags"] = dict(function.tags)
        if function.reserved_concurrency is not None:
            document["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
        return document

    async def get_function_configuration(self, caller: Caller, request: Document) -> Document:
        return documents.describe_function(self._parts.find(reference_of(caller, request)))

    async def list_functions(self, caller: Caller, request: Document) -> Document:
        limit = min(request.get("MaxItems") or MAX_PAGE, MAX_PAGE)
        after = request.get("Marker") or ""
        if request.get("MasterRegion", caller.region) not in {caller.region, "ALL"}:
            return {"Functions": []}
        found = await self._database.scan(
            lambda tx: store.functions_after(tx, caller.account_id, caller.region, after=after, limit=limit + 1)
        )
        document: Document = {"Functions": [documents.describe_function(one) for one in found[:limit]]}
        if len(found) > limit:
            document["NextMarker"] = found[limit - 1].key.name
        return document

    async def list_versions_by_function(self, caller: Caller, request: Document) -> Document:
        function = self._parts.find(reference_of(caller, request))
        document = documents.describe_function(function)
        return {"Versions": [{**document, "FunctionArn": f"{function.key.arn}:{names.LATEST}"}]}

    async def list_aliases(self, caller: Caller, request: Document) -> Document:
        self._parts.find(reference_of(caller, request))
        return {"Aliases": []}

    async def get_function_code_signing_config(self, caller: Caller, request: Document) -> Document:
        """Terraform asks this of every function; an answer without an ARN means there is none."""
        return {"FunctionName": self._parts.find(reference_of(caller, request)).key.name}

    async def delete_function(self, caller: Caller, request: Document) -> Document:
        reference = reference_of(caller, request)
        if reference.qualifier == names.LATEST:
            raise InvalidParameterValue("$LATEST version cannot be deleted without deleting the function.")
        key = names.require_latest(reference)

        def delete(tx: Transaction) -> Function:
            function = store.find_function(tx, key)
            if function is None:
                raise not_found(reference)
            store.delete_function(tx, key)
            return function

        deleted = await self._parts.change(delete)
        self._parts.upkeep.retire(key.arn, None, package=deleted.package_sha256)
        return {}

    async def add_permission(self, caller: Caller, request: Document) -> Document:
        reference = reference_of(caller, request)
        key = _policy_key(reference)
        added = policies.make_statement(documents.permission(request), reference.arn)
        revision_id = self._parts.ids.uuid()

        def add(tx: Transaction) -> None:
            statements, current = _find_policy(tx, key, reference)
            _check_policy_revision(request, current)
            grown = policies.add_statement(statements, added)
            store.set_policy(tx, key, statements=grown, revision_id=revision_id)

        await self._parts.change(add)
        return {"Statement": policies.encode(added)}

    async def remove_permission(self, caller: Caller, request: Document) -> Document:
        reference = reference_of(caller, request)
        key = _policy_key(reference)
        revision_id = self._parts.ids.uuid()

        def remove(tx: Transaction) -> None:
            statements, current = _find_policy(tx, key, reference)
            _check_policy_revision(request, current)
            kept = [one for one in statements if one["Sid"] != request["StatementId"]]
            if len(kept) == len(statements):
                raise ResourceNotFound(f"Statement {request['StatementId']} is not found in resource policy.")
            store.set_policy(tx, key, statements=kept, revision_id=revision_id)

        await self._parts.change(remove)
        return {}

    async def get_policy(self, caller: Caller, request: Document) -> Document:
        reference = reference_of(caller, request)
        key = _policy_key(reference)
        statements, revision_id = self._database.read(lambda tx: _find_policy(tx, key, reference))
        if not statements:
            raise ResourceNotFound("The resource you requested does not exist.")
        return {"Policy": policies.document(statements), "RevisionId": revision_id}

    async def _package(self, caller: Caller, code: Document, operation: str) -> bytes:
        """The zip, from the request or from a bucket."""
        if code.get("ImageUri"):
            raise InvalidParameterValue("Container images are not served: use a .zip deployment package.")
        content: bytes | None = code.get("ZipFile")
        if content is not None:
            if code.get("S3Bucket") or code.get("S3Key"):
                raise InvalidParameterValue(
                    "Please do not provide other FunctionCode parameters when providing a ZipFile."
                )
            packages.check_upload_size(len(content), operation)
            return content
        if not code.get("S3Bucket") or not code.get("S3Key"):
            raise InvalidParameterValue("Please provide a source for function code.")
        try:
            return await self._parts.fetch_object(
                caller,
                code["S3Bucket"],
                code["S3Key"],
                code.get("S3ObjectVersion", ""),
                max_bytes=packages.MAX_UNZIPPED_BYTES,
            )
        except ServiceError as error:
            if error.code == "EntityTooLarge":  # what is larger zipped is larger unzipped
                raise packages.too_large_unzipped() from error
            raise InvalidParameterValue(
                f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}"
            ) from error

    async def _update(
        self, reference: FunctionReference, request: Document, change: Callable[[Function], Function]
    ) -> Function:
        """Apply `change` to the function as it is inside the transaction, under a new revision."""
        revision_id, now_ms = self._parts.ids.uuid(), self._parts.clock.now_ms()

        def write(tx: Transaction) -> Function:
            function = present(tx, reference)
            _check_revision(request, function.revision_id)
            updated = replace(change(function), revision_id=revision_id, modified_ms=now_ms)
            store.update_function(tx, updated)
            return updated

        return await self._parts.change(write)


def _insert(tx: Transaction, function: Function) -> None:
    if not store.insert_function(tx, function):
        raise _exists(function.key)


def _exists(key: FunctionKey) -> ResourceConflict:
    return ResourceConflict(f"Function already exist: {key.name}")


def _check_revision(request: Document, current: str) -> None:
    """A RevisionId in a request means: only if nobody changed the function since."""
    if request.get("RevisionId") and request["RevisionId"] != current:
        raise PreconditionFailed(
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to "
            "retrieve the latest Revision Id"
        )


def _check_policy_revision(request: Document, current: str) -> None:
    if request.get("RevisionId") and request["RevisionId"] != current:
        raise PreconditionFailed(
            "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve "
            "the latest Revision Id"
        )


def _policy_key(reference: FunctionReference) -> FunctionKey:
    """The function whose policy is meant. `$LATEST` has none of its own."""
    if reference.qualifier == names.LATEST:
        raise InvalidParameterValue("We currently do not support adding policies for $LATEST.")
    return names.require_latest(reference)


def _find_policy(tx: Transaction, key: FunctionKey, reference: FunctionReference) -> tuple[list[Statement], str]:
    found = store.find_policy(tx, key)
    if found is None:
        raise not_found(reference)
    return found
