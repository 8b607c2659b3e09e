"""What is only built when it is first asked for: that all of it can be built, and is what the start takes it for."""

import asyncio
import os
from dataclasses import replace

import pytest

from lambent.app import services
from lambent.app.parts import Parts
from lambent.gateway.dispatch import Gateway
from lambent.gateway.routing import ServiceSigns
from lambent.kit.clock import SystemClock
from lambent.kit.ids import RandomIds
from lambent.settings import load
from lambent.storage.database import Database
from unit.gateway.requests import segments_of, signs_of

SIGNS = [signs for signs, _ in services.SERVICES]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Gateway:
    folder = tmp_path_factory.mktemp("data")

    async def build() -> Gateway:
        database = Database.open(folder / "lambent.db")
        try:
            settings = load({"data": folder}, os.environ, None)
            return services.build_gateway(Parts(settings, database, SystemClock(), RandomIds()))
        finally:
            await database.close()

    return asyncio.run(build())


@pytest.mark.parametrize("signs", SIGNS, ids=lambda signs: signs.name)
def test_every_service_has_the_methods_it_says_it_serves(gateway: Gateway, signs: ServiceSigns) -> None:
    """Raises MissingMethods, UnknownServedOperation."""
    gateway.endpoints.build(signs.name)


@pytest.mark.parametrize("signs", SIGNS, ids=lambda signs: signs.name)
def test_a_service_is_told_by_what_its_model_says(gateway: Gateway, signs: ServiceSigns) -> None:
    model = gateway.endpoints.service(signs.name).model
    assert replace(signs_of(model), path_segments=()) == replace(signs, path_segments=())
    served = segments_of(model, model.operations)
    known = segments_of(model, model.operation_names)  # newer models of botocore have more
    assert served <= set(signs.path_segments) <= known
