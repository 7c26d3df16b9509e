"""What a program declares: agents, tools, handoffs, guardrails, hooks. No wire, no session."""
