from lambent.app.parts import Parts
from lambent.gateway.endpoints import ServedService
from lambent.services.logs.operations import LogsOperations
from lambent.wire.model import load_service


def build(parts: Parts) -> ServedService:
    operations = LogsOperations(
        parts.database, parts.log_writer, parts.tails, parts.clock, parts.ids, parts.log_subscriptions.probe
    )
    return ServedService(load_service("logs", LogsOperations.SERVED), operations)
