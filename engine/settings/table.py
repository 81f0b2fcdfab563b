"""The table of all settings: what each is called everywhere, its default, and what it is for.

docs/settings.md is made from it by scripts/settings-reference.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from engine.settings import kinds
from engine.settings.declare import (
    ALL,
    CONSOLE,
    DISTRIBUTOR,
    EXECUTOR,
    LOCAL,
    SERVICES,
    VERB,
    keys_of,
    setting,
)
from engine.settings.secret import Secret

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True, kw_only=True)
class _Api:
    """Nuvla API"""

    api_url: str = setting(
        "https://nuvla.io", kinds.URL, "Nuvla endpoint to connect to", flags="--endpoint"
    )
    api_user: str | None = setting(
        None, kinds.NAME, "user name; rights of group/nuvla-admin are taken", flags="--user"
    )
    api_pass: Secret | None = setting(
        None, kinds.SECRET, "password of the user", flags="--password", secret=True, file=True
    )
    api_key: str | None = setting(None, kinds.NAME, "id of an API key, instead of a user")
    api_secret: Secret | None = setting(
        None, kinds.SECRET, "secret of the API key", secret=True, file=True
    )
    # It names an identity; only who reaches the API from inside can use it, so it may stand on a
    # command line.
    api_authn_header: Secret | None = setting(
        None,
        kinds.SECRET,
        "identity sent as nuvla-authn-info, inside a cluster, instead of logging in",
        secret=True,
        guarded=False,
    )
    api_cookies: Secret | None = setting(
        None,
        kinds.SECRET,
        "cookies of a session that exists, in base64, instead of logging in",
        flags="",
        variables="JOB_COOKIES",
        secret=True,
    )
    api_insecure: bool = setting(
        False, kinds.SWITCH, "do not verify the API's certificate", flags="--insecure"
    )
    api_ca: Path | None = setting(
        None, kinds.PATH, "PEM file of the certificate authorities to trust for the API"
    )
    api_timeout: float = setting(30.0, kinds.SECONDS, "longest time that one call may take")


@dataclass(frozen=True, kw_only=True)
class _ZooKeeper:
    """ZooKeeper"""

    zk_hosts: str = setting(
        "127.0.0.1:2181", kinds.HOSTS, "ZooKeeper servers; the last may end in a chroot"
    )
    zk_session_timeout: float = setting(
        30.0, kinds.SECONDS, "time without contact after which a session is lost, with its locks"
    )
    zk_timeout: float = setting(10.0, kinds.SECONDS, "longest time that one call waits")
    zk_root: str = setting(
        "/nuvla-engine", kinds.NODE, "node below which the engine keeps its own nodes"
    )
    zk_auth: Secret | None = setting(
        None,
        kinds.SECRET,
        "digest:USER:PASSWORD or sasl:USER:PASSWORD (DIGEST-MD5) to log in with",
        secret=True,
        file=True,
    )
    zk_acl: str = setting(
        "open",
        kinds.ACL,
        "who may use the nodes below zk-root that the engine makes: anyone, only who logs in as it "
        "does, or an ACL such as sasl:engine:cdrwa sasl:console:r",
    )
    zk_tls: bool = setting(False, kinds.SWITCH, "speak TLS with ZooKeeper")
    zk_ca: Path | None = setting(
        None, kinds.PATH, "PEM file of the certificate authorities to trust for ZooKeeper"
    )
    zk_cert: Path | None = setting(None, kinds.PATH, "PEM file of our certificate")
    zk_key: Path | None = setting(None, kinds.PATH, "PEM file of our certificate's key")
    zk_insecure: bool = setting(False, kinds.SWITCH, "do not verify ZooKeeper's certificate")


@dataclass(frozen=True, kw_only=True)
class _Service:
    """Services"""

    name: str | None = setting(
        None, kinds.NAME, "name of this process in lists and logs", commands=SERVICES
    )
    threads: int = setting(
        8, kinds.whole(1, 512), "jobs to run at the same time", commands=(EXECUTOR,)
    )
    grace: float = setting(
        120.0,
        kinds.SECONDS,
        "time that running jobs have to end after SIGTERM; the rest is put back",
        commands=(EXECUTOR,),
    )
    job_limit: float | None = setting(
        None,
        kinds.SECONDS,
        "time after which a job is failed although its action goes on; its thread is lost",
        commands=(EXECUTOR,),
    )
    stack_watchdog: str = setting(
        "on",
        kinds.one_of("on", "off"),
        "a second process that tells where the threads stand while C code holds the interpreter",
        commands=(EXECUTOR,),
    )
    # Whoever can ask over ZooKeeper can also delete locks and entries there, so refusing by itself
    # protects little; ACLs do. So an operator's acts work unless this says otherwise.
    remote_control: str = setting(
        "all",
        kinds.one_of("all", "read-only", "none"),
        "what operators may ask of this process over ZooKeeper: everything, only ping and stacks, "
        "or nothing",
        commands=SERVICES,
    )
    isolate: bool = setting(
        False,
        kinds.SWITCH,
        "run each action in a process of its own, so that one that hangs can be killed; costs "
        "4 ms of processor time a job, and 3 MB while it runs",
        commands=(EXECUTOR,),
    )
    actions_path: tuple[Path, ...] = setting(
        (), kinds.PATHS, "folders with further actions", commands=(EXECUTOR,)
    )
    actions_from: tuple[str, ...] = setting(
        (),
        kinds.WORDS,
        "Python packages with further actions, such as nuvla.job_engine.job.actions; they replace "
        "the shipped ones of the same name",
        commands=(EXECUTOR,),
    )
    on_unknown_action: str = setting(
        "fail",
        kinds.one_of("fail", "leave"),
        "what to do with a job whose action is not loaded: fail it, or leave it to others",
        commands=(EXECUTOR,),
    )
    job_id: str | None = setting(
        None, kinds.NAME, "run this one job, without the queue, and exit", commands=(EXECUTOR,)
    )
    cleanup_days: int = setting(
        7,
        kinds.whole(0, 100_000, "DAYS"),
        "age from which cleanup_jobs removes finished jobs",
        commands=(EXECUTOR,),
    )
    es_hosts: tuple[str, ...] = setting(
        (),
        kinds.HOST_LIST,
        "Elasticsearch servers for cleanup_jobs, instead of the API",
        flags="--es-hosts-list",
        commands=(EXECUTOR,),
    )
    nuvlaedge_fs: str = setting(
        "/srv/nuvlaedge/shared/",
        kinds.TEXT,
        "data folder of a NuvlaEdge, for actions that run on one",
        commands=SERVICES,
    )
    metrics_port: int | None = setting(
        None, kinds.whole(1, 65535, "PORT"), "serve metrics for Prometheus there", commands=SERVICES
    )
    metrics_host: str = setting(
        "127.0.0.1",
        kinds.NAME,
        "address to serve them on; nobody is asked who they are",
        commands=SERVICES,
    )
    statsd: str | None = setting(
        None,
        kinds.HOST_PORT,
        "StatsD server to send metrics to, by UDP; the port is 8125 where none is given",
        commands=SERVICES,
    )
    distributors_path: tuple[Path, ...] = setting(
        (), kinds.PATHS, "folders with further distributors", commands=(DISTRIBUTOR,)
    )
    interval: tuple[tuple[str, float], ...] = setting(
        (),
        kinds.INTERVALS,
        "seconds between two distributions, by distributor",
        flags="--distribution-interval",
        commands=(DISTRIBUTOR,),
    )
    exclude: tuple[str, ...] = setting(
        (),
        kinds.WORDS,
        "distributors not to run",
        flags="--distribution-exclude",
        commands=(DISTRIBUTOR,),
    )


@dataclass(frozen=True, kw_only=True)
class _Operation:
    """Operation"""

    read_only: bool = setting(
        False,
        kinds.SWITCH,
        "refuse every act that would change something",
        commands=(VERB, CONSOLE),
    )
    audit_file: Path | None = setting(
        None,
        kinds.PATH,
        "file that keeps the record of acts; by default in the user's state folder, root's beside "
        "the services' logs",
        commands=(VERB, CONSOLE),
    )
    audit_zookeeper: int = setting(
        0,
        kinds.whole(0, 10_000),
        "how many of the newest acts are on record in ZooKeeper as well, for all operators",
        commands=(VERB, CONSOLE),
    )


@dataclass(frozen=True, kw_only=True)
class _Local:
    """Local platform"""

    zk_jar: Path | None = setting(
        None,
        kinds.PATH,
        "ZooKeeper's own jar, where Debian's or Homebrew's package does not put it",
        variables="NUVLA_ZOOKEEPER_JAR",
        commands=(LOCAL,),
    )


@dataclass(frozen=True, kw_only=True)
class _Logs:
    """Logs"""

    log_level: str = setting(
        "INFO",
        kinds.one_of(*LEVELS, upper=True, metavar="LEVEL"),
        "least level that is logged: " + ", ".join(LEVELS),
        flags="-l",
        variables="JOB_LOG_LEVEL",
        constants={"-d --debug": "DEBUG"},
        commands=ALL,
    )
    log_format: str = setting(
        "text",
        kinds.one_of("text", "json"),
        "form of a record: a line to read, or one JSON object",
        commands=ALL,
    )
    log_dir: Path | None = setting(
        None,
        kinds.PATH,
        "folder for the log file, rotated by size, instead of stderr",
        commands=ALL,
    )


GROUPS: tuple[type, ...] = (_Api, _ZooKeeper, _Service, _Operation, _Local, _Logs)


@dataclass(frozen=True, kw_only=True)
class Settings(_Api, _ZooKeeper, _Service, _Operation, _Local, _Logs):
    """Everything that an operator can set, read once and passed down."""

    profile: str | None = None
    """Name of the profile that was chosen."""
    warnings: tuple[str, ...] = ()
    """What the operator should know about these settings; the command logs or shows it."""

    def secrets(self) -> tuple[Secret, ...]:
        """Return every secret, for the filter that keeps them out of the logs."""
        values = (getattr(self, declared.name) for declared in fields(self))
        return tuple(value for value in values if isinstance(value, Secret))


KEYS = keys_of(*GROUPS)
