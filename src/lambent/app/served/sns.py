from lambent.app.parts import Parts
from lambent.gateway.endpoints import ServedService
from lambent.services.sns.operations import SnsOperations
from lambent.services.sns.topic_meters import TopicMeters
from lambent.wire.model import load_service


def build(parts: Parts) -> ServedService:
    model = load_service("sns", SnsOperations.SERVED, amendments=SnsOperations.AMENDMENTS)
    return ServedService(model, SnsOperations(parts.database, parts.clock, parts.ids, TopicMeters(parts.meter)))
