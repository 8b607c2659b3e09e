from lambent.app.parts import Parts
from lambent.gateway.endpoints import ServedService
from lambent.services.lambda_.operations import LambdaOperations
from lambent.wire.model import load_service


def build(parts: Parts) -> ServedService:
    model = load_service(
        "lambda", LambdaOperations.SERVED, open_enums=["Runtime"], amendments=LambdaOperations.AMENDMENTS
    )
    return ServedService(model, LambdaOperations(parts.functions))
