"""The detection of loops: a function that its own output keeps invoking is stopped.

"Use Lambda recursive loop detection to prevent infinite loops",
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html: within one chain of requests a function runs
about 16 times; the next invocation is dropped, and an asynchronous one goes to the failure destination. The trace
header counts (`kit.trace`, Lineage): Lambda adds the function when it invokes it, and the SDKs inside pass the header
on with whatever they call. What comes through queues, topics, buckets and direct invocations counts; for tables,
streams and all other sources AWS detects no loops, and counting begins anew with them.
"""

from lambent.services.lambda_.errors import RecursiveInvocation

#: Invocations of one function in one chain.
MAX_INVOCATIONS = 16

#: "Supported AWS services and SDKs" of the page above, as what happened is labelled here (`s3:<bucket>`).
_COUNTED = frozenset({"invoke", "destination", "s3", "sns", "sqs"})

#: Of a queue's message: the page says that the refusal counts as a receive, nothing else happens to it.
_OF_QUEUES = (
    ". The message stays in its queue and is refused after each visibility timeout, until it was received as often as "
    "the queue's redrive policy says and goes to the dead-letter queue; without one, until it is too old"
)

#: RecursiveLoop, as PutFunctionRecursionConfig spells it.
ALLOW = "Allow"
TERMINATE = "Terminate"


def is_counted(source: str) -> bool:
    """Whether an event from there goes on with the counts that its trace header carries."""
    return source.partition(":")[0] in _COUNTED


def refusal() -> RecursiveInvocation:
    """The message is the one of the service's model."""
    return RecursiveInvocation(
        "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources "
        "and stopped your function's invocation."
    )


def advice(function_arn: str, source: str) -> str:
    """For the person who looks why nothing happens any more."""
    name = function_arn.partition(":function:")[2]
    kept = _OF_QUEUES if source.startswith("sqs:") else ""
    return (
        f"invoked {MAX_INVOCATIONS} times in one chain, last by {source}: what it writes invokes it again. Write to "
        f"another place, filter what triggers it, or: aws lambda put-function-recursion-config "
        f"--function-name {name} --recursive-loop Allow{kept}"
    )
