"""InvalidExpression: what is wrong with an expression, before it is known which parameter it came in."""

from lambent.services.dynamodb.errors import ValidationException


class InvalidExpression(Exception):
    """The message is what AWS says after "Invalid ConditionExpression: " (or another parameter's name)."""

    def in_parameter(self, parameter: str) -> ValidationException:
        return ValidationException(f"Invalid {parameter}: {self}")


def incorrect_type(function: str, kind: str) -> InvalidExpression:
    return InvalidExpression(
        f"Incorrect operand type for operator or function; operator or function: {function}, operand type: {kind}"
    )


def path_required(function: str) -> InvalidExpression:
    return InvalidExpression(f"Operator or function requires a document path; operator or function: {function}")


def misused_function(function: str) -> InvalidExpression:
    return InvalidExpression(f"The function is not allowed to be used this way in an expression; function: {function}")
