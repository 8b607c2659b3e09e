from lambent.app.parts import Parts
from lambent.gateway.endpoints import ServedService
from lambent.services.s3.operations import S3Operations
from lambent.wire.model import load_service


def build(parts: Parts) -> ServedService:
    model = load_service("s3", S3Operations.SERVED, amendments=S3Operations.AMENDMENTS)
    return ServedService(model, parts.objects, allows_anonymous=True)
