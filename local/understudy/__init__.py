"""The understudy: one loopback server that stands in for Anthropic, OpenAI and Bedrock over their real wire protocols.

Deterministic in the request, honest about what it is, bookkeeping what it "sold", and it misbehaves on order.
"""
