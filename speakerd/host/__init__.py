"""What a daemon needs of its host: systemd, the journal, the key, the control socket. Imports nothing of ours."""
