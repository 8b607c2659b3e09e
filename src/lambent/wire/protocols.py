"""Which codec speaks which protocol: the one table dispatch needs."""

from collections.abc import Callable, Mapping

from lambent.wire.amz_cbor import AmzCbor
from lambent.wire.aws_json import AwsJson
from lambent.wire.codec import Codec
from lambent.wire.model import ServiceModel
from lambent.wire.query import Query
from lambent.wire.rest_json import RestJson
from lambent.wire.rest_xml import RestXml
from lambent.wire.rpc_cbor import RpcCbor

CODECS: Mapping[str, Callable[[ServiceModel], Codec]] = {
    "rest-xml": RestXml,
    "rest-json": RestJson,
    "json": AwsJson,
    "query": Query,
    "rpc-v2-cbor": RpcCbor,
    "amz-cbor": AmzCbor,
}


def build_codec(model: ServiceModel, protocol: str | None = None) -> Codec:
    """The codec of `protocol` (its AWS name), of the model's own one by default."""
    return CODECS[protocol or model.protocol](model)
