from lambent.app.parts import Parts
from lambent.gateway.endpoints import ServedService
from lambent.services.kinesis.operations import KinesisOperations
from lambent.wire.model import load_service


def build(parts: Parts) -> ServedService:
    return ServedService(load_service("kinesis", KinesisOperations.SERVED), KinesisOperations(parts.streams))
