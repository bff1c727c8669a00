"""Names that stand for secrets, such as `password`, `api_key`, `clientSecret` and `PGPASSWORD`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_WORDS: Final = frozenset(
    {
        *("password", "passwd", "passwort", "kennwort", "passphrase", "passcode", "pwd", "pass", "pw", "pswd"),
        *("secret", "credential", "cred", "authorization", "cookie", "bearer", "jwt", "otp", "totp", "pin", "cvv"),
        *("cvc", "apikey", "privatekey", "senha", "wachtwoord", "contraseña", "contrasena", "motdepasse", "hasło"),
        *("пароль", "密码", "密碼", "パスワード", "비밀번호", "token", "mnemonic", "htpasswd", "pgpass", "authtoken"),
        *("sessionid", "sid", "connectionstring", "dsn", "mfa", "geheimnis", "keytab", "kubeconfig", "netrc"),
    }
)
"""A name that has one of these among its words stands for a secret."""
_ENDINGS: Final = (
    *("password", "passwd", "passphrase", "passwort", "secret", "apikey", "secretkey", "privatekey", "accesskey"),
    *("authtoken", "accesstoken", "refreshtoken", "bearertoken", "idtoken", "apitoken", "bottoken", "credentials"),
    *("accountkey", "sharedkey", "signingkey", "encryptionkey", "masterkey", "sessionkey", "authkey", "hmackey"),
)
"""Ends of words that are written as one, such as PGPASSWORD or mysecret."""
_OF_KEYS: Final = frozenset(
    {
        *(
            "api",
            "access",
            "private",
            "priv",
            "secret",
            "signing",
            "encryption",
            "service",
            "account",
            "auth",
            "client",
        ),
        *(
            "db",
            "database",
            "shared",
            "master",
            "ssh",
            "deploy",
            "session",
            "storage",
            "hmac",
            "app",
            "admin",
            "license",
        ),
        *("consumer", "webhook", "ssl", "tls", "rsa", "pgp", "gpg", "jwt", "aws", "azure", "gcp", "root", "recovery"),
        *(
            "security",
            "sas",
            "host",
            "subscription",
            "functions",
            "publish",
            "write",
            "read",
            "integration",
            "function",
        ),
    }
)
"""`key` is a secret's name behind one of these, and else the name of any key."""
_PAIRS: Final = frozenset(
    {
        ("connection", "string"),
        ("mot", "passe"),
        ("pass", "phrase"),
        ("pass", "word"),
        ("pass", "code"),
        ("seed", "phrase"),
    }
    | {("recovery", "code"), ("backup", "code"), ("security", "code"), ("session", "id"), ("secret", "id")}
)
_ABOUT: Final = frozenset(
    {
        *("id", "name", "arn", "type", "count", "url", "uri", "policy", "length", "path", "file", "filename", "ref"),
        *("version", "expires", "expiry", "expiration", "expired", "at", "ttl", "limit", "usage", "field", "label"),
        *("required", "enabled", "rotation", "status", "manager", "scope", "scopes", "reset", "strength", "min", "max"),
        *(
            "hint",
            "provider",
            "store",
            "engine",
            "kind",
            "format",
            "algorithm",
            "created",
            "updated",
            "rotated",
            "days",
        ),
        *("present", "valid", "needed", "prefix", "endpoint", "budget", "window", "size", "less", "protected", "age"),
        *("changed", "owner", "email", "server", "host", "port", "class", "domain", "samesite", "consent", "banner"),
        *(
            "message",
            "title",
            "description",
            "prompt",
            "input",
            "output",
            "total",
            "price",
            "cost",
            "symbol",
            "address",
        ),
    }
)
"""A name with such an ending is about a secret but does not hold one."""
_OF_TOKENS: Final = frozenset(
    {
        *("page", "next", "continuation", "pagination", "previous", "prev", "max", "min", "stop", "pad", "eos", "bos"),
        *("input", "output", "prompt", "completion", "total", "num", "number", "sync", "cursor", "used", "cached"),
        *("reasoning", "special", "unk", "mask", "sep", "cls", "design", "idempotency", "erc20", "nft", "of", "per"),
    }
)
"""A token of one of these is a place or a piece of text."""
_NO_PASS: Final = frozenset(
    {"boarding", "first", "second", "third", "low", "high", "band", "ski", "season", "by", "test"}
)
_SPLIT: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")
_LONGEST: Final = 200


@lru_cache(maxsize=4096)
def is_telling(name: str) -> bool:
    """Whether the value with this name is a secret."""
    if len(name) > _LONGEST:
        return False
    words = [word.lower() for word in _SPLIT.findall(name)]
    words = words[:-1] if len(words) > 1 and words[-1].isdecimal() else words  # password2
    if not words:
        return False
    if tuple(words[-2:]) in _PAIRS or (len(words) > 2 and (words[-3], words[-1]) in _PAIRS):
        return True
    last = _singular(words[-1])
    if words[-1] in _ABOUT or last in _ABOUT:
        return False
    whole = "".join(words)
    if whole in _WORDS or any(word.endswith(_ENDINGS) for word in (*words, _singular(whole))):
        return True
    before = words[-2] if len(words) > 1 else ""
    if last in ("key", "keys"):
        return before in _OF_KEYS or (before == "access" or any(_singular(word) == "secret" for word in words))
    if last == "token":
        return before not in _OF_TOKENS
    if last in ("pass", "pas"):
        return len(words) > 1 and before not in _NO_PASS
    return any(_singular(word) in _WORDS - {"pass", "pw", "pin", "token", "cookie", "sid"} for word in words) or (
        last in _WORDS
    )


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word
