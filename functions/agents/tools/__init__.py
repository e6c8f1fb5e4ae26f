"""What an agent may do beside thinking: each tool is a typed function, and its docstring is what the model reads."""
