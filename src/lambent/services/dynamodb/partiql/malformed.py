"""What is said of statements that cannot be read. The details after the colon are those of AWS's parser."""

from lambent.services.dynamodb.errors import ValidationException


def malformed(detail: str = "") -> ValidationException:
    """Without a detail: text that holds no tokens, as AWS says it."""
    return ValidationException(f"Statement wasn't well formed, can't be processed: {detail}")
