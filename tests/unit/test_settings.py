"""Where a setting comes from, what is refused, and that the documentation names every one."""

from pathlib import Path

import pytest

from lambent.settings import SETTINGS, Credential, SettingsError, load

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "settings.md"
HOME = {"HOME": "/home/somebody"}


def test_command_line_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    file = tmp_path / "lambent.toml"
    file.write_text("port = 1\nregion = 'eu-west-1'\nidle_seconds = 5\n")
    environ = {**HOME, "LAMBENT_PORT": "2", "LAMBENT_REGION": "eu-west-2"}
    settings = load({"port": 3, "region": None}, environ, file)
    assert (settings.port, settings.region, settings.idle_seconds) == (3, "eu-west-2", 5.0)
    assert settings.data == Path("/home/somebody/.local/share/lambent")
    assert load({}, {**environ, "LAMBENT_CONFIG": str(file)}).idle_seconds == 5.0
    assert load({}, {**environ, "LAMBENT_CPU_QUOTA": "on"}).cpu_quota is True


@pytest.mark.parametrize(
    ("given", "environ", "sentence"),
    [
        ({}, {"LAMBENT_PORT": "http"}, r"LAMBENT_PORT: 'http' cannot be used.*port to listen on"),
        ({"port": -1}, {}, r"--port: -1 cannot be used: must be 0 to 65535"),
        ({"port": 65536}, {}, r"--port: 65536 cannot be used: must be 0 to 65535"),
        ({"isolation": "docker"}, {}, r"--isolation: 'docker' cannot be used: choose one of auto, full"),
        ({}, {"LAMBENT_CREDENTIALS": "onlyakey"}, r"LAMBENT_CREDENTIALS: 'onlyakey' cannot be used"),
        ({}, {"LAMBENT_CREDENTIALS": "k:s:1234"}, r"an account id has 12 digits"),
        ({}, {"LAMBENT_AUTH": "maybe"}, r"LAMBENT_AUTH: 'maybe' cannot be used"),
        ({"host": "0.0.0.0"}, {}, r"0\.0\.0\.0 can be reached by others.*LAMBENT_CREDENTIALS"),
        ({"host": "0.0.0.0"}, {"LAMBENT_CREDENTIALS": "test:test"}, r"can be reached by others"),
        ({"host": "::"}, {"LAMBENT_CREDENTIALS": "k:s", "LAMBENT_AUTH": "off"}, r"can be reached by others"),
    ],
)
def test_unusable_values_are_refused_with_a_sentence(
    given: dict[str, object], environ: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        load(given, {**HOME, **environ})


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("prot = 1", r"sets 'prot', which is not a setting; see docs/settings\.md"),
        ("port = ", r"is not valid TOML"),
    ],
)
def test_config_files_with_mistakes_are_refused(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "c.toml").write_text(content)
    with pytest.raises(SettingsError, match=sentence):
        load({}, HOME, tmp_path / "c.toml")
    with pytest.raises(SettingsError, match="cannot be read"):
        load({}, HOME, tmp_path / "missing.toml")


def test_credentials_come_as_text_or_tables(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[[credentials]]\naccess_key_id='k'\nsecret_access_key='s'\n")
    assert load({}, HOME, tmp_path / "c.toml").credentials == (Credential("k", "s"),)
    settings = load({"host": "0.0.0.0"}, {**HOME, "LAMBENT_CREDENTIALS": "k:s:111122223333,l:t"})
    assert settings.credentials == (Credential("k", "s", "111122223333"), Credential("l", "t"))
    assert load({}, {**HOME, "LAMBENT_ACCOUNT_ID": "111122223333"}).credentials[0].account_id == "111122223333"


def test_every_setting_is_documented() -> None:
    rows = [line.split("|")[1:3] for line in DOCUMENTATION.read_text().splitlines() if line.startswith("| `")]
    assert [(name.strip(" `"), variable.strip(" `")) for name, variable in rows] == [
        (setting.name, setting.variable) for setting in SETTINGS
    ]
