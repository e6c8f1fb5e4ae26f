"""The people of a user pool: `make user` invites them, `make run` has one of its own, whom `make token` signs in."""

import secrets
from pathlib import Path
from typing import Any

from local.project import CannotStart, Project

SAMPLE = "ada@example.com"
GROUPS = ("writers", "admin")


def invite(cognito: Any, pool: str, name: str, group: str, *, mail: bool) -> str | None:
    """Put a person into a group; somebody new gets an invitation by mail, or without `mail` the password returned here.

    Raises CannotStart with the pool's reason.
    """
    password = None
    try:
        if not _known(cognito, pool, name):
            attributes = [{"Name": "email", "Value": name}, {"Name": "email_verified", "Value": "true"}]
            way = {"DesiredDeliveryMediums": ["EMAIL"]} if mail else {"MessageAction": "SUPPRESS"}
            cognito.admin_create_user(UserPoolId=pool, Username=name, UserAttributes=attributes, **way)
            if not mail:
                password = secrets.token_urlsafe(12)
                _set_password(cognito, pool, name, password)
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=group)
    except cognito.exceptions.ClientError as error:
        raise CannotStart(f"{name} cannot be put into {group}: {error.response['Error']['Message']}") from None
    return password


def sample(cognito: Any, pool: str, client: str, kept: Path) -> str:
    """The checkout's own person, in both groups: `name password`, as the file `kept` has it."""
    name, _, password = kept.read_text().strip().partition(" ") if kept.exists() else (SAMPLE, "", "")
    try:
        _signed_in(cognito, pool, client, name, password or "none yet")
    except cognito.exceptions.ClientError:  # a pool that was thrown away, for example
        for group in GROUPS:
            invite(cognito, pool, name, group, mail=False)
        password = secrets.token_urlsafe(12)
        _set_password(cognito, pool, name, password)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch(mode=0o600)
        kept.chmod(0o600)
        kept.write_text(f"{name} {password}\n")
    return f"{name} {password}"


def token(project: Project, cognito: Any) -> str:
    """An ID token of the checkout's own person, good for an hour. Raises CannotStart."""
    outputs = project.now_running()["outputs"]
    name, _, password = project.user.read_text().strip().partition(" ")
    found: str = _signed_in(cognito, outputs["UserPoolId"], outputs["UserPoolClientId"], name, password)["IdToken"]
    return found


def _known(cognito: Any, pool: str, name: str) -> bool:
    try:
        cognito.admin_get_user(UserPoolId=pool, Username=name)
    except cognito.exceptions.UserNotFoundException:
        return False
    return True


def _set_password(cognito: Any, pool: str, name: str, password: str) -> None:
    cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password=password, Permanent=True)


def _signed_in(cognito: Any, pool: str, client: str, name: str, password: str) -> dict[str, Any]:
    answer = cognito.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=client,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": password},
    )
    found: dict[str, Any] = answer["AuthenticationResult"]
    return found
