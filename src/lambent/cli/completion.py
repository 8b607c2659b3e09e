"""Completing the names of functions: asks the platform that the environment names, and stays silent if none answers."""

import os

from lambent.cli.client import DEFAULT_ENDPOINT, DEFAULT_REGION, Client
from lambent.cli.failure import Failure
from lambent.cli.function_list import list_functions


def complete_function(incomplete: str) -> list[str]:
    endpoint = os.environ.get("LAMBENT_ENDPOINT") or os.environ.get("AWS_ENDPOINT_URL") or DEFAULT_ENDPOINT
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    try:
        names = [str(one["FunctionName"]) for one in list_functions(Client(endpoint, region))]
    except Failure:
        return []
    return [name for name in names if name.startswith(incomplete)]
