"""Settings from the file, the environment and options: what wins, what is refused, and where paths lead."""

from __future__ import annotations

from pathlib import Path

import pytest

from ivr.config import Settings
from ivr.errors import ConfigError
from ivr.settings import load_settings

pytestmark = pytest.mark.unit

SHIPPED = Path(__file__).parents[1] / "ivr.yaml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(folder: Path, text: str, environ: dict[str, str] | None = None, **overrides: object) -> Settings:
    file = folder / "bot.yaml"
    file.write_text(text, encoding="utf-8")
    return load_settings(Path("bot.yaml"), environ or {}, {key.replace("__", "."): v for key, v in overrides.items()})


def refusal(folder: Path, text: str, environ: dict[str, str] | None = None, **overrides: object) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        load(folder, text, environ, **overrides)
    return str(refused.value).splitlines()


def test_without_a_file_the_built_in_settings_hold(folder: Path) -> None:
    settings = load_settings(None, {})
    assert settings.sip == Settings().sip
    assert settings.flows == str(folder / "flows")


def test_the_file_in_the_current_folder_is_found(folder: Path) -> None:
    (folder / "ivr.yaml").write_text("sip: {port: 5099}")
    assert load_settings(None, {}).sip.port == 5099


@pytest.mark.parametrize("text", ["", "# nothing set\n"])
def test_an_empty_file_changes_nothing(folder: Path, text: str) -> None:
    assert load(folder, text).sip == Settings().sip


def test_the_shipped_file_is_complete_and_correct() -> None:
    settings = load_settings(SHIPPED, {})
    assert settings.default_flow == settings.numbers["demo"].flow == "demo"
    assert settings.targets["agent"].sip == "sip:agent@127.0.0.1:5070"
    assert Path(settings.flows, "demo.yaml").is_file()
    text = SHIPPED.read_text(encoding="utf-8")
    assert all(f"\n{section}:" in text for section in Settings.model_fields)


def test_environment_goes_before_the_file_and_options_before_both(folder: Path) -> None:
    text = "sip: {port: 5061, udp: true, address: 10.0.0.1}"
    environ = {"IVR_SIP__PORT": "5062", "IVR_SIP__UDP": "false", "IVR_LOG__LEVEL": "debug"}
    settings = load(folder, text, environ, sip__port=5063, log__level=None)
    assert (settings.sip.port, settings.sip.udp, settings.sip.address) == (5063, False, "10.0.0.1")
    assert settings.log.level == "debug"


def test_lists_and_new_entries_come_from_the_environment_too(folder: Path) -> None:
    environ = {
        "IVR_SIP__CODECS": "[PCMU, G722]",
        "IVR_TARGETS__OFFICE__SIP": "sip:office@example.com",
        "IVR_NUMBERS": "{100: {flow: a}}",
        "IVR_DEFAULT_FLOW": "other",
    }
    settings = load(folder, "targets: {agent: {sip: 'sip:a@b'}}", environ)
    assert settings.sip.codecs == ("PCMU", "G722")
    assert set(settings.targets) == {"agent", "office"}
    assert settings.numbers["100"].flow == "a"
    assert settings.default_flow == "other"


def test_a_time_zone_must_exist(folder: Path) -> None:
    assert load(folder, "timezone: Europe/Berlin").timezone == "Europe/Berlin"
    (mistake,) = refusal(folder, "timezone: Europe/Nowhere")
    assert "there is no time zone 'Europe/Nowhere'; write for example Europe/Berlin" in mistake


def test_other_programs_variables_are_left_alone(folder: Path) -> None:
    assert load(folder, "", {"IVR_MODELS_DIR": "/x", "PATH": "/bin", "SIP__PORT": "1"}).sip.port == 5060


def test_a_misspelt_variable_is_refused(folder: Path) -> None:
    assert refusal(folder, "", {"IVR_SPI__PORT": "5070"}) == [
        "environment variable IVR_SPI__PORT: no such setting; did you mean 'IVR_SIP'?"
    ]


def test_what_the_environment_or_an_option_got_wrong_is_said_of_them(folder: Path) -> None:
    environ = {"IVR_SIP__PORT": "high", "IVR_SIP__CODECS": "[PCMA"}
    assert refusal(folder, "sip: {port: 5060}", environ, log__level="loud") == [
        "environment variable IVR_SIP__PORT: 'high' does not fit 'port'; write a whole number",
        "environment variable IVR_SIP__CODECS: '[PCMA' does not fit 'codecs'; write a list",
        "option log.level: 'loud' does not fit 'level'; write one of: debug, info, warning, error",
    ]


def test_without_a_file_the_key_is_named(folder: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"^environment variable IVR_SIP__PORT: 99999 does not fit|'99999' does not fit"
    ):
        load_settings(None, {"IVR_SIP__PORT": "99999"})


def test_secrets_come_from_the_environment(folder: Path) -> None:
    text = "sip: {accounts: {office: {uri: 'sip:100@pbx', password: '${OFFICE_PASSWORD}'}}}\n"
    text += "database: {url: 'postgresql://ivr:${DB_PASSWORD}@db/ivr'}\n"
    settings = load(folder, text, {"OFFICE_PASSWORD": "geheim", "DB_PASSWORD": "tief"})
    password = settings.sip.accounts["office"].password
    assert password is not None and password.get_secret_value() == "geheim"
    assert "geheim" not in repr(settings)
    assert settings.database.url == "postgresql://ivr:tief@db/ivr"


def test_a_missing_variable_is_named_with_its_place_and_key(folder: Path) -> None:
    text = "sip:\n  accounts:\n    office: {uri: 'sip:100@pbx', password: '${OFFICE_PASSWORD}'}\n"
    assert refusal(folder, text) == [
        "bot.yaml:3:44: sip.accounts.office.password: the environment variable OFFICE_PASSWORD is not set; "
        "set it before the start"
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("sip: {accounts: {office: {uri: 'sip:1@pbx', password: hunter2}}}", "1:55: sip.accounts.office.password"),
        ("sip: {accounts: {office: {uri: 'sip:1@pbx', password: 123456}}}", "1:55: sip.accounts.office.password"),
        ("sip: {accounts: {office: {uri: 'sip:1@pbx', password: 'a${B}'}}}", "1:55: sip.accounts.office.password"),
        ("database: {url: 'postgresql://ivr:hunter2@db/ivr'}", "1:17: database.url"),
    ],
)
def test_a_secret_in_the_file_is_refused_without_repeating_it(folder: Path, text: str, place: str) -> None:
    (line,) = [line for line in refusal(folder, text, {"B": "b"}) if "secret" in line]
    assert line.startswith(f"bot.yaml:{place}: a secret is written in the file; ")
    assert "${" in line and "hunter2" not in line


def test_every_mistake_is_reported_with_its_place(folder: Path) -> None:
    text = "sip:\n  prot: 5060\n  udp: yes\nnumber: {}\nlog: {level: loud}\nlog: {}\nsound: 012\n"
    assert refusal(folder, text) == [
        "bot.yaml:2:3: sip: unknown key 'prot'; did you mean 'port'?",
        "bot.yaml:3:8: sip: 'yes' does not fit 'udp'; write true or false",
        "bot.yaml:4:1: number: unknown key 'number'; did you mean 'numbers'?",
        "bot.yaml:5:14: log: 'loud' does not fit 'level'; write one of: debug, info, warning, error",
        "bot.yaml:6:1: 'log' is already written in line 5; keep one of them",
        "bot.yaml:7:1: sound: unknown key 'sound'; did you mean 'sounds'?",
        'bot.yaml:7:8: 012 can be read as a number in more than one way; write "012" in quotes',
    ]


def test_names_that_lead_nowhere_are_refused(folder: Path) -> None:
    text = "sip: {accounts: {office: {uri: 100@pbx}}}\nnumbers: {100: {flow: a, account: ofice}}\n"
    text += "targets: {agent: {sip: agent@pbx, account: other}}\n"
    assert refusal(folder, text) == [
        "bot.yaml:1:32: sip.accounts.office.uri: '100@pbx' is not a SIP address; write it as sip:user@host",
        "bot.yaml:2:35: numbers.100.account: there is no account 'ofice' under sip: accounts; did you mean 'office'?",
        "bot.yaml:3:24: targets.agent.sip: 'agent@pbx' is not a SIP address; write it as sip:user@host",
        "bot.yaml:3:44: targets.agent.account: there is no account 'other' under sip: accounts; use one of: office",
    ]


def test_queues_that_overflow_nowhere_or_in_a_circle_are_refused(folder: Path) -> None:
    text = "queues:\n  a: {overflow: b}\n  b: {overflow: c}\n  c: {overflow: b}\n  d: {overflow: aa}\n"
    remedy = "leave out one `overflow:` of them"
    assert refusal(folder, text) == [
        f"bot.yaml:3:17: queues.b.overflow: the queues overflow in a circle (b → c → b); {remedy}",
        "bot.yaml:5:17: queues.d.overflow: there is no queue 'aa' under queues:; did you mean 'a'?",
    ]


def test_an_account_is_missed_where_there_are_none(folder: Path) -> None:
    assert refusal(folder, "numbers: {100: {flow: a, account: office}}") == [
        "bot.yaml:1:35: numbers.100.account: there is no account 'office' under sip: accounts; add it"
    ]


def test_one_of_several_numbers_is_asked_for(folder: Path) -> None:
    assert refusal(folder, "sip: {sample_rate_hz: 44100}") == [
        "bot.yaml:1:23: sip: 44100 does not fit 'sample_rate_hz'; write 8000 or 16000"
    ]


def test_a_file_that_is_not_there_or_is_not_settings_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"^none.yaml: cannot be read \(No such file or directory\); check its name"):
        load_settings(Path("none.yaml"), {})
    assert refusal(folder, "- a") == [
        "bot.yaml:1:1: the settings are a group of keys; write `sip:`, `numbers:` and so on"
    ]
    assert refusal(folder, "sip: *")[0].startswith("bot.yaml:1:6: a bare * marks an alias")
    assert refusal(folder, "sip:") == [
        "bot.yaml:1:1: sip: nothing is written after 'sip'; write a value (text that begins with # goes in quotes)"
    ]


def test_paths_in_the_file_are_relative_to_its_folder(folder: Path) -> None:
    below = folder / "etc"
    below.mkdir()
    (below / "ivr.yaml").write_text(
        "flows: dialogs\nsounds: ../sounds\nspeech: {cache_dir: cache, models: {en: models/mine, de: de}}\n"
        "database: {url: 'sqlite:///var/calls.db?timeout=5', spool_dir: /var/spool/ivr}\n"
    )
    settings = load_settings(Path("etc/ivr.yaml"), {})
    assert settings.flows == str(below / "dialogs")
    assert settings.sounds == str(folder / "sounds")
    assert settings.speech.cache_dir == str(below / "cache")
    assert settings.speech.models == {"en": str(below / "models" / "mine"), "de": "de"}
    assert settings.database.url == f"sqlite:///{below}/var/calls.db?timeout=5"
    assert settings.database.spool_dir == "/var/spool/ivr"


def test_paths_from_elsewhere_are_relative_to_the_current_folder(folder: Path) -> None:
    below = folder / "etc"
    below.mkdir()
    (below / "ivr.yaml").write_text("flows: dialogs")
    environ = {"IVR_DATABASE__SPOOL_DIR": "spool"}
    settings = load_settings(Path("etc/ivr.yaml"), environ, {"flows": "mine"})
    assert settings.flows == str(folder / "mine")
    assert settings.database.spool_dir == str(folder / "spool")


@pytest.mark.parametrize(
    "url", ["sqlite:////abs/calls.db", "sqlite://", "sqlite:///:memory:", "postgresql+psycopg://db/ivr"]
)
def test_database_addresses_without_a_relative_path_are_kept(folder: Path, url: str) -> None:
    assert load(folder, f"database: {{url: '{url}'}}").database.url == url


# --- services beyond the call

SERVICES = """
requests:
  hosts:
    crm.example.com: {headers: {Authorization: "Bearer ${CRM_TOKEN}"}, ca_file: ca.pem}
send:
  outbox_dir: box
  webhooks: {crm: {url: "https://crm.example.com/x", secret: "${HOOK}", ca_file: ca.pem}}
  mail: {host: mail.example.com, sender: ivr@example.com, password: "${MAIL}", ca_file: ca.pem}
hours_dir: hours
"""


def test_files_of_services_are_relative_to_the_settings_file(tmp_path: Path) -> None:
    file = tmp_path / "ivr.yaml"
    file.write_text(SERVICES, encoding="utf-8")
    settings = load_settings(file, {"CRM_TOKEN": "t0ken", "HOOK": "h00k", "MAIL": "m4il"})
    host, hook, mail = settings.requests.hosts["crm.example.com"], settings.send.webhooks["crm"], settings.send.mail
    assert mail is not None
    assert {host.ca_file, hook.ca_file, mail.ca_file} == {str(tmp_path / "ca.pem")}
    assert (settings.send.outbox_dir, settings.hours_dir) == (str(tmp_path / "box"), str(tmp_path / "hours"))
    assert host.headers["Authorization"].get_secret_value() == "Bearer t0ken"
    assert not {"t0ken", "h00k", "m4il"} & set(repr(settings).replace("'", " ").split())
    assert "t0ken" not in repr(settings) and "h00k" not in repr(settings) and "m4il" not in repr(settings)


@pytest.mark.parametrize(
    ("key", "written"),
    [('Authorization: "Bearer ${CRM_TOKEN}"', "Authorization: Basic YWJj"), ("${HOOK}", "h00k"), ("${MAIL}", "m4il")],
)
def test_credentials_of_services_are_not_written_out(tmp_path: Path, key: str, written: str) -> None:
    file = tmp_path / "ivr.yaml"
    file.write_text(SERVICES.replace(key, written), encoding="utf-8")
    with pytest.raises(ConfigError, match="a secret is written in the file"):
        load_settings(file, {"CRM_TOKEN": "x", "HOOK": "x", "MAIL": "x"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('requests: {hosts: ["https://crm.example.com"]}', "is not a host; write crm.example.com"),
        ("requests: {hosts: {crm.example.com: {hedders: {}}}}", "did you mean 'headers'?"),
        ("send: {webhooks: {crm: {url: crm.example.com}}}", "is not an address for a webhook"),
        ("send: {mail: {host: h, sender: nobody}}", "is not a mail address"),
        ("calendars: {office: {open: {mon-fry: []}}}", "is no weekday"),
        ("calendars: {office: {open: {mon: [9-12]}}}", 'write "09:00-17:30"'),
        ("calendars: {office: {closed: [24.12.2026]}}", "is not a day; write 2026-12-24"),
    ],
)
def test_mistakes_in_services_are_told_with_their_remedy(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "ivr.yaml"
    file.write_text(text + "\n", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_settings(file, {})
    assert said in str(refused.value) and str(refused.value).startswith(f"{file}:1:")
