"""Update expressions: SET, REMOVE, ADD and DELETE, all computed from the item as it was before."""

from dataclasses import dataclass

from lambent.services.dynamodb.expressions.paths import Path
from lambent.services.dynamodb.expressions.placeholders import Placeholders
from lambent.services.dynamodb.values import Item


@dataclass(frozen=True, slots=True)
class Update:
    #: Every path it writes: what UPDATED_OLD and UPDATED_NEW return (`projections.pick_paths`).
    paths: tuple[Path, ...]

    def check_keys(self, key_names: tuple[str, ...]) -> None:
        """Raises ValidationException when it writes to a key attribute; call before anything else."""
        raise NotImplementedError

    def apply(self, item: Item) -> Item:
        """The new item; `item` (key attributes only, if it did not exist) stays as it is. Raises ValidationException."""
        raise NotImplementedError


def compile_update(text: str, placeholders: Placeholders) -> Update:
    raise NotImplementedError
