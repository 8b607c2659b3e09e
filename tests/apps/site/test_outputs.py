"""How files are published: type, cache rule, order."""

import pytest

from sitebuilder import outputs
from sitebuilder.outputs import ALWAYS_CHECK, FOREVER, ONE_HOUR, Stage

SHA256 = "5cdb63dab2542227ddab512227420e92cdcf40fbb25bbdc14420c4e84fcdbd22"


@pytest.mark.parametrize(
    ("path", "content_type", "cache_control"),
    [
        ("index.html", "text/html; charset=utf-8", ALWAYS_CHECK),
        ("posts/INDEX.HTML", "text/html; charset=utf-8", ALWAYS_CHECK),
        ("index.xml", "application/xml; charset=utf-8", ALWAYS_CHECK),
        ("robots.txt", "text/plain; charset=utf-8", ALWAYS_CHECK),
        ("css/plain.css", "text/css; charset=utf-8", ALWAYS_CHECK),
        (f"css/lantern.min.{SHA256}.css", "text/css; charset=utf-8", FOREVER),
        (f"js/main.{SHA256[:32]}.js", "text/javascript; charset=utf-8", FOREVER),
        ("img/cat_hu_6a3a8cb1a3b1f3c4.webp", "image/webp", FOREVER),
        ("img/cat_hu6a3a8cb1a3b1f3c4.webp", "image/webp", FOREVER),
        ("img/cat.webp", "image/webp", ONE_HOUR),
        ("favicon.svg", "image/svg+xml; charset=utf-8", ONE_HOUR),
        ("font/a.woff2", "font/woff2", ONE_HOUR),
        ("CNAME", "application/octet-stream", ALWAYS_CHECK),
        ("data.unheard-of", "application/octet-stream", ALWAYS_CHECK),
    ],
)
def test_headers(path: str, content_type: str, cache_control: str) -> None:
    assert outputs.content_type(path) == content_type
    assert outputs.cache_control(path) == cache_control


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        (f"css/lantern.min.{SHA256}.css", Stage.FINGERPRINTED),
        ("favicon.svg", Stage.ASSET),
        ("robots.txt", Stage.ASSET),
        ("posts/a/index.html", Stage.PAGE),
        ("404.html", Stage.PAGE),
        ("about/index.html", Stage.PAGE),
        ("posts/index.html", Stage.LIST),
        ("index.html", Stage.LIST),
        ("posts/index.xml", Stage.FEED),
        ("sitemap.xml", Stage.FEED),
    ],
)
def test_stages(path: str, stage: Stage) -> None:
    site = [
        f"css/lantern.min.{SHA256}.css",
        "favicon.svg",
        "robots.txt",
        "posts/a/index.html",
        "404.html",
        "about/index.html",
        "posts/index.html",
        "index.html",
        "posts/index.xml",
        "sitemap.xml",
    ]
    assert outputs.stages(site)[path] is stage


def test_a_site_of_one_page_has_a_home() -> None:
    assert outputs.stages(["index.html"]) == {"index.html": Stage.LIST}
