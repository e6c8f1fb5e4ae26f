"""The whole platform on one machine: `make run`.

An AWS emulator holds the tables, secrets and state machines; template.yaml is deployed into it as it is; the doors run
in one process behind a small API Gateway; the understudy plays the providers. Nothing here is deployed, and nothing
that is deployed knows of it: a door sees `AWS_ENDPOINT_URL` and no more.
"""
