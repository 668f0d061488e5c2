"""One frozen Settings, read once; it refuses development values in production."""

from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Environment = Literal["development", "production"]
DEVELOPMENT_PRICES = "USDC=1 ETH=2000"
API_ROLE = "mizan_api"
APPROVER_ROLE = "mizan_approver"
SIGNING_ROLES = ("mizan_signer", APPROVER_ROLE)


def usual_prices(told: dict[str, Any]) -> str:
    """Return the prices that are fixed where none are told: none in production, which has sources
    (`mizan prices`) or refuses. `told` are the settings before this one.
    """
    return DEVELOPMENT_PRICES if told.get("environment") == "development" else ""


class Settings(BaseSettings):
    """Everything a process must be told from outside.

    `CHAINS` names the nodes: `eip155:31337=http://127.0.0.1:8545`, several chains separated by
    spaces, several endpoints of one chain by `|` (http, https, or a node's own socket as
    `ipc:/path`). Endpoints stay out of the database, because their URLs carry access keys.
    `MIZAN_REMOTE_SIGNER` names in the same form who signs for a chain with keys that are in no
    keystore. What is public about a chain (contracts, assets, confirmations) is a row, written by
    `mizan chain add`.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    environment: Environment = Field("development", alias="MIZAN_ENV")
    home: Path = Field(Path(".mizan"), alias="MIZAN_HOME")
    database_url: str = Field("", alias="DATABASE_URL")
    database_role: str = Field("", alias="MIZAN_DATABASE_ROLE")
    redis_url: str = Field("", alias="REDIS_URL")
    chains: str = Field("", alias="CHAINS")
    base_url: str = Field("http://127.0.0.1:8000", alias="MIZAN_BASE_URL")
    fixed_prices: str = Field(default_factory=usual_prices, alias="MIZAN_FIXED_PRICES")
    hold_above_usd: int = Field(1_000, alias="MIZAN_HOLD_ABOVE_USD")
    book_delay_hours: float | None = Field(None, alias="MIZAN_BOOK_DELAY_HOURS", ge=0)
    cooling_off_hours: float | None = Field(None, alias="MIZAN_COOLING_OFF_HOURS", ge=0)
    cooling_off_proven_hours: float = Field(1, alias="MIZAN_COOLING_OFF_PROVEN_HOURS", ge=0)
    page_keys: Path | None = Field(None, alias="MIZAN_PAGE_KEYS")
    webhook_keys: SecretStr = Field(SecretStr(""), alias="MIZAN_WEBHOOK_KEYS")
    webhook_keys_file: Path | None = Field(None, alias="MIZAN_WEBHOOK_KEYS_FILE")
    lists: str = Field("", alias="MIZAN_WATCHLISTS")
    hold_days: int = Field(7, alias="MIZAN_HOLD_DAYS", ge=1)
    keystore: Path | None = Field(None, alias="MIZAN_KEYSTORE")
    keystore_password: SecretStr = Field(SecretStr(""), alias="MIZAN_KEYSTORE_PASSWORD")
    keystore_password_file: Path | None = Field(None, alias="MIZAN_KEYSTORE_PASSWORD_FILE")
    remote_signer: str = Field("", alias="MIZAN_REMOTE_SIGNER")
    approver: bool = Field(False, alias="MIZAN_APPROVER")
    approver_keystore: Path | None = Field(None, alias="MIZAN_APPROVER_KEYSTORE")
    approver_password: SecretStr = Field(SecretStr(""), alias="MIZAN_APPROVER_PASSWORD")
    approver_password_file: Path | None = Field(None, alias="MIZAN_APPROVER_PASSWORD_FILE")

    @property
    def keystore_secret(self) -> str:
        """What opens the keystore's files: given itself, or as a file that holds it."""
        return secret(self.keystore_password, self.keystore_password_file)

    @property
    def approver_secret(self) -> str:
        """What opens the approver's keystore, as `keystore_secret`."""
        return secret(self.approver_password, self.approver_password_file)

    @property
    def webhook_secret_keys(self) -> str:
        """What seals webhook secrets: keys in base64 separated by spaces, the first one seals."""
        return secret(self.webhook_keys, self.webhook_keys_file)

    @property
    def remote_signers(self) -> dict[str, str]:
        """The remote signer of each chain by CAIP-2 id, where one is named."""
        return dict(item.split("=", 1) for item in self.remote_signer.split())

    @property
    def development(self) -> bool:
        """True where test payments, loopback webhooks and the development keys are allowed."""
        return self.environment == "development"

    @property
    def watchlists(self) -> dict[str, str]:
        """Where each screening list is fetched from: a file or an https URL, by its name.

        "ofac=https://…/sdn_advanced.xml tokens:bad=/lists/bad.txt"; `tokens:` lists contracts.
        """
        return dict(item.split("=", 1) for item in self.lists.split())

    @property
    def screening_needed(self) -> bool:
        """True in production: without a list nothing leaves."""
        return not self.development

    @property
    def book_delay(self) -> timedelta:
        """How long loosening an address book waits: a day, in development no time."""
        return self._hours(self.book_delay_hours)

    @property
    def cooling_off(self) -> timedelta:
        """How long a first payment to an address waits: a day, in development no time."""
        return self._hours(self.cooling_off_hours)

    @property
    def cooling_off_proven(self) -> timedelta:
        """How long it waits when the address was proven."""
        return min(timedelta(hours=self.cooling_off_proven_hours), self.cooling_off)

    def _hours(self, given: float | None) -> timedelta:
        usual = 0 if self.development else 24
        return timedelta(hours=usual if given is None else given)

    @property
    def endpoints(self) -> dict[str, list[str]]:
        """The nodes of each chain by CAIP-2 id, in order of preference."""
        pairs = (item.split("=", 1) for item in self.chains.split())
        return {chain: urls.split("|") for chain, urls in pairs}

    @property
    def signs_only(self) -> bool:
        """True in signer and approver: they need no node, so they are told no access key of one."""
        return self.database_role in SIGNING_ROLES

    @model_validator(mode="after")
    def refuse_development_values_in_production(self) -> Self:
        """Raise ValueError where a production process would run on a guess or a public secret."""
        for name, value in (("CHAINS", self.chains), ("MIZAN_REMOTE_SIGNER", self.remote_signer)):
            for item in value.split():
                chain, equals, url = item.partition("=")
                if not equals or not url or not chain.startswith("eip155:"):
                    raise ValueError(f"{name}: {item!r} is not of the form eip155:<id>=<url>")
        if self.environment == "production":
            missing = [
                name
                for name, value in (
                    ("DATABASE_URL", self.database_url),
                    ("REDIS_URL", self.redis_url),
                    ("CHAINS", self.chains),
                )
                if not value and not (name == "CHAINS" and self.signs_only)
            ]
            if missing:
                raise ValueError(f"production needs {', '.join(missing)}")
            if self.database_role == API_ROLE and not self.webhook_secret_keys:
                raise ValueError("production needs MIZAN_WEBHOOK_KEYS: secrets are stored sealed")
            if not self.base_url.startswith("https://"):
                raise ValueError("production needs an https MIZAN_BASE_URL")
        if self.approver and self.approver_keystore is None and self.database_role == APPROVER_ROLE:
            raise ValueError("the approver needs MIZAN_APPROVER_KEYSTORE")
        return self


def secret(value: SecretStr, file: Path | None) -> str:
    """Return a secret that was given itself, or as a file that holds it."""
    return value.get_secret_value() if file is None else file.read_text().strip()


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return this process's settings, read from the environment on first use."""
    return Settings()
