"""Whose blocks they are: domains of origins by authorize, user and caller, and which filesystems share an origin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fsspec
import pytest

from hybridfs import BadOption, HybridFileSystem
from hybridfs.origin.hadoop_user import local_user

VARIABLES = (
    "HADOOP_USER_NAME",
    "HADOOP_PROXY_USER",
    "HADOOP_TOKEN_FILE_LOCATION",
    "KRB5CCNAME",
    "HADOOP_CONF_DIR",
    "HADOOP_HOME",
)
FILL = {"authorize": "fill"}


@pytest.fixture(autouse=True)
def nobody_in_particular(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def kerberos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "core-site.xml").write_text(
        "<configuration><property><name>hadoop.security.authentication</name><value>kerberos</value></property>"
        "</configuration>"
    )
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))


def made(**options: Any) -> HybridFileSystem:
    """A filesystem over a NameNode that nobody asks."""
    fs = HybridFileSystem("nn", cache_dir="/nowhere", skip_instance_cache=True, **options)
    assert isinstance(fs, HybridFileSystem)
    return fs


@pytest.mark.parametrize(
    ("environment", "options", "domain"),
    [
        ({}, {}, "hdfs-nn%3A8020"),
        ({"HADOOP_USER_NAME": "alice"}, {}, "hdfs-nn%3A8020"),
        ({"HADOOP_USER_NAME": "alice"}, {"user": "alice"}, "hdfs-nn%3A8020"),
        ({"HADOOP_USER_NAME": "alice"}, FILL, "hdfs-nn%3A8020%40alice"),
        ({"HADOOP_USER_NAME": "alice"}, FILL | {"user": "alice"}, "hdfs-nn%3A8020%40alice"),
        ({"HADOOP_USER_NAME": "hive", "HADOOP_PROXY_USER": "alice"}, FILL, "hdfs-nn%3A8020%40alice"),
        ({"HADOOP_USER_NAME": "alice@CLOUD"}, FILL | {"user": "alice"}, "hdfs-nn%3A8020%40alice"),
        ({}, FILL, f"hdfs-nn%3A8020%40{local_user()}"),
    ],
)
def test_domains_of_hdfs(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], options: dict[str, str], domain: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    origin = made(**options).origin
    assert origin.domain == domain
    assert origin.plaintext_domain == f"{domain}%2Bplaintext"


def test_under_kerberos_the_short_name_must_be_given(kerberos: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HADOOP_USER_NAME", "mallory")  # who has a ticket is asked for no name
    assert made().origin.domain == "hdfs-nn%3A8020"
    with pytest.raises(BadOption, match=r"option user: authorize=fill needs the short name.*user=alice"):
        _ = made(**FILL).origin
    assert made(**FILL, user="alice").origin.domain == "hdfs-nn%3A8020%40alice"
    monkeypatch.setenv("HADOOP_PROXY_USER", "bob")
    assert made(**FILL).origin.domain == "hdfs-nn%3A8020%40bob"


def test_nobody_enters_the_domain_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """What bob reads as bob must not be filed, nor found, under alice."""
    monkeypatch.setenv("HADOOP_USER_NAME", "bob")
    with pytest.raises(
        BadOption, match=r"option user: 'alice' was given, but this process is 'bob'.*HADOOP_USER_NAME="
    ):
        _ = made(**FILL, user="alice").origin
    monkeypatch.setenv("HADOOP_USER_NAME", "bob@CLOUD")
    with pytest.raises(BadOption, match=r"option user: 'bob@CLOUD'.*name it with user="):
        _ = made(**FILL).origin


@pytest.mark.parametrize("name", ["alice+plaintext", "a/b", "a@b", "a\nb"])
def test_a_name_that_could_be_another_domain(name: str) -> None:
    with pytest.raises(BadOption, match="option user"):
        _ = made(**FILL, user=name).origin


def test_filesystems_share_an_origin_only_where_they_see_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HADOOP_USER_NAME", "alice")
    plain, alone = made(), made(**FILL)
    assert plain.origin is made(freshness="1s").origin
    assert plain.origin is not alone.origin
    assert plain.origin is not made(kerberos_principal="alice@X", kerberos_keytab="/k").origin
    assert plain.origin is not made(target_options={"dfs.client.socket-timeout": "1"}).origin


@pytest.mark.parametrize("variable", VARIABLES[:4])
def test_who_becomes_another_user_has_another_origin(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """Also through a filesystem that was made before: fsspec gives the same one to all."""
    fs = made()
    before = fs.origin
    monkeypatch.setenv(variable, "bob")
    assert fs.origin is not before
    monkeypatch.delenv(variable)
    assert fs.origin is before


def test_who_takes_tickets_of_another_has_another_origin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In the same cache, as kinit does; a renewal of the same principal's changes nothing."""
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/tickets")
    (tmp_path / "tickets").write_bytes(tickets(b"alice"))
    fs = made()
    before = fs.origin
    (tmp_path / "tickets").write_bytes(tickets(b"alice") + b"renewed")
    assert fs.origin is before
    (tmp_path / "tickets").write_bytes(tickets(b"mallory"))
    assert fs.origin is not before


def tickets(user: bytes) -> bytes:
    """The begin of a cache of tickets, as far as its owner."""
    name = b"\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x05CLOUD" + len(user).to_bytes(4, "big") + user
    return b"\x05\x04\x00\x0c\x00\x01\x00\x08\xff\xff\xff\xff\x00\x00\x00\x00" + name


@pytest.mark.parametrize("given", [{"authorize": "fill"}, {"authorize": "open"}, {"user": "alice"}])
def test_domains_of_other_origins_are_of_their_options(given: dict[str, str]) -> None:
    def domain(**options: Any) -> str:
        fs = HybridFileSystem(target_protocol="memory", cache_dir="/nowhere", skip_instance_cache=True, **options)
        return str(fs.origin.domain)

    if given == {"user": "alice"}:
        assert domain(**given) == domain()
        assert domain(**given, authorize="fill") != domain(), "one user's own"
    else:
        assert domain(**given) == domain()


def test_a_renewed_token_of_webhdfs_starts_no_cold_cache() -> None:
    """The NameNode is asked at each open; where it is not, in domains of one user, users stay apart."""

    def domain(protocol: str = "webhdfs", given: dict[str, Any] | None = None, **options: Any) -> str:
        target = {"host": "nn", **(given or {})}
        fs = HybridFileSystem(
            target_protocol=protocol,
            target_options=target,
            cache_dir="/nowhere",
            skip_instance_cache=True,
            **options,
        )
        return str(fs.origin.domain)

    one, other = {"token": "one"}, {"token": "other"}
    for protocol in ("webhdfs", "swebhdfs"):
        assert domain(protocol, one) == domain(protocol, other) == domain(protocol)
        assert domain(protocol, one, **FILL) != domain(protocol, other, **FILL)
        alice = domain(protocol, one, **FILL, user="alice")
        assert alice == domain(protocol, other, **FILL, user="alice")
        assert alice not in (domain(protocol, one, **FILL, user="bob"), domain(protocol, one))
    made_before = [fsspec.filesystem("webhdfs", host="nn", **token) for token in (one, other)]
    assert len({HybridFileSystem(fs=fs, cache_dir="/nowhere").origin.domain for fs in made_before}) == 1
    assert domain("memory", one) != domain("memory", other), "of another kind of origin it may decide what is seen"


# ---- credentials


def test_credentials_are_no_hadoop_properties(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []

    class Client:
        def __init__(self, url: str, config: dict[str, str], **kerberos: str) -> None:
            told.append({"config": set(config) - {"dfs.client.socket-timeout"}, **kerberos})

    monkeypatch.setattr("hybridfs.origin.hdfs.Client", Client)
    for options in (
        {"kerberos_principal": "alice@X", "kerberos_keytab": "/etc/alice.keytab"},
        {"target_options": {"kerberos_principal": "alice@X", "kerberos_keytab": "/etc/alice.keytab"}, "user": "x"},
    ):
        _ = made(**options).origin
    assert [{name: one[name] for name in one if name != "config"} for one in told] == [
        {"kerberos_principal": "alice@X", "kerberos_keytab": "/etc/alice.keytab"}
    ] * 2
    assert not any(name.startswith("kerberos") for one in told for name in one["config"])


PROVIDER = "hadoop.security.key.provider.path"


@pytest.mark.parametrize(
    ("provider", "given"), [(None, [""]), ("jceks://file/keys", [""]), ("kms://http@h:1/kms", ["", None])]
)
def test_files_are_opened_by_a_client_that_cannot_decrypt(
    monkeypatch: pytest.MonkeyPatch, provider: str | None, given: list[str | None]
) -> None:
    """So that it finds encryption zones; a second one, which can, is for what lies in them."""
    told: list[dict[str, str]] = []
    monkeypatch.setattr("hybridfs.origin.hdfs.Client", lambda url, config: told.append(config))
    own = {"dfs.client.socket-timeout": "9999"}  # an origin that nobody else has made
    _ = made(target_options=own | ({PROVIDER: provider} if provider else {})).origin
    assert [config.get(PROVIDER) for config in told] == [value if value == "" else provider for value in given]


@pytest.mark.parametrize("name", ["kerberos_keytab", "kerberos_cache"])
def test_a_keytab_needs_its_principal(name: str) -> None:
    with pytest.raises(BadOption, match=f"option {name}: '/k' needs kerberos_principal"):
        _ = made(**{name: "/k"}).origin


def test_credentials_of_hdfs_are_for_hdfs() -> None:
    with pytest.raises(BadOption, match=r"option kerberos_cache is for HDFS.*target_options"):
        HybridFileSystem(target_protocol="memory", kerberos_cache="/c", skip_instance_cache=True)
