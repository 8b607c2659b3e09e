"""What is wrong with an attribute's value; each operation puts its own words in front."""


class BadAttribute(Exception):
    """`about` as AWS has it behind "Invalid parameter: " (SetTopicAttributes) or "... Attributes Reason: "."""

    def __init__(self, name: str, about: str) -> None:
        """`name`: of the attribute; "" if there is none of that name."""
        super().__init__(about)
        self.name = name
        self.about = about
