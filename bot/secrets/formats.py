"""Tokens that are recognised by their form: the rules of detect-secrets, and forms that it does not know.

The issuer of the token documents each form that is not from detect-secrets.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_PLUGINS: Final = (
    # module, plugin, words of which one is in every token
    ("azure_storage_key", "AzureStorageKeyDetector", ("AccountKey=",)),
    ("discord", "DiscordBotTokenDetector", (".",)),
    ("gitlab_token", "GitLabTokenDetector", ("gl", "GR1348941")),
    ("mailchimp", "MailchimpDetector", ("-us",)),
    ("pypi_token", "PypiTokenDetector", ("pypi-",)),
    ("sendgrid", "SendGridDetector", ("SG.",)),
    ("slack", "SlackDetector", ("xox", "hooks.slack.com")),
    ("square_oauth", "SquareOAuthDetector", ("sq0csp-",)),
    ("telegram_token", "TelegramBotTokenDetector", (":",)),
    ("twilio", "TwilioKeyDetector", ("AC", "SK")),
)
"""The plugins of detect-secrets whose rules are forms. The others look for assignments, which `detector` does for every
name, or have a form below that also fits what is issued today."""
_EDGE: Final = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
"""A form that begins within a longer word is a part of that word, and no token. A line end may be written out before
it, as in JSON within JSON."""

_PREFIXED: Final = (
    # prefix that everybody knows, characters after it, how many at least
    ("ghp_|gho_|ghu_|ghs_|ghr_|github_pat_", r"\w", 20),
    ("glpat-|gldt-|glft-|glsoat-|glrt-|glcbt-|glptt-|glagent-|gloas-|glimt-|glffct-", r"[\w.-]", 16),
    ("csk_", r"[\w-]", 30),  # ours
    ("sk_live_|sk_test_|rk_live_|rk_test_|sk_org_", r"\w", 8),  # Stripe
    ("whsec_", r"[\w+/=]", 8),  # Standard Webhooks, Stripe
    ("sk-ant-|sk-proj-|sk-svcacct-|sk-or-v1-|sk-admin-|sk-lf-", r"[\w-]", 16),  # Anthropic, OpenAI, and others
    ("sk-", r"[A-Za-z0-9]", 32),
    ("xoxb-|xoxp-|xoxa-|xoxr-|xoxs-|xoxo-|xoxc-|xoxd-|xoxe-|xoxe.xoxb-|xoxe.xoxp-|xapp-|xwfp-", r"[\w%-]", 10),  # Slack
    ("AIza", r"[\w-]", 30),  # Google
    ("GOCSPX-", r"[\w-]", 20),
    ("ya29.", r"[\w-]", 20),
    ("1//0", r"[\w-]", 30),
    ("npm_", r"[A-Za-z0-9]", 30),
    ("pypi-", r"[\w-]", 50),
    ("dckr_pat_|dckr_oat_", r"[\w-]", 20),
    ("hf_|api_org_", r"[A-Za-z]", 30),  # Hugging Face
    ("gsk_|xai-|pplx-|r8_|nvapi-|tgp_v1_|fw_|csk-|sk-or-", r"[\w-]", 30),  # hosts of models
    ("lsv2_pt_|lsv2_sk_|ls__", r"\w", 20),  # LangSmith
    ("tvly-", r"[\w-]", 20),
    ("dop_v1_|doo_v1_|dor_v1_", r"[0-9a-f]", 40),  # DigitalOcean
    ("dapi", r"[0-9a-f]", 32),  # Databricks
    ("dp.pt.|dp.st.|dp.ct.|dp.sa.|dp.scim.", r"[\w.]", 30),  # Doppler
    ("hvs.|hvb.|hvr.", r"[\w-]", 20),  # Vault
    ("ATATT3|ATCTT3|ATBB", r"[\w=-]", 28),  # Atlassian, Bitbucket
    ("figd_|figu_", r"[\w-]", 20),
    ("glsa_|glc_|eyJrIjoi", r"[\w=+/-]", 30),  # Grafana
    ("lin_api_|lin_oauth_", r"\w", 30),
    ("ntn_|secret_", r"[A-Za-z0-9]", 40),  # Notion
    ("NRAK-|NRII-|NRJS-|NRAL-", r"[\w-]", 19),  # New Relic
    ("PMAK-", r"[\w-]", 40),  # Postman
    ("pul-", r"[0-9a-f]", 40),
    ("pscale_tkn_|pscale_pw_|pscale_oauth_", r"[\w.-]", 30),
    ("rubygems_|rnd_|rpa_", r"\w", 28),
    ("sbp_|sb_secret_", r"\w", 20),  # Supabase
    ("sntrys_|sntryu_", r"[\w=+/-]", 30),
    ("shpat_|shpca_|shppa_|shpss_", r"[0-9a-fA-F]", 32),  # Shopify
    ("sl.u.|sl.B", r"[\w-]", 60),  # Dropbox
    ("EAAC|EAAG|EAAA|EAAB", r"[A-Za-z0-9]", 60),  # Meta
    ("xkeysib-|xsmtpsib-", r"[\w-]", 60),
    ("AGE-SECRET-KEY-1", r"[0-9A-Z]", 50),
    ("tskey-", r"[\w-]", 16),
    ("fo1_|FlyV1 fm2_|fm2_", r"[\w=+/,-]", 30),  # Fly
    ("vc[a-z]_", r"[A-Za-z0-9]", 24),  # Vercel
    ("phx_", r"\w", 30),  # PostHog
    ("CFPAT-", r"[\w-]", 40),
    ("pat-na1-|pat-eu1-", r"[0-9a-f-]", 36),  # HubSpot
    ("pat[A-Za-z0-9]{14}[.]", r"[0-9a-f]", 60),  # Airtable
    ("EZAK|EZTK", r"[A-Za-z0-9]", 50),
    ("sgp_", r"\w", 40),
    ("ddp_|ddapp_", r"\w", 30),
    ("nfp_|nfc_", r"\w", 30),  # Netlify
    ("bkua_|bkct_", r"\w", 30),
    ("v1[.]0-|CLOJARS_", r"[\w-]", 60),
    ("LTAI|AKID", r"[A-Za-z0-9]", 17),  # Alibaba, Tencent
    ("sqOatp-|sq0atp-|sq0csp-|EAAAE", r"[\w-]", 22),  # Square
    ("ops_eyJ", r"[\w=+/-]", 60),  # 1Password
    ("PK_live_|tr_live_|live_", r"[A-Za-z0-9]", 24),
    ("access_token[$]production[$]", r"[0-9a-z$]", 40),  # Braintree
)
_WHOLE: Final = (
    # first the signed and encrypted JSON Web Tokens (RFC 7519, RFC 7516);
    # what may be kept of it is nothing: no part of these is known to all
    (
        "eyJ",
        r"(?:(?<![\w-])|(?<=\\[nrt]))eyJ[\w-]{8,}+={0,2}[.]eyJ[\w-]{4,}+={0,2}(?:[.][\w-]*+)?",
    ),
    ("eyJ", r"(?:(?<![\w-])|(?<=\\[nrt]))eyJ[\w-]{16,}+(?:[.][\w-]*+){4}"),
    ("re_", r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{16,64}"),  # Resend
    ("A3-", r"A3-[A-Z0-9]{6}-[A-Z0-9-]{20,64}"),  # 1Password
    ("AKIA|ASIA|ABIA|ACCA", r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}(?![0-9A-Z])"),
    ("atlasv1", r"[A-Za-z0-9]{14}[.]atlasv1[.][\w=-]{50,90}"),  # Terraform
    ("hooks.slack.com", r"(?<=hooks[.]slack[.]com/)(?:services|workflows|triggers)/[\w/-]{20,}"),
    ("/api/webhooks/", r"(?<=/api/webhooks/)\d{15,21}/[\w-]{30,}"),  # Discord
    ("webhook.office.com", r"(?<=webhook[.]office[.]com/)webhookb2/[\w@/-]{30,}"),
    ("api.telegram.org", r"(?<=api[.]telegram[.]org/bot)\d{6,12}:[\w-]{20,}"),
    ("Q~", r"[\w~.-]{3}\dQ~[\w~.-]{31,34}"),  # Azure's client secrets
    ("AQ.", r"AQ[.]A[\w-]{40,}"),
)


_RUN: Final = re.compile(r"\S{14}")
"""Every token has as many characters in a row, except those of Slack that `_SHORT` begins."""
_SHORT: Final = "xox"


@dataclass(frozen=True, slots=True)
class Format:
    """One form of token, and the words of which one is in every such token: a text without them is not searched."""

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    keeps: bool
    """Whether the match's first group is a prefix that everybody knows, and its last four letters say nothing."""


def known() -> tuple[Format, ...]:
    """Every form of token that is known."""
    return (*_prefixed(), *_whole(), *_of_detect_secrets())


def may_stand_in(text: str) -> bool:
    """False if the text has no room for a token of any form, which most texts have not."""
    return _RUN.search(text) is not None or _SHORT in text


def _prefixed() -> Iterator[Format]:
    for prefixes, letters, least in _PREFIXED:
        pattern = re.compile(f"{_EDGE}({_literal(prefixes)}){letters}{{{least},4096}}")
        yield Format(tuple(each.partition("[")[0] for each in prefixes.split("|")), pattern, keeps=True)


def _literal(prefixes: str) -> str:
    """The prefixes as a pattern; a dot stands for itself."""
    return re.sub(r"(?<!\[)\.", "[.]", prefixes)


def _whole() -> Iterator[Format]:
    for hints, pattern in _WHOLE:
        yield Format(tuple(hints.split("|")), re.compile(f"{_EDGE}{pattern}"), keeps=False)


def _of_detect_secrets() -> Iterator[Format]:
    for module, name, hints in _PLUGINS:
        plugin = getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name)
        for rule in plugin.denylist:
            pattern = re.compile(f"{_EDGE}(?:{rule.pattern})(?![A-Za-z0-9])", rule.flags)
            yield Format(hints, pattern, keeps=False)
