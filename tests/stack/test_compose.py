"""docker-compose.yml is valid, names the processes `make run` starts, and spreads no secret."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from gateway.local import anvil, postgres
from gateway.local.environment import application_environment
from gateway.local.processes import (
    APPROVER_VARIABLES,
    KEYSTORE_VARIABLES,
    Application,
    applications,
)

ROOT = Path(__file__).parents[2]
# The Compose specification's schema, unchanged; its licence is beside it.
SCHEMA = Path(__file__).parent / "schema" / "compose-spec.json"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
IN_CONTAINER = applications("/var/lib/mizan", "0.0.0.0", 8000)
SECOND_KEY: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.approver.yml").read_text())
WITH_APPROVER = applications("/var/lib/mizan", "0.0.0.0", 8000, approver=True)
SERVERS = {"postgres", "redis", "anvil"}
WEBHOOK_KEYS = "MIZAN_WEBHOOK_KEYS"
PAGE_KEYS = "MIZAN_PAGE_KEYS"
each_application = pytest.mark.parametrize("application", IN_CONTAINER, ids=lambda item: item.name)


def test_the_file_satisfies_the_compose_specification() -> None:
    validator = Draft202012Validator(json.loads(SCHEMA.read_text()))
    assert [error.message for error in validator.iter_errors(COMPOSE)] == []


def test_the_services_are_the_processes_of_the_embedded_stack() -> None:
    names = {application.name for application in IN_CONTAINER}
    assert set(SERVICES) == names | SERVERS | {"migrate"}


@each_application
def test_a_service_runs_the_embedded_command(application: Application) -> None:
    assert SERVICES[application.name]["command"] == ["python", *application.arguments]


def test_no_server_writes_down_paths_that_are_secret() -> None:
    (api,) = (application for application in IN_CONTAINER if application.name == "api")
    assert "--no-access-log" in api.arguments  # /refund/{token} opens to whoever reads it


@each_application
def test_a_service_logs_in_as_its_own_role(application: Application) -> None:
    environment = SERVICES[application.name]["environment"]
    assert environment["MIZAN_DATABASE_ROLE"] == application.database_role
    assert f"//{application.database_role}:${{" in environment["DATABASE_URL"]


@each_application
def test_a_service_waits_for_the_migrations(application: Application) -> None:
    awaited = SERVICES[application.name]["depends_on"]["migrate"]
    assert awaited == {"condition": "service_completed_successfully"}


def test_anvil_has_the_embedded_options() -> None:
    words = [word for option in SERVICES["anvil"]["command"] for word in option.split("=")]
    assert words[: len(anvil.OPTIONS)] == list(anvil.OPTIONS)


def test_the_servers_have_the_embedded_versions() -> None:
    packages = json.loads((ROOT / "contracts" / "package.json").read_text())
    wanted = {
        version
        for kind in ("dependencies", "devDependencies", "optionalDependencies")
        for name, version in packages.get(kind, {}).items()
        if name.startswith("@foundry-rs/anvil")
    }
    assert wanted == {SERVICES["anvil"]["image"].rpartition(":v")[2]}
    assert SERVICES["postgres"]["image"].startswith(f"postgres:{postgres.MAJOR_VERSION}.")


def test_only_the_signer_has_the_keystore() -> None:
    for name, service in SERVICES.items():
        held = KEYSTORE_VARIABLES & set(service.get("environment", {}))
        secrets = set(service.get("secrets", ()))
        assert bool(held) == bool(secrets - {"page_keys"}) == (name == "signer")


def test_only_the_api_has_the_keys_of_the_payers_page() -> None:
    held = {name for name, one in SERVICES.items() if "page_keys" in one.get("secrets", ())}
    told = {name for name, one in SERVICES.items() if PAGE_KEYS in one.get("environment", {})}
    assert held == told == {"api"}
    assert SERVICES["api"]["environment"][PAGE_KEYS] == "/run/secrets/page_keys"


def test_only_api_and_deliverer_have_the_key_of_webhook_secrets() -> None:
    held = {name for name, one in SERVICES.items() if WEBHOOK_KEYS in one.get("environment", {})}
    assert held == {"api", "deliver"}
    for name in held:
        assert SERVICES[name]["environment"][WEBHOOK_KEYS].startswith(f"${{{WEBHOOK_KEYS}:?")
    told = {
        application.name
        for application in WITH_APPROVER
        if WEBHOOK_KEYS in application_environment(application, {}, {WEBHOOK_KEYS: "hidden"})
    }
    assert told == held


def test_only_the_api_publishes_a_port_and_the_signer_reaches_nothing_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["api"]
    assert SERVICES["signer"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_no_privilege_to_lose(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


def test_no_secret_is_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    variables = re.findall(r"\$\{(\w*(?:PASSWORD|KEYSTORE)\w*)(:\?)?", text)
    assert variables
    assert [name for name, required in variables if not required] == []


def test_the_second_keys_file_adds_its_process_alone() -> None:
    validator = Draft202012Validator(json.loads(SCHEMA.read_text()))
    assert [error.message for error in validator.iter_errors(SECOND_KEY)] == []
    (added,) = set(WITH_APPROVER) - set(IN_CONTAINER)
    assert set(SECOND_KEY["services"]) == {added.name} == {"approver"}
    service = SECOND_KEY["services"]["approver"]
    assert service["command"] == ["python", *added.arguments]
    assert service["networks"] == ["inside"]
    assert "ports" not in service
    environment = service["environment"]
    assert environment["MIZAN_DATABASE_ROLE"] == added.database_role == "mizan_approver"
    assert "//mizan_approver:${" in environment["DATABASE_URL"]
    assert not KEYSTORE_VARIABLES & set(environment)
    assert set(environment) & APPROVER_VARIABLES
    for name in ("read_only", "cap_drop", "security_opt", "depends_on", "tmpfs"):
        assert service[name] == SERVICES["signer"][name]


def test_neither_key_is_told_to_the_others_process() -> None:
    secrets = dict.fromkeys(KEYSTORE_VARIABLES | APPROVER_VARIABLES, "hidden")
    told = {
        application.name: set(application_environment(application, {}, secrets)) & set(secrets)
        for application in WITH_APPROVER
    }
    assert told.pop("signer") == KEYSTORE_VARIABLES
    assert told.pop("approver") == APPROVER_VARIABLES
    assert not any(told.values())


def test_a_process_inherits_no_secret_it_does_not_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIZAN_KEYSTORE_PASSWORD", "hidden")
    monkeypatch.setenv("CLOUD_TOKEN", "hidden")
    monkeypatch.setenv("MIZAN_FIXED_PRICES", "USDC=1")
    secrets = {"MIZAN_KEYSTORE": "/keys", "MIZAN_KEYSTORE_PASSWORD": "open"}
    for application in IN_CONTAINER:
        env = application_environment(application, {"REDIS_URL": "redis://"}, secrets)
        assert env["MIZAN_FIXED_PRICES"] == "USDC=1"
        assert env["MIZAN_DATABASE_ROLE"] == application.database_role
        assert "CLOUD_TOKEN" not in env
        held = env.get("MIZAN_KEYSTORE_PASSWORD")
        assert held == ("open" if application.name == "signer" else None)
