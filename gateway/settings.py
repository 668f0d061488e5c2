"""One frozen Settings, read once; it refuses development values in production."""

from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

Environment = Literal["development", "production"]
SIGNER_ROLE = "mizan_signer"


class Settings(BaseSettings):
    """Everything a process must be told from outside.

    `CHAINS` names the nodes: `eip155:31337=http://127.0.0.1:8545`, several chains separated by
    spaces, several endpoints of one chain by `|`. Endpoints stay out of the database, because
    their URLs carry access keys. What is public about a chain (contracts, assets, confirmations)
    is a row, written by `mizan chain add`.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    environment: Environment = Field("development", alias="MIZAN_ENV")
    home: Path = Field(Path(".mizan"), alias="MIZAN_HOME")
    database_url: str = Field("", alias="DATABASE_URL")
    database_role: str = Field("", alias="MIZAN_DATABASE_ROLE")
    redis_url: str = Field("", alias="REDIS_URL")
    chains: str = Field("", alias="CHAINS")
    base_url: str = Field("http://127.0.0.1:8000", alias="MIZAN_BASE_URL")
    fixed_prices: str = Field("USDC=1 ETH=2000", alias="MIZAN_FIXED_PRICES")
    hold_above_usd: int = Field(1_000, alias="MIZAN_HOLD_ABOVE_USD")
    keystore: Path | None = Field(None, alias="MIZAN_KEYSTORE")
    keystore_password: SecretStr = Field(SecretStr(""), alias="MIZAN_KEYSTORE_PASSWORD")
    keystore_password_file: Path | None = Field(None, alias="MIZAN_KEYSTORE_PASSWORD_FILE")

    @property
    def keystore_secret(self) -> str:
        """What opens the keystore's files: given itself, or as a file that holds it."""
        if self.keystore_password_file is not None:
            return self.keystore_password_file.read_text().strip()
        return self.keystore_password.get_secret_value()

    @property
    def development(self) -> bool:
        """True where test payments, loopback webhooks and the development keys are allowed."""
        return self.environment == "development"

    @property
    def endpoints(self) -> dict[str, list[str]]:
        """The nodes of each chain by CAIP-2 id, in order of preference."""
        pairs = (item.split("=", 1) for item in self.chains.split())
        return {chain: urls.split("|") for chain, urls in pairs}

    @property
    def signs_only(self) -> bool:
        """True in the signer: it needs no node, so it is not told the access keys of one."""
        return self.database_role == SIGNER_ROLE

    @model_validator(mode="after")
    def refuse_development_values_in_production(self) -> Self:
        """Raise ValueError where a production process would run on a guess or a public secret."""
        for item in self.chains.split():
            chain, equals, url = item.partition("=")
            if not equals or not url or not chain.startswith("eip155:"):
                raise ValueError(f"CHAINS: {item!r} is not of the form eip155:<id>=<url>")
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
            if "fixed_prices" not in self.model_fields_set:
                raise ValueError("production needs MIZAN_FIXED_PRICES: a price is never guessed")
            if not self.base_url.startswith("https://"):
                raise ValueError("production needs an https MIZAN_BASE_URL")
        return self


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return this process's settings, read from the environment on first use."""
    return Settings()
