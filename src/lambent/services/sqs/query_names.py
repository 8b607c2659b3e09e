"""How SQS was described while it spoke the query protocol: the names that are gone from today's model.

SDKs before November 2023, curl and tools of that time send `Action=SendMessage&MessageAttribute.1.Name=...`; the API
reference still shows these requests under "Query protocol". The queue is addressed by the URL's path.
"""

from typing import Any

from lambent.wire.model import Raw

_NAMESPACE = "http://queue.amazonaws.com/doc/2012-11-05/"

#: Merged into today's model for both protocols: SQS serves the query protocol as well.
AMENDMENTS: Raw = {"metadata": {"protocols": ["json", "query"], "xmlNamespace": _NAMESPACE}}

#: The values of these the service itself refuses, with codes of its own.
OPEN_ENUMS = ("QueueAttributeName", "MessageSystemAttributeName", "MessageSystemAttributeNameForSends")

#: List shape -> the name that each of its elements has in a form, with a number behind.
_ELEMENTS = {
    "AWSAccountIdList": "AWSAccountId",
    "ActionNameList": "ActionName",
    "AttributeNameList": "AttributeName",
    "BatchResultErrorEntryList": "BatchResultErrorEntry",
    "BinaryList": "BinaryListValue",
    "ChangeMessageVisibilityBatchRequestEntryList": "ChangeMessageVisibilityBatchRequestEntry",
    "ChangeMessageVisibilityBatchResultEntryList": "ChangeMessageVisibilityBatchResultEntry",
    "DeleteMessageBatchRequestEntryList": "DeleteMessageBatchRequestEntry",
    "DeleteMessageBatchResultEntryList": "DeleteMessageBatchResultEntry",
    "ListMessageMoveTasksResultEntryList": "ListMessageMoveTasksResultEntry",
    "MessageAttributeNameList": "MessageAttributeName",
    "MessageList": "Message",
    "MessageSystemAttributeList": "MessageSystemAttributeName",
    "QueueUrlList": "QueueUrl",
    "SendMessageBatchRequestEntryList": "SendMessageBatchRequestEntry",
    "SendMessageBatchResultEntryList": "SendMessageBatchResultEntry",
    "StringList": "StringListValue",
    "TagKeyList": "TagKey",
}
#: Map shape -> (its name in a form, that of a key, that of a value).
_MAPS = {
    "MessageBodyAttributeMap": ("MessageAttribute", "Name", "Value"),
    "MessageBodySystemAttributeMap": ("MessageSystemAttribute", "Name", "Value"),
    "MessageSystemAttributeMap": ("Attribute", "Name", "Value"),
    "QueueAttributeMap": ("Attribute", "Name", "Value"),
    "TagMap": ("Tag", "Key", "Value"),
}
#: Requests that a queue's URL may be the address of.
_OF_A_QUEUE = (
    "AddPermission",
    "ChangeMessageVisibilityBatch",
    "ChangeMessageVisibility",
    "DeleteMessageBatch",
    "DeleteMessage",
    "DeleteQueue",
    "GetQueueAttributes",
    "ListDeadLetterSourceQueues",
    "ListQueueTags",
    "PurgeQueue",
    "ReceiveMessage",
    "RemovePermission",
    "SendMessageBatch",
    "SendMessage",
    "SetQueueAttributes",
    "TagQueue",
    "UntagQueue",
)


def _query_amendments() -> Raw:
    shapes: dict[str, Any] = {
        **{shape: {"member": {"locationName": name}} for shape, name in _ELEMENTS.items()},
        **{
            shape: {"locationName": name, "key": {"locationName": key}, "value": {"locationName": value}}
            for shape, (name, key, value) in _MAPS.items()
        },
        **{
            f"{operation}Request": {"members": {"QueueUrl": {"location": "uri", "locationName": "QueueUrl"}}}
            for operation in _OF_A_QUEUE
        },
    }
    metadata = {**AMENDMENTS["metadata"], "protocol": "query"}
    return {"metadata": metadata, "shapes": shapes}


#: Merged into today's model for the query protocol alone.
QUERY_AMENDMENTS: Raw = _query_amendments()
