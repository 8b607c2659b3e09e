from lambent.app.parts import Parts
from lambent.gateway.endpoints import ServedService
from lambent.services.events.operations import EventsOperations
from lambent.wire.model import load_service


def build(parts: Parts) -> ServedService:
    operations = EventsOperations(
        database=parts.database,
        clock=parts.clock,
        ids=parts.ids,
        meter=parts.meter,
        serves_target=parts.targets.serves,
    )
    return ServedService(load_service("events", EventsOperations.SERVED), operations)
