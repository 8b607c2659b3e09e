"""Filter patterns: AWS's small language for finding log events, compiled to one function per pattern.

Three dialects, told apart by the first character (Amazon CloudWatch Logs User Guide, "Filter pattern syntax"):
`{ $.a = 1 }` looks into JSON (`json_patterns`), `[ip, status=4*]` into fields between spaces (`field_patterns`), and
anything else is terms: `ERROR -Exiting "an exact phrase" ?one ?other %reg[ex]%`. An empty pattern matches all.
"""

from collections.abc import Callable

from lambent.services.logs import field_patterns, json_patterns
from lambent.services.logs.errors import InvalidParameter
from lambent.services.logs.pattern_regexes import compile_regex
from lambent.services.logs.pattern_text import InvalidPattern, Scanner

Matcher = Callable[[str], bool]

#: Terms are "alphanumeric"; anything else belongs in quotation marks. Underscores have always been accepted.
_TERM_STOPS = frozenset(' \t\r\n"%')


def compile_pattern(pattern: str) -> Matcher:
    """Raises InvalidPattern, whose text is AWS's."""
    text = pattern.strip()
    if text.startswith("{"):
        return json_patterns.compile_json(text)
    if text.startswith("["):
        return field_patterns.compile_fields(text)
    return _compile_terms(text)


def compile_message_filter(pattern: str) -> Callable[[bytes], bool] | None:
    """The same for stored messages; None if all pass. Raises InvalidParameter."""
    if not pattern.strip():
        return None
    try:
        matches = compile_pattern(pattern)
    except InvalidPattern as error:
        raise InvalidParameter(f"Invalid filter pattern: {error}") from error
    return lambda message: matches(message.decode("utf-8", "replace"))


def _compile_terms(text: str) -> Matcher:
    """Every plain term occurs, no excluded one does, and of the optional (`?`) ones at least one.

    Optional terms beside others do not narrow the search: AWS documents `?ERROR REQUEST` to match like `REQUEST`.
    """
    required: list[Matcher] = []
    excluded: list[Matcher] = []
    optional: list[Matcher] = []
    kinds = {"": required, "-": excluded, "?": optional}
    scanner = Scanner(text)
    while not scanner.at_end():
        sign = scanner.take_any("-?")
        kinds[sign].append(_term(scanner))
    return _combine(required, excluded, optional)


def _term(scanner: Scanner) -> Matcher:
    scanner.skip_space()
    if scanner.peek() == '"':
        phrase = scanner.take_quoted()
        if not phrase:
            raise InvalidPattern("Invalid character(s) in term '\"\"'")
        return _contains(phrase)
    if scanner.peek() == "%":
        return compile_regex(scanner.take_regex())
    term = scanner.take_until(_TERM_STOPS)
    if not term or not all(character.isalnum() or character == "_" for character in term):
        raise InvalidPattern(f"Invalid character(s) in term '{term}'")
    return _contains(term)


def _contains(term: str) -> Matcher:
    return lambda message: term in message


def _combine(required: list[Matcher], excluded: list[Matcher], optional: list[Matcher]) -> Matcher:
    if not required and not excluded:
        if not optional:
            return lambda _: True
        return lambda message: any(matches(message) for matches in optional)
    if len(required) == 1 and not excluded:
        return required[0]
    return lambda message: (
        all(matches(message) for matches in required) and not any(matches(message) for matches in excluded)
    )
