from lambent.app.parts import Parts
from lambent.gateway.endpoints import ServedService
from lambent.services.dynamodb.operations import DynamoOperations
from lambent.wire.model import load_service


def build(parts: Parts) -> ServedService:
    model = load_service("dynamodb", DynamoOperations.SERVED, opaque={"AttributeValue"})
    return ServedService(model, DynamoOperations(parts.tables))
