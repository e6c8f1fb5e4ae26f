"""What the tools say and we do not follow: {finding: (reason, where)}, `where` empty for everywhere.

A finding that is not here fails; so does an entry that nobody finds any more.
"""

from __future__ import annotations

Reviewed = dict[str, tuple[str, set[str]]]

CHECKOV: Reviewed = {
    "CKV_AWS_18": ("access logs of buckets: only doors read them, and their log tells each request", set()),
    "CKV_AWS_21": ("versions: a run's texts are kept for 90 days and never changed", {"RunsBucket"}),
    "CKV_AWS_26": ("CloudWatch alone speaks to it, and only of 5xx figures", {"Alarms"}),
    "CKV_AWS_27": (
        "encrypted by SQS itself, SqsManagedSseEnabled, which it does not know",
        {"UndeliveredQueue"},
    ),
    "CKV_AWS_28": (
        "may be lost: sums, cached answers, health and sockets are made again",
        {"RollUpsTable", "ReuseTable", "HealthTable", "LiveTable"},
    ),
    "CKV_AWS_33": ("whoever may publish to SNS here, by kms:CallerAccount and kms:ViaService", {"ContentKey"}),
    "CKV_AWS_68": (
        "the firewall stands before the API, where money is; files cost nothing",
        {"Distribution"},
    ),
    "CKV_AWS_76": ("each request is in the log of the doors, with its id; metrics are on", {"Api"}),
    "CKV_AWS_86": ("access logs of the site would keep visitors' addresses", {"Distribution"}),
    "CKV_AWS_95": ("each message is in the log of the doors; metrics are on", {"LiveStage"}),
    "CKV_AWS_115": ("a new account can reserve nothing (docs/operations.md); GatewayChat has a parameter", set()),
    "CKV_AWS_116": ("what nobody waits for has a destination on failure; for the rest somebody waits", set()),
    "CKV_AWS_117": ("no VPC (docs/decisions/0002)", set()),
    "CKV_AWS_119": ("encrypted by KMS with the key that AWS manages: one of one's own is paid by request", set()),
    "CKV_AWS_120": (
        "the cache is ours and knows tenants (docs/decisions/0015); this is a server",
        {"Api"},
    ),
    "CKV_AWS_173": (
        "no secret is in an environment (tests/test_template.py), and Lambda encrypts it",
        set(),
    ),
    "CKV_AWS_174": ("TLS 1.2 of 2021 with a domain; CloudFront's own name has CloudFront's rule", {"Distribution"}),
    "CKV_AWS_192": ("nothing here is Java", {"Firewall"}),
}

BANDIT: Reviewed = {
    "B101": ("asserts that tell the type checker what is so; none guards anything", set()),
    "B105": ("a name that looks like a password, and is none", set()),
    "B310": ("pages of servers that were started here, on the loopback interface", set()),
    "B311": ("randomness of pauses and choices; secrets are made by `secrets`", set()),
    "B404": ("subprocess: the local run starts servers", set()),
    "B406": ("escaping only; nothing is parsed", set()),
    "B506": ("a SafeLoader with CloudFormation's short forms", {"local/template.py"}),
    "B603": ("no shell, and no word of a stranger among the arguments", set()),
    "B606": ("the same", set()),
    "B607": ("git and make of the developer", set()),
}

PARLIAMENT: Reviewed = {
    "RESOURCE_MISMATCH bedrock:InvokeModel": ("it wants every kind of model that there is; two are allowed", set()),
    "RESOURCE_MISMATCH dynamodb:ListStreams": ("SAM's policy of a stream's reader names the stream", set()),
    "RESOURCE_MISMATCH states:SendTaskFailure": ("SAM's callback policy names the machine", set()),
}
