"""What clients are served: each AWS API by its model and its operations, and our own pages."""

from lambent.app.parts import Parts
from lambent.delivery.event_source_mappings.internal_page import MappingsPage
from lambent.gateway.auth import Authenticator
from lambent.gateway.dispatch import Gateway, Page
from lambent.gateway.endpoints import ServedService
from lambent.gateway.metrics_page import MetricsPage
from lambent.gateway.website import WebsiteServer
from lambent.services.cloudwatch.operations import CloudWatchOperations
from lambent.services.dynamodb.operations import DynamoOperations
from lambent.services.dynamodb.stream_operations import StreamOperations
from lambent.services.events.operations import EventsOperations
from lambent.services.kinesis.operations import KinesisOperations
from lambent.services.lambda_.internal_pages import InternalPages
from lambent.services.lambda_.operations import LambdaOperations
from lambent.services.logs.operations import LogsOperations
from lambent.services.logs.tail_operations import TailPage
from lambent.services.s3.operations import S3Operations
from lambent.services.scheduler.operations import SchedulerOperations
from lambent.services.sns.envelopes import CERTIFICATE_PAGE
from lambent.services.sns.operations import SnsOperations
from lambent.services.sns.topic_meters import TopicMeters
from lambent.services.sqs import query_names
from lambent.services.sqs.operations import SqsOperations
from lambent.wire.model import load_service


def build_gateway(parts: Parts) -> Gateway:
    settings = parts.settings
    return Gateway(
        _served(parts),
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


def _served(parts: Parts) -> list[ServedService]:
    return [
        ServedService(
            load_service("s3", S3Operations.SERVED, amendments=S3Operations.AMENDMENTS),
            parts.objects,
            allows_anonymous=True,
        ),
        ServedService(
            load_service(
                "lambda",
                LambdaOperations.SERVED,
                open_enums=["Runtime"],
                amendments=LambdaOperations.AMENDMENTS,
            ),
            LambdaOperations(parts.functions),
        ),
        ServedService(load_service("logs", LogsOperations.SERVED), parts.logs),
        ServedService(load_service("events", EventsOperations.SERVED), parts.events),
        ServedService(
            load_service("cloudwatch", CloudWatchOperations.SERVED),
            CloudWatchOperations(parts.database, parts.clock),
        ),
        ServedService(
            load_service("dynamodb", DynamoOperations.SERVED, opaque={"AttributeValue"}),
            DynamoOperations(parts.tables),
        ),
        ServedService(
            load_service("dynamodbstreams", StreamOperations.SERVED, opaque={"AttributeValue"}),
            StreamOperations(parts.database, parts.clock),
        ),
        ServedService(load_service("kinesis", KinesisOperations.SERVED), KinesisOperations(parts.streams)),
        ServedService(
            load_service("sns", SnsOperations.SERVED, amendments=SnsOperations.AMENDMENTS),
            SnsOperations(parts.database, parts.clock, parts.ids, TopicMeters(parts.meter)),
        ),
        ServedService(load_service("scheduler", SchedulerOperations.SERVED), parts.scheduler),
        _queues(parts),
    ]


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


def _queues(parts: Parts) -> ServedService:
    served, open_enums = SqsOperations.SERVED, query_names.OPEN_ENUMS
    return ServedService(
        load_service("sqs", served, open_enums=open_enums, amendments=query_names.AMENDMENTS),
        SqsOperations(parts.queues),
        allows_anonymous=True,
        query=load_service("sqs", served, open_enums=open_enums, amendments=query_names.QUERY_AMENDMENTS),
    )
