"""Lambda's operations by AWS's names: the class that dispatch calls. Every method stands in one of five modules."""

from collections.abc import Mapping
from typing import Any

from lambent.services.lambda_ import event_source_2014
from lambent.services.lambda_.event_source_operations import EventSourceOperations
from lambent.services.lambda_.function_operations import FunctionOperations
from lambent.services.lambda_.invocation_operations import InvocationOperations
from lambent.services.lambda_.parts import LambdaParts
from lambent.services.lambda_.settings_operations import SettingsOperations
from lambent.services.lambda_.tag_operations import TagOperations


class LambdaOperations:
    SERVED = frozenset(
        {
            "AddEventSource",
            "AddPermission",
            "CreateEventSourceMapping",
            "CreateFunction",
            "DeleteEventSourceMapping",
            "DeleteFunction",
            "DeleteFunctionConcurrency",
            "DeleteFunctionEventInvokeConfig",
            "GetAccountSettings",
            "GetEventSource",
            "GetEventSourceMapping",
            "GetFunction",
            "GetFunctionCodeSigningConfig",
            "GetFunctionConcurrency",
            "GetFunctionConfiguration",
            "GetFunctionEventInvokeConfig",
            "GetFunctionRecursionConfig",
            "GetPolicy",
            "Invoke",
            "InvokeAsync",
            "ListAliases",
            "ListEventSourceMappings",
            "ListEventSources",
            "ListFunctionEventInvokeConfigs",
            "ListFunctions",
            "ListTags",
            "ListVersionsByFunction",
            "PutFunctionConcurrency",
            "PutFunctionEventInvokeConfig",
            "PutFunctionRecursionConfig",
            "RemoveEventSource",
            "RemovePermission",
            "TagResource",
            "UntagResource",
            "UpdateEventSourceMapping",
            "UpdateFunctionCode",
            "UpdateFunctionConfiguration",
            "UpdateFunctionEventInvokeConfig",
        }
    )

    #: What today's description of the service has forgotten.
    AMENDMENTS: Mapping[str, Any] = event_source_2014.AMENDMENTS

    def __init__(self, parts: LambdaParts) -> None:
        functions = FunctionOperations(parts)
        self.create_function = functions.create_function
        self.update_function_code = functions.update_function_code
        self.update_function_configuration = functions.update_function_configuration
        self.get_function = functions.get_function
        self.get_function_configuration = functions.get_function_configuration
        self.get_function_code_signing_config = functions.get_function_code_signing_config
        self.list_functions = functions.list_functions
        self.list_versions_by_function = functions.list_versions_by_function
        self.list_aliases = functions.list_aliases
        self.delete_function = functions.delete_function
        self.add_permission = functions.add_permission
        self.remove_permission = functions.remove_permission
        self.get_policy = functions.get_policy

        settings = SettingsOperations(parts)
        self.put_function_concurrency = settings.put_function_concurrency
        self.get_function_concurrency = settings.get_function_concurrency
        self.delete_function_concurrency = settings.delete_function_concurrency
        self.put_function_recursion_config = settings.put_function_recursion_config
        self.get_function_recursion_config = settings.get_function_recursion_config
        self.get_account_settings = settings.get_account_settings
        self.put_function_event_invoke_config = settings.put_function_event_invoke_config
        self.update_function_event_invoke_config = settings.update_function_event_invoke_config
        self.get_function_event_invoke_config = settings.get_function_event_invoke_config
        self.list_function_event_invoke_configs = settings.list_function_event_invoke_configs
        self.delete_function_event_invoke_config = settings.delete_function_event_invoke_config

        invocations = InvocationOperations(parts)
        self.invoke = invocations.invoke
        self.invoke_async = invocations.invoke_async

        sources = EventSourceOperations(parts)
        self.create_event_source_mapping = sources.create_event_source_mapping
        self.get_event_source_mapping = sources.get_event_source_mapping
        self.list_event_source_mappings = sources.list_event_source_mappings
        self.update_event_source_mapping = sources.update_event_source_mapping
        self.delete_event_source_mapping = sources.delete_event_source_mapping
        self.add_event_source = sources.add_event_source
        self.get_event_source = sources.get_event_source
        self.list_event_sources = sources.list_event_sources
        self.remove_event_source = sources.remove_event_source

        tags = TagOperations(parts)
        self.tag_resource = tags.tag_resource
        self.untag_resource = tags.untag_resource
        self.list_tags = tags.list_tags
