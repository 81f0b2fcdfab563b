"""Settings: where they come from, which wins, and what a wrong one says."""

from __future__ import annotations

import pickle
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from engine.errors import SettingsError
from engine.settings import Secret, Settings, add_arguments, load
from engine.settings.declare import ALL
from engine.settings.table import KEYS


def settings(
    words: Sequence[str] = (),
    *,
    command: str = "executor",
    environ: Mapping[str, str] | None = None,
    folders: Sequence[Path] = (Path("/nowhere"),),
) -> Settings:
    """Return the settings of a command line, seeing only this environment and these folders."""
    parser = ArgumentParser(allow_abbrev=False)
    add_arguments(parser, command)
    return load(parser.parse_args(words), environ=environ or {}, folders=folders)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file that nobody else can read."""
    path = tmp_path / "settings.toml"
    path.touch(mode=0o600)
    return path


def test_without_anything_the_defaults_hold() -> None:
    found = settings()
    assert (found.threads, found.grace, found.zk_root) == (8, 120.0, "/nuvla-engine")
    assert (found.api_url, found.zk_hosts) == ("https://nuvla.io", "127.0.0.1:2181")
    assert found.warnings == ()


def test_the_published_engine_s_command_line_is_understood() -> None:
    words = "--zk-hosts zk1:2181 zk2:2181 --api-url https://n.example --api-key credential/1"
    words += " --api-secret s3cret --api-insecure --name Kenny --es-hosts es1 es2"
    words += " --statsd host:8125 -l WARNING --nuvlaedge-fs /data --job-id job/1"
    found = settings(words.split())
    assert found.zk_hosts == "zk1:2181,zk2:2181"
    assert (found.api_key, found.api_secret) == ("credential/1", Secret("s3cret"))
    assert found.api_insecure and found.name == "Kenny" and found.job_id == "job/1"
    assert found.es_hosts == ("es1", "es2")
    assert (found.statsd, found.log_level, found.nuvlaedge_fs) == ("host:8125", "WARNING", "/data")


def test_the_distributor_s_published_flags_are_understood() -> None:
    words = "--distribution-exclude a b --distribution-interval usage:20 state:5 -d"
    words += " --api-authn-header group/nuvla-admin --zk-hosts zk:2181"
    found = settings(words.split(), command="distributor")
    assert found.exclude == ("a", "b")
    assert dict(found.interval) == {"usage": 20.0, "state": 5.0}
    assert found.log_level == "DEBUG"
    assert found.api_authn_header == Secret("group/nuvla-admin")


def test_the_first_engine_s_command_line_is_understood() -> None:
    words = "--endpoint https://n.example --user super --password s3cret --zk-hosts zk1:2181,zk2"
    found = settings([*words.split(), *["--threads", "10", "--es-hosts-list", "e1", "e2"]])
    assert (found.api_url, found.api_user) == ("https://n.example", "super")
    assert found.zk_hosts == "zk1:2181,zk2"
    assert (found.threads, found.es_hosts) == (10, ("e1", "e2"))


def test_the_published_engine_s_variables_are_read() -> None:
    found = settings(environ={"JOB_LOG_LEVEL": "debug", "JOB_COOKIES": "abcd"})
    assert found.log_level == "DEBUG"
    assert found.api_cookies == Secret("abcd")


def test_each_source_wins_over_the_one_before_it(tmp_path: Path) -> None:
    site, user = tmp_path / "site", tmp_path / "user"
    site.mkdir()
    user.mkdir()
    (site / "settings.toml").write_text("threads = 2\ngrace = 2\nname = 'site'\n")
    (user / "settings.toml").write_text(
        "threads = 3\ngrace = 3\n[profile.prod]\nthreads = 4\nzk-timeout = 4\n"
    )

    def found(*words: str, **environ: str) -> Settings:
        return settings(words, environ=environ, folders=(site, user))

    assert found().name == "site"
    assert (found().threads, found().grace) == (3, 3.0)
    assert (found("--profile", "prod").threads, found("--profile", "prod").grace) == (4, 3.0)
    assert found(NUVLA_PROFILE="prod").profile == "prod"
    assert found("--profile", "prod", NUVLA_THREADS="5").threads == 5
    assert found("--threads", "6", NUVLA_THREADS="5").threads == 6


def test_a_file_that_is_named_is_the_only_one(tmp_path: Path, file: Path) -> None:
    (tmp_path / "settings").mkdir()
    (tmp_path / "settings" / "settings.toml").write_text("threads = 2\n")
    file.write_text("grace = 5\ndefault-profile = 'x'\n[profile.x]\nname = 'x'\n")
    found = settings(["--config", str(file)], folders=[tmp_path / "settings"])
    assert (found.threads, found.grace, found.name, found.profile) == (8, 5.0, "x", "x")
    assert settings(environ={"NUVLA_CONFIG": str(file)}).grace == 5.0


def test_lists_take_several_values_and_repeated_flags_and_path_lists() -> None:
    words = ["--actions-path", "/a", "/b", "--actions-path", "/c"]
    assert settings(words).actions_path == (Path("/a"), Path("/b"), Path("/c"))
    found = settings(environ={"NUVLA_ACTIONS_PATH": "/a:/b", "NUVLA_ES_HOSTS": "e1, e2"})
    assert found.actions_path == (Path("/a"), Path("/b"))
    assert found.es_hosts == ("e1", "e2")


def test_a_file_gives_lists_tables_numbers_and_truths(file: Path) -> None:
    file.write_text(
        'es-hosts = ["e1", "e2"]\nzk-hosts = ["z1:1", "z2:2/root"]\napi-insecure = true\n'
        "zk-timeout = 2.5\n[interval]\njobs_cleanup = 60\n"
    )
    found = settings(["--config", str(file)])
    assert found.es_hosts == ("e1", "e2")
    assert found.zk_hosts == "z1:1,z2:2/root"
    assert found.api_insecure and found.zk_timeout == 2.5
    assert found.interval == (("jobs_cleanup", 60.0),)


@pytest.mark.parametrize(
    ("words", "environ", "parts"),
    [
        (["--threads", "x"], {}, ("threads", "'x'", "--threads", "1 to 512")),
        (["--threads", "0"], {}, ("threads", "'0'", "--threads")),
        ([], {"NUVLA_GRACE": "-1"}, ("grace", "'-1'", "the variable NUVLA_GRACE")),
        ([], {"NUVLA_GRACE": "nan"}, ("grace", "NUVLA_GRACE")),
        ([], {"JOB_LOG_LEVEL": "LOUD"}, ("log-level", "the variable JOB_LOG_LEVEL", "DEBUG")),
        (["--endpoint", "nuvla.io"], {}, ("api-url", "'nuvla.io'", "--endpoint", "https://")),
        (["--api-url", "https://h:99999"], {}, ("api-url", "--api-url")),
        (["--zk-hosts", "a b;c"], {}, ("zk-hosts", "--zk-hosts")),
        (["--zk-root", "/a/../b"], {}, ("zk-root", "--zk-root")),
        (["--on-unknown-action", "skip"], {}, ("on-unknown-action", "fail, leave")),
        ([], {"NUVLA_API_INSECURE": "perhaps"}, ("api-insecure", "neither true nor false")),
        (["--profile", "prod"], {}, ("profile", "'prod'", "known: none")),
        (["--config", "/no/such.toml"], {}, ("/no/such.toml", "cannot be read")),
        (["--name", "a\nb"], {}, ("name", "control characters")),
        (["--zk-acl", "everyone"], {}, ("zk-acl", "'everyone'", "sasl:engine:cdrwa")),
        (["--zk-acl", "sasl:a:cdrwx"], {}, ("zk-acl", "--zk-acl")),
        (["--statsd", "a b"], {}, ("statsd", "statsd.example.org:8125")),
        (["--statsd", "a:65536"], {}, ("statsd", "--statsd")),
        (["--metrics-port", "0"], {}, ("metrics-port", "1 to 65535")),
    ],
)
def test_a_wrong_value_names_its_key_and_its_source(
    words: list[str], environ: dict[str, str], parts: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(words, environ=environ)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("threads = 'many'", ("threads", "'many'", "settings.toml")),
        ("[profile.p]\nthreads = true", ("threads", "[profile.p]", "settings.toml")),
        ("thread = 3", ("thread:", "did you mean 'threads'", "settings.toml")),
        ("profile = 3", ("profile", "table of tables", "settings.toml")),
        ("threads = ", ("not TOML", "settings.toml")),
        ("es-hosts = [1]", ("es-hosts", "settings.toml")),
    ],
)
def test_a_wrong_settings_file_says_where(file: Path, content: str, parts: tuple[str, ...]) -> None:
    file.write_text("default-profile = 'p'\n" + content if "profile.p" in content else content)
    with pytest.raises(SettingsError) as caught:
        settings(["--config", str(file)])
    for part in parts:
        assert part in str(caught.value)


def test_an_unknown_profile_names_those_that_there_are(file: Path) -> None:
    file.write_text("[profile.prod]\n[profile.test]\n")
    with pytest.raises(SettingsError, match=r"no profile 'prd'.*known: prod, test"):
        settings(["--config", str(file), "--profile", "prd"])


def test_a_wrong_secret_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        settings(environ={"NUVLA_API_SECRET": "canary\nsecret"})
    assert "api-secret" in str(caught.value) and "canary" not in str(caught.value)


def test_secrets_show_nothing_and_are_not_pickled() -> None:
    found = settings(environ={"NUVLA_API_PASS": "canary"})
    assert "canary" not in repr(found) + str(found.api_pass) + f"{found.api_pass}"
    assert found.api_pass is not None and found.api_pass.reveal() == "canary"
    assert found.secrets() == (Secret("canary"),)
    with pytest.raises(TypeError):
        pickle.dumps(found.api_pass)


def test_a_secret_on_the_command_line_is_taken_with_a_warning_that_does_not_show_it() -> None:
    found = settings(["--api-user", "u", "--password", "canary"])
    assert found.api_pass == Secret("canary")
    [warning] = found.warnings
    assert "--password" in warning and "--api-pass-file" in warning and "canary" not in warning


def test_secrets_come_from_private_files(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("canary\n")
    path.chmod(0o600)
    for found in (
        settings(["--api-pass-file", str(path)]),
        settings(environ={"NUVLA_API_PASS_FILE": str(path)}),
    ):
        assert found.api_pass == Secret("canary")
        assert found.warnings == ()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_credential_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_text("canary")
    path.chmod(mode)
    with pytest.raises(SettingsError, match=r"api-secret-file.*chmod 600") as caught:
        settings(["--api-secret-file", str(path)])
    assert str(path) in str(caught.value) and "canary" not in str(caught.value)


@pytest.mark.parametrize("name", ["absent", "."])
def test_a_credential_file_that_cannot_be_read_says_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=r"api-pass-file \(from --api-pass-file\).*cannot be"):
        settings(["--api-pass-file", str(tmp_path / name)])


def test_a_settings_file_with_a_secret_must_be_private(file: Path) -> None:
    file.write_text("api-user = 'u'\napi-pass = 'canary'\n")
    assert settings(["--config", str(file)]).api_pass == Secret("canary")
    file.chmod(0o644)
    with pytest.raises(SettingsError, match=r"api-pass: .*chmod 600.*api-pass-file"):
        settings(["--config", str(file)])


def test_a_secret_and_its_file_in_one_place_are_a_contradiction() -> None:
    with pytest.raises(SettingsError, match="both the secret and its file"):
        settings(["--api-pass", "a", "--api-pass-file", "b"])


def test_a_flag_wins_over_a_secret_s_file_in_the_environment() -> None:
    found = settings(["--api-pass", "flag"], environ={"NUVLA_API_PASS_FILE": "/no/such/file"})
    assert found.api_pass == Secret("flag")


def test_who_names_another_identity_does_not_get_the_one_of_the_file(file: Path) -> None:
    file.write_text("api-key = 'credential/1'\napi-secret = 's'\n")
    found = settings(["--config", str(file), "--api-user", "u"], environ={"NUVLA_API_PASS": "p"})
    assert (found.api_key, found.api_secret) == (None, None)
    assert (found.api_user, found.api_pass) == ("u", Secret("p"))


def test_the_operator_is_told_of_what_is_not_safe() -> None:
    found = settings(
        ["--api-insecure", "--zk-insecure", "--api-url", "http://far.example", "--api-user", "u"],
        environ={"NUVLA_API_PASS": "p"},
    )
    text = " ".join(found.warnings)
    assert "api-insecure" in text and "zk-insecure" in text and "unencrypted" in text
    near = settings(["--api-url", "http://localhost:8200"], environ={"NUVLA_API_PASS": "p"})
    assert near.warnings == ()


def test_the_endpoint_may_be_given_with_or_without_its_last_part() -> None:
    for text in ("https://n.example/api/", "https://n.example/api", "https://n.example/"):
        assert settings(["--api-url", text]).api_url == "https://n.example"
    with pytest.raises(SettingsError, match="holds a user or a password") as caught:
        settings(["--api-url", "https://u:canary@n.example"])
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("command", [*ALL, "queue"])
def test_the_help_of_every_command_has_its_flags_defaults_and_variables(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = ArgumentParser(allow_abbrev=False)
    add_arguments(parser, command)
    text = " ".join(parser.format_help().split())
    assert "--log-level" in text and "NUVLA_LOG_LEVEL, JOB_LOG_LEVEL" in text
    if command == "executor":
        assert "(default: 120; env: NUVLA_GRACE)" in text
        assert "examples:" in text


def test_every_setting_has_a_help_without_a_full_stop_and_a_good_default() -> None:
    names = [key.name for key in KEYS]
    assert len(set(names)) == len(names)
    for key in KEYS:
        assert key.help and not key.help.endswith(".")
        if key.default is not None and key.default != ():
            key.kind.read(key.default if not isinstance(key.default, Path) else str(key.default))


def test_the_reference_of_settings_is_up_to_date() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, str(root / "scripts" / "settings-reference"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
