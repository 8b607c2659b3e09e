"""What clients are served: each AWS API by what its requests look like, and our own pages."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from lambent.app.parts import Parts
from lambent.delivery.event_source_mappings.internal_page import MappingsPage
from lambent.gateway.auth import Authenticator
from lambent.gateway.dispatch import Gateway, Page
from lambent.gateway.endpoints import Offer, ServedService
from lambent.gateway.metrics_page import MetricsPage
from lambent.gateway.routing import ServiceSigns
from lambent.gateway.website import WebsiteServer
from lambent.kit.deferred import Deferred
from lambent.services.lambda_.internal_pages import InternalPages
from lambent.services.logs.tail_operations import TailPage
from lambent.services.sns.envelopes import CERTIFICATE_PAGE

#: First segments of its paths: of all operations that AWS has, so that one we lack is answered by its name.
_LAMBDA_DATES = (
    "2014-11-13",
    "2015-03-31",
    "2016-08-19",
    "2017-03-31",
    "2017-10-31",
    "2018-10-31",
    "2019-09-25",
    "2019-09-30",
    "2020-04-22",
    "2020-06-30",
    "2021-07-20",
    "2021-10-31",
    "2021-11-15",
    "2024-08-31",
    "2025-11-30",
    "2025-12-01",
    "2026-07-09",
)

#: In the order of the health page. The models say all this as well, but reading them is a fifth of the start;
#: `tests/unit/app/test_services.py` compares. What is behind has `build(parts)` and is loaded when first asked for.
SERVICES: Sequence[tuple[ServiceSigns, Deferred]] = (
    (ServiceSigns("s3", ("rest-xml",), "s3"), Deferred("lambent.app.served.s3")),
    (
        ServiceSigns("lambda", ("rest-json",), "lambda", path_segments=_LAMBDA_DATES),
        Deferred("lambent.app.served.lambda_"),
    ),
    (ServiceSigns("logs", ("json",), "logs", "Logs_20140328"), Deferred("lambent.app.served.logs")),
    (ServiceSigns("events", ("json",), "events", "AWSEvents"), Deferred("lambent.app.served.events")),
    (
        ServiceSigns(
            "cloudwatch",
            ("rpc-v2-cbor", "json", "query"),
            "monitoring",
            "GraniteServiceVersion20100801",
            api_version="2010-08-01",
        ),
        Deferred("lambent.app.served.cloudwatch"),
    ),
    (
        ServiceSigns("dynamodb", ("json",), "dynamodb", "DynamoDB_20120810"),
        Deferred("lambent.app.served.dynamodb"),
    ),
    (
        ServiceSigns("dynamodbstreams", ("json",), "dynamodb", "DynamoDBStreams_20120810"),
        Deferred("lambent.app.served.dynamodbstreams"),
    ),
    (ServiceSigns("kinesis", ("json",), "kinesis", "Kinesis_20131202"), Deferred("lambent.app.served.kinesis")),
    (
        ServiceSigns(
            "sns",
            ("query",),
            "sns",
            api_version="2010-03-31",
            open_actions=("ConfirmSubscription", "Unsubscribe"),
        ),
        Deferred("lambent.app.served.sns"),
    ),
    (
        ServiceSigns("scheduler", ("rest-json",), "scheduler", path_segments=("schedule-groups", "schedules", "tags")),
        Deferred("lambent.app.served.scheduler"),
    ),
    (
        ServiceSigns("sqs", ("json", "query"), "sqs", "AmazonSQS", api_version="2012-11-05"),
        Deferred("lambent.app.served.sqs"),
    ),
)


def build_gateway(parts: Parts) -> Gateway:
    settings = parts.settings
    return Gateway(
        [Offer(signs, partial(_build, module, parts)) for signs, module in SERVICES],
        authenticator=Authenticator(
            parts.credentials,
            clock=parts.clock,
            region=settings.region,
            account_id=settings.account_id,
            is_open=not settings.auth,
        ),
        ids=parts.ids,
        website=WebsiteServer(parts.objects.site),
        pages=_pages(parts),
    )


def preloads(gateway: Gateway) -> Iterator[Callable[[], object]]:
    """What the first request for each service would otherwise wait for, in portions."""
    for signs, module in SERVICES:
        yield module.load
        yield partial(gateway.endpoints.build, signs.name)


def _build(module: Deferred, parts: Parts) -> ServedService:
    service: ServedService = module.load().build(parts)
    return service


def _pages(parts: Parts) -> dict[str, Page]:
    """By name, under `/_lambent/`."""
    functions = InternalPages(parts.functions)
    return {
        "events": Page(functions.recent_events),
        "packages": Page(functions.package, is_public=True),
        "event-source-mappings": Page(MappingsPage(parts.mappings).serve),
        "tail": Page(TailPage(parts.tails).serve),
        CERTIFICATE_PAGE: Page(parts.signer.serve_certificate, is_public=True),
        "metrics": Page(MetricsPage(parts.meter, parts.figures.families).serve, takes_password=True),
    }
