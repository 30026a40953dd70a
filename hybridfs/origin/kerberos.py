"""What to do about errors of Kerberos, told in one sentence each: MIT's texts, as GSSAPI gives them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from hybridfs.errors import BadOption

_NO_TICKET = r"GSS_S_NO_CRED|No Kerberos credentials|No credentials cache|No credentials were supplied"
OPTIONS = ("kerberos_principal", "kerberos_keytab", "kerberos_cache")
# What is found in a text, and the advice; groups of the first fill the second. The first that is found tells.
_ADVICE = tuple(
    (re.compile(found), told)
    for found, told in (
        (
            r"Clock skew too great",
            "the clocks of this host and of the KDC or NameNode differ by more than Kerberos allows (5 minutes): "
            "set them by NTP",
        ),
        (
            r"Ticket expired|ticket.* expired|GSS_S_CREDENTIALS_EXPIRED|GSS_S_CONTEXT_EXPIRED",
            "the Kerberos ticket has expired: run kinit (or kinit -R before it ends), or give kerberos_principal and "
            "kerberos_keytab",
        ),
        (
            r"does not match desired name",
            "the ticket cache is of another principal than kerberos_principal: name the principal that klist shows",
        ),
        (
            r"Server krbtgt/([^@\s]+)@(\S+) not found",
            "realm {1} has no trust to realm {0}, or [capaths] of krb5.conf names no way: both KDCs need "
            "krbtgt/{0}@{1} with one password, and krb5.conf the KDC of {0}",
        ),
        (
            r"Server ([^@\s]+)@(\S+) not found",
            "realm {1} knows no service {0}: a NameNode of another realm must be in [domain_realm] of krb5.conf",
        ),
        (
            r"Cannot (?:find|contact any|resolve.*) KDCs? for (?:requested )?realm [\\'\"]*([^\\'\"\s)]+)",
            "no KDC of realm {0} answers: name it in [realms] of krb5.conf (KRB5_CONFIG), and let it be reached",
        ),
        (
            r"not found in Kerberos database",
            "the KDC does not know the principal: check the realms in krb5.conf ([realms], [domain_realm], [capaths])",
        ),
        (
            r"no support for encryption type",
            "the KDC and krb5.conf have no encryption type in common: see permitted_enctypes there",
        ),
        (
            _NO_TICKET,
            "there is no Kerberos ticket: run kinit (KRB5CCNAME names the cache), or give kerberos_principal with a "
            "kerberos_keytab or kerberos_cache that is of that principal",
        ),
        (
            r"NoSASLMechanism|No valid SASL mechanism",
            "the NameNode wants a Kerberos ticket or a token: run kinit, or see HADOOP_TOKEN_FILE_LOCATION",
        ),
        (
            r"RPC listener disconnected",
            "the NameNode hung up; it does so when core-site.xml (HADOOP_CONF_DIR) does not say "
            "hadoop.security.authentication=kerberos and the NameNode does, or when HADOOP_PROXY_USER may not be used",
        ),
    )
)
# hdfs-native takes no token that ends within a minute.
_NO_TOKEN = (
    "there is no token of this NameNode, or only one that has expired or is about to, in the file that "
    "HADOOP_TOKEN_FILE_LOCATION names: get a new one (hadoop dtutil get, or a new application on YARN) into "
)


def advice(text: str) -> str | None:
    """What to do about an error with this text; None if it is not one of Kerberos."""
    for found, told in _ADVICE:
        if match := found.search(text):
            if found.pattern == _NO_TICKET and (tokens := os.environ.get("HADOOP_TOKEN_FILE_LOCATION")):
                return _NO_TOKEN + tokens
            return told.format(*(part.rstrip('")') for part in match.groups()))
    return None


def credentials(options: Mapping[str, str]) -> dict[str, str]:
    """The arguments for hdfs-native among options. Raises BadOption where the principal is missing."""
    given = {name: options[name] for name in OPTIONS if options.get(name)}
    for name in OPTIONS[1:]:
        if name in given and OPTIONS[0] not in given:
            raise BadOption(f"option {name}: {given[name]!r} needs kerberos_principal, too, like alice@REALM")
    return given
