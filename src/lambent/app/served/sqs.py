from functools import partial

from lambent.app.parts import Parts
from lambent.gateway.endpoints import ServedService
from lambent.services.sqs import query_names
from lambent.services.sqs.operations import SqsOperations
from lambent.wire.model import load_service


def build(parts: Parts) -> ServedService:
    load = partial(load_service, "sqs", SqsOperations.SERVED, open_enums=query_names.OPEN_ENUMS)
    return ServedService(
        load(amendments=query_names.AMENDMENTS),
        SqsOperations(parts.queues),
        allows_anonymous=True,
        load_query=partial(load, amendments=query_names.QUERY_AMENDMENTS),
    )
