from urllib.parse import urlsplit

from lambent.services.lambda_ import links

SECRET = b"secret"


def test_a_link_is_good_for_ten_minutes() -> None:
    query = urlsplit(links.make_link("http://localhost:4566", "ab12", now=1000.0, secret=SECRET)).query
    assert links.package_of(query, now=1000.0, secret=SECRET) == "ab12"
    assert links.package_of(query, now=1600.0, secret=SECRET) == "ab12"
    assert links.package_of(query, now=1601.0, secret=SECRET) is None


def test_a_changed_link_is_none() -> None:
    query = urlsplit(links.make_link("http://localhost:4566", "ab12", now=1000.0, secret=SECRET)).query
    for changed in (query.replace("ab12", "ab13"), query.replace("=1600", "=9999"), "", "package=ab12", f"{query}é"):
        assert links.package_of(changed, now=1000.0, secret=SECRET) is None
    assert links.package_of(query, now=1000.0, secret=b"other") is None
