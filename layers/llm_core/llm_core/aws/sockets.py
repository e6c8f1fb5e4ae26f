"""Connections of the WebSocket API: a message to one of them, through API Gateway's management API."""

from __future__ import annotations

from botocore.exceptions import ClientError

from llm_core.aws import clients
from llm_core.errors import DreyError
from llm_core.settings import settings


class Gone(DreyError):
    """Nobody is at the other end any more."""

    code = "connection_gone"


class NotSent(DreyError):
    """Whether it arrived is not known; the same message may be sent again."""

    code = "message_not_sent"
    retryable = True


def post(connection: str, data: bytes) -> None:
    """One message to one connection. Raises Gone, NotSent."""
    try:
        clients.sockets(settings().need("live_endpoint")).post_to_connection(ConnectionId=connection, Data=data)
    except clients.FAILURES as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] in ("GoneException", "410"):
            raise Gone("This connection is closed.") from error
        raise NotSent(f"The connection cannot be reached ({type(error).__name__}).") from error
