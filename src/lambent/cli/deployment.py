"""What deploying an application takes, whichever it is: plain boto3 against any endpoint, every step repeatable.

A step makes what is missing, brings up to date what differs and leaves the rest alone. `site_deployment` and
`scoreboard_deployment` are made of these.
"""

import base64
import contextlib
import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from lambent.kit.frozen import frozen

#: The interpreter that runs Lambent, which is always there.
RUNTIME = f"python3.{sys.version_info.minor}"


class DeploymentError(Exception):
    """A sentence for the person at the terminal."""


@frozen
class Endpoint:
    url: str
    access_key_id: str
    secret_access_key: str
    region: str
    account_id: str

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            region_name=self.region,
            config=Config(s3={"addressing_style": "path"}, retries={"mode": "standard"}),
        )

    def environment(self) -> dict[str, str]:
        """For a program that reaches this endpoint as it reaches AWS; without the person's own AWS settings."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_DEFAULT_REGION": self.region,
        }


def application_folder(name: str, marker: str) -> Path:
    """apps/NAME: inside the installed package, or in the checkout that this is an editable install of."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_apps" / name, package.parents[1] / "apps" / name):
        if (folder / marker).is_file():
            return folder
    raise DeploymentError(
        f"This installation of Lambent came without apps/{name}; install it again: pip install 'lambent[site]'"
    )


def create_bucket(s3: Any, bucket: str) -> None:
    region = s3.meta.region_name
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):  # there from last time
        s3.create_bucket(Bucket=bucket, **where)


def open_website(s3: Any, bucket: str, **configuration: dict[str, str]) -> None:
    """New buckets refuse public objects and ACLs (since April 2023); a website needs both."""
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False
        ),
    )
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    )
    s3.put_bucket_website(
        Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}, **configuration}
    )


def deploy_function(
    functions: Any, name: str, package: Path, code: Callable[[], dict[str, Any]], configuration: dict[str, Any]
) -> None:
    """`code` is how the package gets there, as CreateFunction's Code; asked for only if it is not there yet."""
    there = _function(functions, name)
    if there is None:
        functions.create_function(FunctionName=name, Code=code(), **configuration)
    elif there["CodeSha256"] != _code_sha256(package):
        functions.update_function_code(FunctionName=name, **code())
        wait_until_deployed(functions, name)
    if there is not None and any(there.get(key) != value for key, value in configuration.items()):
        functions.update_function_configuration(FunctionName=name, **configuration)
    wait_until_deployed(functions, name)


def wait_until_deployed(functions: Any, name: str) -> None:
    functions.get_waiter("function_active_v2").wait(FunctionName=name)
    functions.get_waiter("function_updated_v2").wait(FunctionName=name)


def _function(functions: Any, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = functions.get_function_configuration(FunctionName=name)
    except functions.exceptions.ResourceNotFoundException:
        return None
    return found


def _code_sha256(package: Path) -> str:
    with package.open("rb") as content:
        return base64.b64encode(hashlib.file_digest(content, "sha256").digest()).decode()
