"""Why a server could not be spoken to, in words that say what to do: pure functions.

Java's servers answer a certificate that they do not accept with one of several alerts, by version
of TLS and of Java, and some only close the link; so what we sent says more than what they answer.
"""

from __future__ import annotations

import ssl

# Values of X509_V_ERR_*, as SSLCertVerificationError.verify_code has them (OpenSSL's x509_vfy.h).
_NOT_YET_VALID, _EXPIRED, _WRONG_NAME, _WRONG_ADDRESS = 9, 10, 62, 64
_UNTRUSTED = (2, 18, 19, 20, 21)


def explain(error: BaseException, *, with_tls: bool, has_certificate: bool) -> str:
    """Return what an error says, and what may be done about it.

    Args:
        error: what connecting or the first exchange raised.
        with_tls: we speak TLS.
        has_certificate: we have shown a certificate of ours.
    """
    for each in _with_causes(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            return f"{_of_its_certificate(each)} ({each.verify_message})"
        if isinstance(each, ssl.SSLError):
            return f"{_of_tls(each, has_certificate)} ({each.reason or each})"
    if with_tls and isinstance(error, ConnectionResetError | BrokenPipeError):
        return f"{_refused_certificate(has_certificate)} ({error})"
    return str(error)


def explain_silence(error: BaseException, *, with_tls: bool, has_certificate: bool) -> str:
    """Return why a server that was reached did not answer the first request. Arguments as
    `explain`."""
    text = explain(error, with_tls=with_tls, has_certificate=has_certificate)
    if text != str(error):
        return f"was reached, but {text}"
    hint = "" if with_tls else "; if this is its TLS port, set --zk-tls"
    return f"was reached, but did not answer: {text}{hint}"


def explain_login(error: BaseException, user: str) -> str:
    """Return why a SASL log-in failed."""
    why = f" ({error})" if str(error) else ""
    return (
        f"does not accept the SASL log-in of {user!r}: check the password in --zk-auth, and the "
        f"server's JAAS file{why}"
    )


def explain_unknown(hosts: str) -> str:
    """Return what to say where no server has an address."""
    return f"none of {hosts} has an address: check the names in --zk-hosts, and DNS"


def _of_its_certificate(error: ssl.SSLCertVerificationError) -> str:
    code = error.verify_code
    if code == _EXPIRED:
        return "the server's certificate has expired: have it renewed"
    if code == _NOT_YET_VALID:
        return "the server's certificate is not valid yet: compare the clocks"
    if code in (_WRONG_NAME, _WRONG_ADDRESS):
        return "the server's certificate is for another name: use its name in --zk-hosts"
    if code in _UNTRUSTED:
        return "the server's certificate is of an authority not trusted here: name it with --zk-ca"
    return "the server's certificate is not accepted"


def _of_tls(error: ssl.SSLError, has_certificate: bool) -> str:
    reason = error.reason or str(error)
    if "CERTIFICATE" in reason or "UNKNOWN_CA" in reason or "HANDSHAKE_FAILURE" in reason:
        return _refused_certificate(has_certificate)
    if "WRONG_VERSION_NUMBER" in reason or "EOF" in reason or "RECORD" in reason:
        return "it does not speak TLS on this port: name its secureClientPort in --zk-hosts"
    return "TLS failed"


def _refused_certificate(has_certificate: bool) -> str:
    if has_certificate:
        return (
            "the server refuses our certificate: --zk-cert has expired, or is of an authority that "
            "the server does not trust"
        )
    return "the server asks for a certificate of ours: set --zk-cert and --zk-key"


def _with_causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and each not in found:
        found.append(each)
        each = each.__cause__ or each.__context__
    return found
