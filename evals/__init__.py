"""Our prompts held against labelled cases: recorded answers replayed without a network, new ones on demand."""
