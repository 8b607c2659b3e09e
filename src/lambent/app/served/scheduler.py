import random

from lambent.app.parts import Parts
from lambent.gateway.endpoints import ServedService
from lambent.services.scheduler.operations import SchedulerOperations
from lambent.wire.model import load_service


def build(parts: Parts) -> ServedService:
    operations = SchedulerOperations(
        parts.database, parts.clock, accepts=parts.is_target_of_schedules, spread=random.random
    )
    return ServedService(load_service("scheduler", SchedulerOperations.SERVED), operations)
