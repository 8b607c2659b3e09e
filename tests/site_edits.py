"""Edits as people make them, on a site that is a mapping of keys to contents. Each returns the site after the edit."""

import re
import struct
import zlib
from collections.abc import Callable, Mapping
from random import Random

Sources = Mapping[str, bytes]


def _page(site: Sources, choice: Random) -> str:
    return choice.choice(sorted(key for key in site if key.startswith("content/") and key.endswith(".md")))


def _text(site: Sources, key: str) -> str:
    return site[key].decode()


def _with_field(text: str, name: str, value: str) -> str:
    """The front matter with that field, in place of the one it had."""
    _, front, body = text.split("---\n", 2)
    kept = "".join(line for line in front.splitlines(keepends=True) if not line.startswith(f"{name}:"))
    return f"---\n{kept}{name}: {value}\n---\n{body}"


def _field(name: str, value: Callable[[Random], str]) -> Callable[[Sources, Random], Sources]:
    def edit(site: Sources, choice: Random) -> Sources:
        key = _page(site, choice)
        return {**site, key: _with_field(_text(site, key), name, value(choice)).encode()}

    edit.__name__ = name
    return edit


def body(site: Sources, choice: Random) -> Sources:
    key = _page(site, choice)
    return {**site, key: site[key] + f"\nMore {choice.random()}.\n".encode()}


def first_paragraph(site: Sources, choice: Random) -> Sources:
    key = _page(site, choice)
    _, front, text = _text(site, key).split("---\n", 2)
    return {**site, key: f"---\n{front}---\n\nBegins {choice.random()}. {text.lstrip()}".encode()}


def new(site: Sources, choice: Random) -> Sources:
    like, number = _page(site, choice), choice.randrange(1000)
    folder = re.sub(r"/[^/]*$", "", like)
    key = f"{folder}/new-{number}.md" if not like.endswith(("index.md", "index.de.md")) else f"content/new-{number}.md"
    front = f"title: New {number}\ndate: 2024-{choice.randint(1, 12):02}-02\ntags: [odd, n{number % 3}]"
    return {**site, key: f"---\n{front}\n---\n\nNew text.\n".encode()}


def delete(site: Sources, choice: Random) -> Sources:
    gone = _page(site, choice)
    return {key: content for key, content in site.items() if key != gone}


def move(site: Sources, choice: Random) -> Sources:
    key = _page(site, choice)
    return {**delete_key(site, key), f"content/moved/{choice.randrange(1000)}/index.md": site[key]}


def template(site: Sources, choice: Random) -> Sources:
    key = choice.choice(sorted(key for key in site if "layouts/" in key and "_partials" not in key and "html" in key))
    return {**site, key: site[key].replace(b"<h1>", f'<h1 id="h{choice.randrange(99)}">'.encode(), 1)}


def partial(site: Sources, choice: Random) -> Sources:
    key = choice.choice(sorted(key for key in site if "_partials/" in key))
    return {**site, key: site[key].rstrip() + f"<i>{choice.randrange(1000)}</i>\n".encode()}


def data(site: Sources, choice: Random) -> Sources:
    return {**site, "data/site.toml": f'motto = "{choice.random()}"\n'.encode()}


def config(site: Sources, choice: Random) -> Sources:
    text = re.sub(rb'^title = ".*"', f'title = "T {choice.random()}"'.encode(), site["hugo.toml"], flags=re.MULTILINE)
    return {**site, "hugo.toml": text}


def asset(site: Sources, choice: Random) -> Sources:
    return {**site, "assets/site.css": f"body {{ margin: {choice.random()}px }}".encode()}


def static(site: Sources, choice: Random) -> Sources:
    """Added, replaced, or removed; also where a page or a theme has a file of that name."""
    key = f"static/{choice.choice(['note.txt', 'a/b.bin', 'index.html', 'new.svg', 'content/x.txt'])}"
    if key in site and choice.random() < 0.5:
        return delete_key(site, key)
    return {**site, key: choice.randbytes(40)}


def image(site: Sources, choice: Random) -> Sources:
    """In a bundle where there is one."""
    bundles = sorted(key for key in site if key.endswith("/index.md"))
    folder = choice.choice(bundles).removesuffix("index.md") if bundles else "static/"
    return {**site, f"{folder}picture.png": png(choice)}


def png(choice: Random, side: int = 8) -> bytes:
    """A square of some grey."""
    rows = b"".join(b"\0" + choice.randbytes(side) for _ in range(side))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    chunks = (struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def delete_key(site: Sources, gone: str) -> Sources:
    return {key: content for key, content in site.items() if key != gone}


EDITS: tuple[Callable[[Sources, Random], Sources], ...] = (
    body,
    first_paragraph,
    _field("title", lambda choice: f'"Title {choice.random()}"'),
    _field("date", lambda choice: f"20{choice.randint(20, 25)}-{choice.randint(1, 12):02}-03"),
    _field("tags", lambda choice: f"[{choice.choice(['odd', 'even', 'far', 'rare'])}]"),
    _field("draft", lambda choice: choice.choice(["true", "false"])),
    new,
    delete,
    move,
    template,
    partial,
    data,
    config,
    asset,
    static,
    image,
)
