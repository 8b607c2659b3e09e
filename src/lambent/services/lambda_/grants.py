"""Who may have a function invoked on their behalf: asked by services that keep its ARN in a configuration."""

from lambent.services.lambda_ import names, policies, store
from lambent.storage.database import Database


class Grants:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def lets_s3_notify(self, function_arn: str, bucket_arn: str, account_id: str) -> bool:
        """Whether the function is there and its policy lets S3 invoke it for this bucket.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
        """
        reference = names.parse_arn(function_arn)
        if reference is None:
            return False
        found = self._database.read(lambda tx: store.find_policy(tx, reference.key))
        if found is None:
            return False
        statements, _ = found
        return policies.permits(statements, "s3.amazonaws.com", source_arn=bucket_arn, source_account=account_id)
