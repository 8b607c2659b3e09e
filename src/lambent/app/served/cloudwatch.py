from lambent.app.parts import Parts
from lambent.gateway.endpoints import ServedService
from lambent.services.cloudwatch.operations import CloudWatchOperations
from lambent.wire.model import load_service


def build(parts: Parts) -> ServedService:
    model = load_service("cloudwatch", CloudWatchOperations.SERVED)
    return ServedService(model, CloudWatchOperations(parts.database, parts.clock))
