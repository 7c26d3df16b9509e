"""What runs while a conversation lives: the session, its events, tool calls, guardrails and history."""
