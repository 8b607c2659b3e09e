from lambent.app.parts import Parts
from lambent.gateway.endpoints import ServedService
from lambent.services.dynamodb.stream_operations import StreamOperations
from lambent.wire.model import load_service


def build(parts: Parts) -> ServedService:
    model = load_service("dynamodbstreams", StreamOperations.SERVED, opaque={"AttributeValue"})
    return ServedService(model, StreamOperations(parts.database, parts.clock))
